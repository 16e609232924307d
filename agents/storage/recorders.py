"""Which file belongs to which call: the patterns of recorders, and what names and sidecars tell.

A pattern says what a file is called, which part of that is the call's name and which are telephone
numbers, and it shows so by examples of its own: settings whose examples do not match are refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agents.stores import Part, Role
from retention.errors import ConfigError, MalformedError
from retention.probes import ByteSource, Finding, Telephone
from retention.probes.name import NamePattern
from retention.probes.sidecar import Sidecar
from retention.probes.source import Reader

CALL = "call"
#: How the names of groups begin that are numbers: one name can have several.
NUMBER = "number"

_AUDIO = r"(?:wav|WAV|wav49|gsm|g722|ulaw|alaw|sln\d*|mp3|ogg|opus|m4a|flac)"
_DATE = r"\d{8}-\d{6}"
# Asterisk's, with the name of the system in front where one is set: seconds, then a counter.
_UNIQUEID = rf"(?P<{CALL}>(?:\w+-)?\d{{10}}\.\d+)"
# FreePBX has in front what kind of call it was, and two of: number, extension, queue, "anonymous".
_ASTERISKS = (
    rf"(?:(?:.*-)?[a-z]+-(?P<{NUMBER}1>[^-]*)-(?P<{NUMBER}2>[^-]*)-|.*-)?{_DATE}-{_UNIQUEID}"
)
_RTPENGINE = rf"(?P<{CALL}>.+)-[0-9a-f]{{16}}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one kind of file is called. With a `/` in it, it is for the whole path below the root."""

    role: Role
    expression: re.Pattern[bytes]
    sidecar: Sidecar | None = None

    def match(self, directory: bytes, title: bytes) -> re.Match[bytes] | None:
        """How it fits a file's name; None if the file is of another kind."""
        path = directory + b"/" + title if directory else title
        return self.expression.fullmatch(path if b"/" in self.expression.pattern else title)


