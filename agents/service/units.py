"""The systemd services of this machine that run an agent, as their files say (systemd.unit(5)).

What a service may write is decided by the kernel when it is started, and found out when something
is due: it is read here before. Only files are read, so that it can be asked of a machine's image.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

#: Where units lie; of two with one name the first counts.
PLACES = tuple(
    Path(each)
    for each in (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/run/systemd/generator",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
    )
)
_LINE = re.compile(r"^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$")


class Unit(NamedTuple):
    """A service: its name, what it says, and whether it is started with the machine."""

    name: str
    said: Mapping[str, Sequence[str]]
    enabled: bool

    def words(self, setting: str) -> list[str]:
        """Every word of a setting that is a list."""
        return [word for line in self.said.get(setting, ()) for word in line.split()]

    def last(self, setting: str) -> str:
        """What a setting says that is one value; empty if it says nothing."""
        return (self.said.get(setting) or ("",))[-1]

    def paths(self, setting: str) -> list[Path]:
        """Paths of a list, without what may be missing (`-`) or is relative to the root (`+`)."""
        return [Path(word.lstrip("-+")) for word in self.words(setting)]


def running(config: Path, places: Sequence[Path] = PLACES) -> list[Unit]:
    """The services that start an agent with these settings.

    A template would start any; its instance counts if it is enabled, or if nothing else would.
    """
    able = [
        unit
        for name in _names(places, config.stem)
        if str(config) in (unit := _read(name, places)).words("ExecStart")
    ]
    return [unit for unit in able if unit.enabled or "@" not in unit.name] or able


def has_mount(point: Path, places: Sequence[Path] = PLACES) -> bool:
    """Whether a unit mounts something there, as one is made of each line of fstab at boot."""
    name = f"{escaped(point)}.mount"
    return any((place / name).exists() for place in places)


def escaped(path: Path) -> str:
    """A path as it is written in the name of a unit; see systemd-escape(1)."""
    text = str(path).strip("/")
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in ":_./" else _hex(c) for c in text)
    return plain.replace("/", "-") or "-"


def _hex(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _names(places: Iterable[Path], instance: str) -> list[str]:
    """Names of services; a template counts as the instance that has the name of the settings."""
    found = {path.name for place in places for path in place.glob("*.service")}
    made = {name.replace("@.", f"@{instance}.") for name in found}
    return sorted(made)


def _read(name: str, places: Sequence[Path]) -> Unit:
    """A unit with what is dropped into it; an empty value begins a list anew."""
    template = re.sub(r"@[^.]*\.", "@.", name)
    instance = name.partition("@")[2].removesuffix(".service")
    said: dict[str, list[str]] = {}
    for path in [*_first(places, [name, template]), *_dropped(places, [template, name])]:
        for setting, value in _settings(path):
            expanded = value.replace("%i", instance).replace("%I", instance)
            said[setting] = [*said.get(setting, []), expanded] if value else []
    enabled = any(
        (wants / name).is_symlink() for place in places for wants in place.glob("*.wants")
    )
    return Unit(name, said, enabled)


def _first(places: Iterable[Path], names: Sequence[str]) -> list[Path]:
    return [path for name in names for place in places if (path := place / name).is_file()][:1]


def _dropped(places: Sequence[Path], names: Iterable[str]) -> list[Path]:
    found: dict[str, Path] = {}
    for name in dict.fromkeys(names):
        for place in reversed(places):
            found |= {path.name: path for path in place.glob(f"{name}.d/*.conf")}
    return [found[name] for name in sorted(found)]


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(errors="replace").replace("\\\n", " ")
    for line in text.splitlines():
        if found := _LINE.match(line):
            yield found[1], found[2]
