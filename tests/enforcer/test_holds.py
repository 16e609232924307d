"""A hold as one person places, reviews and takes it on: what each changes, and what is refused."""

from datetime import date, timedelta
from typing import Any

import pytest
from fleet import CHAIN, NOW, STORE, add_store, place, table
from sqlalchemy import Engine

from enforcer.govern import holds
from enforcer.govern.forms.holds import Confirmation, Placement, Review
from enforcer.index.engine import writing
from retention.errors import ConfigError, RefusedError
from retention.hold import MAX_REVIEW_DAYS

TODAY = date(2026, 3, 16)
LAST = TODAY + timedelta(days=MAX_REVIEW_DAYS)
OTHER = "riga-002"


@pytest.fixture
def fleet(index: Engine) -> Engine:
    add_store(index)
    add_store(index, OTHER, state="retired")
    return index


def placed(index: Engine, hold: str = "hold-1", **words: Any) -> dict[str, Any]:
    facts = {"ground": "crime", "stores": (STORE,), "around": "03:10"} | words
    form = Placement(id=hold, **facts)
    with writing(index) as connection:
        holds.place(connection, CHAIN, form, person="edgars", now=NOW, today=TODAY)
    return stored(index)[hold]


def stored(index: Engine) -> dict[str, dict[str, Any]]:
    names = ("id", "ground", "case_reference", "citation", "owner", "origin", "review_on")
    rows = [dict(zip(names, row, strict=True)) for row in table(index, "holds", *names)]
    return {row["id"]: row for row in rows}


def review(index: Engine, hold: str, **words: Any) -> None:
    with writing(index) as connection:
        holds.review(connection, hold, Review(**({"review_on": LAST} | words)), today=TODAY)


def confirm(index: Engine, hold: str, **words: Any) -> None:
    form = Confirmation(**({"ground": "crime"} | words))
    with writing(index) as connection:
        holds.confirm(connection, hold, form, person="edgars", now=NOW)


def test_a_hold_is_its_placers_and_is_looked_at_within_a_month(fleet: Engine):
    assert {
        "id": "hold-1",
        "ground": "crime",
        "case_reference": "2026-17",
        "citation": "",
        "owner": "edgars",
        "origin": "person",
        "review_on": (TODAY + timedelta(days=holds.USUAL_REVIEW_DAYS)).toordinal(),
    } == placed(fleet, case="2026-17")
    assert [("hold-1", STORE)] == table(fleet, "hold_stores", "hold", "store")


def test_asked_again_nothing_is_placed_twice_and_another_is_beside_it(fleet: Engine):
    placed(fleet)
    assert "" == placed(fleet, case="2026-17")["case_reference"]
    placed(fleet, "hold-2")
    assert [("hold-1", STORE), ("hold-2", STORE)] == table(fleet, "hold_stores", "hold", "store")


@pytest.mark.parametrize("review_on", [TODAY, LAST])
def test_a_review_is_at_the_earliest_today_and_at_the_latest_in_ninety_days(
    fleet: Engine, review_on: date
):
    assert review_on.toordinal() == placed(fleet, review_on=review_on)["review_on"]


