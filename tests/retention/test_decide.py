"""May this item go? Holds first, days of grace next, then what people asked for, then its date."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_policy import CALL, IMAGE

from retention.anchor import UNDATED_SECONDS
from retention.calendar import DAY, Instant
from retention.decide import Grant, Item, Rules, State
from retention.outcome import Outcome
from retention.policy import DueRange

NOW = Instant(1_773_135_000)
FIRST, LAST = date(2026, 1, 5), date(2026, 1, 9)
RULES = Rules(
    [
        DueRange(IMAGE, 1, date.min, date(2025, 12, 31)),
        DueRange(IMAGE, 2, FIRST, LAST),
        DueRange(CALL, 1, date.min, date(2025, 8, 1)),
    ],
    NOW,
    undated=frozenset({IMAGE}),
)
DUE = Item(IMAGE, LAST.toordinal(), State.PRESENT, NOW, Instant(0), holds=0)
HELD, EARLY = Outcome.REFUSED_HELD, Outcome.REFUSED_EARLY


def decided(**facts: object) -> str | Outcome | None:
    """Why it goes, or the outcome with which it stays."""
    decision = RULES.decide(DUE._replace(**facts))
    assert decision.reason
    assert (decision.why is None) == (decision.outcome is not None)
    return decision.why or decision.outcome


@pytest.mark.parametrize(
    ("record_class", "day", "expected"),
    [
        (IMAGE, date(2025, 12, 31), "due"),
        (IMAGE, date(2020, 1, 1), "due"),
        (IMAGE, date(2026, 1, 1), EARLY),
        (IMAGE, date(2026, 1, 4), EARLY),
        (IMAGE, FIRST, "due"),
        (IMAGE, LAST, "due"),
        (IMAGE, date(2026, 1, 10), EARLY),
        (CALL, date(2025, 8, 1), "due"),
        (CALL, date(2025, 8, 2), EARLY),
        ("door", date(2020, 1, 1), EARLY),
    ],
)
def test_an_item_goes_by_its_class_and_civil_date(record_class, day, expected):
    assert expected == decided(record_class=record_class, civil=day.toordinal())


def test_nothing_held_or_restricted_goes_whatever_else_is_said():
    for granted in Grant:
        assert HELD == decided(holds=1, granted=granted)
        assert HELD == decided(holds=2, granted=granted, state=State.UNDATED, seen=Instant(0))
        assert HELD == decided(state=State.RESTRICTED, granted=granted)


def test_nothing_goes_in_its_days_of_grace_whoever_asks():
    """A day to notice a wrong release counts even if the same two people asked for an erasure."""
    later = Instant(NOW + 1)

    for granted in Grant:
        assert EARLY == decided(not_before=later, granted=granted)
        assert EARLY == decided(not_before=later, granted=granted, state=State.LATE)
        assert EARLY == decided(
            not_before=later, granted=granted, state=State.UNDATED, seen=Instant(0)
        )
    assert "due" == decided(not_before=NOW)


def test_two_people_s_erasure_goes_before_it_is_due():
    tomorrow = {"civil": date(2026, 3, 10).toordinal(), "granted": Grant.ERASURE}

    assert "erasure" == decided(**tomorrow)
    assert "erasure" == decided(**tomorrow, record_class="door")
    assert "erasure" == decided(**tomorrow, state=State.UNDATED)


def test_what_was_erased_before_goes_again():
    assert "zombie" == decided(civil=date(2026, 3, 10).toordinal(), granted=Grant.ZOMBIE)


def test_a_late_arrival_goes_as_one_and_when_it_is_due():
    assert "late" == decided(state=State.LATE)
    assert EARLY == decided(state=State.LATE, civil=date(2026, 1, 10).toordinal())


def test_an_undated_item_goes_a_week_after_it_was_first_seen():
    week_ago = Instant(NOW - 7 * DAY)

    assert "undated" == decided(state=State.UNDATED, seen=week_ago)
    assert EARLY == decided(state=State.UNDATED, seen=Instant(week_ago + 1))
    assert UNDATED_SECONDS == 7 * DAY


def test_an_undated_item_does_not_go_by_the_day_it_was_seen_on():
    assert EARLY == decided(state=State.UNDATED, civil=date(2020, 1, 1).toordinal())


def test_an_undated_item_of_a_class_that_is_only_observed_stays():
    """I12."""
    assert EARLY == decided(state=State.UNDATED, seen=Instant(0), record_class=CALL)


items = st.builds(
    Item,
    st.sampled_from([IMAGE, CALL, "door"]),
    st.integers(date(2025, 6, 1).toordinal(), date(2026, 4, 1).toordinal()),
    st.sampled_from(State),
    st.integers(NOW - 9 * DAY, NOW).map(Instant),
    st.sampled_from([0, NOW - 1, NOW, NOW + 1, NOW + DAY]).map(Instant),
    st.integers(0, 2),
    st.sampled_from(Grant),
)


@given(items)
def test_whatever_goes_has_a_reason_that_is_true(item):
    """I1, I2, I12: the rule once more, in other words than the code's."""
    decision = RULES.decide(item)
    covered = any(
        each.since.toordinal() <= item.civil <= each.through.toordinal()
        for each in [
            DueRange(IMAGE, 1, date.min, date(2025, 12, 31)),
            DueRange(IMAGE, 2, FIRST, LAST),
            DueRange(CALL, 1, date.min, date(2025, 8, 1)),
        ]
        if each.record_class == item.record_class
    )
    undated = item.state is State.UNDATED
    free = not item.holds and item.state is not State.RESTRICTED and item.not_before <= NOW
    sure = not item.doubted  # by a clock that somebody confirmed
    true = {
        "erasure": item.granted is Grant.ERASURE,
        "zombie": item.granted is Grant.ZOMBIE,
        "undated": sure and undated and item.record_class == IMAGE and NOW - item.seen >= 7 * DAY,
        "late": sure and item.state is State.LATE and covered,
        "due": sure and item.state is State.PRESENT and covered,
    }

    assert (decision.why is not None) == (free and any(true.values()))
    assert decision.why is None or true[decision.why]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=4), st.integers(1, 60))
def test_a_day_is_due_if_some_range_has_it(found, day):
    ranges = [
        DueRange(IMAGE, 1, date.fromordinal(first), date.fromordinal(first + length))
        for first, length in found
    ]

    assert Rules(ranges, NOW).due(IMAGE, day) == any(
        first <= day <= first + length for first, length in found
    )
    assert not Rules(ranges, NOW).due(CALL, day)


def test_a_day_that_two_rules_call_due_is_swept_and_counted_once():
    day = date.fromordinal
    spans = [(1, 10), (1, 9), (5, 12), (13, 13), (15, 21)]
    rules = Rules([DueRange(IMAGE, 1, day(a), day(b)) for a, b in spans], NOW)
    assert {IMAGE: [(1, 13), (15, 21)]} == rules.ranges
