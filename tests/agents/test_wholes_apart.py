"""What is asked or written of one call says nothing of another, and changes nothing of it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.engine.memory import wholes
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Part, Role
from retention.calendar import Instant
from retention.tombstones import LEAST_SECONDS

ONE, OTHER = b"1" * 16, b"2" * 16
NOW = Instant(1_770_000_000)
FIRST = wholes.FIRST_PART


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A catalogue in which item 1 is a call with a part, and item 2 one without; item 3 is none."""
    catalogue = Catalogue(tmp_path / "catalogue.db")
    with catalogue.transaction() as db:
        wholes.begin(db, ONE, 1, Role.COMPANION)
        wholes.begin(db, OTHER, 2, Role.RECORDING)
        db.execute("INSERT INTO parts VALUES (?, 1, ?)", (FIRST, Role.COMPANION))
        db.execute("INSERT INTO parts VALUES (?, 9, ?)", (FIRST + 1, Role.COMPANION))
        for number in (1, FIRST, FIRST + 1):
            db.execute(
                "INSERT INTO evidence (number, reason, candidates) VALUES (?, '', '')", (number,)
            )
        yield db
    catalogue.close()


def test_no_catalogue_tells_which_call_it_is_without_its_key():
    part = Part(b"20260110-1", Role.RECORDING)
    names = {wholes.call_of(key, part) for key in (b"a" * 32, b"b" * 32)}
    names.add(wholes.call_of(b"a" * 32, Part(b"20260110-2", Role.RECORDING)))
    assert (3, {16}) == (len(names), {len(name) for name in names})
    assert wholes.call_of(b"a" * 32, part) == wholes.call_of(b"a" * 32, part)


def test_a_call_is_found_by_its_name_and_by_its_parts(db: sqlite3.Connection):
    assert [1, 2, None] == [wholes.find(db, name) for name in (ONE, OTHER, b"3" * 16)]
    numbers = (1, 3, FIRST, FIRST + 1, FIRST + 2)
    assert [1, 3, 1, 9, FIRST + 2] == [wholes.item_of(db, number) for number in numbers]
    assert [False, True] == [wholes.is_part(number) for number in (FIRST - 1, FIRST)]


def test_a_call_is_told_from_what_is_none_and_from_what_has_parts(db: sqlite3.Connection):
    assert [True, True, False] == [wholes.is_whole(db, item) for item in (1, 2, 3)]
    assert [True, False, False] == [wholes.has_parts(db, item) for item in (1, 2, 3)]
    assert ({1}, {1, 2}, set()) == tuple(
        wholes.among(db, items) for items in ([1, 3], [1, 2, 3], [3])
    )
    assert [Role.COMPANION, Role.RECORDING] == [wholes.lead_role(db, item) for item in (1, 2)]


def test_one_call_is_erased_in_part(db: sqlite3.Connection):
    wholes.mark_partly_erased(db, 2)
    assert [False, True, False] == [wholes.was_partly_erased(db, item) for item in (1, 2, 3)]


def test_what_has_ended_is_known_for_as_long_as_it_is_wanted_and_no_longer_a_call(
    db: sqlite3.Connection,
):
    wholes.end(db, [2, 3], NOW)
    assert [False, True] == [wholes.has_ended(db, name) for name in (ONE, OTHER)]
    assert [True, False] == [wholes.is_whole(db, item) for item in (1, 2)]
    wanted = LEAST_SECONDS + 100
    wholes.drop_unwanted(db, Instant(NOW + wanted), wanted)
    assert wholes.has_ended(db, OTHER)
    wholes.drop_unwanted(db, Instant(NOW + wanted + 1), wanted)
    assert not wholes.has_ended(db, OTHER)


def test_a_call_that_is_forgotten_never_ended(db: sqlite3.Connection):
    wholes.forget(db, [1])
    assert [None, 2] == [wholes.find(db, name) for name in (ONE, OTHER)]
    assert not wholes.has_ended(db, ONE)
    wholes.drop(db, [FIRST])
    assert [(FIRST + 1,)] == db.execute("SELECT number FROM parts").fetchall()
    assert [(1,), (FIRST + 1,)] == db.execute("SELECT number FROM evidence").fetchall()
