"""When a recording must be gone, in calm zones and in those whose midnights go missing."""

import csv
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.calendar import (
    DAY,
    Instant,
    Limits,
    Period,
    civil_date,
    delete_through,
    iso,
    limit_through,
    limits,
    parse_instant,
    start_of_day,
    to_instant,
)
from retention.errors import MalformedError, PeriodError

HOUR = 3_600
LEAD = 18 * HOUR
ONE_DAY = timedelta(days=1)
RIGA = ZoneInfo("Europe/Riga")
SPAN = (date(2020, 1, 1), date(2040, 12, 31))
ZONES = {
    name: ZoneInfo(name)
    for name in (
        "Europe/Riga",
        "Australia/Sydney",  # southern
        "Australia/Lord_Howe",  # changes by half an hour
        "America/Santiago",  # southern, midnight skipped in spring, D-1 repeated from 24:00
        "Asia/Beirut",  # midnight skipped
        "Africa/Cairo",  # midnight skipped, since 2023
        "America/Asuncion",  # midnight skipped until 2024, then no change any more
        "America/Havana",  # midnight skipped in spring and twice in autumn
        "Antarctica/Casey",  # irregular jumps of three hours
        "Asia/Tashkent",  # never changes
    )
}
PERIODS = [Period.parse(text) for text in ("P1D", "P60D", "P8W", "P1M", "P6M", "P18M", "P3Y")]

CASES = list(
    csv.DictReader((Path(__file__).parent / "calendar-cases.csv").read_text("utf-8").splitlines())
)

days = st.dates(*SPAN)
zones = st.sampled_from(list(ZONES.values()))
leads = st.integers(0, 3 * DAY)
periods = st.builds(Period, st.integers(1, 1_200), st.sampled_from("DWM")) | st.builds(
    Period, st.integers(1, 100), st.just("Y")
)


def offset_changes(zone: ZoneInfo) -> Iterator[Instant]:
    """Every first second of a new UTC offset, found by halving the days on which it differs."""

    def offset(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, zone).utcoffset()

    begin, end = (start_of_day(day, zone) for day in SPAN)
    for before in range(begin, end, DAY):
        low, high = before, before + DAY
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        yield Instant(high)


def days_near_changes(zone: ZoneInfo, period: Period) -> set[date]:
    """Days whose own start, or whose period's end, lies beside a change of the offset."""
    near = set()
    for change in offset_changes(zone) if zone.key != "Asia/Tashkent" else [to_instant(ANY_TIME)]:
        on = civil_date(change, zone)
        for middle in (on, period.before(on)):
            near |= {middle + n * ONE_DAY for n in range(-3, 5)}
    return near


ANY_TIME = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_worked_examples_hold_to_the_second_and_the_offset(case):
    zone = ZoneInfo(case["zone"])
    day = civil_date(parse_instant(case["anchor"]), zone)

    found = limits(day, Period.parse(case["period"]), zone, LEAD)

    assert case["civil_date"] == found.civil_date.isoformat()
    assert case["due_at_lead_18h"] == iso(found.due_at, zone)
    assert case["must_be_gone_by"] == iso(found.must_be_gone_by, zone)
    assert case["outer_bound"] == iso(found.outer_bound, zone)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_worked_examples_become_due_at_that_second_and_not_before(case):
    zone, period = ZoneInfo(case["zone"]), Period.parse(case["period"])
    day, due_at = date.fromisoformat(case["civil_date"]), parse_instant(case["due_at_lead_18h"])

    assert day <= delete_through(due_at, period, zone, LEAD)
    assert day > delete_through(Instant(due_at - 1), period, zone, LEAD)


@given(days, periods, zones, leads)
def test_due_comes_before_own_target_and_own_target_before_the_limit(day, period, zone, lead):
    found = limits(day, period, zone, lead)

    assert found.due_at == found.must_be_gone_by - lead
    assert found.must_be_gone_by <= found.outer_bound
    assert civil_date(Instant(found.outer_bound - 1), zone) <= found.last_day


