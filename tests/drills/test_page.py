"""The page and its drills: what is typed there is typed here."""

import re
from pathlib import Path

import pytest
from drills.page import Section, headings
from drills.stage import Stage

DRILLS = sorted(Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("heading", headings())
def test_every_section_has_its_drill(heading: str):
    played = {
        name for drill in DRILLS for name in re.findall(r'Section\("(.+?)"\)', drill.read_text())
    }
    assert heading in played


def test_backups_are_registered(stage: Stage):
    page = Section("What to register")
    stage.enrol("riga-1")
    assert "backups: no set is registered" in stage.verify("none.zip", code=0)
    stage.type("boris", page.next("enforcer backup add nightly --of index --days 14"))
    stage.type("boris", page.next("enforcer backup add disks --of recordings --days 30"))
    assert "disks" in stage.type("anna", page.next("enforcer backup list")).out
    page.end()
    said = stage.verify("two.zip", code=0)
    assert "backups: no set is registered" not in said
    assert "backups" in said, "only those that are registered were looked at"


def test_a_backup_of_a_running_index_can_be_opened(stage: Stage):
    page = Section("What to back up")
    stage.enrol("riga-1")
    stage.type("root", page.next('sqlite3 enforcer.db ".backup index.copy"'))
    page.end()
    assert "riga-1" in stage.type("root", "sqlite3 index.copy 'SELECT id FROM stores'").out
