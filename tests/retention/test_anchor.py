"""Which time is believed: the earliest that can be true where the file was seen to come."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.anchor import (
    ASSUMED,
    BOUNDED,
    CORRECTED,
    REWRITTEN,
    TOLERANCE_SECONDS,
    UNDATED,
    Dated,
    Evidence,
    Window,
    date_recording,
    evidence_of,
    read,
)
from retention.calendar import DAY, Instant, civil_date, iso, start_of_day, to_instant
from retention.probes import Candidate, TimeSource, ZoneKnowledge

RIGA = ZoneInfo("Europe/Riga")
HOUR = 3_600


def at(text: str) -> Instant:
    """An instant written as Riga's time."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=RIGA))


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def exif(text: str, **facts: object) -> Candidate:
    return Candidate(TimeSource.EXIF, wall(text), ZoneKnowledge.LOCAL, **facts)


def name(text: str, **facts: object) -> Candidate:
    return Candidate(TimeSource.NAME, wall(text), ZoneKnowledge.LOCAL, **facts)


def guess(text: str, **facts: object) -> Candidate:
    return Candidate(TimeSource.NAME_GUESS, wall(text), ZoneKnowledge.LOCAL, **facts)


def directory(text: str) -> Candidate:
    return Candidate(TimeSource.DIRECTORY, wall(text), ZoneKnowledge.LOCAL, precision_seconds=DAY)


def mtime(text: str) -> Candidate:
    moment = wall(text).replace(tzinfo=RIGA).astimezone(UTC)
    return Candidate(TimeSource.MTIME, moment, ZoneKnowledge.UTC, is_end=True)


def stated(text: str) -> Candidate:
    return Candidate(TimeSource.STATED, wall(text), ZoneKnowledge.LOCAL)


def mp4(text: str) -> Candidate:
    return Candidate(TimeSource.MP4, wall(text), ZoneKnowledge.UTC_OR_LOCAL)


COMMISSIONED = at("2025-09-01 00:00")
SEEN = at("2026-03-10 12:00")
#: The last complete scan began at 06:00, and the file was met at noon.
WINDOW = Window(at("2026-03-10 06:00"), SEEN)


def dated(*candidates: Candidate, **facts: object) -> Dated:
    known = {"zone": RIGA, "first_seen": SEEN, "commissioned": COMMISSIONED, "window": WINDOW}
    return date_recording(candidates, **(known | facts))


def backlog(*candidates: Candidate, **facts: object) -> Dated:
    return dated(*candidates, **({"window": None} | facts))


def shown(found: Dated) -> tuple[str, str]:
    assert found.anchor is not None
    return iso(found.anchor, RIGA)[:19], found.how


# --- with a window -------------------------------------------------------------------------------


def test_the_earliest_candidate_inside_the_window_is_the_anchor():
    found = dated(mtime("2026-03-10 09:00:09"), exif("2026-03-10 09:00:00"))

    assert ("2026-03-10T09:00:00", "exif") == shown(found)
    assert found.ordinary


@pytest.mark.parametrize("one", [name, mtime])
def test_of_a_clock_a_little_ahead_the_recording_began_at_the_latest_when_it_was_seen(one):
    """Else it is bounded, and goes as early as no scan met it: by months, after a winter without power."""
    since_winter = Window(at("2025-12-10 06:00"), SEEN)
    found = dated(one("2026-03-10 12:02:00"), window=since_winter)

    assert ("2026-03-10T12:00:00", str(one("2026-03-10").source)) == shown(found)
    assert BOUNDED == dated(one("2026-03-10 12:02:01"), window=since_winter).how


def test_of_dates_that_say_the_same_the_mtime_is_named_last():
    for one in (exif, name, guess, mp4):
        candidates = one("2026-03-10 11:00"), mtime("2026-03-10 11:00")
        assert "mtime" != dated(*candidates).how
        assert "mtime" != backlog(*candidates).how


def test_an_earlier_candidate_inside_the_window_makes_it_earlier():
    found = dated(exif("2026-03-10 09:00"), guess("2026-03-10 07:30"))

    assert ("2026-03-10T07:30:00", "name-guess") == shown(found)


