"""An item's dates when another's are taken over, when its file is rewritten, and when it is known again."""

import pytest

from agents.engine.memory.dates import WIDEST_SECONDS, Dates, returned
from retention.anchor import INHERITED, REWRITTEN, UNDATED
from retention.calendar import DAY, Instant
from retention.decide import State

NOON = Instant(1_770_000_000)
CIVIL = 739_000


def dates(anchor: Instant | None = NOON, **changes: object) -> Dates:
    facts = {"before": 10, "after": 20, "how": "exif" if anchor else UNDATED}
    state = State.PRESENT if anchor else State.UNDATED
    common = {"civil": CIVIL, "state": state, "not_before": Instant(0)}
    return Dates(anchor=anchor, **(common | facts | changes))  # type: ignore[arg-type]


def again(known: Dates, prior: Instant, **facts: object) -> Dates:
    told = {"earliest": prior, "span": 5, "came_unseen": False} | facts
    return returned(known, prior, CIVIL - 1, **told)  # type: ignore[arg-type]


def test_content_that_is_known_again_keeps_the_earlier_date():
    prior = Instant(NOON - DAY)
    found = again(dates(), prior)
    assert (prior, CIVIL - 1, INHERITED) == (found.anchor, found.civil, found.how)
    assert (0, DAY + 20, False) == (found.before, found.after, found.unsure)
    same = dates()
    assert same == again(same, NOON)
    assert same == again(same, Instant(NOON + DAY))
    assert same == again(same, Instant(NOON + DAY), earliest=NOON)


def test_what_has_no_date_takes_the_one_that_was_known():
    found = again(dates(None), NOON)
    assert (NOON, State.PRESENT, 0, 5) == (found.anchor, found.state, found.before, found.after)
    late = again(dates(state=State.LATE, not_before=9), Instant(NOON - DAY))
    assert (State.LATE, 9) == (late.state, late.not_before)


def test_where_nobody_saw_it_come_the_later_date_that_was_known_stands():
    prior = Instant(NOON + DAY)
    found = again(dates(), prior, came_unseen=True)
    assert (prior, DAY + 10, 5) == (found.anchor, found.before, found.after)


def test_how_early_a_date_can_be_is_known_no_better_and_no_worse():
    found = again(dates(), Instant(NOON - 100), earliest=Instant(NOON - 400))
    assert (NOON - 100, 300, True) == (found.anchor, found.before, found.unsure)
    kept = again(dates(), Instant(NOON + 100), earliest=Instant(NOON - 400))
    assert (NOON, 400, True, "exif") == (kept.anchor, kept.before, kept.unsure, kept.how)
    assert 10 == again(dates(), Instant(NOON + 100), earliest=Instant(NOON - 5)).before
    wide = again(dates(), Instant(NOON + 1), earliest=Instant(NOON - WIDEST_SECONDS - 1))
    assert WIDEST_SECONDS == wide.before


def test_no_interval_is_wider_than_a_log_entry_tells():
    far = {"earliest": Instant(NOON - 2**40), "latest": Instant(NOON + 2**40)}
    found = dates().moved(NOON, CIVIL, **far)
    assert 2 * (WIDEST_SECONDS,) == (found.before, found.after)
    for apart in (-DAY, DAY):
        wide = dates(before=WIDEST_SECONDS, after=WIDEST_SECONDS)
        found = wide.rewritten(wide._replace(anchor=Instant(NOON + apart)), sure=True)
        assert 2 * (WIDEST_SECONDS,) == (found.before, found.after)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("others", [True, False])
def test_a_date_is_as_unsure_as_either_of_the_two(own: bool, others: bool):
    facts = {"earliest": NOON, "latest": NOON, "unsure": others}
    assert (own or others) is dates(unsure=own).moved(NOON, CIVIL, **facts).unsure


@pytest.mark.parametrize("sure", [True, False])
def test_what_is_rewritten_keeps_its_date_and_is_held_as_of_both(sure: bool):
    known, now = dates(), dates(Instant(NOON + DAY), before=30, after=40)
    found = known.rewritten(now, sure=sure)
    assert (NOON, REWRITTEN, False) == (found.anchor, found.how, found.unsure)
    widths = (10, DAY + 40) if sure else 2 * (WIDEST_SECONDS,)
    assert widths == (found.before, found.after)
    earlier = known.rewritten(dates(Instant(NOON - DAY), before=30), sure=True)
    assert (DAY + 30, 20) == (earlier.before, earlier.after)


def test_what_is_rewritten_with_the_same_date_is_no_worse_known():
    known = dates(unsure=True)
    found = known.rewritten(dates(before=50), sure=True)
    assert (50, 20, "exif", True) == (found.before, found.after, found.how, found.unsure)


def test_what_is_rewritten_without_a_date_may_be_of_any_time():
    found = dates().rewritten(dates(None), sure=True)
    assert (WIDEST_SECONDS, WIDEST_SECONDS, REWRITTEN) == (found.before, found.after, found.how)
