"""An enforcer makes an agent begin anew that has lost nothing: it takes from it nothing that it knows.

Nothing goes early by it, and nothing is kept (I1, I3, I10).
"""

import os
from pathlib import Path

import pytest
from world import GROUP, STORE, World, at

from agents.stores import Part, Role
from retention.acts import Correction
from retention.calendar import DAY, Instant
from retention.errors import VerificationError
from retention.hold import ItemRef
from retention.report import GENESIS, Sighted
from retention.wire import PriorItem, Welcome

HOUR = 3600


@pytest.fixture
def world(world: World) -> World:
    world.activate()
    world.rest()
    world.true.pass_(60)
    return world


def begin_anew(world: World) -> None:
    """Before anything else is said, the agent is told that its epoch is over."""
    epoch = world.centre.epoch
    world.centre.anew = True
    world.agent.exchange.greet()
    assert epoch + 1 == world.centre.epoch


def anchor(world: World, name: str) -> Instant | None:
    query = "SELECT anchor FROM items WHERE name = ?"
    found: Instant | None = world.agent.catalogue.value(query, (name.encode(),))
    return found


def sighted(world: World) -> ItemRef:
    """The newest sighting, as acts name it."""
    told = [entry for entry in world.centre.entries() if isinstance(entry, Sighted)][-1]
    moment = Instant(told.anchor or 0)
    return ItemRef(
        STORE, world.centre.epoch, told.item, told.source, moment, moment, told.fingerprint
    )


