"""A call on a disk and in Asterisk's `Master.csv` is one item: both are there, and both go."""

import os
from datetime import datetime
from pathlib import Path

import pytest
from calls import sound
from world import GROUP, RIGA, STORE, World, at, first_policy

from agents.storage.recorders import BUILT_IN, Recorders
from agents.stores import Store
from agents.stores.files.private import enrol
from agents.stores.joined import Joined
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.declared import Declared
from agents.stores.rows.shape import ASTERISK, shape
from agents.stores.tree.tree import Tree
from retention.calendar import DAY, Instant
from retention.hold import StoreHold
from retention.policy import Source

BEGAN = at("2026-03-01 12:10")
UNIQUEID = f"{BEGAN}.17"
COLUMNS = shape(time="start", zone="Europe/Riga", call="uniqueid", duration="duration")


def _joined(root: Path, epoch: int) -> Store:
    for place in ("calls", "cdr"):
        (root / place).mkdir(exist_ok=True)
        enrol(os.fsencode(root / place), STORE)
    rows = Declared(b"Master.csv", ASTERISK, COLUMNS)
    return Joined(
        {
            b"calls": Tree(os.fsencode(root / "calls"), STORE, epoch=epoch),
            b"cdr": CsvRows(os.fsencode(root / "cdr"), STORE, rows, epoch=epoch),
        }
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    sources = [
        Source(
            id=place,
            group=GROUP,
            directory=place,
            record_class="terminal-image",
            purpose="calls",
            name_pattern="%Y%m%d-%H%M%S-*" if place == "calls" else None,
        )
        for place in ("calls", "cdr")
    ]
    world = World.make(
        tmp_path,
        at("2026-03-01 12:00"),
        first_policy(sources=sources),
        open_store=_joined,
        parts=Recorders(BUILT_IN["asterisk"]).part,
    )
    world.activate()
    world.cycle()
    world.true.now = Instant(BEGAN + 60)
    return world


def recording(world: World) -> Path:
    local = datetime.fromtimestamp(BEGAN, RIGA)
    return world.write(f"calls/{local:%Y%m%d-%H%M%S}-{UNIQUEID}.wav", sound("call"))


def row(world: World) -> None:
    start = f"{datetime.fromtimestamp(BEGAN, RIGA):%Y-%m-%d %H:%M:%S}"
    fields = ["", "20000001", "100", "in", "x", "SIP/1", "SIP/2", "Dial", "SIP/100"]
    fields += [start, start, "", "30", "28", "ANSWERED", "DOCUMENTATION", UNIQUEID, ""]
    with (world.root / "cdr/Master.csv").open("a") as file:
        file.write(",".join(f'"{field}"' for field in fields) + "\n")


def rows(world: World) -> list[str]:
    files = (world.root / "cdr").glob("Master.csv*")
    return [line for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("acts", [(recording, row), (row, recording)])
def test_a_recording_and_its_row_are_one_item_and_go_together(world: World, acts):
    for act in acts:
        act(world)
        world.cycle()
    books = world.books()
    assert [BEGAN] == [entry.anchor for entry in books.live.values()]
    lead = "SELECT name FROM items WHERE number = 1"
    assert world.agent.catalogue.value(lead).endswith(b".wav")
    world.true.now = Instant(world.due_at(BEGAN) - 60)
    world.cycle()
    assert 1 == len(rows(world))
    world.true.pass_(120)
    for _ in range(3):
        world.cycle()
    assert [] == rows(world)
    assert [] == list((world.root / "calls").glob("*.wav"))
    assert ["due"] == [ending.how for ending in world.books().ended.values()]


def test_a_hold_on_the_recording_holds_its_row(world: World):
    recording(world)
    row(world)
    world.cycle()
    hold = StoreHold("case", Instant(BEGAN - 60), Instant(BEGAN + 60), ("calls",))
    world.centre.holds.append(hold)
    world.agent.talk()
    world.true.now = Instant(world.due_at(BEGAN) + DAY)
    for _ in range(2):
        world.cycle()
    assert 1 == len(rows(world))
    assert 1 == len(list((world.root / "calls").glob("*.wav")))