@given(days, st.integers(1, 800), st.sampled_from("DW"), zones, st.integers(-2 * DAY, 2 * DAY))
def test_no_instant_of_the_day_is_kept_longer_than_the_days_elapsed(day, n, unit, zone, around):
    period = Period(n, unit)
    anchor = Instant(start_of_day(day, zone) + around)

    own_target = limits(civil_date(anchor, zone), period, zone, LEAD).must_be_gone_by

    assert own_target <= anchor + period.days * DAY


@given(days, periods, zones)
def test_own_target_never_decreases_from_one_day_to_the_next(day, period, zone):
    today, tomorrow = (limits(d, period, zone, LEAD) for d in (day, day + ONE_DAY))

    assert today.must_be_gone_by <= tomorrow.must_be_gone_by
    assert today.outer_bound <= tomorrow.outer_bound


@pytest.mark.parametrize("zone", ZONES.values(), ids=str)
@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_own_target_never_decreases_beside_any_change_of_offset(zone, period):
    for day in days_near_changes(zone, period):
        today, tomorrow = (limits(d, period, zone, LEAD) for d in (day, day + ONE_DAY))
        assert today.must_be_gone_by <= tomorrow.must_be_gone_by


@given(days, periods, zones, leads, st.integers(-2 * DAY, 2 * DAY))
def test_the_cut_off_divides_due_days_from_days_not_due(day, period, zone, lead, around):
    now = Instant(limits(day, period, zone, lead).due_at + around)

    last_due = delete_through(now, period, zone, lead)

    assert limits(last_due, period, zone, lead).due_at <= now
    assert limits(last_due + ONE_DAY, period, zone, lead).due_at > now


@given(days, periods, zones, st.integers(-2 * DAY, 2 * DAY))
def test_the_limits_cut_off_divides_broken_promises_from_kept_ones(day, period, zone, around):
    now = Instant(limits(day, period, zone, LEAD).outer_bound + around)

    last_broken = limit_through(now, period, zone)

    assert limits(last_broken, period, zone, LEAD).outer_bound <= now
    assert limits(last_broken + ONE_DAY, period, zone, LEAD).outer_bound > now


@pytest.mark.parametrize("zone", ZONES.values(), ids=str)
@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_both_cut_offs_agree_with_each_item_in_the_seconds_around_its_time(zone, period):
    for day in days_near_changes(zone, period):
        found = limits(day, period, zone, LEAD)
        for off in (-1, 0, 1):
            last_due = delete_through(Instant(found.due_at + off), period, zone, LEAD)
            assert (off >= 0) == (day <= last_due)
            last_broken = limit_through(Instant(found.outer_bound + off), period, zone)
            assert (off >= 0) == (day <= last_broken)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES.values(), ids=str)
