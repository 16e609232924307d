"""EXIF of a JPEG (CIPA DC-008): when it was taken, digitised and changed, and in which zone.

The directories are read by exifread, out of the one segment that holds them and under an
allowance: it was made for photographs, not for files that wish it ill.
"""

import io
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import exifread

from retention.errors import MalformedError
from retention.probes.candidate import Candidate, TimeSource
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

# It warns of every odd tag; a broken file is a candidate less, not a line in the log.
logging.getLogger("exifread").disabled = True

_HEADER = b"Exif\0\0"
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # TEM, RST0-7, SOI: markers without a length
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1

# Date, the offset that belongs to it, and its place in TIFF/EP's pair of TimeZoneOffset.
_DATES = (
    ("DateTimeOriginal", "OffsetTimeOriginal", 0),
    ("DateTimeDigitized", "OffsetTimeDigitized", 0),
    ("DateTime", "OffsetTime", -1),
)
_OFFSET = re.compile(r"\s*(?P<z>Z|[+-]\d\d:?\d\d)", re.ASCII)

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
        elif code in _STANDALONE:
            offset += 2
        elif code in (_START_OF_SCAN, _END_OF_IMAGE):
            return b""
        else:
            length = int.from_bytes(reader.exactly(offset + 2, 2), "big")
            if code == _APP1 and reader.exactly(offset + 4, len(_HEADER)) == _HEADER:
                return reader.exactly(offset + 4, length - 2)[len(_HEADER) :]
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
    """Read all tags but maker notes and thumbnails."""
    if not segment:
        return {}
    try:
        tags: _Tags = exifread.process_file(
            _Allowance(segment), details=False, extract_thumbnail=False
        )
    except Exception as exc:
        raise MalformedError("The EXIF directories are broken.") from exc
    return tags


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
