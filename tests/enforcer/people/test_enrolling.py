"""Enrolling an agent whose store cannot be marked as its own yet."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from agents.cli import main
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores

SETTINGS = """
state = "{path}/state"
enforcer = "{url}"
[directory]
root = "{path}/calls"
any_file_system = true
[[tables]]
place = "ratings"
dsn = "sqlite:{path}/calls.db"
table = "ratings"
key = "id"
time = "at"
zone = "UTC"
"""


@pytest.fixture
def anothers(tmp_path: Path) -> Path:
    """A database that was enrolled as another store."""
    with closing(sqlite3.connect(tmp_path / "calls.db")) as db, db:
        db.execute("CREATE TABLE ratings (id INTEGER PRIMARY KEY, at TEXT)")
        db.execute("CREATE TABLE retention_store (store TEXT NOT NULL)")
        db.execute("INSERT INTO retention_store VALUES ('another')")
    return tmp_path / "calls.db"


def test_a_token_is_not_lost_to_who_had_to_see_to_the_storage_first(
    live, tmp_path: Path, anothers: Path, capsys: pytest.CaptureFixture[str]
):
    """Whatever keeps the agent from saying whose the store is: a right, another store's name."""
    new = NewStore(id="t-1", site="x", group="calls", commissioned_on=date(2025, 1, 1))
    answer = live.person("olga").post("/v1/stores", NewStores((new,)), Invitations)
    (tmp_path / "calls").mkdir()
    config = tmp_path / "storage.toml"
    config.write_text(SETTINGS.format(path=tmp_path, url=live.url))
    enrol = ["enrol", "--config", str(config), f"{answer.invitations[0].code}.{answer.pin}"]
    assert main(enrol) == 1
    assert "'another'. The token is not lost" in capsys.readouterr().err
    with closing(sqlite3.connect(anothers)) as db, db:
        db.execute("DELETE FROM retention_store")
    assert main(enrol) == 0
    assert "enrolled as store t-1" in capsys.readouterr().out
    assert not (tmp_path / "state" / "exchange").exists()
    assert main(enrol) == 1
    assert "used before" in capsys.readouterr().err