def test_an_mtime_is_read_by_the_clock_that_wrote_it_the_earlier_way_if_it_may_be_either():
    wrong, right = 3 * 3600, 0

    assert ("2026-03-10T08:00:00", "mtime") == shown(
        dated(mtime("2026-03-10 11:00"), written=(right, wrong))
    )
    assert ("2026-03-10T11:00:00", "mtime") == shown(
        dated(mtime("2026-03-10 11:00"), written=(right, 6 * 3600))
    )
    assert ("2026-03-10T10:00:00", "mtime") == shown(
        dated(mtime("2026-03-10 13:00"), written=(wrong,))
    )


def test_an_mtime_by_a_clock_that_nobody_watched_is_no_date_inside_the_window():
    found = dated(mtime("2026-03-10 11:00"), written=())

    assert ("2026-03-10T06:00:00", BOUNDED) == shown(found)
    assert (found.earliest, found.latest) == WINDOW
    both = dated(mtime("2026-03-10 11:00"), exif("2026-03-10 11:30"), written=())
    assert ("2026-03-10T11:30:00", "exif") == shown(both)
    assert ("2026-03-10T11:00:00", ASSUMED) == shown(backlog(mtime("2026-03-10 11:00"), written=()))


def test_another_clock_makes_no_late_arrival_of_an_mtime():
    found = dated(mtime("2026-03-10 11:00"), written=(0, 40 * DAY), imports=True)

    assert ("2026-03-10T11:00:00", "mtime") == shown(found)


@pytest.mark.parametrize(
    "candidate",
    [
        exif("1970-01-01 00:00"),
        exif("2025-08-31 12:00"),
        exif("2026-03-10 05:59:59"),
        exif("2026-03-10 12:02:01"),
        exif("2036-01-01 00:00"),
    ],
)
def test_a_date_outside_the_window_loses_to_the_windows_lower_bound(candidate):
    found = dated(candidate)

    assert ("2026-03-10T06:00:00", BOUNDED) == shown(found)
    assert not found.ordinary
    assert not found.late


def test_both_ends_of_the_window_belong_to_it():
    assert ("2026-03-10T06:00:00", "exif") == shown(dated(exif("2026-03-10 06:00")))
    assert ("2026-03-10T12:00:00", "exif") == shown(dated(exif("2026-03-10 12:00")))


def test_nothing_to_read_gives_the_windows_lower_bound():
    found = dated()

    assert ("2026-03-10T06:00:00", BOUNDED) == shown(found)
    assert (WINDOW.after, WINDOW.until) == (found.earliest, found.latest)


def test_the_window_is_widened_by_the_span_and_by_the_recorders_delay():
    start = exif("2026-03-10 05:45")

    assert BOUNDED == dated(start).how
    assert BOUNDED == dated(start, span=899).how
    assert ("2026-03-10T05:45:00", "exif") == shown(dated(start, span=900))
    assert ("2026-03-10T05:45:00", "exif") == shown(dated(start, span=600, max_delay=300))
    assert ("2026-03-10T05:30:00", BOUNDED) == shown(dated(span=1200, max_delay=600))


def test_an_end_is_a_start_one_span_earlier():
    assert ("2026-03-10T08:50:00", "mtime") == shown(dated(mtime("2026-03-10 09:00"), span=600))
    assert ("2026-03-10T05:55:00", "mtime") == shown(dated(mtime("2026-03-10 06:05"), span=600))


def test_a_whole_day_counts_from_where_the_window_begins():
    found = dated(directory("2026-03-10 00:00"))

    assert ("2026-03-10T06:00:00", "directory") == shown(found)
    assert found.ordinary
    assert (at("2026-03-10 00:00"), at("2026-03-10 23:59:59")) == (found.earliest, found.latest)


def test_a_whole_day_before_the_window_does_not_count():
    assert BOUNDED == dated(directory("2026-03-09 00:00")).how


def test_no_window_reaches_back_before_the_store_was_in_service():
    found = dated(commissioned=at("2026-03-10 05:50"), span=1200)

    assert ("2026-03-10T05:50:00", BOUNDED) == shown(found)


