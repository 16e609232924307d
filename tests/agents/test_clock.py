"""Erasing goes by a lower bound of the time: never early, whatever any clock says (I13)."""

import contextlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import STORE, FakeClock, TrueTime, World, at

from agents.engine.clock import LAST_INSTANT, TrustedTime
from agents.engine.memory.catalogue import Catalogue
from retention.acts import Correction
from retention.calendar import DAY, Instant
from retention.errors import UnreachableError, VerificationError
from retention.hold import ItemRef
from retention.report import Changed, Sighted

MOMENT = at("2026-01-20 12:00")
DUE = at("2026-03-20 04:00")


@pytest.mark.parametrize("ahead", [3600, DAY, 40 * DAY, 3650 * DAY, -3600, -DAY, -40 * DAY])
def test_a_wrong_wall_clock_erases_nothing_early(world: World, ahead: int):
    world.activate()
    world.record(MOMENT)
    world.cycle()
    world.clock.ahead = ahead
    for _ in range(3):
        world.true.pass_(6 * 3600)
        world.cycle()
    assert world.true.now < DUE
    assert 1 == len(world.files())
    assert not world.agent.time.trusted
    assert "clock" in world.agent.waiting


def test_a_jump_pauses_erasing_until_the_enforcers_time_explains_it(world: World):
    world.activate()
    world.record(MOMENT)
    world.cycle()
    world.true.now = DUE
    world.clock.ahead = 3600
    world.cycle()
    assert 1 == len(world.files())
    world.clock.ahead = 0
    world.cycle()
    assert set() == world.files()


def test_offline_a_clock_that_runs_ahead_erases_nothing_before_the_true_time(world: World):
    world.activate()
    world.record(MOMENT)
    world.cycle()
    world.centre.away = True
    world.clock.reboot()
    world.clock.ahead = 300 * DAY  # a new boot: there is no jump to see
    world.crash()
    for _ in range(3):
        world.true.pass_(6 * 3600)
        world.scan()
        world.sweep()
    assert 1 == len(world.files())


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(tmp_path / "c.sqlite")
    yield opened
    opened.close()


def test_power_off_counts_zero(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true)
    time = TrustedTime(catalogue, clock)
    assert time.lower_bound() is None
    time.authenticated(true.now)
    known = true.now
    clock.reboot(off=10 * DAY)
    true.pass_(500)
    assert known + 500 == TrustedTime(catalogue, clock).lower_bound()


def test_the_latest_that_it_can_be_is_what_the_wall_clock_says_less_how_far_it_is_ahead(
    catalogue: Catalogue,
):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true, ahead=DAY)
    time = TrustedTime(catalogue, clock)
    assert true.now + DAY == time.latest(), "nobody knows that it is ahead"
    time.authenticated(true.now)
    assert true.now == time.latest()
    clock.ahead = -DAY
    assert true.now == time.latest(), "so much has passed"


def test_an_enforcer_that_contradicts_its_own_word_dates_nothing_anew(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    time = TrustedTime(catalogue, FakeClock(true))
    for ahead in (0, DAY, -DAY, 0):
        time.authenticated(Instant(true.now + ahead))
        assert (ahead == 0, 0) == (time.trusted, time.period())
        assert true.now >= (time.lower_bound() or 0), "by the wall clock it is no later"


@pytest.mark.parametrize("explained", [False, True])
def test_a_jump_of_the_wall_clock_is_trusted_if_time_service_explains_it(
    catalogue: Catalogue, explained: bool
):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true, ntp=explained)
    time = TrustedTime(catalogue, clock)
    time.authenticated(true.now)
    clock.ahead = 3600
    assert explained == time.tick()


def test_an_enforcer_that_lies_about_the_future_is_stopped_by_the_wall_clock(world: World):
    world.activate()
    world.record(MOMENT)
    world.cycle()
    world.centre.lie = 30 * DAY
    world.cycle()
    world.true.pass_(DAY)
    world.cycle()
    assert 1 == len(world.files())