@pytest.mark.parametrize("period", [Period(60, "D"), Period(6, "M")], ids=str)
def test_the_cut_off_agrees_with_each_item_in_every_minute_beside_every_change(zone, period):
    for change in offset_changes(zone):
        middle = period.before(civil_date(change, zone))
        near = [middle + n * ONE_DAY for n in range(-6, 9)]
        due_at = [limits(day, period, zone, LEAD).due_at for day in near]
        for now in range(change - LEAD - DAY // 2, change - LEAD + DAY // 2, 60):
            expected = near[bisect_right(due_at, now) - 1]
            assert expected == delete_through(Instant(now), period, zone, LEAD)


@pytest.mark.parametrize("zone", ZONES.values(), ids=str)
def test_a_day_starts_at_the_first_minute_that_shows_it_or_a_later_one(zone):
    for change in offset_changes(zone):
        day = civil_date(change, zone)
        begin = change // 60 * 60 - 30 * HOUR
        shown = ((t, civil_date(Instant(t), zone)) for t in range(begin, begin + 60 * HOUR, 60))
        expected = next(t for t, showing in shown if showing >= day)
        assert expected == start_of_day(day, zone)


@pytest.mark.parametrize(
    ("zone", "day", "expected", "why"),
    [
        ("Europe/Riga", "2026-01-15", "2026-01-15T00:00:00+02:00", "an ordinary day"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", "midnight skipped"),
        ("Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00", "midnight skipped"),
        ("America/Toronto", "1919-03-31", "1919-03-31T00:30:00-04:00", "skipped from 23:30 on"),
        ("America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", "midnight twice: the first"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-02:30", "one minute, then 23:01"),
        ("America/Santiago", "2026-04-05", "2026-04-05T00:00:00-04:00", "23:00 twice before it"),
        ("Antarctica/Casey", "2010-03-05", "2010-03-05T00:00:00+11:00", "two hours, then 23:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", "no such day: the next one"),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", "the day after none"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-22T00:00:00+12:00", "no such day"),
        ("America/Juneau", "1867-10-18", "1867-10-18T00:00:00+15:02:19", "a day shown twice"),
    ],
)
def test_a_day_has_one_start_however_odd_its_midnight(zone, day, expected, why):
    assert expected == iso(start_of_day(date.fromisoformat(day), ZoneInfo(zone)), ZoneInfo(zone)), (
        why
    )


def test_a_period_that_ends_on_a_day_that_never_was_ends_when_the_next_begins():
    apia = ZoneInfo("Pacific/Apia")

    found = limits(date(2011, 12, 20), Period(10, "D"), apia, 0)

    assert (
        Limits(
            civil_date=date(2011, 12, 20),
            last_day=date(2011, 12, 30),
            due_at=parse_instant("2011-12-31T00:00:00+14:00"),
            must_be_gone_by=parse_instant("2011-12-31T00:00:00+14:00"),
            outer_bound=parse_instant("2011-12-31T00:00:00+14:00"),
        )
        == found
    )


@pytest.mark.parametrize(
    ("period", "last_day"),
    [
        ("P1D", "2024-02-01"),
        ("P2W", "2024-02-14"),
        ("P1M", "2024-02-29"),
        ("P13M", "2025-02-28"),
        ("P11M", "2024-12-31"),
        ("P12M", "2025-01-31"),
        ("P1Y", "2025-01-31"),
    ],
)
def test_months_are_added_in_one_step_and_stop_at_the_months_end(period, last_day):
    assert date.fromisoformat(last_day) == Period.parse(period).after(date(2024, 1, 31))


@given(days, periods)
def test_counting_back_never_passes_a_day_that_counts_forward_to_it(day, period):
    assert day == period.before(period.after(day)) or period.days is None
    assert period.before(period.after(day)) <= day


def test_periods_of_different_units_rank_by_their_average_length():
    ranked = ["P1D", "P1W", "P30D", "P1M", "P31D", "P60D", "P9W", "P6M", "P1Y", "P53W", "P100Y"]

    assert ranked == sorted(ranked, key=lambda text: Period.parse(text).roughly_days)
    assert Period.parse("P12M").roughly_days == Period.parse("P1Y").roughly_days


@given(periods)
def test_a_period_reads_back_as_itself(period):
    assert period == Period.parse(str(period))


@given(st.text(alphabet="PTDWMYHS0123456789.,-+ /٣d", max_size=8))
def test_whatever_is_read_as_a_period_is_spelled_the_one_way(text):
    try:
        period = Period.parse(text)
    except PeriodError:
        return
    assert text == str(period)


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "D", "PD", "P0D", "P00D", "P-1D", "-P1D", "+P1D", "P+1D", "P1.5D", "P1,5D"),
        *("P1Y6M", "P1M1D", "PT1H", "P1DT1H", "PT60M", "P1H", "P1S", "P1D ", " P1D", "P1D\n"),
        *("P 1D", "p1d", "P1d", "P٣D", "P1DD", "P1D/P2D", "P1_0D", "P0x1D", "P01D", "P1D\0"),
        *("P36526D", "P5218W", "P1201M", "P101Y", "P99999D", "P" + "9" * 5_000 + "D"),
    ],
)
def test_what_is_not_a_period_is_refused(text):
    with pytest.raises(PeriodError, match="is not a period"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(("60", "P60D"), ("60D", "P60D"), ("p60d", "P60D"), ("P060D", "P60D"), ("P60", "P60D")),
        *(("6M", "P6M"), (" P6M ", "P6M"), ("3 y", "P3Y")),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(text, meant):
    with pytest.raises(PeriodError, match=rf"; did you mean {meant}\?$"):
        Period.parse(text)


@pytest.mark.parametrize("text", ["P0D", "P101Y", "PT18H", "P1Y6M", "60000000", "0", "P99999D"])
def test_no_period_is_suggested_that_would_be_refused_too(text):
    with pytest.raises(PeriodError) as refused:
        Period.parse(text)
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize("text", ["P36525D", "P5217W", "P1200M", "P100Y"])
def test_a_hundred_years_are_still_a_period(text):
    assert text == str(Period.parse(text))


@pytest.mark.parametrize(("count", "unit"), [(0, "D"), (-1, "M"), (101, "Y"), (1, "H")])
def test_a_period_cannot_be_built_around_the_rules(count, unit):
    with pytest.raises(PeriodError):
        Period(count, unit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-15T14:20:00+02:00", 1_768_479_600),
        ("2026-01-15T12:20:00.999999Z", 1_768_479_600),
        ("1969-12-31T23:59:59.5Z", -1),
        ("2026-10-25T03:30:00+03:00", 1_792_888_200),
        ("2026-10-25T03:30:00+02:00", 1_792_891_800),
    ],
)
def test_an_instant_is_the_whole_seconds_that_have_passed(text, expected):
    assert expected == parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-01-15", "2026-01-15T14:20:00", "2026-02-30T00:00:00Z"),
        *("2026-01-15T14:20:00+25:00", "0000-01-01T00:00:00Z", " 2026-01-15T14:20:00Z"),
        *("2026-01-15T24:20:00Z", "1768479600", "9" * 5_000),
    ],
)
def test_a_time_without_offset_or_sense_is_malformed(text):
    with pytest.raises(MalformedError):
        parse_instant(text)


