"""Backups are registered by those who answer for them; re-scans are handed in once; both are in the bundle."""

import io
import json

import pytest
from msgspec import UNSET

from enforcer.govern.forms.backups import Backups, Forgotten
from enforcer.govern.forms.form import Done
from retention import bundle, codec
from retention.calendar import Instant
from retention.errors import RefusedError


def test_a_set_is_registered_changed_listed_and_removed(live, type_):
    added = type_("olga", "backup", "add", "nightly", "--of", "index", "--days", "14")
    assert (0, "nightly is registered: copies stay for up to 14 days.\n") == (added.code, added.out)
    assert type_("dana", "backup", "add", "nightly", "--of", "index", "--days", "7").code == 0
    assert type_("uldis", "backup", "list", "--json").json == [
        {"days": 7, "name": "nightly", "of": "index"}
    ]
    assert type_("olga", "backup", "remove", "nightly").code == 0
    gone = type_("olga", "backup", "remove", "nightly")
    assert (gone.code, "no set of backups is called 'nightly'" in gone.err) == (2, True)


@pytest.mark.parametrize("days", ["0", "-1", "a week", "36526"])
def test_days_that_no_backup_is_kept_for_are_a_sentence(type_, days):
    refused = type_("olga", "backup", "add", "nightly", "--of", "index", f"--days={days}")
    assert 2 == refused.code
    assert f"{days!r} is no number of days from 1 to 36525" in refused.err


def test_a_name_holds_no_personal_data_and_not_everybody_registers(served):
    with pytest.raises(RefusedError, match="personal"):
        served.person("olga").post("/v1/backups", bundle.Backup("of 26123456", "index", 1), Done)
    with pytest.raises(RefusedError, match="to register backup takes"):
        served.person("uldis").post("/v1/backups", bundle.Backup("a", "index", 1), Done)
    assert () == served.person("uldis").get("/v1/backups", Backups).backups


def test_what_was_registered_and_handed_in_is_in_the_bundle_once(live, type_, tmp_path):
    live.built.rounds.prove()
    report = bundle.Rescanned(
        number="DVI-7",
        store="t-1",
        group="terminal",
        at=Instant(live.clock() - 60),
        policy=1,
        verdict="ok",
        counts=(),
        unregistered=0,
        unread=0,
    )
    file = tmp_path / "report.json"
    file.write_bytes(codec.encode(report) + b"\n")
    assert type_("olga", "backup", "add", "nightly", "--of", "index", "--days", "14").code == 0
    for name in ("one.zip", "two.zip"):
        packed = tmp_path / name
        assert type_("dana", "bundle", str(packed), "--rescan", str(file)).code == 0
        members = bundle.read(io.BytesIO(packed.read_bytes()))
        assert [report] == list(bundle.parse(members[bundle.RESCANS], bundle.Rescanned))
        assert [14] == [b.days for b in bundle.parse(members[bundle.BACKUPS], bundle.Backup)]
        assert bundle.NO_WITNESS in bundle.not_checked(members)
    assert "DVI-7" in type_("uldis", "history", "t-1").out
    assert type_("uldis", "bundle", str(tmp_path / "x.zip"), "--rescan", str(file)).code == 1


def test_a_report_that_is_none_is_a_sentence(live, type_, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"number": 1}))
    told = type_("dana", "bundle", str(tmp_path / "b.zip"), "--rescan", str(file))
    assert (2, 1) == (told.code, told.err.count("\n"))


def test_agents_are_told_of_copies_that_live_longer_than_they_think(served):
    """400 days are assumed; the first policy's longest period, of calls, is six months."""
    agent = served.enrol("t-1")
    olga = served.person("olga")
    for days, told in ((14, UNSET), (217, UNSET), (219, 219), (3650, 3650)):
        for of in ("index", "catalogue", "database"):
            olga.post("/v1/backups", bundle.Backup("tape", of, days), Done)
            expected = told if of == "database" else UNSET
            assert expected == agent.fetch().backup_days, (days, of)
    olga.post("/v1/backups", bundle.Backup("disks", "recordings", 400), Done)
    assert 3650 == agent.fetch().backup_days
    olga.post("/v1/backups/forget", Forgotten("tape"), Done)
    assert 400 == agent.fetch().backup_days
