"""Times as people say them at night: "03:10", a whole day, in the zone of the place.

A wall clock can show a time twice or never (the nights of a change of clocks). A hold must not
miss the right one, so every reading counts: what is said becomes the interval from the earliest
reading to the latest.
"""

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from retention.calendar import Instant, civil_date, parse_instant, start_of_day, to_instant
from retention.errors import ConfigError, MalformedError

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{1,2}[:.]\d{2})")
_ONE_DAY = timedelta(days=1)


class Interval(NamedTuple):
    """From `begins` to `ends`, both included."""

    begins: Instant
    ends: Instant


def around(text: str, zone: ZoneInfo, now: Instant) -> Interval:
    """The moment that is meant; a time without a date is the last one before `now`."""
    clock = _CLOCK.fullmatch(text.strip())
    if clock is None:
        return _dated(text, zone)
    meant = _time(text)
    day = civil_date(now, zone)
    while (found := _readings(day, meant, zone)).begins > now:
        day -= _ONE_DAY
    return found


def between(since: str, until: str, zone: ZoneInfo, now: Instant) -> Interval:
    """From one time to another; an end without a date is the first one after the beginning."""
    begins = around(since, zone, now).begins
    if _CLOCK.fullmatch(until.strip()) is None:
        ends = _dated(until, zone).ends
    else:
        ends = _first_after(begins, _time(until), zone)
    if ends < begins:
        raise ConfigError(f"{until} is before {since}")
    return Interval(begins, ends)


def _first_after(begins: Instant, meant: time, zone: ZoneInfo) -> Instant:
    day = civil_date(begins, zone)
    while (ends := _readings(day, meant, zone).ends) < begins:
        day += _ONE_DAY
    return ends


def _dated(text: str, zone: ZoneInfo) -> Interval:
    stripped = text.strip()
    if _DAY.fullmatch(stripped):
        return _whole(_day(stripped), zone)
    dated = _DATED.fullmatch(stripped)
    if dated is None:
        return _absolute(stripped)
    return _readings(_day(dated[1]), _time(dated[2]), zone)


def _whole(day: date, zone: ZoneInfo) -> Interval:
    """From its first second to its last; a day is as long as it is on the wall."""
    return Interval(start_of_day(day, zone), Instant(start_of_day(day + _ONE_DAY, zone) - 1))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"there is no day {text}") from error


def _absolute(text: str) -> Interval:
    try:
        instant = parse_instant(text)
    except MalformedError as error:
        raise ConfigError(
            f"{text!r} is no time: write 03:10, or 2026-01-15 for the whole day,"
            " or '2026-01-15 03:10', or 2026-01-15T03:10:00+02:00"
        ) from error
    return Interval(instant, instant)


def _time(text: str) -> time:
    hour, minute = re.split("[:.]", text.strip())
    try:
        return time(int(hour), int(minute))
    except ValueError as error:
        raise ConfigError(f"no clock shows {text.strip()}") from error


def _readings(day: date, clock: time, zone: ZoneInfo) -> Interval:
    wall = datetime.combine(day, clock, zone)
    both = to_instant(wall), to_instant(wall.replace(fold=1))
    return Interval(min(both), max(both))
