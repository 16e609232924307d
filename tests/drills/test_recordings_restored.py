"""Recordings that come back from a backup: what was erased goes again, and nothing stays for its return."""

import shutil

from drills.page import Section
from drills.stage import Stage, days_ago, utc

HOUR = 3600


def test_what_was_erased_goes_again_and_what_was_not_is_no_younger_for_it(stage: Stage):
    page = Section("Recordings come back to a store")
    erased, held, removed, young = (days_ago(stage.time, days) for days in (60, 58, 57, 20))
    front = stage.home / "riga-1" / "recordings" / "front"
    riga = stage.enrol("riga-1", erased, held, removed, young, backup=stage.home / "backup")
    backup = stage.home / "backup"
    names = {moment: riga.name_of(moment) for moment in (erased, held, removed, young)}
    assert {names[held], names[removed], names[young]} == riga.pictures()
    stage.hold(held)
    (front / names[removed]).unlink()
    stage.live(days=3)  # the held one is past its time, and so would be the removed one
    assert {names[held], names[young]} == riga.pictures()
    assert set() == stage.reasons("riga-1")

    stage.type("root@riga-1", page.next("systemctl stop retention-agent"))
    shutil.rmtree(front)
    front.mkdir()
    stage.live(hours=2)
    since = stage.time.now
    bring_back = page.next("cp -a BACKUP/. RECORDINGS/")
    stage.type("root", bring_back.replace("BACKUP", str(backup)).replace("RECORDINGS", str(front)))
    declare = page.next(
        "enforcer store restored riga-1 --since 2026-06-10T08:00:00+03:00"
        ' --reason "the disk failed"'
    )
    declared = declare.replace("2026-06-10T08:00:00+03:00", utc(since))
    proposed = stage.type("boris", declared)
    assert "it is dated by what it says itself" in proposed.err
    assert set() == stage.reasons("riga-1"), "one signature changes nothing"
    stage.type("anna", page.next("enforcer approve ID").replace("ID", proposed.document))
    assert {"from_backup"} == stage.reasons("riga-1"), "before its agent has heard of it"
    stage.type("root@riga-1", page.next("systemctl start retention-agent"))
    stage.type("anna", page.next("enforcer status"), code=2)
    page.end()
    assert {names[held], names[removed], names[young]} == riga.pictures(), "erased within one scan"
    assert {"from_backup"} == stage.reasons("riga-1")
    find = f"--from {utc(young - HOUR)} --to {utc(young + HOUR)}"
    shown = stage.type(
        "root@riga-1",
        f"retention-agent item find --config terminal.toml --source front {find}",
        code=1,
    )
    assert "came from a backup" in shown.err
    assert "came from a backup" in stage.verify("quarantined.zip", code=2)

    stage.live(days=1)
    assert {names[held], names[young]} == riga.pictures()
    assert set() == stage.reasons("riga-1")
    shown = stage.type(
        "root@riga-1", f"retention-agent item find --config terminal.toml --source front {find}"
    )
    assert names[young] in shown.out
    assert "recordings that came from a backup" in stage.page_of("over.zip")
    stage.verify("swept.zip", code=0)


def test_a_restored_backlog_waits_for_people_if_it_is_large(stage: Stage):
    """The brake: more at once than ever comes in days."""
    riga = stage.enrol("riga-1")
    stage.live(hours=2)
    since = stage.time.now
    for number in range(120):
        riga.record(days_ago(stage.time, 70), f"-{number}")
    stage.both(f"enforcer store restored riga-1 --since {utc(since)} --reason 'the disk failed'")
    stage.wake()
    stage.live(days=1)
    stage.wake()
    assert 120 == len(riga.pictures())
    assert {"from_backup", "brake"} <= stage.reasons("riga-1")
    stage.both("enforcer brake release riga-1 --count 200 --reason 'all of it is old'")
    stage.wake()
    assert set() == riga.pictures()
    assert set() == stage.reasons("riga-1")
