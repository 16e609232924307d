"""A call as a whole: legs and a sidecar on a disk, a row in a CSV and one in a database.

Found by its number's hash, held by it, released, and gone with every row when its day comes.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from calls import sound
from storage_world import storage_world
from world import RIGA, World, at

from retention import acts
from retention.calendar import DAY, Instant
from retention.hold import AFTER_RELEASE_SECONDS, StoreHold
from retention.numbers import NumberKey, keyed
from retention.policy import Source
from retention.report import Held, Numbered, Sighted

ASTERISK = Path(__file__).parents[1] / "media" / "calls" / "asterisk"
NUMBER, OTHER = "+37120000001", "+37120000002"
OLD, NEW = NumberKey("2026-01", b"1" * 32), NumberKey("2026-07", b"2" * 32)
MARKERS = (b"20000001", b"20000002", b"Kaspars", b"1767261600.17")


def source(name: str, directory: str) -> Source:
    kind = "terminal-image"  # that of the small world with a period of 60 days
    return Source(
        id=name, group="terminals", directory=directory, record_class=kind, purpose="calls"
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = tmp_path / "ratings.db"
    with sqlite3.connect(database) as db:
        db.execute(
            "CREATE TABLE ratings (id INTEGER PRIMARY KEY, uid TEXT, at TEXT, stars INTEGER)"
        )
    db.close()
    ratings = {"place": "ratings", "dsn": f"sqlite:{database}", "table": "ratings", "key": "id"}
    columns = {"time": "start", "zone": "Europe/Riga", "call": "uniqueid"}
    world = storage_world(
        tmp_path,
        at("2026-01-01 09:00"),
        recorders=["asterisk"],
        csv={**columns, "duration": "duration", "numbers": ["src"]},
        tables=[{**ratings, "time": "at", "zone": "UTC", "call": "uid"}],
        keys=(OLD, NEW),
        sources=[source("front", "front"), source("cdr", "cdr"), source("ratings", "ratings")],
    )
    yield world
    world.stop()


def call(world: World, number: str, counter: int, *, row: bool = True) -> Instant:
    """Asterisk records a call of half a minute that ends now. When it began."""
    began = Instant(world.true.now - 30)
    local, uid = datetime.fromtimestamp(began, RIGA), f"{began}.{counter}"
    for name in ("", "rx-", "tx-"):
        world.write(f"front/{name}{local:%Y%m%d-%H%M%S}-{uid}.wav", sound(f"{name}{uid}"))
    sidecar = f"front/{local:%Y%m%d-%H%M%S}-{uid}.json"
    world.write(sidecar, f'{{"who": "Kaspars", "from": "{number}"}}'.encode())
    if row:
        write_row(world, number, began, counter)
    return began


def write_row(world: World, number: str, began: Instant, counter: int) -> None:
    time = f"{datetime.fromtimestamp(began, RIGA):%Y-%m-%d %H:%M:%S}"
    fields = ["", number, "100", "in", f'""K"" <{number}>', "a", "b", "Dial", "", time, time, time]
    fields += ["30", "28", "ANSWERED", "3", f"{began}.{counter}", ""]
    with (world.root.parent / "cdr/Master.csv").open("a") as file:
        file.write(",".join(f'"{field}"' for field in fields) + "\n")


def rate(world: World, began: Instant, counter: int) -> None:
    with sqlite3.connect(world.root.parent / "ratings.db") as db:
        time = f"{datetime.fromtimestamp(world.true.now).astimezone(RIGA).isoformat()}"
        args = (f"{began}.{counter}", time)
        db.execute("INSERT INTO ratings (uid, at, stars) VALUES (?, ?, 5)", args)
    db.close()


def left(world: World) -> tuple[int, int, int]:
    """How many files, rows of CSV and rows of the database are there."""
    files = sorted((world.root.parent / "cdr").glob("Master.csv*"))
    with sqlite3.connect(world.root.parent / "ratings.db") as db:
        [(rated,)] = db.execute("SELECT count(*) FROM ratings").fetchall()
    db.close()
    rows = sum(len(file.read_text().splitlines()) for file in files)
    return len([f for f in world.files() if f.startswith("front/")]), rows, rated


def of_kind(world: World, kind: type) -> list:
    return [entry for entry in world.centre.entries() if isinstance(entry, kind)]


def hold(world: World, number: str, begins: Instant, ends: Instant) -> None:
    numbers = keyed(number, (OLD, NEW))
    world.centre.holds.append(StoreHold("case", begins, ends, (), (), numbers))


def test_a_call_is_one_item_with_its_rows_and_all_of_it_goes(world: World):
    world.true.now = Instant(at("2026-01-01 10:00") + 30)
    began = call(world, NUMBER, 17)
    world.cycle()
    world.true.pass_(600)
    rate(world, began, 17)
    world.cycle()
    assert [(e.item, e.anchor) for e in of_kind(world, Sighted)] == [(1, began)]
    [told] = of_kind(world, Numbered)
    assert (told.item, set(told.numbers)) == (1, set(keyed(NUMBER, (OLD, NEW))))
    assert left(world) == (4, 1, 1)
    world.true.now = Instant(world.due_at(began) - 60)
    world.rest()
    assert left(world) == (4, 1, 1)
    world.true.pass_(120)
    world.rest()
    assert left(world) == (0, 0, 0)
    assert [ending.how for ending in world.books().ended.values()] == ["due"]
    for table in ("items", "parts", "calls", "item_numbers"):
        assert world.agent.catalogue.rows(f"SELECT * FROM {table}") == []


def test_a_hold_by_number_keeps_every_part_until_a_day_after_its_release(world: World):
    world.true.now = Instant(at("2026-01-01 10:00") + 30)
    held = call(world, NUMBER, 17)
    world.true.pass_(60)
    call(world, OTHER, 18)
    world.cycle()
    rate(world, held, 17)
    hold(world, NUMBER, Instant(held - 3600), Instant(held + 3600))
    world.agent.talk()
    world.true.now = Instant(world.due_at(held) + DAY)
    world.rest()
    assert left(world) == (4, 1, 1)
    assert [e.items for e in of_kind(world, Held)] == [((1, 1),)]
    del world.centre.holds[:]
    world.sign(acts.Release(id=world.act_id(), at=world.true.now, reason="test", hold="case"))
    world.rest()
    assert left(world) == (4, 1, 1)
    world.true.pass_(AFTER_RELEASE_SECONDS + 60)
    world.rest()
    assert left(world) == (0, 0, 0)


def test_a_call_whose_row_comes_after_the_hold_is_held_by_it(world: World):
    """The number is in the row alone, and the hold is older than both."""
    began = Instant(at("2026-01-01 10:00"))
    hold(world, NUMBER, Instant(began - 3600), Instant(began + 3600))
    world.agent.talk()
    world.true.now = Instant(began + 30)
    call(world, NUMBER, 17, row=False)
    world.cycle()
    assert of_kind(world, Held) == []
    write_row(world, NUMBER, began, 17)
    world.cycle()
    assert [e.items for e in of_kind(world, Held)] == [((1, 1),)]
    world.true.now = Instant(world.due_at(began) + DAY)
    world.rest()
    assert left(world) == (4, 1, 0)


def test_a_row_that_comes_after_its_call_was_erased_goes_too(world: World):
    world.true.now = Instant(at("2026-01-01 10:00") + 30)
    began = call(world, NUMBER, 17, row=False)
    world.cycle()
    world.true.now = Instant(world.due_at(began) + 60)
    world.rest()
    assert left(world) == (0, 0, 0)
    write_row(world, NUMBER, began, 17)
    world.rest()
    world.true.pass_(2 * DAY)
    world.rest()
    assert left(world) == (0, 0, 0)


def test_while_the_database_cannot_be_reached_nothing_is_called_gone(world: World):
    world.true.now = Instant(at("2026-01-01 10:00") + 30)
    began = call(world, NUMBER, 17)
    rate(world, began, 17)
    world.cycle()
    database = world.root.parent / "ratings.db"
    database.rename(database.with_suffix(".away"))
    world.true.now = Instant(world.due_at(began) + 60)
    world.rest()
    assert world.books().ended == {}
    database.with_suffix(".away").rename(database)
    world.rest()
    assert left(world) == (0, 0, 0)
    assert [ending.how for ending in world.books().ended.values()] == ["due"]


def test_nothing_of_a_call_leaves_the_agent_in_clear_nor_stays_after_it(
    world: World, capfd: pytest.CaptureFixture[str]
):
    world.true.now = Instant(at("2026-01-01 10:00") + 30)
    began = call(world, NUMBER, 17)
    assert f"{began}.17".encode() in MARKERS
    rate(world, began, 17)
    world.cycle()
    world.agent.heartbeat()
    world.report()
    world.true.now = Instant(world.due_at(began) + 60)
    world.rest()
    assert left(world) == (0, 0, 0)
    told = b"\n".join(world.centre.lines) + "".join(capfd.readouterr()).encode()
    kept = b"".join(path.read_bytes() for path in world.state.iterdir() if path.is_file())
    database = b"".join(path.read_bytes() for path in world.root.parent.glob("ratings.db*"))
    for marker in MARKERS:
        assert marker not in told
        assert marker not in kept
        assert marker not in database


def test_what_a_real_asterisk_left_is_two_calls_each_with_three_legs_and_a_row(world: World):
    world.true.now = at("2026-11-29 14:05")
    world.cycle()
    world.true.now = at("2026-11-29 14:10")
    shutil.copytree(ASTERISK / "monitor", world.root / "front", dirs_exist_ok=True)
    shutil.copy(ASTERISK / "cdr-csv" / "Master.csv", world.root.parent / "cdr")
    for path in (world.root / "front").iterdir():
        os.utime(path, (world.true.now, world.true.now))
    world.rest()
    assert left(world) == (6, 2, 0)
    began = [at("2026-11-29 14:09") + second for second in (54, 57)]
    sighted = {entry.item for entry in of_kind(world, Sighted)}
    assert sorted(entry.anchor for entry in world.books().live.values()) == began
    told = {(entry.item, each) for entry in of_kind(world, Numbered) for each in entry.numbers}
    spoke = [*keyed("+37120000001", (OLD, NEW)), *keyed("+37167000000", (OLD, NEW))]
    assert told == {(item, each) for item in sighted for each in spoke}
    world.true.now = Instant(world.due_at(Instant(began[0])) + 60)
    world.rest()
    assert left(world) == (0, 0, 0)
