"""A disk that is not there, and a catalogue that this agent cannot read."""

import hmac
import sqlite3

import pytest
from world import World, at

from retention.calendar import DAY
from retention.errors import RetentionError
from retention.fingerprint import fingerprint
from retention.probes import BytesSource

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")

#: Every column of every table and index, by name.
SHAPE = """
SELECT m.name, coalesce(i.name, c.name) FROM sqlite_master AS m
  LEFT JOIN pragma_table_info(m.name) AS c LEFT JOIN pragma_index_info(m.name) AS i
"""


def test_while_the_root_is_missing_nothing_is_gone_and_nothing_is_erased(world: World):
    world.record(OLD)
    world.rest()
    world.activate()
    world.root.rename(world.root.with_name("away"))
    world.root.mkdir()  # the mount point without its disk
    for _ in range(2):
        with pytest.raises(RetentionError):
            world.scan()
        with pytest.raises(RetentionError):
            world.sweep()
        world.true.pass_(DAY)
    world.agent.heartbeat()
    world.report()
    books = world.books()
    assert (1, {}) == (len(books.live), books.ended)
    assert "root-missing" in books.beat.notes

    world.root.rmdir()
    world.root.with_name("away").rename(world.root)
    world.rest()
    books = world.check()
    assert (set(), ()) == (world.files(), books.beat.notes)


def test_a_catalogue_of_a_newer_version_is_refused_in_a_sentence_and_left_as_it_is(world: World):
    world.record(OLD)
    world.rest()
    world.stop()
    path = world.state / "catalogue.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = path.read_bytes()
    with pytest.raises(RetentionError, match="newer version"):
        world.boot()
    assert before == path.read_bytes()


