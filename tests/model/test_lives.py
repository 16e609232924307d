"""Lives in which the promise was broken once: each was found by the machine of test_model."""

from collections.abc import Callable

import pytest
from model.disk import BucketDisk
from model.grounds import SqlGround
from model.life import Life
from model.reference import File
from sqlalchemy import select

from enforcer.index.tables import hold_stores
from retention.calendar import DAY, Instant


def test_what_a_wrong_clock_dated_is_dated_anew_by_a_rule_never_used_before(life: Life):
    life.disk.deposit("front", 0, named=False, dated=False)
    life.reboot(off=60, ahead=400 * DAY)
    life.scan()
    life.disk.record("front", named=False)
    life.scan()
    life.rest()


def test_an_agent_greets_an_enforcer_that_was_restored_while_it_ran(life: Life):
    life.cycle()
    life.copy_office()
    life.restore_office()
    life.rest()


def test_an_agent_whose_older_state_came_back_begins_again_also_if_it_wrote_on_meanwhile(
    life: Life,
):
    life.copy_state()
    life.talk()
    life.restore_state()
    for _ in range(9):
        life.beat()
    life.rest()


def test_what_was_written_before_the_clock_went_wrong_keeps_its_date(life: Life):
    life.people.activate("terminal-image", 20)
    life.talk()
    life.disk.record("odd", named=False, own_clock=False)
    life.true.pass_(60)
    life.box.clock.ahead = 400 * DAY
    life.cycle()
    life.box.clock.ahead = 0
    life.rest()


def test_a_day_of_grace_is_also_for_what_was_not_yet_seen_when_its_hold_was_released(life: Life):
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("copies", 60 * DAY, named=True, dated=False)
    life.people.hold_time(file.begins, 30, ("copies",))
    life.talk()
    life.check()
    life.people.release(next(iter(life.observer.holds)))
    life.talk()
    life.rest()


@pytest.mark.parametrize("hours", [0, 20])
def test_a_memory_that_is_lost_after_a_release_takes_no_day_of_grace_with_it(
    life: Life, hours: int
):
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("copies", 60 * DAY, named=True, dated=False)
    life.people.hold_time(file.begins, 30, ("copies",))
    life.cycle()
    life.people.release(next(iter(life.observer.holds)))
    life.talk()
    life.true.pass_(hours * 3600)
    life.forget_everything()
    life.cycle()
    assert file.path in life.observer.files
    life.rest()


def test_what_has_no_date_keeps_its_week_though_somebody_copies_it(new_life: Callable[[str], Life]):
    life = new_life("bucket")
    life.people.activate("contact-centre-call", 3)
    file = life.disk.deposit("calls", 75 * DAY, named=False, dated=False)
    life.live(12)
    life.disk.copy(file.path, "calls")
    life.true.pass_(8 * DAY)
    life.rest()
    assert file.path not in life.observer.files
    life.true.pass_(8 * DAY)
    life.rest()
    assert {} == life.observer.files


def test_a_boot_that_was_never_told_the_time_is_known_to_have_run_as_long_as_it_looked_at_the_clock(
    life: Life,
):
    life.disk.deposit("odd", 75 * DAY, named=False, dated=False)
    life.forget_everything()
    life.box.wire.cut = True
    life.live(24)
    life.true.pass_(70 * DAY)
    life.reboot(off=60, ahead=60)
    life.people.activate("terminal-image", 0)
    life.rest()


def test_what_a_slow_clock_scanned_goes_by_when_it_can_have_been_at_the_latest(
    new_life: Callable[[str], Life],
):
    life = new_life("blanked")
    life.disk.deposit("front", DAY, named=False, dated=False)
    life.talk()
    for record_class in ("terminal-image", "contact-centre-call"):
        life.people.activate(record_class, 3)
    life.reboot(off=70 * DAY, ahead=-DAY)
    life.live(12)
    life.disk.record("odd", named=False)
    life.reboot(off=60, ahead=3600)
    life.rest()


def test_no_hold_is_called_effective_by_a_restored_enforcer_before_the_store_says_so(life: Life):
    life.disk.deposit("odd", 0, named=False, dated=False)
    moment = next(iter(life.observer.files.values())).begins
    released = life.people.hold_time(moment, 0, ())
    kept = life.people.hold_time(moment, 30, ())
    life.talk()
    life.check()
    life.copy_office()
    life.people.release(released)
    life.talk()
    life.restore_office()
    life.check()  # I15
    assert set() == _effective(life)
    life.rest()
    assert {kept} == _effective(life)