def test_a_window_that_ends_before_it_begins_bounds_by_its_end():
    # The clock was set back between two scans.
    found = dated(window=Window(SEEN, Instant(SEEN - HOUR)))

    assert ("2026-03-10T11:00:00", BOUNDED) == shown(found)


def test_a_second_of_a_day_says_more_than_the_day():
    for fine in (exif, name, guess):
        found = dated(fine("2026-03-10 09:00"), directory("2026-03-10 00:00"))
        assert "2026-03-10T09:00:00" == shown(found)[0]
        assert (at("2026-03-10 09:00"),) * 2 == (found.earliest, found.latest)


def test_an_mtime_says_when_writing_ended_and_not_where_in_its_day_a_recording_began():
    found = dated(mtime("2026-03-10 11:00"), directory("2026-03-10 00:00"))

    assert ("2026-03-10T06:00:00", "directory") == shown(found)
    assert (at("2026-03-10 00:00"), at("2026-03-10 23:59:59")) == (found.earliest, found.latest)


def test_what_is_sharper_on_a_later_civil_date_does_not_count_as_sharper():
    # 23:30, perhaps local, perhaps UTC: then it is 01:30 of the next day. The earlier date counts.
    found = dated(
        mp4("2026-03-09 23:30"),
        exif("2026-03-10 00:30"),
        window=Window(at("2026-03-09 18:00"), SEEN),
    )

    assert ("2026-03-09T23:30:00", "mp4") == shown(found)


def test_a_midnight_says_more_than_the_day_that_it_begins():
    found = backlog(directory("2026-03-09 00:00"), exif("2026-03-09 00:00"))

    assert at("2026-03-09 00:00") == found.latest


def test_a_second_sharpens_no_other_hour_of_its_day():
    found = backlog(name("2026-03-09 07:00", precision_seconds=3600), exif("2026-03-09 09:00"))

    assert ("2026-03-09T07:00:00", "name") == shown(found)


def test_a_second_outside_the_window_sharpens_nothing():
    found = dated(exif("2026-03-10 05:00"), directory("2026-03-10 00:00"))

    assert ("2026-03-10T06:00:00", "directory") == shown(found)


# --- imports -------------------------------------------------------------------------------------


def test_only_a_store_with_imports_believes_a_date_before_the_window():
    old = [exif("2026-01-15 10:00"), mtime("2026-03-10 11:00")]

    assert ("2026-03-10T11:00:00", "mtime") == shown(dated(*old))
    found = dated(*old, imports=True)
    assert ("2026-01-15T10:00:00", "exif") == shown(found)
    assert found.late
    assert not found.ordinary


def test_an_import_that_came_with_a_date_of_its_window_is_ordinary():
    found = dated(exif("2026-03-10 10:00"), imports=True)

    assert ("2026-03-10T10:00:00", "exif") == shown(found)
    assert not found.late


@pytest.mark.parametrize("text", ["1970-01-01 00:00", "2025-08-31 23:59:59", "2036-01-01 00:00"])
def test_an_import_from_before_the_stores_time_or_from_the_future_is_not_believed(text):
    found = dated(exif(text), imports=True)

    assert ("2026-03-10T06:00:00", BOUNDED) == shown(found)
    assert not found.late


def test_a_whole_day_that_reaches_into_the_window_does_not_hide_an_older_date():
    found = dated(directory("2026-03-10 00:00"), exif("2026-03-10 03:00"), imports=True)

    assert ("2026-03-10T03:00:00", "exif") == shown(found)
    assert found.late


# --- without a window ----------------------------------------------------------------------------


def test_a_match_of_the_declared_pattern_suffices():
    found = backlog(name("2026-01-15 10:00"), mtime("2026-02-20 10:00"))

    assert ("2026-01-15T10:00:00", "name") == shown(found)
    assert found.ordinary


def test_two_witnesses_that_agree_within_a_day_suffice_and_outvote_an_older_third():
    found = backlog(
        guess("2025-11-01 00:00"), exif("2026-01-15 10:00"), mtime("2026-01-16 09:59:59")
    )

    assert ("2026-01-15T10:00:00", "exif") == shown(found)
    assert found.ordinary