def test_an_enforcer_that_time_service_contradicts_judges_no_clock(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    time = TrustedTime(catalogue, FakeClock(true, ntp=True))
    time.period()
    time.authenticated(Instant(true.now + DAY))
    assert [(None,)] == catalogue.rows("SELECT offset FROM periods")


def test_what_an_earlier_boot_is_known_to_have_run_makes_nothing_late(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true)
    TrustedTime(catalogue, clock).authenticated(true.now)
    clock.reboot()
    time = TrustedTime(catalogue, clock)
    time.period()
    true.pass_(30 * DAY)
    time.tick()
    clock.reboot(off=DAY)
    TrustedTime(catalogue, clock).authenticated(true.now)
    late = catalogue.rows("SELECT -offset FROM periods WHERE boot = 'boot-2'")
    assert [(DAY,)] == late, "but the time without power"


def test_looks_without_a_pause_are_one_spell(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    time = TrustedTime(catalogue, FakeClock(true))
    for _ in range(30):
        true.pass_(60)
        time.tick()
    assert [(1,)] == catalogue.rows("SELECT count(*) FROM watched")


def test_how_far_ahead_a_clock_was_is_not_known_where_nobody_judged_it(catalogue: Catalogue):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true)
    time = TrustedTime(catalogue, clock)
    time.tick()
    true.pass_(60)
    written = true.now
    time.tick()
    assert time.clocks_of(written), "what is seen by the clock that wrote it is dated by it"
    clock.reboot(off=3600)
    time = TrustedTime(catalogue, clock)
    time.tick()
    assert [] == time.clocks_of(written)


@pytest.mark.parametrize("told", [-1, LAST_INSTANT + 1])
def test_a_time_that_no_clock_can_show_is_refused(catalogue: Catalogue, told: int):
    time = TrustedTime(catalogue, FakeClock(TrueTime(at("2026-03-16 12:00"))))
    with pytest.raises(VerificationError):
        time.authenticated(Instant(told))
    assert time.lower_bound() is None


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("run"), st.integers(0, 3 * DAY)),
            st.tuples(st.just("reboot"), st.integers(0, 3 * DAY)),
            st.tuples(st.just("jump"), st.integers(-40 * DAY, 40 * DAY)),
            st.tuples(st.just("hear"), st.just(0)),
            st.tuples(st.just("tick"), st.just(0)),
        ),
        max_size=12,
    )
)
def test_the_bound_is_never_later_than_the_true_time(tmp_path_factory, steps):
    true = TrueTime(at("2026-03-16 12:00"))
    clock = FakeClock(true)
    catalogue = Catalogue(tmp_path_factory.mktemp("clock") / "c.sqlite")
    time = TrustedTime(catalogue, clock)
    for step, amount in steps:
        if step == "run":
            true.pass_(amount)
        elif step == "reboot":
            clock.reboot(off=amount)
            time = TrustedTime(catalogue, clock)
        elif step == "jump":
            clock.ahead = amount
        elif step == "hear":
            time.authenticated(true.now)
        else:
            time.tick()
        bound = time.lower_bound()
        assert bound is None or bound <= true.now
    catalogue.close()


def test_what_a_clock_twenty_days_slow_dated_is_dated_again_when_the_time_is_known(world: World):
    """Its camera was right; the board was not, and took the right date for one in the future."""
    world.activate()
    world.cycle()
    world.centre.away = True
    world.clock.reboot()
    world.clock.ahead = -20 * DAY
    world.crash()
    moment = world.true.now
    world.record(moment)
    slow = Instant(moment - 20 * DAY)
    world.write("front/plain.jpg", b"\xff\xd8\xffplain", mtime=slow)
    world.true.pass_(60)
    world.scan()
    world.true.pass_(600)
    world.centre.away = False
    world.sweep()
    anchors = dict(world.agent.catalogue.rows("SELECT name, anchor FROM items"))
    assert all(abs(anchor - moment) <= 6 * 3600 for anchor in anchors.values()), anchors