def test_an_agent_believes_a_restored_ledger_once_two_people_say_where_it_ended(life: Life):
    life.cycle()
    life.copy_office()
    life.prove()
    life.talk()
    life.restore_office()
    life.rest()


def test_a_day_of_grace_is_a_day_also_by_a_clock_that_is_known_to_be_ahead(life: Life):
    life.people.activate("terminal-image", 20)
    life.cycle()
    file = life.disk.deposit("copies", 59 * DAY, named=True)
    life.people.hold_time(file.begins, 30, ("copies",))
    life.cycle()
    life.box.clock.ahead = 40 * DAY
    life.people.release(next(iter(life.observer.holds)))
    life.talk()
    life.rest()


def test_rows_of_a_real_database_go_the_whole_way(
    new_life: Callable[[str], Life], postgres_ground: str
):
    """Held, kept, due and undated rows: agent, enforcer and ledger agree, and the table is counted."""
    life = new_life(postgres_ground)
    ground = life.ground
    assert isinstance(ground, SqlGround)
    life.people.activate("terminal-image", 20)
    for directory in ("front", "odd"):
        life.disk.deposit(directory, 70 * DAY, named=True)
    held = life.disk.deposit("front", 80 * DAY, named=True)
    young = life.disk.deposit("front", 10 * DAY, named=True)
    undated = life.disk.deposit("copies", 0, named=False)
    life.people.hold_time(held.begins, 30, ("front",))
    life.cycle()
    assert {held.path, young.path, undated.path} == {path for path, _ in ground.walk()}
    life.true.pass_(8 * DAY)
    life.rest()
    assert {held.path, young.path} == {path for path, _ in ground.walk()}
    life.people.release(next(iter(life.observer.holds)))
    life.cycle()
    life.true.pass_(2 * DAY)
    life.rest()
    assert {young.path} == {path for path, _ in ground.walk()}
    told = {fact.subject: fact.sentence for fact in ground.database.survey("front", blanking=False)}
    assert "free pages" in told["residuals"]
    assert "may take rows out of front" in told["held rows"]