def test_two_that_lie_a_day_and_a_second_apart_do_not_agree():
    found = backlog(exif("2026-01-15 10:00"), mtime("2026-01-16 10:00:01"))

    assert ("2026-01-15T10:00:00", ASSUMED) == shown(found)
    assert not found.ordinary


def test_two_dates_of_one_field_are_one_witness():
    found = backlog(guess("2026-01-15 10:00"), guess("2026-01-15 11:00"))

    assert ("2026-01-15T10:00:00", ASSUMED) == shown(found)


def test_of_a_declared_name_and_two_witnesses_the_earlier_counts():
    found = backlog(
        name("2026-02-01 10:00"), exif("2026-01-15 10:00"), mtime("2026-01-15 10:00:09")
    )

    assert ("2026-01-15T10:00:00", "exif") == shown(found)


def test_a_day_is_a_witness_for_a_second_of_it():
    found = backlog(exif("2026-01-15 10:00"), directory("2026-01-15 00:00"))

    assert ("2026-01-15T10:00:00", "exif") == shown(found)
    assert (at("2026-01-15 10:00"),) * 2 == (found.earliest, found.latest)


def test_one_plausible_date_is_assumed_and_none_leaves_it_undated():
    assert ("2026-01-15T10:00:00", ASSUMED) == shown(backlog(mtime("2026-01-15 10:00")))
    for candidates in ([], [exif("1970-01-01 00:00")], [name("2026-03-11 00:00")]):
        found = backlog(*candidates)
        assert (None, UNDATED, None, None) == (
            found.anchor,
            found.how,
            found.earliest,
            found.latest,
        )
        assert not found.ordinary


def test_a_date_of_the_store_s_first_day_counts_from_when_it_was_commissioned():
    found = backlog(mp4("2025-09-01 01:30"), commissioned=at("2025-09-01 00:00"), first_seen=SEEN)

    assert ("2025-09-01T01:30:00", ASSUMED) == shown(found)
    # Read as local time it is from before; read as UTC, three hours later, it is not.
    found = backlog(mp4("2025-08-31 22:30"))
    assert ("2025-09-01T00:00:00", ASSUMED) == shown(found)


def test_the_second_in_which_the_store_goes_into_service_counts():
    found = backlog(name("2025-09-01 00:00"), first_seen=COMMISSIONED)

    assert COMMISSIONED == found.anchor


@pytest.mark.parametrize(
    ("candidates", "anchor", "late"),
    [
        ([name("2026-01-10 09:00")], at("2026-01-10 09:00"), True),
        ([name("2026-03-10 05:59:59")], at("2026-03-10 05:59:59"), True),
        ([name("2026-03-10 06:00")], at("2026-03-10 06:00"), False),
        ([], None, False),
    ],
)
def test_what_came_from_a_backup_is_dated_by_what_it_says_and_late_if_its_window_is_later(
    candidates, anchor, late
):
    found = dated(*candidates, restored=True)

    assert (anchor, late) == (found.anchor, found.late)


def test_a_recorder_and_its_terminal_may_differ_by_two_minutes():
    assert "name" == backlog(name("2026-03-10 12:02:00")).how
    assert UNDATED == backlog(name("2026-03-10 12:02:01")).how


def test_a_clock_from_before_the_stores_time_dates_nothing():
    # A board without a battery wakes in 1970.
    seen = Instant(300)
    for window in (None, Window(Instant(0), seen)):
        found = dated(exif("1970-01-01 02:04"), first_seen=seen, window=window)
        assert (None, UNDATED) == (found.anchor, found.how)


# --- how wide ------------------------------------------------------------------------------------


def test_the_widest_interval_takes_in_every_plausible_candidate():
    found = dated(
        exif("2026-03-10 09:00"),
        mtime("2026-03-10 11:00"),
        guess("2026-01-15 10:00"),
        guess("1999-01-01 00:00"),
        span=600,
    )

    assert ("2026-03-10T09:00:00", "exif") == shown(found)
    assert (at("2026-01-15 10:00"), at("2026-03-10 11:00")) == (found.earliest, found.latest)


