"""Who else is seen to delete in a tree: rules of this machine that name it, or what it lies in.

What is erased behind our back is a loss where it is held. Only what is written in these places is
seen: a script that they call, and whoever comes over the network, is not.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from retention.checkup import Fact, amiss, unknown

#: Where a kind of deleter is told what to do; of files with one name in several, the first counts.
DELETERS: Mapping[str, tuple[Path, ...]] = {
    "cron": tuple(
        Path(each)
        for each in (
            "/etc/crontab",
            "/etc/cron.d",
            "/etc/cron.hourly",
            "/etc/cron.daily",
            "/etc/cron.weekly",
            "/etc/cron.monthly",
            "/var/spool/cron/crontabs",
        )
    ),
    "logrotate": (Path("/etc/logrotate.d"), Path("/etc/logrotate.conf")),
    "motion": (Path("/etc/motion"),),
    "systemd": (Path("/etc/systemd/system"),),
    "tmpfiles": (Path("/etc/tmpfiles.d"), Path("/run/tmpfiles.d"), Path("/usr/lib/tmpfiles.d")),
    "tmpreaper": (Path("/etc/tmpreaper.conf"),),
}

_DELETES = re.compile(r"(?<![\w/-])(?:/\S*/)?(?:rm|unlink|shred|tmpreaper|tmpwatch)\s|\s-delete\b")
_PATH = re.compile(r"/[^\s'\";:,*?{}()$]+")
_AT_EVENTS = re.compile(r"^on_\w+\s+(.*)$", re.MULTILINE)
_EVERYWHERE = 2
"""`/srv` and shorter are named for a thousand reasons."""

_AGE = 5
"""Which word of a line of tmpfiles.d says how old a file may become."""

Names = Callable[[str], bool]


def deleting(root: bytes, places: Mapping[str, tuple[Path, ...]] = DELETERS) -> Iterator[Fact]:
    """A fact for each rule that may delete here, and for each that cannot be read."""
    here = os.fsdecode(os.path.realpath(root))
    judges: dict[str, Callable[[str, Names], bool]] = {
        "motion": _motion,
        "tmpfiles": _tmpfiles,
        "logrotate": _named,
        "tmpreaper": _named,
    }
    for kind, paths in places.items():
        judge = judges.get(kind, _scripted)
        for path in _files(kind, paths):
            try:
                text = _without_comments(path.read_text(errors="replace"))
            except OSError as error:
                yield unknown(
                    "other deleters",
                    f"{path} cannot be read ({error.strerror}).",
                    why="So what it deletes is not known.",
                    remedy="Run `doctor` as a user who may read it, or read it yourself.",
                )
                continue
            if judge(text, lambda named: _concerns(named, here)):
                yield amiss(
                    "other deleters",
                    f"{path} ({kind}) may delete or pack files here.",
                    why="It knows no hold and no calendar: it deletes held ones, and others early.",
                    remedy="Take this root out of it.",
                )


def _files(kind: str, paths: tuple[Path, ...]) -> Iterator[Path]:
    seen = set()
    for path in paths:
        found = [path] if path.is_file() else sorted(path.glob("*")) if path.is_dir() else []
        for each in found:
            if each.is_file() and not (kind == "tmpfiles" and each.name in seen):
                seen.add(each.name)
                yield each


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))


def _concerns(named: str, here: str) -> bool:
    """Whether a path is the root, lies below it, or holds it and is more than a corner of the system."""
    path = os.path.normpath(named)
    if path == here or path.startswith(here + "/"):
        return True
    return path.count("/") >= _EVERYWHERE and here.startswith(path + "/")


def _named(text: str, concerns: Names) -> bool:
    return any(map(concerns, _PATH.findall(text)))


def _scripted(text: str, concerns: Names) -> bool:
    return bool(_DELETES.search(text)) and _named(text, concerns)


def _motion(text: str, _concerns: Names) -> bool:
    """What motion runs at its events: the names of files come as %f, and name no directory."""
    return any(_DELETES.search(command) for command in _AT_EVENTS.findall(text))


def _tmpfiles(text: str, concerns: Names) -> bool:
    """Look for lines with an age, or that remove: see tmpfiles.d(5)."""
    lines = (line.split() for line in text.splitlines() if line.strip())
    return any(
        len(line) > 1
        and (line[0][0] in "rRD" or (line[_AGE:] and line[_AGE] != "-"))
        and _named(line[1], concerns)
        for line in lines
    )