def test_the_repeated_hour_is_told_apart_by_fold_alone():
    first = datetime(2026, 10, 25, 3, 30, tzinfo=RIGA)

    assert parse_instant("2026-10-25T03:30:00+03:00") == to_instant(first)
    assert parse_instant("2026-10-25T03:30:00+02:00") == to_instant(first.replace(fold=1))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=zones))
def test_an_instant_reads_back_as_itself(moment):
    instant = to_instant(moment)

    assert instant == parse_instant(iso(instant, moment.tzinfo))


@pytest.mark.parametrize("instant", [-(10**11), 10**12, 2**63, -(2**63), 10**30])
def test_an_instant_beyond_the_calendar_is_malformed(instant):
    with pytest.raises(MalformedError):
        civil_date(Instant(instant), RIGA)
    with pytest.raises(MalformedError):
        iso(Instant(instant), RIGA)


@pytest.mark.parametrize("period", PERIODS, ids=str)
@pytest.mark.parametrize("days_left", [0, 1])
def test_a_day_at_the_end_of_the_calendar_is_malformed(period, days_left):
    with pytest.raises(MalformedError):
        limits(date.max - days_left * ONE_DAY, period, RIGA, LEAD)


@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_a_time_at_the_beginning_of_the_calendar_is_malformed(period):
    with pytest.raises(MalformedError):
        delete_through(to_instant(datetime(1, 1, 1, tzinfo=UTC)), period, RIGA, 0)
