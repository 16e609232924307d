"""What `doctor` says of the service that runs an agent: is it started, may it write, what is mounted.

An agent that a technician tries by hand may write where the service may not, and finds a disk that
is not there after the next boot.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agents.service.units import PLACES, Unit, has_mount, running
from agents.stores.files.mounts import PROC, read_mounts
from retention.checkup import Fact, amiss, fine, unknown

_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - looked for, not used
_SYSTEM = (Path("/usr"), Path("/boot"), Path("/efi"))
_KEPT = {
    "StateDirectory": Path("/var/lib"),
    "RuntimeDirectory": Path("/run"),
    "CacheDirectory": Path("/var/cache"),
    "LogsDirectory": Path("/var/log"),
}
_YES = frozenset({"1", "yes", "true", "on"})


def service(
    config: Path,
    roots: Sequence[tuple[Path, ...]],
    state: Path,
    *,
    places: Sequence[Path] = PLACES,
    proc: Path = PROC,
) -> Iterator[Fact]:
    """Look for the service of these settings. `roots`: see `Place.roots`; `state` is the agent's."""
    units = running(config, places)
    if not units:
        yield unknown(
            "service",
            f"No systemd service of this machine starts an agent with {config}.",
            why="After the next boot nobody may look, hold or erase.",
            remedy="Install the service (docs/services.md), or see that whatever starts it does.",
        )
    elif len(units) > 1:
        yield amiss(
            "service",
            f"{' and '.join(unit.name for unit in units)} start an agent with the same settings.",
            why="Two agents of one store contradict each other, and the enforcer freezes it.",
            remedy="Disable all but one.",
        )
    for unit in units:
        if len(units) == 1:
            yield _enabled(unit)
        yield from _writing(unit, [*roots, (state,)])
    written = [path for together in roots for path in together]
    yield from _mounting(written, units, places, proc)


def _enabled(unit: Unit) -> Fact:
    if unit.enabled:
        return fine("service", f"{unit.name} is started with the machine.")
    return amiss(
        "service",
        f"{unit.name} is not started with the machine.",
        why="After the next boot nobody looks, holds or erases.",
        remedy=f"systemctl enable --now {unit.name}",
    )


def _writing(unit: Unit, roots: Sequence[tuple[Path, ...]]) -> Iterator[Fact]:
    troubles = 0
    for together in roots:
        for path in together:
            # A database's log is made beside it.
            place = path.parent if path.is_file() else path
            if why := _forbidden(unit, place):
                troubles += 1
                yield _unwritable(unit, place, why)
        if len({_opened(unit, path) for path in together}) > 1:
            troubles += 1
            yield amiss(
                "service's rights",
                f"{' and '.join(map(str, together))} are different mounts to {unit.name}.",
                why="No hard link leads from one to the other, so no held file can be protected.",
                remedy="Name one directory in ReadWritePaths that holds both, and neither of them.",
            )
    if not troubles:
        yield fine("service's rights", f"{unit.name} may write in all that it looks after.")


def _unwritable(unit: Unit, path: Path, why: str) -> Fact:
    return amiss(
        "service's rights",
        f"{unit.name} cannot write in {path}: {why}.",
        why="It cannot erase there, whatever an agent that is started by hand can do.",
        remedy=f"`systemctl edit {unit.name}`, and below [Service] add ReadWritePaths={path}; what is "
        "hidden from it has to move.",
    )


def _forbidden(unit: Unit, path: Path) -> str:
    """Why a service cannot write here; empty if it can (systemd.exec(5), Sandboxing)."""
    return _hidden(unit, path) or ("" if _opened(unit, path) else _read_only(unit, path))


def _hidden(unit: Unit, path: Path) -> str:
    home, temporary = unit.last("ProtectHome"), unit.last("PrivateTmp")
    if _in_any(path, unit.paths("InaccessiblePaths")):
        return "InaccessiblePaths hides it"
    if home in _YES | {"tmpfs"} and _in_any(path, _HOMES):
        return "ProtectHome hides it"
    if temporary in _YES and _in_any(path, _TEMPORARY):
        return "PrivateTmp gives it another"
    return ""


def _read_only(unit: Unit, path: Path) -> str:
    system, home = unit.last("ProtectSystem"), unit.last("ProtectHome")
    if _in_any(path, unit.paths("ReadOnlyPaths")):
        return "ReadOnlyPaths names it"
    if home == "read-only" and _in_any(path, _HOMES):
        return "ProtectHome=read-only"
    if system == "strict":
        return "ProtectSystem=strict, and ReadWritePaths does not name it"
    guarded = (*_SYSTEM, Path("/etc")) if system == "full" else _SYSTEM
    if system in _YES | {"full"} and _in_any(path, guarded):
        return f"ProtectSystem={system}"
    return ""


def _opened(unit: Unit, path: Path) -> Path | None:
    """The path named for writing that this one lies in, the nearest; each is a mount of its own."""
    named = unit.paths("ReadWritePaths")
    named += [base / word for key, base in _KEPT.items() for word in unit.words(key)]
    around = [each for each in named if _within(path, each)]
    return max(around, key=lambda each: len(each.parts), default=None)


def _mounting(
    paths: Sequence[Path], units: Sequence[Unit], places: Sequence[Path], proc: Path
) -> Iterator[Fact]:
    """A disk that is there now has to be there after a boot, before the agent is."""
    points = [
        Path(mount.point.decode(errors="surrogateescape"))
        for mount in read_mounts((proc / "self/mountinfo").read_bytes())
    ]
    for path in paths:
        point = max((p for p in points if _within(path, p)), key=lambda p: len(p.parts))
        if point == Path("/"):
            continue
        if not has_mount(point, places):
            yield amiss(
                "mounted at boot",
                f"{path} lies on {point}, which is mounted by no unit and no line of fstab.",
                why="After the next boot it is not there: nothing is seen, held or erased.",
                remedy=f"Write {point} into /etc/fstab, and run `systemctl daemon-reload`.",
            )
        yield from (
            amiss(
                "mounted at boot",
                f"{unit.name} may be started before {point} is mounted.",
                why="It would look at an empty directory until it is started again.",
                remedy=f"`systemctl edit {unit.name}`, and below [Unit] add RequiresMountsFor={path}",
            )
            for unit in units
            if not any(_within(named, point) for named in unit.paths("RequiresMountsFor"))
        )


def _in_any(path: Path, others: Iterable[Path]) -> bool:
    return any(_within(path, other) for other in others)


def _within(path: Path, other: Path) -> bool:
    return path == other or other in path.parents