def _record_while_the_clock_is(
    world: World, *, ahead: int, off: int = 0, named: bool = True
) -> Instant:
    """The enforcer is away, and the machine comes up with a clock that its camera goes by too."""
    world.activate()
    world.cycle()
    world.centre.away = True
    world.clock.reboot(off=off)
    world.clock.ahead = ahead
    world.crash()
    moment = world.true.now
    if named:
        world.record(world.clock.wall())
    else:
        world.write("front/plain.jpg")
    world.true.pass_(60)
    world.scan()
    return moment


def _weeks(world: World, until: Instant) -> None:
    """Days go by with a scan and a sweep in each."""
    while world.true.now < until:
        world.true.pass_(min(DAY, until - world.true.now))
        world.scan()
        world.sweep()


def test_what_a_slow_clock_dated_does_not_go_by_that_date_when_time_service_sets_it_right(
    world: World,
):
    moment = _record_while_the_clock_is(world, ahead=-20 * DAY)
    world.clock.ahead, world.clock.ntp = 0, True
    _weeks(world, Instant(moment + 55 * DAY))
    assert 1 == len(world.files())
    world.centre.away = False
    world.cycle()
    assert 1 == len(world.files())
    world.true.now = Instant(world.due_at(moment) + 6 * 3600)
    world.cycle()
    assert set() == world.files()


def test_time_service_vouches_for_the_clock_and_the_promise_is_kept_offline(world: World):
    moment = _record_while_the_clock_is(world, ahead=0, off=3 * DAY)
    world.clock.ntp = True
    _weeks(world, Instant(moment + 61 * DAY))
    assert 1 == len(world.files())  # it waits those days longer in which its power was off
    _weeks(world, Instant(moment + 64 * DAY))
    assert set() == world.files()


def test_nobodys_word_for_the_clock_keeps_all_until_the_enforcer_gives_it(world: World):
    moment = _record_while_the_clock_is(world, ahead=0, off=3 * DAY)
    _weeks(world, Instant(moment + 61 * DAY))
    assert 1 == len(world.files())
    world.centre.away = False
    world.cycle()
    assert set() == world.files()


def test_time_service_does_not_vouch_for_a_clock_that_lags_what_has_run_since(world: World):
    moment = _record_while_the_clock_is(world, ahead=-20 * DAY)
    world.clock.ntp = True
    _weeks(world, Instant(moment + 59 * DAY))
    assert 1 == len(world.files())


@pytest.mark.parametrize("ahead", [0, -20 * DAY, -2 * DAY, 2 * DAY])
def test_what_an_earlier_boot_saw_goes_rather_late_by_the_power_off_than_early(
    world: World, ahead: int
):
    moment = _record_while_the_clock_is(world, ahead=ahead, off=20 * DAY, named=False)
    world.clock.reboot(off=DAY)
    world.clock.ahead = 0
    world.crash()
    world.centre.away = False
    latest = Instant(moment + DAY + 2 * 3600)
    while world.true.now < world.due_at(moment):
        world.cycle()
        assert 1 == len(world.files())
        world.true.pass_(3 * DAY)
    world.true.now = Instant(world.due_at(latest) + 20 * DAY)
    world.cycle()
    assert set() == world.files()


def test_each_earlier_boot_was_over_before_the_next_one_began(world: World):
    """Also if nobody told any of them the time: what one saw is older than a scan of the next."""
    world.centre.away = True
    for _ in range(3):
        world.clock.reboot(off=DAY)
        world.crash()
        world.scan()
        world.true.pass_(3600)
        world.scan()
    world.centre.away = False
    world.agent.talk()
    rows = world.agent.catalogue.rows("SELECT zero - offset FROM periods ORDER BY id")
    began = [each for (each,) in rows]
    assert 3 == len(began)
    assert all(earlier + 3600 <= later for earlier, later in pairwise(began)), began


def test_what_people_said_stands_when_the_clock_turns_out_to_have_been_wrong(world: World):
    moment = _record_while_the_clock_is(world, ahead=-20 * DAY)
    [(number, mark)] = world.agent.catalogue.rows("SELECT number, fingerprint FROM items")
    item = ItemRef(STORE, world.centre.epoch, number, "front", moment, moment, mark)
    said = Instant(moment - DAY)
    world.sign(Correction(id=world.act_id(), at=moment, reason="seen", items=(item,), anchor=said))
    world.centre.away = False
    world.sweep()
    assert [(said,)] == world.agent.catalogue.rows("SELECT anchor FROM items")