def test_what_is_bounded_may_lie_anywhere_in_its_window_too():
    found = dated(exif("2026-01-15 10:00"), span=600)

    assert (at("2026-01-15 10:00"), SEEN) == (found.earliest, found.latest)
    found = dated(mtime("2026-03-10 12:01:00"), span=600, written=())
    assert BOUNDED == found.how
    assert (at("2026-03-10 05:50"), at("2026-03-10 12:01")) == (found.earliest, found.latest)


# --- the recorder's clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("candidate", "skew"),
    [
        (exif("2026-03-10 12:02:00"), 0),
        (exif("2026-03-10 12:02:01"), 121),
        (name("2026-03-11 12:00:00"), DAY),
        (exif("2026-03-10 06:00:00"), 0),
        (exif("2026-03-10 05:59:00"), -60),
        (mp4("2026-03-10 04:30:00"), 0),  # too early if it is local, not if it is UTC
        (guess("2026-03-12 12:00"), 0),  # a guess may be no date at all
        (mtime("2026-03-12 12:00"), 0),  # the store's own clock
    ],
)
def test_the_skew_of_the_recorders_clock_is_told(candidate, skew):
    found = dated(candidate, mtime("2026-03-10 11:00"))

    assert skew == found.skew
    assert (skew == 0) == found.ordinary


# --- readings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2026-10-25 03:30", "2026-10-25T00:30:00", "2026-10-25T01:30:00"),  # twice
        ("2026-03-29 03:30", "2026-03-29T00:30:00", "2026-03-29T01:30:00"),  # never
        ("2026-03-29 04:30", "2026-03-29T01:30:00", "2026-03-29T01:30:00"),
    ],
)
def test_a_local_time_that_exists_twice_or_never_is_read_early_and_late(text, earliest, latest):
    reading = read(exif(text), RIGA, 0)

    assert earliest == iso(reading.earliest, UTC)[:19]
    assert latest == iso(reading.latest, UTC)[:19]


def test_utc_or_local_is_read_as_both():
    reading = read(mp4("2026-07-01 00:30"), RIGA, 0)

    assert (date(2026, 6, 30), date(2026, 7, 1)) == (
        civil_date(reading.earliest, UTC),
        civil_date(reading.latest, RIGA),
    )
    new_york = ZoneInfo("America/New_York")
    assert date(2026, 6, 30) == civil_date(
        read(mp4("2026-07-01 00:30"), new_york, 0).earliest, new_york
    )


def test_an_offset_is_taken_at_its_word():
    moment = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=-7)))
    reading = read(Candidate(TimeSource.EXIF, moment, ZoneKnowledge.OFFSET), RIGA, 0)

    assert to_instant(moment) == reading.earliest == reading.latest


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_is_as_long_as_it_is_on_the_wall(day, hours):
    reading = read(directory(f"{day} 00:00"), RIGA, 0)

    assert start_of_day(date.fromisoformat(day), RIGA) == reading.earliest
    assert hours * HOUR - 1 == reading.latest - reading.earliest


# --- whatever the candidates are -----------------------------------------------------------------

_NEAR = st.datetimes(datetime(2026, 3, 8), datetime(2026, 3, 12)).map(
    lambda value: value.replace(microsecond=0)
)
_ANY = st.datetimes().map(lambda value: value.replace(microsecond=0))


@st.composite
def candidates(draw: st.DrawFn, values: st.SearchStrategy[datetime] = _NEAR | _ANY) -> Candidate:
    known = draw(st.sampled_from(ZoneKnowledge))
    value = draw(values)
    if known in (ZoneKnowledge.OFFSET, ZoneKnowledge.UTC):
        value = value.replace(tzinfo=UTC)
    return Candidate(
        draw(st.sampled_from(TimeSource)),
        value,
        known,
        is_end=draw(st.booleans()),
        precision_seconds=draw(st.sampled_from([1, 60, HOUR, DAY])),
    )


several = st.lists(candidates(), max_size=5)
spans = st.sampled_from([0, 1, 600, DAY])
delays = st.sampled_from([0, 60, DAY])
a_window = st.builds(lambda hours: Window(Instant(SEEN - hours * HOUR), SEEN), st.integers(0, 72))
windows = st.none() | a_window


def start_of(window: Window, span: int, delay: int) -> Instant:
    return max(COMMISSIONED, Instant(window.after - span - delay))


