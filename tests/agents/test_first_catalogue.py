"""A catalogue whose rows the first version's own code wrote comes up, and its agent keeps every promise."""

import lzma
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world import World, at

from retention import codec, directive, envelope, report
from retention.acts import Release
from retention.calendar import DAY, Instant
from retention.hold import StoreHold

WRITTEN = Path(__file__).parent / "catalogues" / "first.sqlite.xz"
KILLED = at("2026-03-19 13:10")
HELD, YOUNG = (Instant(at("2026-03-16 12:00") - days * DAY) for days in (70, 10))
ERASED_FILE, HELD_FILE = "front/20251231-140000.jpg", "front/20260105-140000.jpg"
APPEARED_FILE, YOUNG_FILE = "front/20260115-140000-x.jpg", "front/20260306-140000.jpg"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The terminal of that catalogue an hour after it was killed, and its centre; nothing has started yet."""
    world = World.make(tmp_path, Instant(KILLED + 3600))
    world.stop()
    for leftover in world.state.glob("catalogue*"):
        leftover.unlink()
    path = world.state / "catalogue.sqlite"
    path.write_bytes(lzma.decompress(WRITTEN.read_bytes()))
    with closing(sqlite3.connect(path)) as db:
        assert (1,) == db.execute("PRAGMA user_version").fetchone()
        rows = db.execute(
            "SELECT path, name, mtime_ns FROM items JOIN directories ON id = directory"
        )
        for directory, name, mtime_ns in rows.fetchall():
            world.write(f"{directory.decode()}/{name.decode()}", mtime=mtime_ns // 10**9)
        (others,) = db.execute("SELECT mtime_ns FROM others").fetchone()
        world.write("front/notes.md", b"no recording", mtime=others // 10**9)
        remember(world, db)
    world.adopt_inodes()
    world.clock.reboot()
    yield world
    world.stop()


def remember(world: World, db: sqlite3.Connection) -> None:
    """The centre is where that agent had last heard it: with what it sent, and what it was told."""
    acknowledged, sealed = db.execute("SELECT log_acknowledged, directive FROM agent").fetchone()
    packed = db.execute("SELECT packed FROM log ORDER BY first").fetchall()
    lines = [line for (segment,) in packed for line in report.unpack(segment)]
    said = directive.opened(envelope.decode(sealed))
    centre = world.centre
    centre.epoch, centre.lines = said.epoch, lines[:acknowledged]
    centre.holds, centre.acts, centre.version = list(said.holds), list(said.acts), said.version
    assert acknowledged < len(lines), "something was never sent"
    assert centre.chain.head == said.policy_digest


def test_it_has_the_shape_of_a_new_one(world: World, tmp_path: Path):
    shape = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    columns = (
        "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m, pragma_table_info(m.name) c"
    )
    new = World.make(tmp_path / "new", KILLED)
    world.boot()
    for query in (columns, shape.replace(", sql", "")):
        made = sorted(new.agent.catalogue.rows(query))
        assert made == sorted(world.agent.catalogue.rows(query))
    new.stop()


def test_what_was_known_is_known_and_what_was_begun_is_ended(world: World):
    world.boot()
    assert HELD_FILE in world.files()
    world.rest()
    books = world.check()
    assert {HELD_FILE, APPEARED_FILE, YOUNG_FILE, "front/notes.md"} == world.files()
    anchors = {number: book.anchor for number, book in books.live.items()}
    assert {1: HELD, 3: YOUNG, 5: at("2026-03-16 13:10")} == anchors
    assert {1: {"hold-1"}, 3: set(), 5: set()} == {n: set(b.holds) for n, b in books.live.items()}
    ended = [entry for entry in world.centre.entries() if isinstance(entry, report.Erased)]
    assert [(((2, 2),), "due"), (((4, 4),), "late")] == [(e.items, e.why) for e in ended]


def test_what_it_had_erased_is_erased_again_when_it_comes_back(world: World):
    world.boot()
    world.rest()
    back = world.write("copies/restored.jpg", b"\xff\xd8\xff" + ERASED_FILE.encode())
    world.cycle()
    assert not back.exists()
    world.rest()
    world.check()


def test_its_holds_hold_and_end_by_two_people(world: World):
    world.boot()
    world.rest()
    world.true.now = Instant(world.due_at(YOUNG) + DAY)
    world.rest()
    assert HELD_FILE in world.files()
    assert YOUNG_FILE not in world.files()
    world.sign(Release(id="release-1", at=world.true.now, reason="closed", hold="hold-1"), "dace")
    world.rest()
    world.true.pass_(2 * DAY)
    world.rest()
    assert HELD_FILE in world.files(), "one signature is none"
    world.sign(Release(id="release-2", at=world.true.now, reason="closed", hold="hold-1"))
    world.centre.holds = []
    world.rest()
    assert HELD_FILE in world.files(), "a day of grace"
    world.true.pass_(DAY + 60)
    world.rest()
    assert HELD_FILE not in world.files()
    world.check()


def test_the_hold_is_spelled_as_it_was(world: World):
    """A hold of that version was acknowledged in its bytes; what it names has to be found by them still."""
    world.boot()
    [(data,)] = world.agent.catalogue.rows("SELECT hold FROM holds")
    assert world.centre.holds == [codec.decode(data, StoreHold)]
