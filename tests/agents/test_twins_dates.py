"""Which date one of several copies takes over from another, told in facts of the catalogue alone."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from agents.engine.memory.dates import Dates
from agents.engine.memory.twins import earlier_dates
from retention.anchor import ASSUMED, CORRECTED, INHERITED, REWRITTEN, UNDATED
from retention.calendar import DAY, Instant, civil_date
from retention.decide import State

RIGA = ZoneInfo("Europe/Riga")
EARLY, LATE = Instant(1_770_000_000), Instant(1_770_000_000 + 10 * DAY)
OWN, SEEN, CLAIM = "exif", "mtime", ASSUMED

Row = tuple[object, ...]


class Catalogue:
    """Asked for the copies of one content, it has these."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def execute(self, _query: str, _arguments: tuple[int]) -> Sequence[Row]:
        return self._rows


def item(anchor: Instant | None, how: str = OWN, **changes: object) -> dict[str, object]:
    """One of the copies, met by a clock that was right, before any scan."""
    facts = {
        "anchor": anchor,
        "civil": 0,
        "before": 0,
        "after": 0,
        "seen": LATE,
        "scan": 0,
        "period": 1,
        "confirmed": 1,
        "state": State.PRESENT if anchor else State.UNDATED,
        "not_before": 0,
        "unsure": 0,
        "how": how,
        "source": "front",
        "is_call": 0,
    }
    assert changes.keys() <= facts.keys()
    return facts | changes


def taken(*items: dict[str, object]) -> dict[int, Dates]:
    """Who takes over what; copies are numbered from 1, and the order they come in means nothing."""
    rows = [(number, *facts.values()) for number, facts in enumerate(items, 1)]
    found = dict(earlier_dates(Catalogue(rows), 1, lambda _source: RIGA))  # type: ignore[arg-type]
    again = dict(earlier_dates(Catalogue(rows[::-1]), 1, lambda _source: RIGA))  # type: ignore[arg-type]
    assert found == again
    return found


def anchors(*items: dict[str, object]) -> dict[int, Instant | None]:
    return {number: dates.anchor for number, dates in taken(*items).items()}


def test_one_alone_takes_nothing_and_of_two_the_later_takes_the_earlier_date():
    assert {} == taken(item(EARLY))
    assert {} == taken(item(EARLY), item(EARLY))
    [(number, dates)] = taken(item(LATE), item(EARLY)).items()
    assert (1, EARLY, INHERITED) == (number, dates.anchor, dates.how)
    assert civil_date(EARLY, RIGA).toordinal() == dates.civil


def test_both_intervals_are_covered_by_the_one_that_is_left():
    dates = taken(item(LATE, before=5, after=7), item(EARLY, before=10, after=20))[1]
    assert (10, LATE - EARLY + 7) == (dates.before, dates.after)
    dates = taken(item(LATE, before=LATE - EARLY + 30), item(EARLY, after=LATE - EARLY + 40))[1]
    assert (30, LATE - EARLY + 40) == (dates.before, dates.after)


@pytest.mark.parametrize("unsure", [0, 1])
def test_what_is_not_sure_of_a_date_is_taken_over_with_it(unsure: int):
    assert bool(unsure) is taken(item(LATE), item(EARLY, unsure=unsure))[1].unsure
    assert bool(unsure) is taken(item(LATE, unsure=unsure), item(EARLY))[1].unsure


@pytest.mark.parametrize(
    ("giver", "taker"),
    [
        (item(EARLY, OWN), item(LATE, SEEN)),
        (item(EARLY, SEEN), item(LATE, CLAIM)),
        (item(EARLY, CLAIM), item(LATE, SEEN, state=State.LATE)),
        (item(EARLY, CLAIM), item(LATE, REWRITTEN)),
        (item(EARLY, CLAIM), item(None, UNDATED)),
        (item(EARLY, CLAIM), item(LATE, CLAIM)),
    ],
)
def test_the_better_attested_date_is_taken_over_if_it_is_the_earlier(giver: dict, taker: dict):
    assert {1: EARLY} == anchors(taker, giver)


@pytest.mark.parametrize(
    ("giver", "taker"),
    [
        (item(EARLY, SEEN), item(LATE, OWN)),
        (item(EARLY, CLAIM), item(LATE, SEEN)),
        (item(EARLY, SEEN, state=State.LATE), item(LATE, SEEN)),
    ],
)
def test_a_worse_attested_one_only_where_a_whole_scan_met_it_and_not_the_other(
    giver: dict, taker: dict
):
    assert {} == anchors(taker | {"scan": 3}, giver | {"scan": 3})
    assert {1: EARLY} == anchors(taker | {"scan": 3}, giver | {"scan": 2})


@pytest.mark.parametrize("how", [REWRITTEN, UNDATED])
def test_what_is_no_evidence_is_given_to_nobody(how: str):
    assert {} == anchors(item(LATE, OWN), item(EARLY, how, scan=-1))


def test_of_several_that_have_the_same_date_the_first_that_was_met_counts():
    several = [item(EARLY, CLAIM, scan=scan) for scan in (5, 1, 4)]
    assert {1: EARLY} == anchors(item(LATE, OWN, scan=3), *several)
    assert {} == anchors(item(LATE, OWN, scan=1), *several)


