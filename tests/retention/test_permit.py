"""The agent is the second key: a directive can agree or hold back, and hold back only so long."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_policy import CALL, IMAGE, begun, continued, record_class

from retention.calendar import DAY, Instant, to_instant
from retention.decide import Item, Rules, State
from retention.directive import Directive, Due
from retention.outcome import Outcome
from retention.permit import Standing, refusal, rules
from retention.policy import Chain

HOUR = 3_600
RIGA = ZoneInfo("Europe/Riga")
CHAIN = begun()
CLASSES = CHAIN.current.classes[1:]

#: A picture of 15 January: due on 15 March at 06:00, own target a day's start later, limit another.
DAY_RECORDED = date(2026, 1, 15)
LIMITS = CHAIN.limits_of(IMAGE, DAY_RECORDED)
DUE_AT, TARGET, LIMIT = LIMITS.due_at, LIMITS.must_be_gone_by, LIMITS.outer_bound


def directive(now: int, *, due: tuple[Due, ...] | None = None, **facts: object) -> Directive:
    """What an honest enforcer says at this time, unless said otherwise."""
    honest = tuple(
        Due(r.record_class, r.policy, r.since, r.through)
        for name in CHAIN.class_names()
        for r in CHAIN.due_ranges(name, Instant(now))
    )
    known = {
        "store": "riga-001",
        "epoch": 1,
        "version": now * 1000,
        "issued_at": Instant(now),
        "expires_at": Instant(now + 3 * DAY),
        "policy": 1,
        "policy_digest": CHAIN.head,
        "due": honest if due is None else due,
        "holds": (),
        "acts": (),
    }
    return Directive(**(known | facts))


def standing(now: int, **facts: object) -> Standing:
    """An agent that has just fetched an honest directive and knows the time."""
    known = {
        "bound": Instant(now),
        "wall": Instant(now),
        "trusted": True,
        "frozen": "",
        "freeze": None,
        "activated": frozenset({IMAGE, CALL}),
        "directive": directive(now),
        "fresh": True,
    }
    return Standing(**(known | facts))


def offline(now: int, age: int, **facts: object) -> Standing:
    """An agent whose newest directive is so many seconds old, and which reaches no enforcer."""
    return standing(now, directive=directive(now - age), fresh=False, **facts)


def goes(found: Standing, chain: Chain = CHAIN, **facts: object) -> bool:
    return rules(found, chain, **facts).due(IMAGE, DAY_RECORDED.toordinal())


NEXT_SECOND_ONLY = pytest.mark.parametrize(
    ("first", "make"),
    [
        (DUE_AT, standing),
        (TARGET - HOUR, lambda now: offline(now, 60)),
        (TARGET - HOUR, lambda now: offline(now, 72 * HOUR)),
        (LIMIT - HOUR, lambda now: offline(now, 72 * HOUR + 1)),
        (LIMIT - HOUR, lambda now: offline(now, 40 * DAY)),
        (TARGET - HOUR, lambda now: standing(now, directive=directive(now, due=()))),
        (TARGET - HOUR, lambda now: offline(now, 60, offline="keep")),
        (TARGET - HOUR, lambda now: standing(now, directive=directive(now - 40 * DAY, due=()))),
    ],
)


@NEXT_SECOND_ONLY
def test_a_picture_goes_from_that_second_on(first, make):
    """With a fresh directive when due; else an hour before the own target, or the limit."""
    assert not goes(make(first - 1))
    assert goes(make(first))


def test_a_fleet_is_spread_but_not_past_the_last_hour():
    assert not goes(standing(DUE_AT), spread=2 * HOUR)
    assert goes(standing(DUE_AT + 2 * HOUR), spread=2 * HOUR)
    assert not goes(standing(TARGET - HOUR - 1), spread=30 * HOUR)
    assert goes(standing(TARGET - HOUR), spread=30 * HOUR)


def test_a_lower_bound_of_the_time_decides_and_not_the_wall():
    """I13."""
    assert not goes(standing(DUE_AT - 1, wall=Instant(LIMIT + 999 * DAY)))
    assert goes(standing(DUE_AT, wall=Instant(0)))


def test_a_class_without_lead_does_not_go_an_hour_early():
    """I1."""
    canary = record_class("canary", "P1D", lead_seconds=0)
    chain = begun(classes=(record_class(), canary))
    limits = chain.limits_of("canary", DAY_RECORDED)
    ours = {"activated": frozenset({"canary"})}

    for make in (standing, lambda now, **facts: offline(now, 60, **facts)):
        for now, due in ((limits.due_at - 1, False), (limits.due_at, True)):
            found = rules(make(now, **ours), chain)
            assert due == found.due("canary", DAY_RECORDED.toordinal())


def test_a_shorter_period_does_not_go_an_hour_before_it_takes_effect():
    """I1: own target and limit are one instant then, and sweeping may begin just there."""
    chain = continued(
        begun(classes=(record_class(lead_seconds=0),)),
        effective_from=date(2026, 3, 1),
        classes=(record_class(period="P30D", lead_seconds=0),),
    )
    first = to_instant(datetime(2026, 3, 1, tzinfo=RIGA))

    for age in (60, 40 * DAY):
        assert not goes(offline(first - 1, age), chain)
        assert goes(offline(first, age), chain)


# --- a hijacked enforcer -------------------------------------------------------------------------

EVERYTHING = (Due(IMAGE, 1, date.min, date.max), Due(CALL, 1, date.min, date.max))


def test_an_enforcer_that_lets_everything_go_lets_go_what_is_due():
    assert not goes(standing(DUE_AT - 1, directive=directive(DUE_AT, due=EVERYTHING)))
    found = rules(standing(DUE_AT, directive=directive(DUE_AT, due=EVERYTHING)), CHAIN)
    honest = rules(standing(DUE_AT), CHAIN)
    assert honest.ranges == found.ranges


@pytest.mark.parametrize(
    ("name", "since", "through", "begins"),
    [(IMAGE, 0, 0, True), (IMAGE, 1, 1, False), (IMAGE, -9, -1, False), (CALL, -9, 9, False)],
)
def test_what_a_directive_lets_go_are_days_of_the_class_that_it_names(name, since, through, begins):
    first, last = (DAY_RECORDED + timedelta(days=after) for after in (since, through))
    named = directive(DUE_AT, due=(Due(name, 1, first, last),))
    assert begins == goes(standing(DUE_AT, directive=named))


def test_a_directive_from_the_future_does_not_stay_young():
    far = directive(TARGET, issued_at=Instant(TARGET + 999 * DAY), expires_at=Instant(2**33 - 1))

    assert not goes(standing(LIMIT - HOUR - 1, directive=far, fresh=False))
    assert goes(standing(LIMIT - HOUR, directive=far, fresh=False))
    assert refusal(standing(TARGET, directive=far, fresh=False, offline="keep")) is not None


def test_a_directive_that_says_it_has_expired_has():
    short = directive(TARGET - HOUR, expires_at=Instant(TARGET - HOUR))

    assert goes(standing(TARGET - HOUR, directive=short, fresh=False))
    assert not goes(standing(TARGET - HOUR + 1, directive=short, fresh=False))
    assert goes(standing(LIMIT - HOUR, directive=short, fresh=False))


dues = st.lists(
    st.builds(
        lambda name, first, length: Due(name, 1, first, first + timedelta(days=length)),
        st.sampled_from([IMAGE, CALL, "door"]),
        st.dates(date(2025, 12, 1), date(2026, 3, 1)),
        st.integers(0, 30),
    ),
    max_size=3,
).map(tuple)
nows = st.integers(DUE_AT - 3 * DAY, LIMIT + DAY)


@given(
    nows,
    dues,
    st.tuples(st.booleans(), st.integers(-100 * DAY, 100 * DAY)),
    st.integers(0, 40 * HOUR),
    st.dates(date(2026, 1, 1), date(2026, 1, 31)),
)
def test_whatever_a_directive_says_nothing_goes_before_it_is_due_or_stays_past_its_limit(
    now, due, fetched, spread, day
):
    """I1, I3: and with a directive fetched now, nothing stays past the own target."""
    fresh, age = fetched
    found = standing(now, directive=directive(now - age, due=due), fresh=fresh)
    limits = CHAIN.limits_of(IMAGE, day)
    going = rules(found, CHAIN, spread=spread).due(IMAGE, day.toordinal())

    if going:
        assert now >= limits.due_at
    if now >= limits.outer_bound - HOUR or (fresh and now >= limits.must_be_gone_by - HOUR):
        assert going


@given(nows, dues, dues)
def test_the_more_a_directive_says_the_more_goes_and_never_more_than_is_due(now, due, more):
    some = rules(standing(now, directive=directive(now, due=due)), CHAIN)
    all_ = rules(standing(now, directive=directive(now, due=due + more)), CHAIN)
    honest = rules(standing(now), CHAIN)

    for day in range(date(2025, 12, 1).toordinal(), date(2026, 4, 1).toordinal()):
        assert some.due(IMAGE, day) <= all_.due(IMAGE, day) <= honest.due(IMAGE, day)


# --- what is not activated -----------------------------------------------------------------------


def undated_goes(found: Rules, name: str) -> bool:
    item = Item(name, 1, State.UNDATED, Instant(0), Instant(0), holds=0)
    return found.decide(item).why == "undated"


def test_a_class_that_was_not_activated_here_is_only_observed():
    """I12."""
    found = rules(standing(LIMIT + DAY, activated=frozenset({CALL})), CHAIN)

    assert not found.due(IMAGE, DAY_RECORDED.toordinal())
    assert set(found.ranges) <= {CALL}
    assert undated_goes(found, CALL)
    assert not undated_goes(found, IMAGE)


def test_an_undated_file_of_a_class_kept_for_a_minimum_stays():
    papers = record_class("papers", "P10Y", bound="minimum")
    chain = begun(classes=(record_class(), papers))
    found = rules(standing(LIMIT, activated=frozenset({IMAGE, "papers", "unknown"})), chain)
    later = continued(
        chain, effective_from=date(2026, 3, 1), classes=(record_class(bound="minimum"), *CLASSES)
    )

    assert undated_goes(found, IMAGE)
    assert not undated_goes(found, "papers")
    assert not undated_goes(found, "unknown")
    assert not undated_goes(rules(standing(LIMIT), later), IMAGE)


# --- no sweep at all -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "outcome", "reason"),
    [
        ({"activated": frozenset()}, Outcome.REFUSED_EARLY, "only observed"),
        ({"frozen": "two boxes"}, Outcome.REFUSED_HELD, "two boxes"),
        ({"bound": None}, Outcome.REFUSED_CLOCK, "never told the time"),
        ({"trusted": False}, Outcome.REFUSED_CLOCK, "jumped or is wrong"),
        ({"directive": None}, Outcome.REFUSED_HELD, "no directive"),
        ({"directive": None, "fresh": False}, Outcome.REFUSED_HELD, "no directive"),
    ],
)
def test_a_sweep_is_refused_with_a_reason(facts, outcome, reason):
    found = refusal(standing(TARGET, **facts))

    assert outcome == found.outcome
    assert reason in found.reason


def test_an_agent_in_good_standing_is_not_refused():
    assert refusal(standing(TARGET)) is None
    assert refusal(offline(TARGET, 72 * HOUR)) is None
    assert refusal(offline(TARGET, 400 * DAY)) is None


@pytest.mark.parametrize(
    ("age", "frozen"),
    [(0, True), (72 * HOUR - 1, True), (72 * HOUR, False), (-HOUR, True), (-72 * HOUR, False)],
)
def test_a_technicians_marker_freezes_for_three_days(age, frozen):
    found = refusal(standing(TARGET, freeze=Instant(TARGET - age)))

    assert frozen == (found is not None)


def test_a_marker_counts_by_the_clock_that_dated_it():
    """A box that was off for ten days does not know by how much its lower bound lags."""
    wall = Instant(TARGET + 10 * DAY)

    assert refusal(standing(TARGET, wall=wall, freeze=Instant(wall - 60))) is not None
    assert refusal(standing(TARGET, wall=wall, freeze=TARGET)) is None


def test_a_store_that_keeps_while_the_enforcer_is_away_says_that_it_is_blocked():
    found = refusal(offline(TARGET, 72 * HOUR + 1, offline="keep"))

    assert Outcome.BLOCKED == found.outcome
    assert refusal(offline(TARGET, 72 * HOUR, offline="keep")) is None
    assert refusal(standing(TARGET, offline="keep")) is None


def test_a_retired_store_waits_for_nobody_until_its_last_hour():
    alone = offline(LIMIT - HOUR - 1, 72 * HOUR + 1, offline="keep", retired=True)
    assert refusal(alone) is None
    assert not goes(alone)
    assert goes(offline(LIMIT - HOUR, 72 * HOUR + 1, offline="keep", retired=True))
