"""strptime codes: how each looks in a name, and what moment a set of them makes.

Every textual time (a name, a directory, an EXIF field, an Apple key) is first taken apart into
codes and their digits, so that there is one place where digits become a candidate.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from retention.calendar import DAY
from retention.probes.candidate import Candidate, TimeSource, ZoneKnowledge

CODES: Mapping[str, str] = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"(?:0[1-9]|1[0-2])",
    "d": r"(?:0[1-9]|[12]\d|3[01])",
    "j": r"\d{3}",
    "H": r"(?:[01]\d|2[0-3])",
    "M": r"[0-5]\d",
    "S": r"(?:[0-5]\d|60)",  # a leap second, in case a recorder knows of them
    "f": r"\d{1,9}",
    "z": r"(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)",  # no place on Earth is further from UTC
    "s": r"\d{10}",  # 2001 to 2286; so `%s%f` and `%s*` read milliseconds too
}
"""strptime code -> regular expression of its digits."""

_WRITTEN = re.compile(
    r"\s*(?P<Y>\d{4})[:/.-](?P<m>\d{1,2})[:/.-](?P<d>\d{1,2})"
    r"(?:[T\s]\s*(?P<H>\d{1,2}):(?P<M>\d{1,2})(?::(?P<S>\d{1,2}))?(?:[.,]\d+)?"
    rf"\s*(?P<z>{CODES['z']})?)?",
    re.ASCII,
)
_SECONDS_LEFT_OPEN = (("s", 1), ("S", 1), ("M", 60), ("H", 3600), ("d", DAY), ("j", DAY))
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def fields_of(text: str) -> dict[str, str]:
    """Take apart a date that is written out: EXIF's `2026:11:22 03:10:00`, ISO 8601's, and kin.

    Returns no fields at all where there is no date; what follows the date is ignored.
    """
    matched = _WRITTEN.match(text)
    return {code: part for code, part in matched.groupdict().items() if part} if matched else {}


def candidate_of(source: TimeSource, fields: Mapping[str, str], *, tag: str) -> Candidate | None:
    """Make a candidate of codes and their text; None for no date, or one no calendar has.

    `fields` holds nothing, or s, or Y or y with m and d or with j, and as much of H, M, S and z as
    is known. A second 60 counts as 59 and fractions are dropped: a candidate is a whole second.
    """
    try:
        value = _moment(fields)
    except (KeyError, ValueError, OverflowError):
        return None
    zone = ZoneKnowledge.LOCAL if value.tzinfo is None else ZoneKnowledge.OFFSET
    precision = next(seconds for code, seconds in _SECONDS_LEFT_OPEN if code in fields)
    return Candidate(
        source,
        value,
        ZoneKnowledge.UTC if "s" in fields else zone,
        tag,
        precision_seconds=precision,
    )


def _moment(fields: Mapping[str, str]) -> datetime:
    """Put the fields together; raises Key-, Value- or OverflowError where they are no moment."""
    if "s" in fields:
        return UNIX_EPOCH + timedelta(seconds=int(fields["s"]))
    year = int(fields["Y"]) if "Y" in fields else 2000 + int(fields["y"])
    if "j" in fields:
        day = _day_of_year(year, int(fields["j"]))
    else:
        day = datetime(year, int(fields["m"]), int(fields["d"]))  # noqa: DTZ001 - wall time
    hour, minute, second = (int(fields.get(code, 0)) for code in "HMS")
    zone = _offset(fields["z"]) if "z" in fields else None
    return day.replace(hour=hour, minute=minute, second=second - second // 60, tzinfo=zone)


def _day_of_year(year: int, number: int) -> datetime:
    day = datetime(year, 1, 1) + timedelta(days=number - 1)  # noqa: DTZ001 - wall time
    if day.year != year:
        raise ValueError(f"{year} has no day {number}")
    return day


def _offset(text: str) -> timezone:
    """Read `+0200`, `+02:00`, `+02` or `Z`."""
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
