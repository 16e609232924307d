"""Rows of a CSV through the engine: found, dated, held, released, and gone when the day comes."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from world import RIGA, STORE, World, at, first_policy

from agents.stores import Store
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.declared import Declared
from agents.stores.rows.shape import ASTERISK, shape
from retention import acts
from retention.calendar import DAY, Instant
from retention.hold import AFTER_RELEASE_SECONDS, StoreHold
from retention.outcome import Outcome
from retention.policy import Source
from retention.report import Sighted

MASTER = Declared(
    b"Master.csv",
    ASTERISK,
    shape(time="start", zone="Europe/Riga", call="uniqueid", duration="duration"),
)
CDR = Source(
    id="calls",
    group="terminals",
    directory="front",
    record_class="terminal-image",
    purpose="calls",
)


def _rows(root: Path, epoch: int) -> Store:
    return CsvRows(os.fsencode(root), STORE, MASTER, epoch=epoch)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.make(
        tmp_path, at("2026-03-01 12:00"), first_policy(sources=[CDR]), open_store=_rows
    )
    world.activate()
    yield world
    world.stop()


def call(world: World, number: str, start: Instant | None = None) -> str:
    """Asterisk writes the record of a call that has just ended, 30 seconds long."""
    began = datetime.fromtimestamp((world.true.now if start is None else start) - 30, RIGA)
    row = (
        f'"","{number}","100","from-trunk","""Caller"" <{number}>","SIP/trunk-1","SIP/100-1","Dial",'
        f'"SIP/100","{began:%Y-%m-%d %H:%M:%S}","{began:%Y-%m-%d %H:%M:%S}","",30,28,"ANSWERED",'
        f'"DOCUMENTATION","{number}.1",""'
    )
    with (world.root / "front/Master.csv").open("a") as file:
        file.write(row + "\n")
    return row


def written(world: World) -> list[str]:
    """The rows of all parts."""
    files = sorted((world.root / "front").glob("Master.csv*"))
    return [row for file in files for row in file.read_text().splitlines()]


def test_rows_that_were_declared_wrongly_are_dated_once_they_are_declared_rightly(tmp_path: Path):
    """Else they would go a week after they were first seen, however young their call is."""
    declared = MASTER._replace(columns=("src", "dst", "start", "duration", "uniqueid"))
    now = at("2026-03-01 12:00")

    def rows(root: Path, epoch: int) -> Store:
        return CsvRows(os.fsencode(root), STORE, declared, epoch=epoch)

    world = World.make(tmp_path, now, first_policy(sources=[CDR]), open_store=rows)
    world.activate()
    young, old = Instant(now - 3 * DAY), Instant(now - 70 * DAY)
    (world.root / "front").mkdir(exist_ok=True)
    call(world, "+37120000001", young)
    call(world, "+37120000002", old)
    world.rest()
    assert [None, None] == [each.anchor for each in world.books().live.values()]
    declared = MASTER
    world.crash()
    world.rest()
    assert [Instant(young - 30)] == [each.anchor for each in world.books().live.values()]
    assert 1 == len(world.books().erased())
    world.true.now = Instant(world.due_at(young) - 60)
    world.rest()
    assert 1 == len(written(world))
    world.true.pass_(120)
    world.rest()
    assert [] == written(world)
    world.check()
    world.stop()


def test_a_row_is_an_item_from_its_writing_to_its_erasure(world: World):
    world.cycle()
    began = world.true.now
    world.true.pass_(60)
    first = call(world, "+37120000001")
    world.cycle()
    world.true.pass_(3 * DAY)
    second = call(world, "+37120000002")
    world.cycle()
    sighted = [entry for entry in world.centre.entries() if isinstance(entry, Sighted)]
    assert [(e.how, e.source, e.span) for e in sighted] == [("stated", "calls", 30)] * 2
    assert sighted[0].anchor == began + 30
    world.true.now = Instant(world.due_at(began) - 60)
    world.cycle()
    assert written(world) == [first, second]
    world.true.pass_(120)
    world.rest()
    assert written(world) == [second]
    assert [ending.outcome for ending in world.books().erased()] == [Outcome.ERASED_VERIFIED]
    assert "+37120000001" not in (world.state / "catalogue.sqlite").read_bytes().decode("latin-1")


def hold_one_of_two(world: World) -> tuple[Instant, str]:
    """Of two calls the first is held: when it began, and its row."""
    world.cycle()
    began = world.true.now
    world.true.pass_(60)
    held = call(world, "+37120000001")
    world.true.pass_(3600)
    call(world, "+37120000002")
    world.cycle()
    world.centre.holds.append(StoreHold("case", Instant(began), Instant(began + 60)))
    world.agent.talk()
    return began, held


def test_a_held_row_stays_and_goes_a_day_after_its_release(world: World):
    began, held = hold_one_of_two(world)
    world.true.now = Instant(world.due_at(began) + DAY)
    world.rest()
    assert written(world) == [held]
    del world.centre.holds[:]
    world.sign(acts.Release(id=world.act_id(), at=world.true.now, reason="test", hold="case"))
    world.rest()
    assert written(world) == [held]
    world.true.pass_(AFTER_RELEASE_SECONDS + 60)
    world.rest()
    assert written(world) == []


def test_a_row_that_cannot_be_parsed_is_undated_and_goes_after_its_week(world: World):
    with (world.root / "front/Master.csv").open("a") as file:
        file.write('"","broken,"x\n')
    good = call(world, "+37120000001")
    world.cycle()
    assert [e.state for e in world.books().live.values()] == ["undated", "present"]
    world.true.pass_(6 * DAY)
    world.rest()
    assert len(written(world)) == 2
    world.true.pass_(2 * DAY)
    world.rest()
    assert written(world) == [good]


def test_a_row_that_somebody_else_removed_is_gone_and_a_held_one_is_given_back(world: World):
    began, held = hold_one_of_two(world)
    world.cycle()
    assert "held-unprotected" not in set(world.agent.notes())
    (world.root / "front/Master.csv").write_text("")
    world.crash()
    world.rest()
    assert [ending.how for ending in world.books().ended.values()] == ["gone_elsewhere"]
    assert written(world) == [held]
    world.sign(acts.Release(id=world.act_id(), at=world.true.now, reason="test", hold="case"))
    world.true.now = Instant(world.due_at(began) + DAY)
    world.rest()
    world.true.pass_(AFTER_RELEASE_SECONDS + 60)
    world.rest()
    assert written(world) == []
    assert list((world.root / ".retention/held").iterdir()) == []
