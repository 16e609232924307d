"""Which file belongs to which call: the patterns of recorders, and what their sidecars say.

A pattern says what a file is called and which part of that is the call's name, and it shows so by
examples of its own: settings whose examples do not match are refused when they are read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agents.stores import Part, Role
from retention.errors import ConfigError, MalformedError
from retention.probes import ByteSource, Finding
from retention.probes.name import NamePattern
from retention.probes.sidecar import Began
from retention.probes.source import Reader

CALL = "call"

_AUDIO = r"(?:wav|WAV|wav49|gsm|g722|ulaw|alaw|sln\d*|mp3|ogg|opus|m4a|flac)"
_DATE = r"\d{8}-\d{6}"
# Asterisk's, with the name of the system in front where one is set: seconds, then a counter.
_UNIQUEID = rf"(?P<{CALL}>(?:\w+-)?\d{{10}}\.\d+)"
_RTPENGINE = rf"(?P<{CALL}>.+)-[0-9a-f]{{16}}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one kind of file is called. With a `/` in it, it is for the whole path below the root."""

    role: Role
    expression: re.Pattern[bytes]
    began: Began | None = None

    def match(self, directory: bytes, title: bytes) -> Part | None:
        """What a file of this name is part of; None if it is of another kind."""
        path = directory + b"/" + title if directory else title
        found = self.expression.fullmatch(path if b"/" in self.expression.pattern else title)
        return None if found is None else Part(found[CALL], self.role)


class Recorders:
    """All patterns of a storage; the first that fits counts."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._patterns = tuple(patterns)

    def part(self, directory: bytes, title: bytes) -> Part | None:
        """What a file is part of; None: of nothing, it stands for itself."""
        found = self._find(directory, title)
        return None if found is None else found[1]

    def sidecar(self, directory: bytes, title: bytes, source: ByteSource) -> Sequence[Finding]:
        """What a file tells of the recording that it stands beside."""
        found = self._find(directory, title)
        if found is None or found[0].began is None:
            return ()
        return tuple(found[0].began.read(Reader(source)))

    def _find(self, directory: bytes, title: bytes) -> tuple[Pattern, Part] | None:
        for pattern in self._patterns:
            part = pattern.match(directory, title)
            if part is not None:
                return pattern, part
        return None


def pattern(
    role: Role,
    expression: str,
    *,
    examples: Mapping[str, str],
    others: Sequence[str] = (),
    began: Began | None = None,
) -> Pattern:
    """A pattern that does what its examples say; `ConfigError` if it does not.

    `examples` are paths and the call each is of, `others` paths that are none of its kind.
    """
    try:
        compiled = re.compile(expression.encode())
    except re.error as error:
        raise ConfigError(f"the pattern {expression!r} is none: {error}") from error
    if CALL not in compiled.groupindex:
        raise ConfigError(f"the pattern {expression!r} does not say which part is the (?P<{CALL}>)")
    if not examples:
        raise ConfigError(f"the pattern {expression!r} has no example")
    made = Pattern(role, compiled, began)
    for path, call in examples.items():
        part = made.match(*_split(path))
        if part is None:
            raise ConfigError(f"the pattern {expression!r} does not match its example {path!r}")
        if part.whole != call.encode():
            taken = part.whole.decode(errors="backslashreplace")
            raise ConfigError(
                f"the pattern {expression!r} takes {path!r} for part of {taken!r}, not of {call!r}"
            )
    for path in others:
        if made.match(*_split(path)) is not None:
            raise ConfigError(f"the pattern {expression!r} matches {path!r}, and should not")
    return made


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
        rf"(?:.*-)?{_DATE}-{_UNIQUEID}\.{_AUDIO}",
        examples={
            "20261122-031000-1795309800.17.wav": "1795309800.17",
            "rx-20261122-031000-1795309800.17.wav": "1795309800.17",
            "2026/11/22/out-67000000-101-20261122-031000-riga-1795309800.17.mp3": "riga-1795309800.17",
        },
        others=["notes.wav", "20261122-031000-1795309800.17.json"],
    ),
    pattern(
        Role.COMPANION,
        rf"(?:.*-)?{_DATE}-{_UNIQUEID}(?:[-._].*)?\.(?:json|xml|txt|csv|vtt|srt|png|dat)",
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
        began=Began(line=NamePattern.parse("Timestamp started ms: %s*")),
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
