"""What each act needs before anybody is asked to sign it, and what it changes, and nothing beside it."""

from typing import Any

import pytest
from fleet import CHAIN, IMAGE, NOW, STORE, Log, add_store, column, place, sight, table
from sqlalchemy import Engine, update

from enforcer.govern import deeds
from enforcer.index import quarantines
from enforcer.index.engine import reading, writing
from enforcer.index.scope import Scope
from enforcer.index.tables import hold_stores
from retention import acts, codec
from retention.acts import AnyAct
from retention.calendar import DAY, Instant
from retention.errors import ConfigError, RefusedError
from retention.hold import ItemRef
from retention.outcome import Outcome
from retention.report import Erased, Held

OTHER = "riga-002"
STILL = "riga-003"
LATER = Instant(NOW + 60)


def act(kind: type[Any], **facts: object) -> AnyAct:
    common = {"id": f"{kind.__name__.lower()}-1", "at": NOW, "reason": "r"}
    return kind(**(common | facts))


def check(index: Engine, act: AnyAct) -> None:
    with reading(index) as connection:
        deeds.check(connection, CHAIN, act, NOW)


def carry(index: Engine, act: AnyAct, now: Instant = NOW) -> None:
    with writing(index) as connection:
        deeds.carry(connection, act, now)


def stores_of(index: Engine, act: AnyAct) -> list[str]:
    with reading(index) as connection:
        return sorted(deeds.stores_of(connection, act))


def ref(number: int, store: str = STORE) -> ItemRef:
    """An item as an act names it; what it is found by in a later epoch is of no interest here."""
    begins = Instant(NOW - 3600)
    return ItemRef(store, 1, number, "front", begins, NOW, number.to_bytes(4, "big") * 8)


ONE = (ref(1),)
RESTORED = {"store": STORE, "since": NOW}
BRAKE = {"store": STILL, "count": 1, "expires": LATER}
FIRST = {"record_class": IMAGE, "through_ordinal": 1, "count": 1}


@pytest.fixture
def fleet(index: Engine) -> Engine:
    """Two stores with two pictures each, and one that is frozen and has its brake engaged."""
    add_store(index, commissioned_at=NOW - DAY)
    add_store(index, STILL, brake="too many", frozen="two boxes")
    add_store(index, OTHER, state="observe")
    for store in (STORE, OTHER):
        Log(index, store).say(sight(1), sight(2))
    place(index, "hold-1", STORE)
    place(index, "hold-2", STORE, OTHER)
    place(index, "hold-3", released_at=NOW)
    return index


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (acts.Release, {"hold": "hold-1"}),
        (acts.Erasure, {"items": ONE}),
        (acts.Correction, {"items": ONE, "anchor": NOW}),
        (acts.Correction, {"items": ONE, "record_class": IMAGE}),
        (acts.Activation, {"stores": (STORE, OTHER), **FIRST}),
        (acts.BrakeRelease, BRAKE),
        (acts.Retirement, {"store": STORE, "how": "wiped"}),
        (acts.Thaw, {"store": STILL, "epoch": 1}),
        (acts.Restoration, RESTORED),
        (acts.Restoration, RESTORED | {"since": Instant(NOW - DAY)}),
        (acts.Restoration, {"store": OTHER, "since": Instant(0)}),
    ],
)
def test_what_could_be_carried_out_is_not_refused(fleet: Engine, kind: type, facts: dict):
    check(fleet, act(kind, **facts))


