"""What `doctor` says of a file of rows: who else writes, packs or deletes there, and what stays behind."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stores.place import LIVE, STORE, CsvPlace

from agents.service.places import TreePlace
from agents.storage import rows_place
from agents.storage.settings import Csv, SqlTable
from agents.stores.files.private import enrol
from agents.stores.rows.shape import ASTERISK
from agents.stores.rows.survey import survey
from agents.stores.tree.survey import SUITABLE
from retention.checkup import Fact

ANYWHERE = SUITABLE | {"tmpfs", "overlay"}


@pytest.fixture
def place(tmp_path: Path):
    place = CsvPlace(tmp_path / "place" / "root")
    place.put(b"", b"a", b"data")
    yield place
    place.close()


def facts(place: CsvPlace, *rotations: Path) -> dict[str, Fact]:
    root = str(place.path).encode()
    found = survey(root, LIVE, STORE, suitable=ANYWHERE, deleters={"logrotate": rotations})
    return {fact.subject: fact for fact in found}


def test_a_file_that_is_opened_for_each_record_is_fine_and_residuals_are_named(place: CsvPlace):
    found = facts(place)
    assert found["writers of rows"].fine
    assert "snapshots" in found["residuals"].sentence
    assert all(fact.fine for fact in found.values())


def test_a_file_that_a_program_keeps_open_is_told(place: CsvPlace):
    with (place.path / "Master.csv").open("ab"):
        found = facts(place)
    assert not found["writers of rows"].fine
    assert "keeps this file open" in found["writers of rows"].sentence


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, None),
        ({"columns": ("src", "dst", "start")}, "`columns`"),
        ({"delimiter": ";"}, "`delimiter`"),
        ({"time": "src"}, "`time`"),
        ({"time_format": "%d.%m.%Y"}, "`time_format`"),
    ],
    ids=["as it is", "columns", "delimiter", "column", "format"],
)
def test_rows_that_have_no_time_where_it_is_declared_are_told(
    tmp_path: Path, wrong: dict[str, Any], told: str | None
):
    """They would have no date, and each go a week after it was first seen."""
    enrol(str(tmp_path).encode(), STORE)
    row = ASTERISK[:9], ("03/16/2026 12:00" if told == "`time_format`" else "2026-03-16 12:00:00")
    (tmp_path / "Master.csv").write_text(",".join((*row[0], row[1], *ASTERISK[10:])) + "\n")
    said = Csv(place="cdr", root=str(tmp_path), zone="UTC", **({"time": "start"} | wrong))
    [fact] = [
        each for each in rows_place.CsvPlace(said).survey(STORE, 60) if each.subject == "times"
    ]
    assert fact.fine == (told is None)
    assert told is None or told in fact.remedy


def test_rows_of_a_table_that_have_no_time_where_it_is_declared_are_told(tmp_path: Path):
    path = tmp_path / "calls.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE cdr (id INTEGER PRIMARY KEY, at TEXT, src TEXT)")
        db.execute("INSERT INTO cdr VALUES (1, '2026-03-16 12:00:00', '+37120000001')")
    for time, is_fine in (("at", True), ("src", False)):
        said = SqlTable(
            place="cdr", dsn=f"sqlite:{path}", table="cdr", key="id", time=time, zone="UTC"
        )
        place = rows_place.TablePlace(said)
        place.enrol(STORE)
        [fact] = [each for each in place.survey(STORE, 60) if each.subject == "times"]
        assert fact.fine == is_fine


def test_a_place_that_cannot_be_looked_at_keeps_no_other_from_being_told(tmp_path: Path):
    (tmp_path / "calls").mkdir()
    enrol(str(tmp_path / "calls").encode(), STORE)
    said = Csv(place="cdr", root=str(tmp_path / "away"), time="start", zone="UTC")
    main = TreePlace(str(tmp_path / "calls"), None, anywhere=True)
    facts = rows_place.joined(main, [said], []).survey(STORE, 60)
    told = {fact.subject: fact for fact in facts}
    assert "away cannot be opened" in told["cdr: storage"].sentence
    assert told["private directory"].fine


def test_a_part_that_cannot_be_read_is_told(place: CsvPlace):
    (place.path / "Master.csv.1.gz").write_bytes(b"packed")
    found = facts(place)
    assert not found["parts"].fine
    assert "compressed" in found["parts"].sentence


def test_a_rotation_by_somebody_else_is_told_by_its_file(place: CsvPlace, tmp_path: Path):
    rotations = tmp_path / "logrotate.d"
    rotations.mkdir()
    (rotations / "asterisk").write_text(f"{place.path}/*.csv {{ weekly compress rotate 4 }}")
    (rotations / "motion").write_text("/var/log/motion/*.log { weekly }")
    found = facts(place, rotations)
    assert not found["other deleters"].fine
    assert "asterisk (logrotate) may delete or pack" in found["other deleters"].sentence
    (rotations / "asterisk").unlink()
    assert facts(place, rotations)["other deleters"].fine