def test_what_is_written_into_a_file_by_a_slow_clock_moves_its_date_nowhere(world: World):
    world.activate()
    world.cycle()
    world.true.pass_(60)
    moment = world.true.now
    path = world.write("front/plain.jpg")
    world.cycle()
    world.true.pass_(40 * DAY)
    world.cycle()
    world.centre.away = True
    world.clock.reboot()
    world.clock.ahead = -50 * DAY
    world.crash()
    path.write_bytes(b"\xff\xd8\xff something else")
    os.utime(path, (world.clock.wall(), world.clock.wall()))
    world.scan()
    world.clock.ahead = 0
    world.centre.away = False
    world.true.now = Instant(world.due_at(moment) - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(2)
    world.rest()
    assert set() == world.files()


def test_a_machine_that_was_paused_believes_two_that_agree_on_the_time(world: World):
    world.activate()
    world.cycle()
    world.clock.booted_at += 3 * DAY
    world.true.pass_(3 * DAY)
    moment = world.true.now
    world.record(moment)
    world.true.pass_(60)
    world.cycle()
    world.true.now = Instant(world.due_at(moment) + 6 * 3600)
    world.cycle()
    assert set() == world.files()


def test_a_scan_in_which_the_clock_is_set_right_bounds_by_the_clock_that_it_began_by(world: World):
    world.record(MOMENT)
    world.cycle()
    world.clock.ahead = 40 * DAY
    scan = world.agent.scan()
    next(scan)
    world.clock.ahead = 0
    for _ in scan:
        pass
    moment = world.true.now
    world.write("front/plain.jpg", mtime=Instant(0))
    world.true.pass_(30 * DAY)
    world.cycle()
    [(anchor,)] = world.agent.catalogue.rows(
        "SELECT anchor FROM items WHERE name = ?", (b"plain.jpg",)
    )
    assert moment - 3600 <= anchor <= moment


MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(
    ("stopped", "ahead", "reboots", "how"),
    [
        (9 * MINUTE, 0, False, "mtime"),
        (HOUR, 0, False, "bounded"),  # long enough to set a clock wrong and right again
        (9 * MINUTE, HOUR, False, "bounded"),
        (9 * MINUTE, 0, True, "bounded"),
    ],
)
def test_what_was_written_while_the_agent_was_brought_up_to_date_has_its_mtime(
    world: World, stopped: int, ahead: int, reboots: bool, how: str
):
    """Each version has it started again: what came meanwhile goes no earlier for that."""
    world.cycle()
    world.true.pass_(4 * HOUR)
    world.agent.tick()
    world.stop()
    world.true.pass_(MINUTE)
    world.write("front/plain.jpg")
    world.true.pass_(stopped - MINUTE)
    if reboots:
        world.clock.reboot()
        world.true.pass_(MINUTE)
    world.clock.ahead = ahead
    world.boot()
    world.cycle()
    assert [(how,)] == world.agent.catalogue.rows("SELECT word FROM items JOIN words ON id = how")


@pytest.mark.parametrize("ahead", [40 * DAY, -40 * DAY])
def test_an_mtime_of_before_the_clock_was_set_wrong_makes_nothing_early(world: World, ahead: int):
    """Nobody watched, and by no window can be told by which of the two clocks it was written."""
    moment = world.true.now
    world.clock.booted_at = moment - 60 * DAY
    world.write("front/plain.jpg")
    world.true.pass_(41 * DAY)
    world.clock.ahead = ahead
    world.crash()
    world.centre.away = True
    world.scan()
    world.centre.away = False
    world.sweep()
    world.clock.ahead = 0
    world.activate()
    world.rest()
    told = _told(world)
    assert ("latest", max(moment, moment - ahead)) == (told.how, told.anchor)
    assert min(moment, moment - ahead) == told.anchor - told.before


def _told(world: World) -> Sighted | Changed:
    """The last that the centre heard of an item."""
    return [e for e in world.centre.entries() if isinstance(e, Sighted | Changed)][-1]


def _hour_of_an_untold_boot(world: World, *, scan: bool, off: int = 0, ahead: int = 0) -> Instant:
    """The machine comes up without a network, scans perhaps, and an hour later there is a file; when."""
    world.cycle()
    world.centre.away = True
    world.clock.reboot(off=off)
    world.clock.ahead = ahead
    world.crash()
    if scan:
        world.scan()
    for _ in range(60):
        world.true.pass_(MINUTE)
        world.agent.tick()
    world.write("front/plain.jpg")
    world.true.pass_(MINUTE)
    world.agent.tick()
    return Instant(world.true.now - MINUTE)


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("ahead", [0, DAY, -DAY])
def test_an_item_tells_how_early_it_can_be_where_nobody_told_the_time(
    world: World, seen: bool, ahead: int
):
    """It goes by the latest; also what a later boot saw first, of which nobody knows since when it lay there."""
    moment = _hour_of_an_untold_boot(world, scan=True, off=DAY)
    if seen:
        world.scan()
    world.clock.reboot(off=20 * DAY)
    world.clock.ahead = ahead
    world.crash()
    world.centre.away = False
    world.cycle()
    world.clock.ahead = 0
    for _ in range(2 if ahead else 0):
        world.cycle()
    told, latest = _told(world), Instant(moment + 20 * DAY)
    assert ("latest", moment - DAY) == (told.how, told.anchor - told.before)
    assert latest - HOUR <= told.anchor <= latest
    world.check()


def test_what_a_recorder_says_is_sure_if_it_can_be_true_whenever_the_boot_was(world: World):
    """It came after a scan that is dated for sure, be it 20 days earlier or later."""
    moment = _hour_of_an_untold_boot(world, scan=False)
    world.record(moment)
    world.scan()
    world.clock.reboot(off=20 * DAY)
    world.crash()
    world.centre.away = False
    world.cycle()
    rows = world.agent.catalogue.rows(
        "SELECT word, unsure, anchor FROM items JOIN words ON id = how"
    )
    assert [("mtime", 1, moment + 20 * DAY), ("name", 0, moment)] == sorted(rows)


@pytest.mark.parametrize("ahead", [0, 2 * HOUR])
def test_what_a_boot_saw_before_it_heard_the_time_is_unsure_until_then(world: World, ahead: int):
    moment = _hour_of_an_untold_boot(world, scan=True, off=DAY, ahead=ahead)
    world.scan()
    told = next(entry for entry in reversed(world.log()) if isinstance(entry, Sighted))
    assert ("doubted", moment - DAY) == (told.how, told.anchor - told.before)
    world.true.pass_(20 * DAY)
    world.centre.away = False
    world.cycle()
    said = (
        "doubted" if ahead else "mtime"
    )  # the clocks do not agree yet, and the word is all there is
    assert (said, moment, 0) == (_told(world).how, _told(world).anchor, _told(world).before)
    world.clock.ahead = 0
    for _ in range(2):
        world.cycle()
    assert ("mtime", moment, 0) == (_told(world).how, _told(world).anchor, _told(world).before)


def _lied_to(world: World, *, ahead: int) -> Instant:
    """For 41 days the power was off; the first that a box hears then is a time that is over for 40 days."""
    world.activate()
    world.cycle()
    world.centre.away = True
    world.clock.reboot(off=41 * DAY)
    world.clock.ahead = ahead
    world.crash()
    world.scan()
    world.true.pass_(MINUTE)
    world.write("front/plain.jpg")
    moment = world.true.now
    world.true.pass_(MINUTE)
    world.scan()
    world.centre.away = False
    world.centre.lie = -40 * DAY
    for _ in range(2):
        world.cycle()
    return moment


@pytest.mark.parametrize("reboots", [False, True])
def test_an_enforcer_that_tells_a_wrong_time_and_the_right_one_later_makes_nothing_early(
    world: World, *, reboots: bool
):
    moment = _lied_to(world, ahead=0)
    assert [(moment - 40 * DAY,)] == world.agent.catalogue.rows("SELECT anchor FROM items")
    if reboots:
        world.clock.reboot()
        world.crash()
    world.centre.lie = 0
    world.true.now = Instant(world.due_at(moment) - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.now = Instant(world.due_at(moment) + (60 * DAY if reboots else 1))
    world.rest()
    assert set() == world.files()


def test_two_clocks_that_are_wrong_alike_are_believed(world: World):
    """As docs/threat-model.md says; nobody tells them from a machine that was paused."""
    moment = _lied_to(world, ahead=-40 * DAY)
    assert [(moment - 40 * DAY, 0)] == world.agent.catalogue.rows(
        "SELECT anchor, period FROM items"
    )


def test_what_was_unsure_in_an_epoch_that_is_over_is_sure_when_its_boot_has_heard_the_time(
    world: World,
):
    moment = _hour_of_an_untold_boot(world, scan=True, off=DAY)
    world.scan()
    world.centre.away = False
    world.centre.thaw()
    world.centre._renew()
    world.crash()
    world.sweep()
    for _ in range(2):
        world.cycle()
    assert ("mtime", moment, 0) == (_told(world).how, _told(world).anchor, _told(world).before)


@pytest.mark.parametrize("told", [True, False], ids=["told", "never told"])
@pytest.mark.parametrize("before", [True, False], ids=["scanned before", "not before"])
@pytest.mark.parametrize("after", [True, False], ids=["scanned after", "not after"])
@pytest.mark.parametrize("right", [True, False], ids=["set first", "told first"])
def test_a_machine_that_was_paused_for_days_makes_nothing_early_and_tells_what_may_be_late(
    world: World, *, told: bool, before: bool, after: bool, right: bool
):
    """Its clocks stood still, and nobody knows at which moment since the enforcer's last word."""
    world.activate()
    world.rest()
    if not told:
        world.centre.away = True
        world.clock.reboot(off=60)
        world.crash()
    world.true.pass_(60)
    world.agent.tick()
    moments: dict[bytes, Instant] = {}
    since: dict[bytes, Instant] = {}  # the last whole scan before it came
    last = at("2026-03-16 12:00")

    def record(name: str, *, scanned: bool) -> None:
        world.true.pass_(20)
        nonlocal last
        moments[name.encode()], since[name.encode()] = world.true.now, last
        world.write(f"front/{name}")
        world.true.pass_(20)
        if scanned:
            last = world.true.now
            world.scan()
        world.agent.tick()

    with contextlib.suppress(UnreachableError):
        world.agent.talk()
    record("before.jpg", scanned=before)
    world.clock.pause(30 * DAY)
    world.agent.tick()
    world.true.pass_(60)
    world.agent.tick()
    record("after.jpg", scanned=after)
    if right:
        world.clock.ahead = 0
        record("later.jpg", scanned=True)
    world.centre.away = False
    world.agent.talk()
    world.clock.ahead = 0
    world.rest()
    query = "SELECT name, anchor, before, word FROM items JOIN words ON words.id = how"
    rows = world.agent.catalogue.rows(query)
    assert moments.keys() == {name for name, *_ in rows}
    for name, anchor, earlier, how in rows:
        earliest = since[name] if how == "bounded" else moments[name]
        assert earliest <= anchor, f"{name} goes early"
        assert anchor - earlier <= moments[name], f"nobody knows that {name} may go late"


def test_an_agent_that_was_stopped_for_days_goes_by_a_clock_that_went_on(world: World):
    """SIGSTOP, or a machine that was suspended: the clocks of its kernel count that."""
    world.activate()
    world.rest()
    world.centre.away = True
    world.clock.reboot(off=60)
    world.crash()
    world.agent.tick()
    world.true.pass_(60)
    world.scan()
    world.true.pass_(60)
    moment = world.record(world.true.now) and world.true.now
    world.scan()
    world.true.pass_(30 * DAY)
    world.agent.tick()
    world.centre.away = False
    world.rest()
    [told] = world.books().live.values()
    assert (moment, "name") == (told.anchor, told.how)
    world.check()