class Recorders:
    """All patterns of a storage; the first that fits counts."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._patterns = tuple(patterns)

    def part(self, directory: bytes, title: bytes) -> Part | None:
        """What a file is part of; None: of nothing, it stands for itself."""
        for pattern, found in self._found(directory, title):
            return Part(found[CALL], pattern.role)
        return None

    def told(self, directory: bytes, title: bytes, source: ByteSource) -> Sequence[Finding]:
        """What a file tells of its call: its name of who spoke, a sidecar also of when that began."""
        for pattern, found in self._found(directory, title):
            told = () if pattern.sidecar is None else pattern.sidecar.read(Reader(source))
            return (*_numbers(found), *told)
        return ()

    def _found(self, directory: bytes, title: bytes) -> Iterator[tuple[Pattern, re.Match[bytes]]]:
        for pattern in self._patterns:
            found = pattern.match(directory, title)
            if found is not None:
                yield pattern, found


def _numbers(found: re.Match[bytes]) -> Iterator[Telephone]:
    for name, written in found.groupdict().items():
        if name.startswith(NUMBER) and written:
            yield Telephone(written.decode(errors="replace"))


def pattern(
    role: Role,
    expression: str,
    *,
    examples: Mapping[str, str],
    others: Sequence[str] = (),
    sidecar: Sidecar | None = None,
) -> Pattern:
    """A pattern that does what its examples say; `ConfigError` if it does not.

    `examples` are paths and the call each is of, `others` paths that are none of its kind.
    """
    compiled = expression_of(expression)
    if CALL not in compiled.groupindex:
        raise ConfigError(f"the pattern {expression!r} does not say which part is the (?P<{CALL}>)")
    if not examples:
        raise ConfigError(f"the pattern {expression!r} has no example")
    made = Pattern(role, compiled, sidecar)
    for path, call in examples.items():
        found = made.match(*_split(path))
        if found is None:
            raise ConfigError(f"the pattern {expression!r} does not match its example {path!r}")
        if found[CALL] != call.encode():
            taken = found[CALL].decode(errors="backslashreplace")
            raise ConfigError(
                f"the pattern {expression!r} takes {path!r} for part of {taken!r}, not of {call!r}"
            )
    for path in others:
        if made.match(*_split(path)) is not None:
            raise ConfigError(f"the pattern {expression!r} matches {path!r}, and should not")
    return made


def expression_of(text: str) -> re.Pattern[bytes]:
    """A regular expression; `ConfigError` if it is none."""
    try:
        return re.compile(text.encode())
    except re.error as error:
        raise ConfigError(f"the pattern {text!r} is none: {error}") from error


def time_pattern(text: str) -> NamePattern:
    """How a time is written, or the line that it stands in; `ConfigError` if it makes none."""
    try:
        return NamePattern.parse(text)
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def _split(path: str) -> tuple[bytes, bytes]:
    directory, _, title = path.encode().rpartition(b"/")
    return directory, title


_ASTERISK = (
    pattern(
        Role.RECORDING,
        rf"{_ASTERISKS}\.{_AUDIO}",
        examples={
            "20261122-031000-1795309800.17.wav": "1795309800.17",
            "rx-20261122-031000-1795309800.17.wav": "1795309800.17",
            "2026/11/22/out-67000000-101-20261122-031000-riga-1795309800.17.mp3": "riga-1795309800.17",
        },
        others=["notes.wav", "20261122-031000-1795309800.17.json"],
    ),
    pattern(
        Role.COMPANION,
        rf"{_ASTERISKS}(?:[-._].*)?\.(?:json|xml|txt|csv|vtt|srt|png|dat)",
        examples={
            "20261122-031000-1795309800.17.json": "1795309800.17",
            "20261122-031000-1795309800.17-transcript.txt": "1795309800.17",
            "20261122-031000-1795309800.17.wav.png": "1795309800.17",
        },
        others=["20261122-031000-1795309800.17.wav", "readme.txt"],
    ),
)
_OF_RTPENGINE = (
    pattern(
        Role.RECORDING,
        rf"{_RTPENGINE}(?:-mix|-\d+)?\.(?:pcap|wav|mp3)",
        examples={
            "pcaps/9bffd5a57bbaeafe-00791e29e2d5fc0c.pcap": "9bffd5a57bbaeafe",
            "9bffd5a5%40centre-00791e29e2d5fc0c-mix.wav": "9bffd5a5%40centre",
        },
        others=["metadata/rtpengine-meta-9bffd5a57bbaeafe-00791e29e2d5fc0c.txt"],
    ),
    pattern(
        Role.COMPANION,
        rf"rtpengine-meta-{_RTPENGINE}\.txt",
        examples={
            "metadata/rtpengine-meta-9bffd5a57bbaeafe-00791e29e2d5fc0c.txt": "9bffd5a57bbaeafe"
        },
        sidecar=Sidecar(
            line=NamePattern.parse("Timestamp started ms: %s*"),
            number=re.compile(
                rb"(?:^|\|)(?:from|to|caller|callee|src|dst):([^|\r\n]+)", re.MULTILINE
            ),
        ),
    ),
)
_BARESIP = (
    pattern(
        Role.RECORDING,
        rf"dump-(?P<{CALL}>\d{{4}}(?:-\d\d){{5}})-(?:enc|dec)\.wav",
        examples={
            "dump-2026-11-22-03-10-00-dec.wav": "2026-11-22-03-10-00",
            "dump-2026-11-22-03-10-00-enc.wav": "2026-11-22-03-10-00",
        },
        others=["dump.wav"],
    ),
)

BUILT_IN: Mapping[str, tuple[Pattern, ...]] = MappingProxyType(
    {"asterisk": _ASTERISK, "rtpengine": _OF_RTPENGINE, "baresip": _BARESIP}
)
"""Recorders whose files are known by heart: MixMonitor's, the proxy's, the telephone's."""