@given(several, windows, spans, delays, st.booleans())
def test_an_anchor_is_never_from_before_the_stores_time_nor_from_the_future(
    found, window, span, delay, imports
):
    result = dated(*found, window=window, span=span, max_delay=delay, imports=imports)

    if result.anchor is not None:
        assert COMMISSIONED <= result.anchor <= SEEN + TOLERANCE_SECONDS


@given(several, a_window, spans, delays)
def test_an_anchor_lies_inside_its_widened_window(found, window, span, delay):
    """I10, for a store without imports."""
    result = dated(*found, window=window, span=span, max_delay=delay)

    assert result.anchor is not None
    assert start_of(window, span, delay) <= result.anchor <= window.until
    assert not result.late


@given(several, a_window, spans, delays)
def test_an_anchor_before_its_window_is_a_late_arrival_and_nothing_else_is(
    found, window, span, delay
):
    result = dated(*found, window=window, span=span, max_delay=delay, imports=True)

    assert result.late == (result.anchor < start_of(window, span, delay))


circumstances = st.fixed_dictionaries(
    {"window": windows, "span": spans, "max_delay": delays, "imports": st.booleans()}
)


@given(several, candidates(), circumstances)
def test_a_candidate_no_later_than_the_anchor_never_makes_it_later(found, further, facts):
    before = dated(*found, **facts)
    if before.anchor is None or read(further, RIGA, facts["span"]).earliest > before.anchor:
        return

    after = dated(*found, further, **facts)

    assert after.anchor is not None
    assert after.anchor <= before.anchor


@given(several, candidates(), a_window, spans, delays)
def test_in_a_window_only_the_bound_gives_way_to_a_later_day(found, further, window, span, delay):
    facts = {"window": window, "span": span, "max_delay": delay}
    before, after = dated(*found, **facts), dated(*found, further, **facts)

    assert before.how == BOUNDED or civil_date(after.anchor, RIGA) <= civil_date(
        before.anchor, RIGA
    )


@given(several, windows, spans, delays, st.booleans())
def test_the_widest_interval_takes_in_every_plausible_date_or_one_more_exact(
    found, window, span, delay, imports
):
    result = dated(*found, window=window, span=span, max_delay=delay, imports=imports)
    if result.anchor is None:
        return

    assert result.earliest <= result.anchor <= result.latest
    plausible = [
        reading._replace(earliest=max(reading.earliest, COMMISSIONED))
        for reading in (read(each, RIGA, span) for each in found)
        if reading.latest >= COMMISSIONED and reading.earliest <= SEEN + TOLERANCE_SECONDS
    ]
    for reading in plausible:
        taken_in = result.earliest <= reading.earliest and reading.latest + span <= result.latest
        assert taken_in or any(
            other.source is not TimeSource.MTIME
            and reading.earliest <= other.earliest
            and other.latest <= reading.latest
            and result.earliest <= other.earliest
            and other.latest + span <= result.latest
            for other in plausible
        )


@given(several, st.randoms(use_true_random=False), circumstances)
def test_the_order_of_candidates_changes_nothing_but_the_skew(found, random, facts):
    shuffled: Sequence[Candidate] = random.sample(found, len(found))
    one, other = dated(*found, **facts), dated(*shuffled, **facts)

    assert (one.anchor, one.how, one.earliest, one.latest, one.late) == (
        other.anchor,
        other.how,
        other.earliest,
        other.latest,
        other.late,
    )


@given(candidates(st.sampled_from([datetime.min, datetime.max.replace(microsecond=0)])), spans)
def test_the_ends_of_the_calendar_can_be_read(candidate, span):
    reading = read(candidate, RIGA, span)

    assert reading.earliest <= reading.latest


# --- what the storage says -----------------------------------------------------------------------


def test_what_the_storage_states_suffices_where_nobody_saw_it_come():
    found = backlog(stated("2026-01-05 10:00"), guess("2025-10-01 10:00"))

    assert ("2026-01-05T10:00:00", "stated") == shown(found)
    assert found.ordinary


