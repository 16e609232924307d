"""A store leaves service: replaced, wiped, destroyed, lost. What nobody saw erased is never green."""

import shutil

import pytest
from drills.page import Section
from drills.stage import Stage, days_ago

RETIRE = 'enforcer store retire riga-1 --how wiped --reason "the site was closed"'


def test_a_store_is_retired_by_two_people_and_not_over_what_is_held(stage: Stage):
    page = Section("A store leaves service")
    held, young = days_ago(stage.time, 30), days_ago(stage.time, 20)
    stage.enrol("riga-1", held, young)
    stage.enrol("riga-2", young)
    hold = stage.hold(held)
    stage.wake()
    retire = page.next(RETIRE)
    refused = stage.type("boris", retire, code=1)
    assert "are held: secure them and release the holds first" in refused.err
    stage.both(f"enforcer hold release {hold} --reason closed")
    stage.wake()
    proposed = stage.type("boris", retire)
    assert "its bytes are wiped" in proposed.err
    assert {"riga-1", "riga-2"} == stores_of(stage), "one signature changes nothing"
    stage.type("boris", f"enforcer approve {proposed.document}", code=1)
    stage.type("anna", page.next("enforcer approve ID").replace("ID", proposed.document))
    page.end()
    assert "retired" in stage.type("boris", "enforcer store list").out
    assert {"riga-2"} == stores_of(stage)
    refused = stage.type("root@riga-1", "retention-agent run --once --config terminal.toml", code=1)
    assert "two people retired this store: its bytes are wiped" in refused.err
    del stage.terminals["riga-1"]
    stage.live(days=1)
    assert set() == stage.reasons("riga-2")
    said = stage.verify("bundle.zip", code=0)
    assert "balance" in said
    assert "retirements of stores" in stage.page_of("page.zip")
    stage.type("boris", "enforcer store replace riga-1", code=1)
    stage.type("boris", retire, code=1)


@pytest.mark.parametrize("kept", [True, False])
def test_of_a_lost_store_nobody_can_say_that_anything_is_gone(stage: Stage, kept: bool):
    """It is silent first, past a deadline: unknown; and it is never green again."""
    old, young = days_ago(stage.time, 58), days_ago(stage.time, 20)
    riga = stage.enrol("riga-1", old, young)
    stage.enrol("riga-2", young)
    if kept:
        hold = stage.hold(old)
        stage.wake()
    del stage.terminals["riga-1"]
    shutil.rmtree(riga.place)
    stage.live(days=4)
    assert {"scan_stale"} <= stage.reasons("riga-1")
    assert ("unconfirmed" in stage.reasons("riga-1")) != kept
    lost = RETIRE.replace("wiped", "lost").replace("the site was closed", "it was stolen")
    stage.both(lost)
    assert ({"unproven", "lost"} if kept else {"unproven"}) == stage.reasons("riga-1")
    status = stage.type("anna", "enforcer status", code=1 if kept else 2).out
    assert "1 of 2 stores proven" in status
    assert "never proved erased there" in status
    if kept:
        assert "retired" in stage.type("hugo", f"enforcer hold show {hold}").out
    said = stage.verify("bundle.zip", code=1 if kept else 2)
    assert "nobody can prove that they are gone" in said
    stage.live(days=2)
    assert "unproven" in stage.reasons("riga-1"), "for ever"
    stage.verify("later.zip", code=1 if kept else 2)


def stores_of(stage: Stage) -> set[str]:
    """The stores that `enforcer status` speaks of."""
    return {each["store"] for each in stage.json("anna", "enforcer status")["stores"]}
