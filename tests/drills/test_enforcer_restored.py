"""An enforcer that comes back from yesterday: nothing held is let go, and the ledger goes on."""

import re

from drills.page import Section
from drills.stage import Stage, days_ago, head_in

from retention.calendar import DAY

HOUR = 3600
WAKE = "retention-agent run --once --config terminal.toml"


def directive_version(stage: Stage) -> int:
    """Of the newest directive that the index knows."""
    rows = stage.type("root", "sqlite3 enforcer.db 'SELECT directive_version FROM stores'").out
    return int(rows.split()[0])


def test_a_hold_of_today_stays_in_force_and_the_ledger_goes_on(stage: Stage):
    page = Section("The enforcer comes back from yesterday")
    happened = days_ago(stage.time, 58)  # due at 06:00 of tomorrow
    riga = stage.enrol("riga-1", happened, happened + 5 * HOUR)
    stage.enrol("liepaja-1", days_ago(stage.time, 10))
    stage.type("root", Section("What to back up").next('sqlite3 enforcer.db ".backup index.copy"'))

    stage.time.pass_(HOUR)
    hold = stage.hold(happened)
    stage.time.pass_(23 * HOUR)
    stage.wake()
    [held] = riga.pictures()  # the other one went, and was certified
    before = directive_version(stage)

    stage.type("root", page.next("systemctl stop retention-enforcer"))
    stage.type("root", page.next("cp index.copy enforcer.db"))
    stage.type("root", page.next("rm -f enforcer.db-wal enforcer.db-shm"))
    told = stage.type("root", page.next("enforcer doctor --config enforcer.toml"), code=1)
    head = head_in(told.out)
    stage.time.pass_(11 * HOUR + HOUR // 2)  # the hour in which an agent goes by what it knows
    for store in stage.terminals:
        stage.type(f"root@{store}", WAKE, code=2)
    assert {held} == riga.pictures()
    stage.time.pass_(HOUR)

    stage.type("root", page.next("systemctl start retention-enforcer"))
    stage.type("anna", page.next("enforcer status"), code=2)
    assert "restored" in stage.reasons("riga-1") & stage.reasons("liepaja-1")
    assert hold not in stage.type("hugo", "enforcer hold list").out
    assert directive_version(stage) < before
    stage.wake_without_proof()
    assert {held} == riga.pictures()
    assert before < directive_version(stage)
    assert not {"restored", "ledger_refused"} & stage.reasons("riga-1") & stage.reasons("liepaja-1")

    succeed = page.next('enforcer ledger succeed SIZE:ROOT --reason "the disk failed"')
    signed = stage.type("boris", succeed.replace("SIZE:ROOT", head)).document
    stage.type("anna", page.next("enforcer approve ID").replace("ID", signed))
    stage.wake()
    stage.wake()

    listed = stage.json("hugo", page.next("enforcer hold list"))
    assert [(hold, 2, 0)] == [
        (each["id"], each["stores"], each["pending"]) for each in listed["holds"]
    ]
    confirm = page.next('enforcer hold confirm HOLD crime --case "2026-17"').replace("HOLD", hold)
    assert "effective since" in stage.type("hugo", confirm).out
    stage.type("anna", page.next("enforcer ledger verify"))
    said = stage.type("anna", page.next("enforcer bundle bundle.zip")).out
    pin = re.search(r"--pin ([0-9a-f]{64})", said)[1]
    verify = page.next("auditor verify bundle.zip --pin PIN").replace("PIN", pin)
    page.end()
    verified = stage.type("inspector", verify, code=2).out
    size, _, root = head.partition(":")
    assert (
        f"goes on after a restore; the last checkpoint known before was of {size} entries: {root}"
        in verified
    )
    assert "the ledger was silent for 2190 minutes" in verified
    assert not stage.reasons("riga-1") | stage.reasons("liepaja-1")
    assert {held} == riga.pictures()

    stage.both(f"enforcer hold release {hold} --reason closed")
    stage.wake()
    stage.time.pass_(DAY)
    stage.wake()
    assert set() == riga.pictures(), "and it goes a day after its release"
