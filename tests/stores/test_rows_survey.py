"""What `doctor` says of a file of rows: who else writes, packs or deletes there, and what stays behind."""

from pathlib import Path

import pytest
from stores.place import LIVE, STORE, CsvPlace

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
