"""A canary that is late violates, one that nobody saw is unknown, and both are counted apart."""

import pytest
from fleet import add_store
from msgspec import structs
from prometheus_client import CollectorRegistry
from small_policy import first_policy, source
from sqlalchemy import Engine
from test_comply import NOW, Store
from world import GROUP, STORE, at

from enforcer import comply
from enforcer.comply import State
from enforcer.index.engine import reading
from enforcer.metrics import Facts
from retention.calendar import Instant
from retention.classes import CANARY
from retention.policy import Chain
from retention.report import Sighted

_POLICY = first_policy()
_OURS = source("canary", group="*", directory="canary", record_class=CANARY)
CHAIN = Chain((structs.replace(_POLICY, sources=(*_POLICY.sources, _OURS)),), b"")


def stand(index: Engine, *, now: Instant = NOW) -> dict[tuple[str, str], comply.Position]:
    with reading(index) as connection:
        found = comply.positions(connection, CHAIN, now)
    return {(p.store, p.record_class): p for p in found}


def plant(store: Store, moment: Instant) -> None:
    store.items += 1
    mark = store.items.to_bytes(16, "big")
    store.say(Sighted(store.items, CANARY, "canary", moment, "name", 0, 0, 0, moment, 100, mark))


def overdue(index: Engine, now: Instant = NOW) -> float | None:
    class Chains:
        def read(self, _connection: object) -> Chain:
            return CHAIN

    registry = CollectorRegistry()
    registry.register(Facts(index, Chains(), lambda: now))  # type: ignore[arg-type]
    return registry.get_sample_value("retention_canary_overdue")


def test_a_store_that_planted_none_is_unknown_for_canaries_alone(index: Engine):
    store = Store(index)
    store.sight(Instant(NOW - 3600))
    canary = stand(index)[STORE, CANARY]
    assert (State.UNKNOWN, ["no_canary"]) == (canary.state, [r.word for r in canary.reasons])
    assert State.OK is stand(index)[STORE, "terminal-image"].state
    plant(store, Instant(NOW - 3600))
    assert State.OK is stand(index)[STORE, CANARY].state
    assert 0 == overdue(index)


def test_until_six_in_the_morning_that_of_yesterday_will_do(index: Engine):
    store = Store(index)
    plant(store, at("2026-03-15 00:10"))
    for moment, expected in (("2026-03-16 03:59", False), ("2026-03-16 04:01", True)):
        reasons = stand(index, now=at(moment))[STORE, CANARY].reasons
        assert expected == ("no_canary" in [r.word for r in reasons]), moment


def test_one_that_is_still_there_the_next_day_violates(index: Engine):
    store = Store(index)
    plant(store, at("2026-03-15 00:10"))
    plant(store, at("2026-03-16 00:10"))
    position = stand(index)[STORE, CANARY]
    assert (State.VIOLATED, 1) == (position.state, position.overdue)
    assert 1 == overdue(index)
    assert State.OK is stand(index)[STORE, "terminal-image"].state


@pytest.mark.parametrize(("kind", "expected"), [("directory", True), ("bucket", False)])
def test_only_where_agents_write_is_one_expected(index: Engine, kind: str, expected: bool):
    add_store(index, kind=kind, store_group=GROUP, last_seen_at=NOW, scan_complete_at=NOW)
    assert expected == ((STORE, CANARY) in stand(index))
    assert (0 if expected else None) == overdue(index)


@pytest.mark.parametrize("kind", ["terminal", "bucket"])
def test_canaries_alone_say_nothing_of_a_stores_recordings(index: Engine, kind: str):
    """Of a group whose cameras nobody registered yet, and whose agent has not reported anything."""
    add_store(index, kind=kind, store_group="elsewhere", state="invited")
    recordings = stand(index)[STORE, "terminal-image"]
    assert (State.UNKNOWN, ["not_enrolled"]) == (
        recordings.state,
        [reason.word for reason in recordings.reasons],
    )


def test_a_note_that_none_could_be_written_is_unknown_for_all_of_the_store(index: Engine):
    store = Store(index)
    store.set(notes='["canary-not-planted"]')
    assert "canary_not_planted" in [r.word for r in stand(index)[STORE, "terminal-image"].reasons]
