"""MP3: a date in ID3v2 (2.3 and 2.4), and the length by its first frame (ISO/IEC 11172-3).

Most recorders tag nothing. A constant bit rate is a length by division; of a variable one the
`Xing` header tells the frames. We read both ourselves, as with WAVE.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from retention.probes.candidate import Finding, Span, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

_DATES = (b"TDRC", b"TDEN", b"TDTG")
"""Of the recording, the encoding, the tagging, as ISO 8601; only in 2.4."""
_OLD = MappingProxyType({b"TYER": "Y", b"TDAT": "dm", b"TIME": "HM"})
"""In 2.3 the year, day and month, hour and minute stand apart."""
_MOST_FRAMES = 128
_LONGEST_TEXT = 128
_SEARCHED_BYTES = 4096  # for the first frame of sound

_RATES = (44_100, 48_000, 32_000)
_KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def read_mp3(reader: Reader) -> Iterator[Finding]:
    """Yield the dates of the tag, then the length."""
    sound = 0
    if reader.exactly(0, 3) == b"ID3":
        sound = 10 + _sevens(reader.exactly(6, 4))
        yield from _tagged(reader, sound)
    yield from _length(reader, sound)


def _tagged(reader: Reader, end: int) -> Iterator[Finding]:
    major = reader.exactly(3, 1)[0]
    old: dict[str, str] = {}
    for name, text in _frames(reader, 10, end, major):
        if name in _DATES:
            written = fields_of(text.replace("T", " "))
            candidate = candidate_of(TimeSource.MP3, written, tag=name.decode())
            if candidate:
                yield candidate
        elif name in _OLD:
            old |= _apart(_OLD[name], text)
    candidate = candidate_of(TimeSource.MP3, old, tag="TYER TDAT TIME") if "Y" in old else None
    if candidate:
        yield candidate


def _frames(reader: Reader, offset: int, end: int, major: int) -> Iterator[tuple[bytes, str]]:
    """Yield the name and text of each frame that has one."""
    for _ in range(_MOST_FRAMES):
        if offset + 10 > end or major not in {3, 4}:
            return
        name, size = reader.exactly(offset, 4), reader.exactly(offset + 4, 4)
        length = _sevens(size) if major == 4 else int.from_bytes(size, "big")
        if not name.strip(b"\0") or not length:
            return  # padding
        if name.startswith(b"T"):
            content = reader.exactly(offset + 10, min(length, _LONGEST_TEXT, end - offset - 10))
            yield name, _decoded(content)
        offset += 10 + length


def _decoded(content: bytes) -> str:
    encodings = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
    encoding = encodings.get(content[0] if content else 0, "latin-1")
    return content[1:].decode(encoding, "replace").strip("\0 ")


def _apart(codes: str, text: str) -> Mapping[str, str]:
    width = 4 if codes == "Y" else 2
    if re.fullmatch(rf"\d{{{width * len(codes)}}}", text, re.ASCII) is None:
        return {}
    return {code: text[at * width : (at + 1) * width] for at, code in enumerate(codes)}


def _length(reader: Reader, sound: int) -> Iterator[Finding]:
    window = reader.exactly(sound, min(_SEARCHED_BYTES, max(reader.size - sound, 0)))
    for at in range(len(window) - 4):
        if window[at] == 0xFF and window[at + 1] & 0xE0 == 0xE0:
            seconds = _seconds(window[at:], reader.size - sound - at)
            if seconds:
                yield Span(seconds)
                return


def _seconds(frame: bytes, length: int) -> int:
    """How long sound that begins with this frame lasts, rounded up; 0 if it is no frame of layer 3."""
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3
    bits, rate = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or layer != 1 or bits in {0, 15} or rate == 3:
        return 0
    first = version == 3
    hertz = _RATES[rate] >> (0 if first else 1 if version == 2 else 2)
    kilobits = (_KILOBITS_1 if first else _KILOBITS_2)[bits]
    samples = 1152 if first else 576
    frames = _counted(frame)
    if frames:
        return -(-frames * samples // hertz)
    return -(-length * 8 // (kilobits * 1000))


def _counted(frame: bytes) -> int:
    """How many frames the encoder's own header says there are; 0 if it does not."""
    for name in (b"Xing", b"Info"):
        at = frame.find(name, 0, 64)
        if at >= 0 and len(frame) >= at + 12 and frame[at + 7] & 1:
            return int.from_bytes(frame[at + 8 : at + 12], "big")
    return 0


def _sevens(data: bytes) -> int:
    """A number of which each byte counts for seven bits."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value