def test_a_scan_of_a_later_boot_is_not_taken_for_one_that_had_missed_what_it_saw_again(life: Life):
    """How long the power was off between boots that nobody told the time is not known."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.disk.deposit("front", 58 * DAY, named=True)
    life.box.wire.cut = True
    life.reboot(off=60, ahead=60)
    life.scan()
    life.reboot(off=120, ahead=DAY)
    life.reboot(off=2 * DAY, ahead=-60)
    life.scan()
    life.reboot(off=60, ahead=-3600)
    life.rest()


def test_what_replaces_a_held_recording_that_was_given_back_is_indexed(life: Life):
    file = life.disk.deposit("odd", DAY, named=True)
    life.disk.mark(file.path)
    life.cycle()
    life.disk.replace(file.path)
    life.cycle()
    life.scan()
    given_back = next(path for path in life.observer.files if path.startswith("kept-"))
    life.disk.replace(given_back)
    life.rest()


def test_what_was_held_and_moved_is_held_also_by_an_agent_that_lost_its_memory(life: Life):
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("front", 58 * DAY, named=True)
    life.people.hold_time(file.begins, 30, ("front",))
    life.cycle()
    life.disk.move(file.path, "odd")
    life.cycle()
    life.forget_everything()
    life.true.pass_(4 * DAY)
    life.rest()
    assert file.path in life.observer.files


def _wait_until_due(life: Life, file: File) -> None:
    """To the second after that at which the file may go, if it came as early as it can have."""
    due_at = life.observer.limits_of(file, file.earliest).due_at
    life.true.now = Instant(max(life.true.now, due_at + 1))
    life.check()


def test_what_came_after_a_scan_by_a_wrong_clock_is_dated_when_it_is_known_how_wrong_that_was(
    life: Life,
):
    """Seen by the right clock, it seemed to have come 40 days later than it did, and its mtime said so too."""
    life.disk.deposit("copies", 0, named=False)
    life.talk()
    life.people.activate("terminal-image", 3)
    life.box.clock.ahead = 40 * DAY
    life.scan()
    [path] = life.observer.files
    _wait_until_due(life, life.disk.replace(path))
    life.rest()


@pytest.mark.parametrize("directory", ["front", "copies", "odd"])
@pytest.mark.parametrize("looked", ["tick", "cycle", ""])
@pytest.mark.parametrize("days", [1, 40])
def test_the_mtime_of_a_clock_that_was_wrong_for_a_while_makes_nothing_late(
    life: Life, directory: str, looked: str, days: int
):
    """Whether or not anybody looked at the clock before it was set right."""
    life.talk()
    life.people.activate("terminal-image", 3)
    life.scan()
    life.box.clock.ahead = days * DAY
    if looked:
        getattr(life, looked)()
    file = life.disk.record(directory, named=False)
    life.true.pass_(50 * DAY)
    life.box.clock.ahead = 0
    life.tick()
    life.scan()
    _wait_until_due(life, file)
    life.rest()


@pytest.mark.parametrize("reboots", [False, True])
def test_what_came_after_a_scan_by_a_slow_clock_does_not_go_by_the_date_of_that_scan(
    life: Life, reboots: bool
):
    life.talk()
    life.people.activate("terminal-image", 3)
    life.true.pass_(50 * DAY)
    life.box.wire.cut = True
    life.box.clock.ahead = -40 * DAY
    if reboots:
        life.reboot(off=60, ahead=-40 * DAY)
    life.scan()
    life.box.clock.ahead = 0
    if reboots:
        life.reboot(off=60, ahead=0)
    life.disk.deposit("odd", 0, named=False, dated=False)
    life.scan()
    life.box.wire.cut = False
    life.live(24)
    life.true.pass_(20 * DAY)
    life.live(24)
    life.true.pass_(20 * DAY)
    life.rest()


def test_what_people_corrected_goes_with_its_copies_in_the_sweep_that_hears_of_it(life: Life):
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("front", 30 * DAY, named=False)
    life.talk()
    life.scan()
    life.disk.copy(file.path, "odd")
    life.scan()
    life.report()
    life.people.correct(file, Instant(file.begins - 40 * DAY))
    life.sweep()
    assert not life.observer.files
    life.rest()


def test_what_an_agent_without_memory_finds_has_the_date_that_it_says(life: Life):
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("front", 0, named=False)
    life.talk()
    life.forget_everything()
    life.live(7 * 24)
    life.rest()
    assert file.path in life.observer.files


@pytest.mark.parametrize("days", [0, 70])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("seen", [False, True])
def test_what_came_in_a_boot_that_heard_no_time_goes_late_by_the_time_without_power(
    life: Life, days: int, named: bool, seen: bool
):
    """Until it has gone nobody calls the store well, and a hold of the time when it came holds it."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.reboot(off=0, ahead=0)
    life.scan()
    life.true.pass_(60)
    file = life.disk.record("front", named=named)
    if seen:
        life.scan()
    life.true.pass_(59 * DAY - days * DAY // 2)
    life.reboot(off=days * DAY, ahead=0)
    life.rest()
    assert (file.path in life.observer.files) == bool(days)
    if days:
        life.people.hold_time(file.begins, 0, ("front",))
        life.cycle()
        assert file.holds
        life.true.pass_(70 * DAY)
        life.rest()
        assert file.path in life.observer.files


def test_what_an_unconfirmed_clock_dated_too_late_is_never_called_well(life: Life):
    """The log goes up, and the enforcer's time does not come down."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.reboot(off=0, ahead=40 * DAY)
    file = life.disk.record("front", named=False)
    life.scan()
    life.report()
    life.true.now = Instant(life.observer.must_be_gone_by(file) + 1)
    life.scan()
    life.report()
    life.check()
    life.rest()


@pytest.mark.parametrize("directory", ["copies", "front"])
def test_an_old_copy_that_a_boot_saw_that_heard_no_time_is_unknown_in_its_grace(
    life: Life, directory: str
):
    """Its day, or its week if it says no date, began when it was seen; and nobody knows when that was."""
    life.people.activate("terminal-image", 20)
    life.talk()
    if directory == "copies":
        life.scan()
    life.reboot(off=0, ahead=0)
    life.disk.deposit(directory, 61 * DAY, named=directory == "copies", dated=False)
    life.scan()
    life.reboot(off=70 * DAY, ahead=0)
    life.live(12)
    life.rest()


def test_what_came_in_the_second_in_which_a_scan_ended_came_after_it(life: Life):
    """By the clock, which was wrong then, nobody can tell which of the two was first."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.reboot(off=0, ahead=40 * DAY)
    life.disk.record("front", named=True)
    life.scan()
    life.disk.deposit("front", 190 * DAY, named=True)
    life.scan()
    life.rest()


@pytest.mark.parametrize("directory", ["front", "odd"])
@pytest.mark.parametrize("days", [1, 58])
def test_what_came_while_a_scan_went_on_came_when_it_was_met_and_not_when_that_began(
    life: Life, days: int, directory: str
):
    life.people.activate("terminal-image", 20)
    life.disk.deposit("calls", 0, named=True)
    life.talk()
    life.scan()
    life.true.pass_(DAY)
    life.step_scan()
    life.true.pass_(days * DAY)
    file = life.disk.record(directory, named=True)
    life.scan()
    life.true.now = Instant(life.observer.limits_of(file, file.earliest).due_at - 1)
    life.rest()


@pytest.mark.parametrize("named", [False, True])
def test_an_agent_without_memory_does_not_take_the_latest_for_a_date_that_is_sure(
    life: Life, named: bool
):
    """It was seen in a boot that nobody told the time, and before that the power was off for 70 days."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.reboot(off=0, ahead=0)
    life.scan()
    life.true.pass_(60)
    life.disk.record("front", named=named)
    life.scan()
    life.reboot(off=70 * DAY, ahead=0)
    life.live(12)
    life.forget_everything()
    life.live(10 * 24)  # what the model excuses an agent without memory for is over
    life.rest()


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("ahead", [-40 * DAY, 40 * DAY])
def test_what_a_clock_in_doubt_dated_is_no_date_for_an_agent_without_memory(
    life: Life, ahead: int, named: bool
):
    """The log went up, and the enforcer's time did not come down before the memory was lost."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.scan()
    life.true.pass_(41 * DAY)
    life.reboot(off=0, ahead=ahead)
    life.scan()
    life.true.pass_(60)
    life.disk.record("front", named=named, own_clock=False)
    life.scan()
    life.report()
    life.box.clock.ahead = 0
    life.forget_everything()
    life.live(25 * 24)
    life.rest()


@pytest.mark.parametrize("hours", [0, 23, 26])
def test_an_upload_goes_by_its_beginning_and_is_held_by_what_may_be_in_it(
    new_life: Callable[[str], Life], hours: int
):
    life = new_life("bucket")
    disk = life.disk
    assert isinstance(disk, BucketDisk)
    life.people.activate("terminal-image", 20)
    life.cycle()
    begun, completed = disk.begin("front"), disk.begin("copies")
    life.cycle()
    life.people.hold_time(Instant(begun.begins + hours * 3600), 30, ())
    life.cycle()
    whole = disk.complete(completed.path)
    life.true.pass_(61 * DAY)
    life.rest()
    assert (hours < 24) == (begun.path in life.observer.files)
    life.people.release(next(iter(life.observer.holds)))
    life.cycle()
    life.true.pass_(2 * DAY)
    life.rest()
    assert not {begun.path, completed.path, whole.path} & life.observer.files.keys()


def _effective(life: Life) -> set[str]:
    """The holds that the enforcer calls effective."""
    columns = hold_stores.c
    known = select(columns.hold).where(
        columns.effective_at.is_not(None), columns.freed_at.is_(None)
    )
    with life.office.reading() as connection:
        return set(connection.execute(known).scalars())


def test_who_loses_its_memory_every_other_day_keeps_what_has_no_date_for_a_week(life: Life):
    """The enforcer remembers since when it lies there."""
    life.people.activate("terminal-image", 20)
    file = life.disk.deposit("odd", 0, named=False, dated=False)
    life.live(24)
    assert [(1,)] == life.box.rows("SELECT state FROM items"), "it has no date"
    for _ in range(2):
        life.forget_everything()
        life.live(3 * 24)
    assert file.path in life.observer.files
    life.forget_everything()
    life.live(24)
    assert file.path not in life.observer.files
    life.rest()