def test_a_catalogue_that_is_damaged_is_refused_in_a_sentence(world: World):
    world.record(OLD)
    world.rest()
    world.stop()
    (world.state / "catalogue.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(RetentionError, match="enrol this agent again"):
        world.boot()
    assert 1 == len(world.files())


#: Back from the eighteenth version of the catalogue to the seventeenth, and so on.
SEVENTEENTH_VERSION = """
ALTER TABLE clock DROP COLUMN told;
PRAGMA user_version = 17;
"""
SIXTEENTH_VERSION = f"""{SEVENTEENTH_VERSION}
CREATE TABLE old (
    fingerprint BLOB PRIMARY KEY, anchor INTEGER, own INTEGER NOT NULL, earliest INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO old SELECT fingerprint, anchor, own, earliest FROM prior;
DROP TABLE prior;
ALTER TABLE old RENAME TO prior;
PRAGMA user_version = 16;
"""
FIFTEENTH_VERSION = f"""{SIXTEENTH_VERSION}
DROP TABLE digests;
PRAGMA user_version = 15;
"""
FOURTEENTH_VERSION = f"""{FIFTEENTH_VERSION}
ALTER TABLE evidence DROP COLUMN skew;
PRAGMA user_version = 14;
"""
THIRTEENTH_VERSION = f"""{FOURTEENTH_VERSION}
ALTER TABLE periods DROP COLUMN agreed;
PRAGMA user_version = 13;
"""
TWELFTH_VERSION = f"""{THIRTEENTH_VERSION}
ALTER TABLE prior DROP COLUMN earliest;
PRAGMA user_version = 12;
"""
ELEVENTH_VERSION = f"""{TWELFTH_VERSION}
ALTER TABLE agent DROP COLUMN retired;
PRAGMA user_version = 11;
"""
TENTH_VERSION = f"""{ELEVENTH_VERSION}
ALTER TABLE scans DROP COLUMN epoch;
CREATE TABLE old (
    fingerprint BLOB PRIMARY KEY, anchor INTEGER NOT NULL, own INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO old SELECT * FROM prior;
DROP TABLE prior;
ALTER TABLE old RENAME TO prior;
DROP TABLE remembered;
PRAGMA user_version = 10;
"""
NINTH_VERSION = f"""{TENTH_VERSION}
ALTER TABLE items DROP COLUMN unsure;
PRAGMA user_version = 9;
"""
EIGHTH_VERSION = f"""{NINTH_VERSION}
ALTER TABLE items DROP COLUMN scan;
CREATE TABLE old AS SELECT began, ended, period FROM scans ORDER BY id;
DROP TABLE scans;
ALTER TABLE old RENAME TO scans;
PRAGMA user_version = 8;
"""
SEVENTH_VERSION = f"""{EIGHTH_VERSION}
ALTER TABLE watched DROP COLUMN boot;
ALTER TABLE watched DROP COLUMN zero;
PRAGMA user_version = 7;
"""
SIXTH_VERSION = f"""{SEVENTH_VERSION}
DROP TABLE doubts;
ALTER TABLE holds DROP COLUMN pending;
PRAGMA user_version = 6;
"""
FIFTH_VERSION = f"""{SIXTH_VERSION}
DROP TABLE watched;
CREATE TABLE old AS SELECT id, boot, zero, floor, vouched, offset FROM periods;
DROP TABLE periods;
CREATE TABLE periods (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, zero INTEGER NOT NULL, floor INTEGER,
    vouched INTEGER NOT NULL DEFAULT 0, offset INTEGER, UNIQUE (boot, zero)
) STRICT;
INSERT INTO periods SELECT * FROM old;
DROP TABLE old;
PRAGMA user_version = 5;
"""
FOURTH_VERSION = f"""{FIFTH_VERSION}
DROP TABLE restorations;
PRAGMA user_version = 4;
"""
THIRD_VERSION = f"""{FOURTH_VERSION}
DROP TABLE item_numbers;
PRAGMA user_version = 3;
"""
#: Back to the second. It knew erased content by itself.
SECOND_VERSION = f"""{THIRD_VERSION}
CREATE INDEX items_content ON items (fingerprint);
DROP TABLE contents;
DROP TABLE tombstones;
ALTER TABLE agent DROP COLUMN next_part;
DROP TABLE calls;
DROP TABLE parts;
DROP TABLE ended;
CREATE TABLE tombstones (mac BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
"""
#: Back from the second to the first.
FIRST_VERSION = """
ALTER TABLE clock DROP COLUMN heard;
ALTER TABLE periods DROP COLUMN floor;
ALTER TABLE periods DROP COLUMN vouched;
DROP INDEX items_due;
CREATE INDEX items_due ON items (record_class, holds, civil) WHERE holds = 0;
PRAGMA user_version = 1;
"""


@pytest.mark.parametrize(
    "back",
    [
        SEVENTEENTH_VERSION,
        SIXTEENTH_VERSION,
        FIFTEENTH_VERSION,
        FOURTEENTH_VERSION,
        THIRTEENTH_VERSION,
        TWELFTH_VERSION,
        ELEVENTH_VERSION,
        TENTH_VERSION,
        NINTH_VERSION,
        EIGHTH_VERSION,
        SEVENTH_VERSION,
        SIXTH_VERSION,
        FIFTH_VERSION,
        FOURTH_VERSION,
        THIRD_VERSION,
        SECOND_VERSION,
        SECOND_VERSION + FIRST_VERSION,
    ],
)
def test_a_catalogue_of_a_version_before_is_brought_up_and_goes_on(world: World, back: str):
    world.activate()
    world.record(YOUNG)
    world.rest()
    world.stop()
    with sqlite3.connect(world.state / "catalogue.sqlite") as db:
        made = db.execute(SHAPE).fetchall()
        db.executescript(back)
    db.close()
    world.boot()
    assert sorted(made) == sorted(world.agent.catalogue.rows(SHAPE))
    world.true.now = world.due_at(YOUNG)
    world.rest()
    assert set() == world.files()
    world.check()


def test_what_a_version_before_erased_is_known_again(world: World):
    picture = b"\xff\xd8\xff of a day in January"
    world.activate()
    world.rest()
    world.stop()
    with sqlite3.connect(world.state / "catalogue.sqlite") as db:
        db.executescript(SECOND_VERSION)
        (key,) = db.execute("SELECT store_key FROM agent").fetchone()
        mac = hmac.digest(key, fingerprint(BytesSource(picture)), "sha256")[:16]
        until = world.true.now + 300 * DAY
        db.execute("INSERT INTO tombstones VALUES (?, ?)", (mac, until))
    db.close()
    world.boot()
    assert [(0, until)] == world.agent.catalogue.rows("SELECT * FROM tombstones")
    world.write("copies/restored.jpg", picture)
    world.cycle()
    assert set() == world.files()
    world.rest()
    world.check()
