"""A terminal that lost its memory, got an old one back, or is there twice: nothing held is let go."""

import shutil

from drills.page import Section
from drills.stage import Stage, Terminal, days_ago, head_in, token_in
from world import World

from retention.calendar import DAY

HOUR = 3600
WAKE = "retention-agent run --once --config terminal.toml"


def test_a_lost_state_is_a_new_beginning(stage: Stage):
    page = Section("A terminal lost its state")
    held, young = days_ago(stage.time, 58), days_ago(stage.time, 52)
    riga = stage.enrol("riga-1", held, young)
    hold = stage.hold(held)
    stage.wake()
    shutil.rmtree(riga.state)
    riga.state.mkdir()
    riga.reboot(stage.time.now)
    stage.live(hours=1)

    told = stage.type("boris", page.next("enforcer store replace riga-1"))
    enrol = page.next("retention-agent enrol --config terminal.toml TOKEN")
    stage.type("root@riga-1", enrol.replace("TOKEN", token_in(told)))
    assert "silent" not in stage.reasons("riga-1")
    assert stage.reasons("riga-1"), "unknown until it has looked"
    stage.type("root@riga-1", page.next("systemctl restart retention-agent"))
    stage.type("anna", page.next("enforcer status"))
    page.end()
    stage.live(days=3)
    assert {riga.name_of(held), riga.name_of(young)} == riga.pictures()
    assert "effective since" in stage.type("hugo", f"enforcer hold show {hold}").out
    stage.verify("bundle.zip", code=0)
    stage.live(days=5)
    assert {riga.name_of(held)} == riga.pictures(), "and its date was not forgotten"


def test_yesterday_s_state_is_found_out_by_itself(stage: Stage):
    held, young = days_ago(stage.time, 58), days_ago(stage.time, 20)
    riga = stage.enrol("riga-1", held, young)
    copy = stage.home / "yesterday"
    shutil.copytree(riga.state, copy)
    stage.live(hours=1)
    hold = stage.hold(held)
    riga.record(stage.time.now)
    stage.live(days=1)
    shutil.rmtree(riga.state)
    copy.rename(riga.state)
    riga.reboot(stage.time.now)
    stage.live(days=2)
    assert 3 == len(riga.pictures())
    assert set() == stage.reasons("riga-1")
    assert "effective since" in stage.type("hugo", f"enforcer hold show {hold}").out
    shown = stage.type("hugo", f"enforcer item show {riga.store}/2/1")
    assert hold in shown.out, "a new epoch, and the same hold"
    stage.verify("bundle.zip", code=0)


def test_of_one_image_in_two_boxes_neither_erases_until_two_people_name_one(stage: Stage):
    page = Section("Two boxes speak for one store")
    due = days_ago(stage.time, 58)
    riga = stage.enrol("riga-1", due)
    clone = Terminal(stage.home / "clone", "riga-1", riga.enforcer, riga.booted_at)
    shutil.copytree(riga.place, clone.place)
    clone.settle_in()
    World.adopt_inodes(clone)  # type: ignore[arg-type] # it has a root and a state
    stage.terminals["clone"] = clone
    for box, tag in ((clone, "-clone"), (riga, "-riga")):
        stage.time.pass_(60)
        box.record(stage.time.now - 30, tag)
    speak(stage, "clone", "riga-1")
    assert {"frozen", "paused"} & stage.reasons("riga-1")
    stage.time.pass_(DAY)
    speak(stage, "riga-1", "clone")
    assert [2, 2] == [len(box.pictures()) for box in (riga, clone)], "neither erases"
    assert "frozen" in stage.type("boris", page.next("enforcer store list")).out

    thaw = page.next('enforcer store thaw riga-1 --reason "the box at the door"')
    thawed = stage.type("boris", thaw)
    stage.type("anna", page.next("enforcer approve ID").replace("ID", thawed.document))
    del stage.terminals["clone"]  # it was switched off
    stage.type("root@riga-1", page.next("systemctl restart retention-agent"))
    page.end()
    assert 1 == len(riga.pictures())
    assert set() == stage.reasons("riga-1")
    assert 2 == len(clone.pictures())
    stage.terminals["clone"] = clone
    speak(stage, "clone")
    assert 2 == len(clone.pictures()), "nor does it when it comes back"
    assert "frozen" in stage.reasons("riga-1")


def speak(stage: Stage, *boxes: str) -> None:
    """These go round twice, whatever they are told."""
    for box in boxes * 2:
        stage.type(f"root@{box}", WAKE, code=None)


def test_both_lost_a_hold_of_today_is_nowhere_and_what_it_held_still_there(stage: Stage):
    """The index is of yesterday and the terminal's memory gone: people have to say it again."""
    first, second = days_ago(stage.time, 58), days_ago(stage.time, 57)
    riga = stage.enrol("riga-1", first, second)
    known = stage.hold(first)
    stage.wake()
    stage.type("root", 'sqlite3 enforcer.db ".backup index.copy"')
    stage.live(hours=1)
    forgotten = stage.hold(second)
    stage.wake()
    stage.live(days=1)

    stage.type("root", "systemctl stop retention-enforcer")
    stage.type("root", "cp index.copy enforcer.db && rm -f enforcer.db-wal enforcer.db-shm")
    shutil.rmtree(riga.state)
    riga.state.mkdir()
    riga.reboot(stage.time.now)
    doctor = stage.type("root", "enforcer doctor --config enforcer.toml", code=1)
    stage.type("root", "systemctl start retention-enforcer")
    stage.both(f"enforcer ledger succeed {head_in(doctor.out)} --reason 'the disk failed'")
    told = stage.type("boris", "enforcer store replace riga-1")
    stage.type("root@riga-1", f"retention-agent enrol --config terminal.toml {token_in(told)}")
    stage.wake()
    assert {riga.name_of(first), riga.name_of(second)} == riga.pictures()
    listed = stage.type("hugo", "enforcer hold list").out
    assert (True, False) == (known in listed, forgotten in listed)
    assert "effective since" in stage.type("hugo", f"enforcer hold show {known}").out

    again = stage.hold(second)
    stage.wake()
    stage.live(days=4)
    assert {riga.name_of(first), riga.name_of(second)} == riga.pictures()
    assert "effective since" in stage.type("hugo", f"enforcer hold show {again}").out
    assert set() == stage.reasons("riga-1")
    assert "goes on after a restore" in stage.verify("bundle.zip", code=2)