@pytest.mark.parametrize(
    ("kind", "facts", "error", "sentence"),
    [
        (acts.Release, {"hold": "hold-9"}, ConfigError, "no hold is called 'hold-9'"),
        (acts.Release, {"hold": "hold-3"}, RefusedError, "hold-3 was released already"),
        (acts.Erasure, {"items": (*ONE, ref(9))}, ConfigError, "no item riga-001/1/9"),
        (acts.Correction, {"items": ONE}, ConfigError, "another start, another class, or both"),
        (acts.Correction, {"items": ONE, "anchor": Instant(NOW + 1)}, ConfigError, "the future"),
        (acts.Correction, {"items": ONE, "record_class": "snap"}, ConfigError, "no class 'snap'"),
        (acts.Correction, {"items": (*ONE, ref(9)), "anchor": NOW}, ConfigError, "no item"),
        (acts.Lift, {"items": ONE, "subject_informed_at": NOW}, RefusedError, "not restricted"),
        (acts.Activation, {"stores": (), **FIRST}, ConfigError, "name the stores"),
        (acts.Activation, {"stores": ("x",), **FIRST}, ConfigError, "no store is called 'x'"),
        (
            acts.Activation,
            {"stores": (STORE,), **FIRST, "record_class": "snap"},
            ConfigError,
            "no class 'snap'",
        ),
        (acts.BrakeRelease, BRAKE | {"store": OTHER}, RefusedError, "is not engaged"),
        (acts.BrakeRelease, BRAKE | {"expires": NOW}, RefusedError, "has expired"),
        (acts.Retirement, {"store": STORE, "how": "sold"}, ConfigError, "not 'sold'"),
        (acts.Thaw, {"store": OTHER, "epoch": 1}, RefusedError, "is not frozen"),
        (acts.Thaw, {"store": STILL, "epoch": 2}, ConfigError, "never had an epoch 2"),
        (acts.Restoration, RESTORED | {"since": LATER}, ConfigError, "still to come"),
        (
            acts.Restoration,
            RESTORED | {"since": Instant(NOW - DAY - 1)},
            ConfigError,
            "before the store was commissioned",
        ),
    ],
)
def test_what_could_not_be_carried_out_is_refused_before_anybody_signs(
    fleet: Engine, kind: type, facts: dict, error: type, sentence: str
):
    with pytest.raises(error, match=sentence):
        check(fleet, act(kind, **facts))


@pytest.mark.parametrize("state", ["invited", "retired"])
@pytest.mark.parametrize(
    ("kind", "facts"),
    [(acts.Activation, {"stores": (STORE,), **FIRST}), (acts.Restoration, RESTORED)],
)
def test_only_a_store_whose_agent_reports_is_activated_or_restored(
    index: Engine, kind: type, facts: dict, state: str
):
    add_store(index, state=state)
    with pytest.raises(RefusedError, match=f"is {state}"):
        check(index, act(kind, **facts))


def test_a_store_is_retired_once(index: Engine):
    add_store(index, state="retired")
    with pytest.raises(RefusedError, match="is retired already"):
        check(index, act(acts.Retirement, store=STORE, how="lost"))


def test_only_what_is_held_there_keeps_a_store_in_service_unless_it_is_lost(fleet: Engine):
    wiped, lost = (act(acts.Retirement, store=OTHER, how=how) for how in ("wiped", "lost"))
    held, restricted = Held(NOW, "hold-2", ((1, 2),)), Held(NOW, "restriction-1", ((1, 1),))
    for store, told in ((STORE, [held]), (OTHER, [])):
        log = Log(fleet, store)
        log.write([sight(1), sight(2), *told])
        log.send(1, len(log.lines))
    check(fleet, wiped)
    log.say(held, restricted)
    with pytest.raises(RefusedError, match="2 items on riga-002 are held"):
        check(fleet, wiped)
    check(fleet, lost)


def test_each_act_is_for_the_stores_that_have_to_hear_of_it(fleet: Engine):
    both = (ref(2, OTHER), ref(1), ref(2))
    assert [STORE] == stores_of(fleet, act(acts.Release, hold="hold-1"))
    assert [STORE, OTHER] == stores_of(fleet, act(acts.Release, hold="hold-2"))
    for kind, facts in (
        (acts.Erasure, {}),
        (acts.Correction, {"anchor": NOW}),
        (acts.Lift, {"subject_informed_at": NOW}),
    ):
        assert [STORE, OTHER] == stores_of(fleet, act(kind, items=both, **facts))
    assert [OTHER] == stores_of(fleet, act(acts.Activation, stores=(OTHER,), **FIRST))
    for kind, facts in (
        (acts.BrakeRelease, BRAKE | {"store": STORE}),
        (acts.Retirement, {"store": STORE, "how": "lost"}),
        (acts.Thaw, {"store": STORE, "epoch": 1}),
        (acts.Restoration, RESTORED),
    ):
        assert [STORE] == stores_of(fleet, act(kind, **facts))


def released(index: Engine) -> dict[str, Instant | None]:
    return dict(table(index, "holds", "id", "released_at"))


def test_a_release_ends_one_hold(fleet: Engine):
    carry(fleet, act(acts.Release, hold="hold-1"), LATER)
    assert {"hold-1": LATER, "hold-2": None, "hold-3": NOW} == released(fleet)