def assert_goes_on_its_day(world: World, moment: Instant, *, within: int = 0) -> None:
    """One file is left, and it goes as what was recorded in that second, or so much later."""
    world.true.now = Instant(world.due_at(moment) - 1)
    world.rest()
    assert 1 == len(world.files()), "early"
    world.true.now = Instant(world.due_at(Instant(moment + within)) + 1)
    world.rest()
    assert set() == world.files(), "late"
    world.check()


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@pytest.mark.parametrize("again", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("right", ["before", "between", "after"])
def test_what_a_slow_clock_dated_stays_in_doubt_until_the_time_is_told(
    world: World, right: str, again: int, *, named: bool
):
    """The camera goes by the same clock, so nothing about the file tells that it is young."""
    world.centre.away = True
    world.clock.reboot()
    world.clock.ahead = -40 * DAY
    world.crash()
    moment = world.true.now
    if named:
        world.record(world.clock.wall())
    else:
        world.write("front/plain.jpg")
    world.true.pass_(60)
    world.scan()
    world.true.pass_(60)
    world.centre.away = False
    if right == "before":
        world.clock.ahead = 0
    for _ in range(again):
        begin_anew(world)
    if right == "between":
        world.clock.ahead = 0
    world.scan()
    world.clock.ahead = 0
    assert_goes_on_its_day(world, moment)


@pytest.mark.parametrize("change", ["", "renamed", "rewritten"])
def test_what_was_seen_to_come_has_its_date_whatever_it_says_itself(world: World, change: str):
    world.true.pass_(10 * DAY)
    moment = world.true.now
    path = world.write("front/plain.jpg", mtime=Instant(moment - 50 * DAY))
    world.scan()
    dated = anchor(world, "plain.jpg")
    begin_anew(world)
    world.true.pass_(60)
    if change == "renamed":
        path = path.rename(path.with_name("other.jpg"))
    elif change == "rewritten":
        path.write_bytes(b"\xff\xd8\xff other")
        os.utime(path, (moment - 55 * DAY, moment - 55 * DAY))
    world.scan()
    assert dated == anchor(world, path.name)


def test_a_date_that_is_the_latest_stays_that_also_under_another_inode(world: World):
    """The boot that saw it was told no time, and the power was off for 20 days since."""
    world.centre.away = True
    world.clock.reboot()
    world.crash()
    world.scan()
    world.true.pass_(60)
    moment = world.true.now
    path = world.write("front/plain.jpg")
    world.scan()
    world.clock.reboot(off=20 * DAY)
    world.crash()
    world.centre.away = False
    world.rest()
    begin_anew(world)
    world.write("front/copied.jpg", path.read_bytes())
    path.unlink()
    world.rest()
    [told] = world.books().live.values()
    assert ("latest", True) == (told.how, told.anchor - told.before <= moment)
    assert moment + 20 * DAY - HOUR <= told.anchor


@pytest.mark.parametrize(("minutes", "held"), [(0, True), (62, False)])
def test_what_was_written_over_meanwhile_is_held_by_a_hold_of_then(
    world: World, minutes: int, held: bool
):
    path = world.record(world.true.now)
    world.scan()
    begin_anew(world)
    world.true.pass_(HOUR)
    world.write(f"front/{path.name}", b"\xff\xd8\xff another")
    world.rest()
    world.hold("hold-1", Instant(world.true.now + 60 * minutes))
    world.agent.talk()
    assert [{"hold-1"} if held else set()] == [each.holds for each in world.books().live.values()]


def test_what_came_since_the_last_scan_came_since_then(world: World):
    """It is said to be 50 days old, and nobody has looked yet when the agent has to begin anew."""
    moment = world.true.now
    world.write("front/plain.jpg", mtime=Instant(moment - 50 * DAY))
    begin_anew(world)
    world.scan()
    scanned = anchor(world, "plain.jpg")
    assert scanned is not None
    assert moment - 60 - HOUR <= scanned <= moment


def test_a_late_arrival_keeps_its_day_of_grace(world: World):
    world.record(Instant(world.true.now - 90 * DAY), directory="copies")
    world.cycle()
    begin_anew(world)
    world.true.pass_(DAY - HOUR)
    world.cycle()
    assert 1 == len(world.files())
    begin_anew(world)
    world.true.pass_(2 * HOUR)
    world.cycle()
    assert set() == world.files()


def test_who_begins_anew_every_day_keeps_what_has_no_date_for_a_week_and_no_longer(world: World):
    world.lose_state()
    world.rest()
    world.write("front/plain.jpg", mtime=Instant(0))
    world.lose_state()  # so that nobody knows since when it lies there
    world.rest()
    assert anchor(world, "plain.jpg") is None
    for _ in range(7):
        assert 1 == len(world.files())
        begin_anew(world)
        world.true.pass_(DAY)
        world.rest()
    assert set() == world.files()


@pytest.mark.parametrize("doubted", [True, False], ids=["in doubt", "undated"])
def test_of_what_has_no_sure_date_the_enforcer_tells_none_that_is_believed(
    world: World, *, doubted: bool
):
    world.write("front/plain.jpg", mtime=Instant(0))
    if doubted:
        world.clock.reboot()
        world.clock.ahead = -DAY
        world.crash()
    else:
        world.lose_state()
        world.rest()
    world.centre.away = doubted
    world.scan()
    world.centre.away = False
    [(fingerprint,)] = world.agent.catalogue.rows("SELECT fingerprint FROM items")
    old = Instant(world.true.now - 300 * DAY)
    world.centre.earlier = [PriorItem(1, fingerprint, "front", old, old)]
    begin_anew(world)
    world.clock.ahead = 0
    world.rest()
    assert old != anchor(world, "plain.jpg")
    assert 1 == len(world.files())


@pytest.mark.parametrize("scanned", [True, False])
def test_a_correction_that_was_corrected_stays_corrected(world: World, *, scanned: bool):
    """Two people signed both, and the older one is all that the enforcer tells any more."""
    moment = world.true.now
    world.record(moment)
    world.rest()
    reference = sighted(world)
    common = {"at": moment, "reason": "x", "items": (reference,)}
    first, second = Instant(moment - 50 * DAY), Instant(moment - 5 * DAY)
    world.sign(Correction(id="c1", anchor=first, **common))
    world.rest()
    world.sign(Correction(id="c2", anchor=second, **common))
    world.rest()
    del world.centre.acts[-1]
    begin_anew(world)
    if scanned:
        world.scan()
    assert_goes_on_its_day(world, second)


def test_another_class_that_people_gave_it_stays_from_the_first_sweep_on(world: World):
    moment = world.true.now
    world.record(moment)
    world.rest()
    reference = sighted(world)
    given = Correction(
        id="c1",
        at=moment,
        reason="x",
        items=(reference,),
        record_class="contact-centre-call",
    )
    world.sign(given)
    world.rest()
    world.centre.acts.pop()
    world.true.now = Instant(world.due_at(moment) + 1)
    begin_anew(world)
    world.rest()
    assert 1 == len(world.files())
    assert "contact-centre-call" == next(iter(world.books().live.values())).record_class
    world.check()


def test_no_path_is_kept_of_what_is_gone_when_it_has_looked(world: World):
    path = world.record(world.true.now)
    world.rest()
    begin_anew(world)
    path.unlink()
    world.rest()
    assert [] == world.agent.catalogue.rows("SELECT * FROM remembered")
    assert [] == world.agent.catalogue.rows("SELECT * FROM directories")
    world.check()


def test_epochs_only_grow_so_that_no_number_comes_to_mean_another_file(world: World):
    begin_anew(world)
    world.rest()
    epoch = world.centre.epoch

    def told() -> int:
        return int(world.agent.catalogue.value("SELECT epoch FROM agent"))

    for beside in (epoch - 1, epoch + 1001, 2**53 - 1):
        world.centre.hello = lambda _, at=beside: Welcome(at, 0, GENESIS, GROUP, prior=False)
        with pytest.raises(VerificationError, match="does not follow"):
            world.agent.exchange.greet()
        assert epoch == told()
    unknown = Welcome(epoch, 10**6, bytes(32), GROUP, prior=False)
    begun = Welcome(epoch, 0, GENESIS, GROUP, prior=False)
    world.centre.hello = lambda hello: begun if hello.epoch is None else unknown
    world.agent.exchange.greet()
    assert epoch + 1 == told()


def _of_call(_directory: bytes, title: bytes) -> Part | None:
    """There is one call, of one recording and one companion."""
    name, _, kind = title.rpartition(b".")
    role = Role.RECORDING if kind == b"wav" else Role.COMPANION
    return Part(b"a call", role) if kind in {b"wav", b"txt"} and name else None


@pytest.mark.parametrize("anew", [False, True], ids=["going on", "anew"])
@pytest.mark.parametrize("first", [".wav", ".txt"], ids="{} first".format)
@pytest.mark.parametrize("doubted", [".wav", ".txt"], ids="{} in doubt".format)
@pytest.mark.parametrize("dated", [".wav", ".txt"], ids="{} dated".format)
def test_what_a_part_knows_that_a_clock_in_doubt_saw_is_known_when_that_is_right(
    tmp_path: Path, dated: str, first: str, doubted: str, *, anew: bool
):
    """The call began before midnight, says one of its parts; the other says when it was written."""
    world = World.make(tmp_path, at("2026-03-16 20:00"), parts=_of_call)
    world.activate()
    world.rest()
    began = at("2026-03-16 21:30")
    names = {kind: b"plain" + kind.encode() for kind in (".wav", ".txt")}
    names[dated] = b"20260316-233000" + dated.encode()
    for _ in range(3 * 12):
        world.true.pass_(300)
        world.agent.tick()

    def come(kind: str) -> None:
        world.true.pass_(60)
        if doubted == kind:
            world.centre.away = True
            world.clock.reboot()
            world.crash()
        world.agent.tick()
        world.true.pass_(60)
        content = b"RIFF" + bytes(4) + b"WAVE" if kind == ".wav" else b"said"
        world.write(f"front/{names[kind].decode()}", content)
        world.agent.scanner.hint(b"front", names[kind], closed=True)
        world.agent.look()

    come(first)
    come(".txt" if first == ".wav" else ".wav")
    world.centre.away = False
    if anew:
        begin_anew(world)
    world.rest()
    [told] = world.books().live.values()
    assert began == told.anchor
    world.check()