def test_no_date_is_later_than_when_the_storage_had_it_already():
    found = backlog(stated("2026-02-01 10:00"), existed=at("2026-01-05 10:00"))

    assert (None, "undated") == (found.anchor, found.how)


def test_when_the_storage_had_it_is_no_date_of_the_recording():
    found = backlog(existed=at("2026-01-05 10:00"))

    assert (None, "undated") == (found.anchor, found.how)


def test_when_the_storage_had_it_closes_the_window():
    found = dated(stated("2026-03-10 11:00"), existed=at("2026-03-10 09:00"))

    assert ("2026-03-10T06:00:00", "bounded") == shown(found)


def test_a_server_that_lives_in_the_past_makes_nothing_older_than_its_window():
    found = dated(stated("2026-03-10 11:00"), existed=at("1970-01-02 00:00"))

    assert ("2026-03-10T06:00:00", "bounded") == shown(found)


@pytest.mark.parametrize(
    ("how", "evidence"),
    [
        (UNDATED, Evidence.NONE),
        (REWRITTEN, Evidence.NONE),
        (ASSUMED, Evidence.CLAIM),
        (BOUNDED, Evidence.SEEN),
        (TimeSource.MTIME, Evidence.SEEN),
        (TimeSource.NAME_GUESS, Evidence.SEEN),
        (TimeSource.NAME, Evidence.OWN),
        (TimeSource.EXIF, Evidence.OWN),
        (CORRECTED, Evidence.PEOPLE),
    ],
)
def test_what_stands_behind_an_anchor(how: str, evidence: Evidence):
    assert evidence is evidence_of(str(how), late=False)


@pytest.mark.parametrize("how", [TimeSource.MTIME, TimeSource.NAME_GUESS, TimeSource.DIRECTORY])
def test_what_comes_late_with_a_guess_for_its_date_only_claims_it(how: TimeSource):
    assert Evidence.CLAIM is evidence_of(str(how), late=True)
    assert Evidence.OWN is evidence_of(str(TimeSource.NAME), late=True)


# --- at the edges --------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0, 1])
def test_two_witnesses_agree_that_are_no_more_than_a_day_apart(later: int):
    found = backlog(exif("2026-03-01 12:00:00"), guess(f"2026-03-02 12:00:0{later}"))
    assert (ASSUMED if later else "exif") == found.how


def test_what_the_storage_had_later_than_it_was_seen_bounds_nothing():
    after_it_was_seen = exif("2026-03-10 13:00:00")
    assert UNDATED == backlog(after_it_was_seen, existed=at("2026-03-10 14:00")).how


def test_an_import_from_the_second_in_which_the_window_begins_is_no_late_arrival():
    assert not dated(exif("2026-03-10 06:00:00"), imports=True).late
    assert dated(exif("2026-03-10 05:59:59"), imports=True).late


@pytest.mark.parametrize("second", ["00:00:00", "23:59:59"])
def test_a_second_at_an_edge_of_its_day_is_all_of_the_recording(second: str):
    window = Window(at("2026-03-08 06:00"), at("2026-03-10 00:00"))
    facts = {"window": window, "first_seen": window.until}
    found = dated(directory("2026-03-09"), exif(f"2026-03-09 {second}"), **facts)
    moment = at(f"2026-03-09 {second}")
    assert (moment, moment, moment) == (found.anchor, found.earliest, found.latest)


def test_a_date_that_may_be_another_is_as_early_as_either_and_sure_only_if_they_are_one():
    def one(anchor: int | None, earliest: int | None, **facts: bool) -> Dated:
        return Dated(anchor, "exif", "", earliest=earliest, latest=anchor, **facts)

    assert one(100, 90) == one(100, 90).or_as_early_as(one(100, 95))
    assert one(100, 80) == one(100, 90).or_as_early_as(one(100, 80))
    assert one(100, 80, unsure=True) == one(100, 90).or_as_early_as(one(85, 80))
    assert one(100, 90, late=True, unsure=True) == one(100, 90, late=True).or_as_early_as(
        one(100, 95)
    )
    assert one(None, None, unsure=True) == one(None, None).or_as_early_as(one(None, None))
    assert one(None, 80, unsure=True) == one(None, None).or_as_early_as(one(100, 80))
