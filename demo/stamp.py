"""Gives a real recording another date, in place, as if its recorder had written it then.

Dates in JPEG, MP4 and Matroska files have a fixed width, so that no length and no offset in the
file changes. Nothing of the product takes part: what it later reads here was written by others.
A file without a date to overwrite is a ValueError.
"""

import re
from datetime import UTC, datetime, timedelta

_EXIF_DATE = re.compile(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d\0")
_EXIF_OFFSET = re.compile(rb"[+-]\d\d:\d\d\0")
_EXIF_HOURS = re.compile(rb"\x88\x2a\0\x08\0\0\0\x01..", re.DOTALL)  # big-endian, as motion writes
_MATROSKA_DATE = re.compile(rb"\x44\x61\x88.{8}", re.DOTALL)
_1904 = datetime(1904, 1, 1, tzinfo=UTC)
_2001 = datetime(2001, 1, 1, tzinfo=UTC)


def stamp_jpeg(data: bytes, moment: datetime) -> bytes:
    """Overwrite every date and every offset in the EXIF segment with an aware moment's."""
    begin = data.index(b"Exif\0\0")
    end = begin - 2 + int.from_bytes(data[begin - 2 : begin], "big")
    exif = _replace(_EXIF_DATE, data[begin:end], _text(f"{moment:%Y:%m:%d %H:%M:%S}"))
    exif = _EXIF_OFFSET.sub(lambda _: _text(moment.isoformat()[-6:]), exif)
    exif = _EXIF_HOURS.sub(lambda found: found[0][:8] + _hours(moment), exif)
    return data[:begin] + exif + data[end:]


def stamp_mp4(data: bytes, moment: datetime) -> bytes:
    """Overwrite the movie header's creation and modification time."""
    start = data.index(b"mvhd") + 4
    width = 8 if data[start] == 1 else 4
    seconds = (moment - _1904) // timedelta(seconds=1)
    end = start + 4 + 2 * width
    return data[: start + 4] + seconds.to_bytes(width, "big") * 2 + data[end:]


def stamp_mkv(data: bytes, moment: datetime) -> bytes:
    """Overwrite DateUTC."""
    nanoseconds = (moment - _2001) // timedelta(microseconds=1) * 1000
    return _replace(
        _MATROSKA_DATE, data, b"\x44\x61\x88" + nanoseconds.to_bytes(8, "big", signed=True), most=1
    )


def _replace(pattern: re.Pattern[bytes], data: bytes, new: bytes, *, most: int = 0) -> bytes:
    stamped, count = pattern.subn(lambda _: new, data, most)
    if not count:
        raise ValueError("The recording has no date to overwrite.")
    return stamped


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _hours(moment: datetime) -> bytes:
    """Return the offset in whole hours, which is all that motion's field can say."""
    hours, rest = divmod(moment.utcoffset() or timedelta(), timedelta(hours=1))
    if rest:
        raise ValueError("The recording's offset field has whole hours only.")
    return hours.to_bytes(2, "big", signed=True)