def test_a_request_for_access_has_a_ground_and_an_end_of_its_own(fleet: Engine):
    request = placed(fleet, requested_on=TODAY, ground="dispute", review_on=LAST)
    facts = ("statute", holds.ACCESS, "request", date(2026, 4, 16).toordinal())
    asked = ("ground", "citation", "origin", "review_on")
    assert facts == tuple(request[name] for name in asked)
    cited = placed(fleet, "hold-2", requested_on=TODAY, citation="Act 1, article 2")
    assert "Act 1, article 2" == cited["citation"]


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ({"ground": "holiday"}, ConfigError, "'holiday' is no ground to hold"),
        ({"ground": "statute"}, ConfigError, "cite it"),
        ({"ground": "statute", "citation": " "}, ConfigError, "cite it"),
        ({"review_on": TODAY - timedelta(days=1)}, RefusedError, "not in the past"),
        ({"review_on": LAST + timedelta(days=1)}, RefusedError, "within 90 days"),
        ({"requested_on": TODAY + timedelta(days=1)}, ConfigError, "is in the future"),
        ({"case": "ask 29123456"}, RefusedError, "no personal data"),
        ({"citation": "ask 29123456"}, RefusedError, "no personal data"),
        ({"hold": "seize1"}, ConfigError, "cannot name a hold"),
        ({"hold": "hold-"}, ConfigError, "cannot name a hold"),
        ({"hold": "hold-a_b"}, ConfigError, "cannot name a hold"),
        ({"hold": "hold-" + 28 * "a"}, ConfigError, "cannot name a hold"),
        ({"stores": (OTHER,)}, RefusedError, "every store of this scope is retired"),
    ],
)
def test_what_is_no_hold_is_not_placed(
    fleet: Engine, words: dict[str, Any], error: type, sentence: str
):
    with pytest.raises(error, match=sentence):
        placed(fleet, **words)
    assert {} == stored(fleet)


def test_a_hold_is_not_carried_to_a_store_that_is_no_more(fleet: Engine):
    placed(fleet, "hold-" + 27 * "a", stores=(STORE, OTHER))
    assert [(STORE,)] == table(fleet, "hold_stores", "store")


def test_a_review_completes_one_hold_and_takes_nothing_away(fleet: Engine):
    placed(fleet, case="2026-17", citation="article 1")
    before = placed(fleet, "hold-2")
    review(fleet, "hold-1")
    after = stored(fleet)
    told = ("case_reference", "citation", "review_on")
    assert ("2026-17", "article 1", LAST.toordinal()) == tuple(after["hold-1"][n] for n in told)
    assert before == after["hold-2"]
    review(fleet, "hold-1", case="2026-18", citation="article 2")
    assert ["2026-18", "article 2"] == [stored(fleet)["hold-1"][name] for name in told[:2]]


def test_what_a_locker_began_is_taken_on_once(fleet: Engine):
    for name in ("marker-1", "marker-2"):
        place(fleet, name, STORE, owner="", origin="marker")
    before = stored(fleet)["marker-2"]
    confirm(fleet, "marker-1", ground="statute", case="2026-17", citation="article 1")
    asked = ("owner", "ground", "case_reference", "citation", "origin")
    facts = ("edgars", "statute", "2026-17", "article 1", "marker")
    assert facts == tuple(stored(fleet)["marker-1"][name] for name in asked)
    assert before == stored(fleet)["marker-2"]
    with pytest.raises(RefusedError, match="is edgars's already"):
        confirm(fleet, "marker-1")


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ({"ground": "statute"}, ConfigError, "cite it"),
        ({"ground": "holiday"}, ConfigError, "no ground"),
        ({"case": "ask 29123456"}, RefusedError, "no personal data"),
        ({"citation": "ask 29123456"}, RefusedError, "no personal data"),
    ],
)
def test_taking_on_asks_for_the_same_words(
    fleet: Engine, words: dict[str, Any], error: type, sentence: str
):
    place(fleet, "marker-1", STORE, owner="")
    with pytest.raises(error, match=sentence):
        confirm(fleet, "marker-1", **words)


def test_only_a_hold_that_holds_is_reviewed_with_words_that_may_be_kept(fleet: Engine):
    placed(fleet)
    place(fleet, "hold-old", STORE, released_at=NOW)
    with pytest.raises(ConfigError, match="no hold is called 'hold-9'"):
        review(fleet, "hold-9")
    with pytest.raises(RefusedError, match="hold-old was released"):
        review(fleet, "hold-old")
    with pytest.raises(RefusedError, match="within 90 days"):
        review(fleet, "hold-1", review_on=LAST + timedelta(days=1))
    with pytest.raises(RefusedError, match="no personal data"):
        review(fleet, "hold-1", case="ask 29123456")
