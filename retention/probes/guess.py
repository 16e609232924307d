"""What looks like a time in a name nobody declared a pattern for.

A wrong guess can only do harm by being early and plausible, so digits are taken for a time only
where little else could have written them. Eight digits alone are not: 20261122 is a Latvian
telephone number as well as a day, and calls are named by numbers.
"""

import re
from collections.abc import Iterator

from retention.probes.candidate import Candidate, TimeSource
from retention.probes.strptime import CODES, candidate_of


def _spell(expression: str) -> re.Pattern[bytes]:
    """Compile an expression in which strptime codes stand for groups of their name and digits."""
    for code, digits in CODES.items():
        expression = expression.replace(f"%{code}", f"(?P<{code}>{digits})")
    return re.compile(expression.encode())


_DATE = r"(?P<Y>20\d\d)(?P<dash>[-_.]{})%m(?P=dash)%d"
_TIME = r"%H(?P<colon>[-_.:]?)%M(?:(?P=colon)%S(?:\d{3})?)?"
# A minus and four digits are a counter as often as an offset, so a minus needs its colon.
_ZONE = r"(?P<z>Z|\+\d\d:?\d\d|-\d\d:\d\d)?"

_DATE_AND_TIME = _spell(rf"(?<!\d){_DATE.format('?')}[T_ .-]?{_TIME}{_ZONE}(?!\d)")
_DAY = _spell(rf"(?<!\d){_DATE.format('')}(?!\d)")
# 2011 to 2096: fewer numbers look like these, and an older recording is none of ours.
_UNIX = _spell(r"(?<!\d)(?P<s>1[3-9]\d{8}|[23]\d{9})(?:\d{3})?(?!\d)")
_DIRECTORIES = _spell(r"(?<![^/])(?P<Y>20\d\d)(?P<dash>[-_./]?)%m(?P=dash)%d(?:/%H(?=/)|(?=/))")


def guess_from_name(name: bytes) -> Iterator[Candidate]:
    """Yield what looks like a time in the base name; where there is none, what looks like a day.

    Known: 2026-11-22_03-10-00, 20261122T031000, 20261122031000 (each also without seconds or
    with milliseconds), unix seconds and milliseconds, and days such as 2026-11-22.
    """
    base = name.rpartition(b"/")[2]
    times = [
        *_found(TimeSource.NAME_GUESS, _DATE_AND_TIME, base, tag="date and time"),
        *_found(TimeSource.NAME_GUESS, _UNIX, base, tag="unix time"),
    ]
    yield from times or _found(TimeSource.NAME_GUESS, _DAY, base, tag="day")


def guess_from_directories(name: bytes) -> Iterator[Candidate]:
    """Yield what looks like a day in the directories: 2026/11/22/, 2026-11-22/, 20261122/.

    A directory 00 to 23 right below is taken for the hour.
    """
    return _found(TimeSource.DIRECTORY, _DIRECTORIES, name, tag="directory")


def _found(
    source: TimeSource, expression: re.Pattern[bytes], text: bytes, *, tag: str
) -> Iterator[Candidate]:
    for matched in expression.finditer(text):
        fields = {code: digits.decode() for code, digits in matched.groupdict().items() if digits}
        candidate = candidate_of(source, fields, tag=tag)
        if candidate:
            yield candidate
