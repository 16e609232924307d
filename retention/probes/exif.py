"""EXIF of a JPEG (CIPA DC-008): when it was taken, digitised and changed, and in which zone.

exifread decodes the directories. It was made for photographs, not for files that wish it ill: it
is given the one segment that holds them, each of the two directories that hold dates by itself,
and an allowance. So a broken tag costs what stands behind it, not what stood before.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from exifread.core.exif_header import ExifHeader
from exifread.exif_log import get_logger

from retention.errors import MalformedError
from retention.probes.candidate import Candidate, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import CODES, candidate_of, fields_of

# It warns of every odd tag; a broken file is a candidate less, not a line in the log.
get_logger().disabled = True

_HEADER = b"Exif\0"  # and one byte more, 0 in any honest file
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1

# Date, the offset that belongs to it, and its place in TIFF/EP's pair of TimeZoneOffset.
_DATES = (
    ("DateTimeOriginal", "OffsetTimeOriginal", 0),
    ("DateTimeDigitized", "OffsetTimeDigitized", 0),
    ("DateTime", "OffsetTime", -1),
)
_OFFSET = re.compile(rf"\s*(?P<z>{CODES['z']})", re.ASCII)

_Tags = Mapping[str, Any]


def read_exif(reader: Reader) -> Iterator[Candidate]:
    """Yield the dates of a JPEG, the original one first.

    The zone is OffsetTime* where written, else TimeZoneOffset (whole hours; TIFF/EP, and motion),
    else the recorder's own wall time.
    """
    tags = _tags(_segment(reader))
    for date, offset, place in _DATES:
        fields = fields_of(_text(tags, date))
        if "H" in fields:
            fields |= _zone(tags, offset, place)
        candidate = candidate_of(TimeSource.EXIF, fields, tag=date)
        if candidate:
            yield candidate


def _zone(tags: _Tags, offset: str, place: int) -> dict[str, str]:
    """Return the field z, if the file has it anywhere."""
    matched = _OFFSET.match(_text(tags, offset))
    return matched.groupdict() if matched else _whole_hours(tags, place)


def _segment(reader: Reader) -> bytes:
    """Return the TIFF structure inside the first APP1 segment that is EXIF's."""
    offset = 2
    while True:
        marker, code = reader.exactly(offset, 2)
        if marker != 0xFF:
            raise MalformedError("A JPEG segment does not begin with a marker.")
        if code == 0xFF:  # fill
            offset += 1
        elif code in (_START_OF_SCAN, _END_OF_IMAGE):
            return b""
        else:
            length = int.from_bytes(reader.exactly(offset + 2, 2), "big")
            if code == _APP1 and reader.exactly(offset + 4, len(_HEADER)) == _HEADER:
                return reader.exactly(offset + 4, length - 2)[len(_HEADER) + 1 :]
            offset += 2 + max(length, 2)


class _Allowance(io.BytesIO):
    """A segment that may be read only so often: its directories can point at each other for ever."""

    reads_left = 20_000
    bytes_left = 1 << 20

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, as long as the allowance lasts."""
        data = super().read(size)
        self.reads_left -= 1
        self.bytes_left -= len(data)
        if self.reads_left < 0 or self.bytes_left < 0:
            raise MalformedError("EXIF asks for more reading than any camera's does.")
        return data


def _tags(segment: bytes) -> _Tags:
    """Read the image's directory, and EXIF's own, to which the first one points."""
    tags: dict[str, Any] = {}
    _read_directory(segment, tags, "Image", lambda header: header.s2n(4, 4))
    _read_directory(segment, tags, "EXIF", lambda _: tags["Image ExifOffset"].values[0])
    return tags


def _read_directory(
    segment: bytes, tags: dict[str, Any], name: str, place: Callable[[ExifHeader], int]
) -> None:
    """Add a directory's tags, as far as they can be read, maker notes left out."""
    header = ExifHeader(
        _Allowance(segment),
        endian=segment[:1].decode("latin-1"),
        offset=0,
        fake_exif=0,
        strict=False,
        detailed=False,
    )
    header.tags = tags
    # What it raises on hostile bytes is in nobody's contract.
    with suppress(Exception):
        header.dump_ifd(place(header), name)


def _values(tags: _Tags, name: str) -> Any:
    """Return a tag's values wherever it stands: some recorders write all of them into the first IFD."""
    for directory in ("EXIF", "Image"):
        if f"{directory} {name}" in tags:
            return tags[f"{directory} {name}"].values
    return ""


def _text(tags: _Tags, name: str) -> str:
    """Return a tag as text, whatever type it was written in."""
    values = _values(tags, name)
    if isinstance(values, list):
        values = bytes(value for value in values if isinstance(value, int) and 0 < value < 256)
    return values.decode("latin-1") if isinstance(values, bytes) else str(values)


def _whole_hours(tags: _Tags, place: int) -> dict[str, str]:
    """Return TimeZoneOffset (signed hours east of Greenwich) as the field z; nothing if absurd."""
    values = _values(tags, "TimeZoneOffset")
    if not values or not isinstance(values, list) or not isinstance(values[place], int):
        return {}
    hours = values[place]
    return {"z": f"{hours:+03d}:00"} if -12 <= hours <= 14 else {}