def test_a_restriction_ends_when_each_of_its_items_was_lifted_and_no_hold_does(index: Engine):
    add_store(index)
    for name, numbers in {
        "restriction-one": (1,),
        "restriction-both": (1, 2),
        "restriction-other": (2,),
        "hold-1": (1,),
    }.items():
        items = tuple(ref(number) for number in numbers)
        place(index, name, STORE, scope=codec.encode(Scope(items=items)))
    place(index, "restriction-old", scope=codec.encode(Scope(items=ONE)), released_at=NOW)
    carry(index, act(acts.Lift, items=ONE, subject_informed_at=NOW), LATER)
    ended = {"restriction-one": LATER, "restriction-old": NOW}
    standing = dict.fromkeys(("restriction-both", "restriction-other", "hold-1"))
    assert ended | standing == released(index)
    carry(index, act(acts.Lift, items=(ref(1), ref(2)), subject_informed_at=NOW), LATER)
    assert {"hold-1"} == {name for name, at in released(index).items() if at is None}


def test_an_activation_is_of_the_stores_it_names(fleet: Engine):
    add_store(fleet, "riga-004", state="observe")
    carry(fleet, act(acts.Activation, stores=(OTHER,), **FIRST))
    assert ["active", "observe"] == [column(fleet, "state", s) for s in (OTHER, "riga-004")]


def test_a_thaw_is_of_one_store_and_a_restoration_quarantines_one(fleet: Engine):
    add_store(fleet, "riga-004", frozen="two boxes")
    carry(fleet, act(acts.Thaw, store=STILL, epoch=1))
    assert ["", "two boxes"] == [column(fleet, "frozen", s) for s in (STILL, "riga-004")]
    carry(fleet, act(acts.Restoration, **RESTORED))
    with reading(fleet) as connection:
        assert {STORE} == quarantines.stores(connection)


def test_a_retirement_closes_one_store_and_touches_no_other(fleet: Engine):
    with writing(fleet) as connection:
        freed = hold_stores.c.hold == "hold-1"
        connection.execute(update(hold_stores).where(freed).values(freed_at=NOW))
        for store in (STORE, OTHER):
            quarantines.begin(connection, store, "restoration-1")
    for store in (STORE, OTHER):
        log = Log(fleet, store)
        erased = Erased(NOW, ((2, 2),), "due", Outcome.ERASED_VERIFIED)
        log.write([sight(1), sight(2), Held(NOW, "hold-2", ((1, 1),)), erased])
        log.send(1, 4)
    carry(fleet, act(acts.Retirement, store=STORE, how="lost"), LATER)
    assert [(STORE, 2), (OTHER, 1), (OTHER, 2)] == table(fleet, "items", "store", "number")
    assert [(OTHER, 1)] == table(fleet, "held_items", "store", "number")
    freed_at = {row[:2]: row[2] for row in table(fleet, "hold_stores", "hold", "store", "freed_at")}
    ends = {("hold-1", STORE): NOW, ("hold-2", STORE): LATER, ("hold-2", OTHER): None}
    assert ends == freed_at
    with reading(fleet) as connection:
        assert {OTHER} == quarantines.stores(connection)
    assert ["retired", "observe"] == [column(fleet, "state", store) for store in (STORE, OTHER)]


def held_by(index: Engine, number: int, store: str = STORE) -> str:
    """Which holds keep an item from its erasure; "" if none does."""
    try:
        check(index, act(acts.Erasure, items=(ref(number, store),)))
    except RefusedError as error:
        return str(error).partition(" is held by ")[2].partition(":")[0]
    return ""


def test_what_a_store_holds_is_held_there_and_nothing_else(fleet: Engine):
    log = Log(fleet)
    log.write([sight(1), sight(2), Held(NOW, "hold-9", ((1, 1),))])
    log.send(1, 3)
    assert ["hold-9", "", ""] == [held_by(fleet, 1), held_by(fleet, 2), held_by(fleet, 1, OTHER)]


def test_a_hold_on_its_way_holds_what_it_names_and_what_its_interval_meets(fleet: Engine):
    began = Instant(NOW - 3600)
    place(fleet, "hold-item", STORE, scope=codec.encode(Scope(items=(ref(2),))))
    place(fleet, "hold-old", STORE, scope=codec.encode(Scope(items=ONE)), released_at=NOW)
    assert ["", "hold-item"] == [held_by(fleet, 1), held_by(fleet, 2)]
    assert "" == held_by(fleet, 2, OTHER)
    for name, begins, ends in (
        ("before", began - 9, began - 1),
        ("begin", began - 9, began),
        ("end", began + 10, began + 99),
        ("past", began + 11, began + 99),
    ):
        place(fleet, f"hold-{name}", OTHER, begins=begins, ends=ends)
    assert "hold-begin, hold-end" == held_by(fleet, 1, OTHER)
    assert "" == held_by(fleet, 1)