def test_a_date_that_was_taken_over_is_as_good_as_that_of_whom_it_is_from():
    inherited = item(EARLY, INHERITED)
    assert {1: EARLY} == anchors(item(LATE, OWN), inherited), "of one that is no more"
    assert {} == anchors(item(LATE, OWN), inherited, item(EARLY, CLAIM))
    assert {1: EARLY} == anchors(item(LATE, OWN), inherited, item(EARLY, CLAIM), item(EARLY, OWN))
    taker, giver = item(LATE, INHERITED), item(EARLY, CLAIM)
    assert {1: EARLY, 3: EARLY} == anchors(taker, giver, item(LATE, CLAIM))
    assert {} == anchors(taker, giver, item(LATE, OWN)) == anchors(taker, giver)
    known_worse, known_better = item(LATE, CLAIM), item(LATE, OWN)
    assert {4: EARLY} == anchors(taker, item(EARLY, SEEN), known_better, known_worse)
    came_late = item(LATE, SEEN, state=State.LATE)
    assert {1: EARLY, 3: EARLY} == anchors(taker, giver, came_late)


def test_dates_by_clocks_of_which_one_is_in_doubt_are_not_compared():
    doubted = {"confirmed": 0, "period": 2}
    assert {} == anchors(item(LATE), item(EARLY) | doubted)
    assert {} == anchors(item(LATE) | doubted, item(EARLY))
    assert {} == anchors(item(LATE) | doubted, item(EARLY) | doubted | {"period": 3})
    [(number, dates)] = taken(item(LATE) | doubted, item(EARLY) | doubted).items()
    assert (1, EARLY, OWN) == (number, dates.anchor, dates.how), "it is dated anew with the other"
    sure = taken(item(LATE), item(EARLY) | {"confirmed": 0, "period": 1}, item(EARLY, period=4))
    assert INHERITED == sure[1].how, "of two that give the same the sure one gives it"


def test_what_people_said_is_the_date_of_all_copies_and_what_they_said_of_one_stays():
    said = item(LATE, CORRECTED, confirmed=0, period=2, unsure=1)
    found = taken(item(EARLY), item(None, UNDATED), said, item(EARLY, CORRECTED))
    assert {1: EARLY, 2: EARLY} == {number: dates.anchor for number, dates in found.items()}
    found = taken(item(EARLY), said)
    assert {1: (LATE, CORRECTED, False)} == {
        number: (dates.anchor, dates.how, dates.unsure) for number, dates in found.items()
    }


def test_a_copy_of_a_late_arrival_has_its_day_of_grace():
    late = item(EARLY, state=State.LATE, not_before=500)
    for own, expected in ((100, 500), (900, 900)):
        dates = taken(item(LATE, not_before=own), late)[1]
        assert (State.LATE, expected) == (dates.state, dates.not_before)
    restricted = taken(item(LATE, state=State.RESTRICTED), late)[1]
    assert (State.RESTRICTED, 0) == (restricted.state, restricted.not_before)
    arrived = taken(item(LATE, state=State.LATE, not_before=7), item(EARLY, not_before=9))[1]
    assert (State.LATE, 7) == (arrived.state, arrived.not_before)
    undated = taken(item(None, UNDATED), item(EARLY, not_before=9))[1]
    assert (State.PRESENT, 0) == (undated.state, undated.not_before)


def test_a_call_gives_its_date_and_takes_none():
    assert {} == anchors(item(LATE, is_call=1), item(EARLY))
    assert {1: EARLY} == anchors(item(LATE), item(EARLY, is_call=1))


@pytest.mark.parametrize("how", [SEEN, CLAIM])
def test_what_has_no_date_gets_none_by_when_its_copy_came_and_the_copy_has_no_better_one(how: str):
    original, copy = item(None, UNDATED, seen=EARLY), item(LATE, how, scan=1)
    [(number, dates)] = taken(original, copy).items()
    assert (2, None, State.UNDATED, UNDATED) == (number, dates.anchor, dates.state, dates.how)
    assert civil_date(LATE, RIGA).toordinal() == dates.civil
    known = item(EARLY, OWN)
    assert {1: EARLY, 2: EARLY} == anchors(original, copy, known)


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (item(None, UNDATED, seen=EARLY), item(LATE, OWN)),
        (item(None, UNDATED, seen=EARLY), item(LATE, REWRITTEN)),
        (item(None, UNDATED, seen=EARLY), item(LATE, SEEN, state=State.LATE)),
        (item(None, UNDATED, seen=EARLY), item(LATE, SEEN, state=State.RESTRICTED)),
        (item(None, UNDATED, seen=EARLY), item(LATE, SEEN, is_call=1)),
        (item(None, UNDATED, seen=EARLY, confirmed=0), item(LATE, SEEN, period=2)),
        (item(None, UNDATED, seen=EARLY), item(LATE, SEEN, confirmed=0, period=2)),
    ],
)
def test_a_copy_keeps_the_date_that_is_more_than_its_coming(original: dict, copy: dict):
    assert {} == taken(original, copy)
