"""A sweep that would erase far more than arrives waits for a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.brake import brake

ORDINARY = {"arrivals": 2_800, "days": 28, "days_since_sweep": 1, "granted": 0}


@pytest.mark.parametrize(
    ("due", "facts", "engaged"),
    [
        (300, {}, False),  # three times the hundred that arrive in a day
        (301, {}, True),
        (600, {"days_since_sweep": 2}, False),
        (601, {"days_since_sweep": 2}, True),
        (300, {"days_since_sweep": 0}, False),  # twice in a day: a day's worth at least
        (100, {"arrivals": 0}, False),  # small stores have uneven days
        (101, {"arrivals": 0}, True),
        (101, {"arrivals": 0, "days": 0}, True),
        (101, {"arrivals": 34, "days": 1}, False),
        (300, {"arrivals": 100, "days": 0}, False),  # the first day
        (5_000, {"granted": 5_000}, False),  # what two people let go
        (5_001, {"granted": 5_000}, True),
        (300, {"granted": 1}, False),  # a grant never makes it less
        (107, {"arrivals": 1_000, "days": 28}, False),
        (108, {"arrivals": 1_000, "days": 28}, True),
    ],
)
def test_more_than_three_times_what_arrives_engages_it(due, facts, engaged):
    braking = brake(due=due, **(ORDINARY | facts))

    assert engaged == braking.engaged
    assert due == braking.due
    assert engaged == bool(braking.reason)


def test_it_says_how_many_are_due_and_how_many_would_be_usual():
    braking = brake(due=4_711, **ORDINARY)

    assert 300 == braking.allowed
    assert "4711 items are due, 300 would be usual" in braking.reason


counts = st.integers(0, 10_000)


@given(counts, counts, st.integers(0, 60), st.integers(0, 60), counts)
def test_it_engages_above_a_hundred_and_three_times_the_expected_and_the_grant(
    due, arrivals, days, since, granted
):
    """I12, without a fraction: due / days since the sweep > 3 x arrivals / days."""
    braking = brake(due=due, arrivals=arrivals, days=days, days_since_sweep=since, granted=granted)

    usual = due * max(days, 1) <= 3 * arrivals * max(since, 1)
    assert braking.engaged == (due > 100 and not usual and due > granted)
    assert braking.engaged == (due > braking.allowed)
