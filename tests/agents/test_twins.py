"""Copies: one recording under several names, whichever of them the agent meets first."""

import os
from pathlib import Path

import pytest
from world import GROUP, STORE, World, at, first_policy

from retention.acts import Correction, Erasure, Lift, Release
from retention.calendar import DAY, Instant
from retention.hold import ItemRef, StoreHold
from retention.policy import Source
from retention.report import Held

LONG_AGO = at("2026-01-10 09:30")
BYTES = b"\xff\xd8\xff the same in all of them"


def _anchors(world: World) -> dict[str, int | None]:
    rows = world.agent.catalogue.rows(
        "SELECT path, name, anchor FROM items JOIN directories ON id = directory"
    )
    return {os.fsdecode(path + b"/" + name): anchor for path, name, anchor in rows}


def _held(world: World) -> set[str]:
    rows = world.agent.catalogue.rows(
        "SELECT path, name FROM items JOIN directories ON id = directory WHERE holds > 0"
    )
    return {os.fsdecode(path + b"/" + name) for path, name in rows}


def _named(moment: str, directory: str = "front") -> str:
    return f"{directory}/{moment}.jpg"


def test_a_copy_that_was_met_before_its_original_takes_its_date_over(world: World):
    world.scan()
    world.write("front/img1.jpg", BYTES)
    world.scan()
    world.write(_named("20260110-113000", "copies"), BYTES, mtime=LONG_AGO)
    world.scan()
    assert {LONG_AGO} == set(_anchors(world).values())
    world.activate()
    world.cycle()
    assert 2 == len(world.files()), "both have the day of grace of what comes late"
    world.true.pass_(DAY)
    world.cycle()
    assert set() == world.files()
    world.rest()
    world.check()


@pytest.mark.parametrize("imports", ["attic", "shelf"])
@pytest.mark.parametrize("apart", [True, False])
def test_a_copy_with_a_wrong_older_mtime_does_not_make_its_original_go_early(
    tmp_path: Path, imports: str, apart: bool
):
    """Met one scan after it, or in the same one, before it or behind it."""
    sources = [
        Source(
            id=name,
            group=GROUP,
            directory=name,
            record_class="terminal-image",
            purpose="test",
            name_pattern="%Y%m%d-%H%M%S*",
            imports=name == imports,
        )
        for name in ("attic", "front", "shelf")
    ]
    world = World.make(tmp_path, at("2026-03-16 12:00"), first_policy(sources=sources))
    world.scan()
    world.true.pass_(3600)
    original = _named("20260316-143000")
    world.write(original, BYTES)
    if apart:
        world.scan()
    world.write(f"{imports}/img.jpg", BYTES, mtime=LONG_AGO)
    world.scan()
    assert {original: at("2026-03-16 12:30"), f"{imports}/img.jpg": LONG_AGO} == _anchors(world)


@pytest.mark.parametrize("scanned", [True, False])
def test_a_copy_that_was_met_before_the_clock_was_known_to_be_right_has_the_date_of_its_original(
    world: World, *, scanned: bool
):
    """And the centre, which was told that its date was in doubt, is told that it is not."""
    world.activate()
    world.rest()
    world.true.pass_(60)
    moment = world.true.now
    path = world.write("front/plain.jpg")
    world.rest()
    world.true.pass_(30 * DAY)
    world.rest()
    world.centre.away = True
    world.clock.reboot()
    world.crash()
    if scanned:
        world.scan()
    world.true.pass_(60)
    world.write("front/copy.jpg", path.read_bytes())
    world.scan()
    world.true.pass_(60)
    world.centre.away = False
    world.report()
    assert {"doubted", "mtime"} == {item.how for item in world.books().live.values()}
    world.rest()
    assert {"mtime", "inherited"} == {item.how for item in world.books().live.values()}
    world.true.now = world.due_at(moment)
    world.rest()
    assert set() == world.files()
    world.check()


def test_a_copy_made_later_keeps_the_date_of_what_was_there_before_it(world: World):
    world.write("front/img1.jpg", BYTES, mtime=LONG_AGO)
    world.scan()
    world.true.pass_(3600)
    world.write(_named("20260316-150000"), BYTES)
    world.scan()
    assert {LONG_AGO} == set(_anchors(world).values())


def test_of_a_backlog_the_better_dated_twin_keeps_its_date_whichever_is_met_first(world: World):
    for directory in ("copies", "front"):
        world.write(f"{directory}/a.jpg", BYTES, mtime=LONG_AGO)
        world.write(_named("20260301-120000", directory), BYTES, mtime=at("2026-03-01 12:00"))
    world.scan()
    assert {
        "copies/20260301-120000.jpg": at("2026-03-01 10:00"),
        "front/20260301-120000.jpg": at("2026-03-01 10:00"),
        "copies/a.jpg": LONG_AGO,
        "front/a.jpg": LONG_AGO,
    } == _anchors(world)


def test_what_was_written_over_an_old_file_is_not_as_old_as_that(world: World):
    old = world.write("front/old.jpg", mtime=LONG_AGO)
    world.scan()
    world.true.pass_(3600)
    with old.open("r+b") as file:
        file.truncate()
        file.write(BYTES)
    moment = world.true.now
    os.utime(old, (moment, moment))
    world.scan()
    world.true.pass_(3600)
    world.write(_named("20260316-160000"), BYTES, mtime=world.true.now)
    world.scan()
    anchors = _anchors(world)
    assert LONG_AGO == anchors["front/old.jpg"], "software moves no date later"
    assert at("2026-03-16 12:00") < anchors["front/20260316-160000.jpg"]


@pytest.mark.parametrize("ahead", [-20 * DAY, 20 * DAY])
def test_a_copy_of_what_a_wrong_clock_dated_is_dated_anew_together_with_it(
    world: World, ahead: int
):
    world.centre.away = True
    world.scan()
    world.clock.ahead = ahead
    world.true.pass_(3600)
    world.write("front/img1.jpg", BYTES)
    world.scan()
    world.true.pass_(3600)
    world.write("front/img2.jpg", BYTES)
    world.scan()
    world.centre.away = False
    world.agent.talk()
    world.clock.ahead = 0
    world.agent.talk()
    world.sweep()
    true = [at("2026-03-16 12:00"), at("2026-03-16 14:00")]
    assert all(true[0] <= anchor <= true[1] for anchor in _anchors(world).values())


@pytest.mark.parametrize("first", ["original", "copy"])
def test_a_hold_on_one_of_them_holds_all_of_them(world: World, first: str):
    original = _named("20260110-113000", "copies")
    names = [original, "front/img.jpg"]
    for name in names if first == "original" else reversed(names):
        world.write(name, BYTES, mtime=world.true.now if name != original else LONG_AGO)
        world.scan()
        world.true.pass_(3600)
    world.centre.holds.append(StoreHold("h1", LONG_AGO, LONG_AGO, ("copies",)))
    world.agent.talk()
    assert set(names) == _held(world)
    later = world.write("unknown/third.jpg", BYTES)
    world.scan()
    assert {*names, str(later.relative_to(world.root))} == _held(world)
    world.activate()
    world.cycle()
    assert 3 == len(world.files())

    world.sign(Release(id="r1", at=world.true.now, reason="closed", hold="h1"))
    world.agent.talk()
    assert set() == _held(world)
    world.true.pass_(DAY + 60)
    world.cycle()
    assert set() == world.files()
    world.rest()
    world.check()


def test_a_restriction_of_one_restricts_its_copies_until_it_is_lifted(world: World):
    names = [_named("20260110-113000"), "copies/img.jpg"]
    for name in names:
        world.write(name, BYTES, mtime=LONG_AGO)
    world.scan()
    world.report()
    epoch = world.centre.epoch
    mark = world.agent.catalogue.value("SELECT fingerprint FROM items LIMIT 1")
    item = ItemRef(STORE, epoch, 1, "front", LONG_AGO, LONG_AGO, mark)
    world.centre.holds.append(StoreHold("restriction-1", Instant(1), Instant(0), items=(item,)))
    world.agent.talk()
    assert set(names) == _held(world)
    assert [((1, 2),)] == [e.items for e in world.centre.entries() if isinstance(e, Held)]
    lift = Lift(
        id="l1",
        at=world.true.now,
        reason="settled",
        items=(item,),
        subject_informed_at=world.true.now,
    )
    world.centre.holds.clear()
    world.sign(lift)
    world.agent.talk()
    assert set() == _held(world)
    earlier = Instant(LONG_AGO - DAY)
    world.sign(
        Correction(id="c1", at=world.true.now, reason="clock", items=(item,), anchor=earlier)
    )
    world.agent.talk()
    assert {earlier} == set(_anchors(world).values())
    assert set() == _held(world), "also when it changes"


@pytest.mark.parametrize(("named", "freed"), [((1, 3), {1, 2}), ((1, 2), {1})])
def test_a_lift_frees_with_an_item_only_the_copies_that_were_not_named_themselves(
    world: World, named: tuple[int, ...], freed: set[int]
):
    """Of three recordings the first two are one."""
    for name, data in (("1", BYTES), ("2", BYTES), ("3", b"\xff\xd8\xff another")):
        world.write(f"front/{name}.jpg", data, mtime=LONG_AGO)
        world.scan()
    world.report()
    marks = dict(world.agent.catalogue.rows("SELECT number, fingerprint FROM items"))
    items = tuple(
        ItemRef(STORE, world.centre.epoch, each, "front", LONG_AGO, LONG_AGO, marks[each])
        for each in named
    )
    world.centre.holds.append(StoreHold("restriction-1", Instant(1), Instant(0), items=items))
    world.agent.talk()
    held = {1, 2, 3} if 3 in named else {1, 2}
    now = world.true.now
    world.sign(Lift(id="l1", at=now, reason="settled", items=items[:1], subject_informed_at=now))
    world.agent.talk()
    left = world.agent.catalogue.rows("SELECT number FROM item_holds ORDER BY number")
    assert sorted(held - freed) == [number for (number,) in left]


def test_an_earlier_date_that_people_gave_one_is_the_date_of_its_copies(world: World):
    for name in ("front/img1.jpg", "front/img2.jpg"):
        world.write(name, BYTES)
    world.scan()
    world.report()
    mark = world.agent.catalogue.value("SELECT fingerprint FROM items LIMIT 1")
    now = world.true.now
    item = ItemRef(STORE, world.centre.epoch, 1, "front", now, now, mark)
    world.sign(Correction(id="c1", at=now, reason="clock", items=(item,), anchor=LONG_AGO))
    world.agent.talk()
    assert {LONG_AGO} == set(_anchors(world).values())


def test_empty_files_are_not_twins(world: World):
    world.write(_named("20260110-113000"), b"", mtime=LONG_AGO)
    world.write(_named("20260316-120000"), b"")
    world.centre.holds.append(StoreHold("h1", LONG_AGO, LONG_AGO))
    world.agent.talk()
    world.scan()
    assert {"front/20260110-113000.jpg"} == _held(world)
    assert 2 == len(set(_anchors(world).values()))


def _asked(world: World, directory: str = "front") -> None:
    """Two people have the recording that lies there erased (GDPR article 17)."""
    rows = world.agent.catalogue.rows(
        "SELECT number, anchor, before, after, fingerprint FROM items"
        " JOIN directories ON id = directory WHERE path = ?",
        (os.fsencode(directory),),
    )
    number, anchor, before, after, fingerprint = rows[0]
    span = Instant(anchor - before), Instant(anchor + after)
    item = ItemRef(STORE, world.centre.epoch, number, directory, *span, fingerprint)
    world.sign(Erasure(id="e1", at=world.true.now, reason="asked", items=(item,)))


@pytest.mark.parametrize("linked", [True, False], ids=["hard link", "copy"])
def test_what_two_people_have_erased_goes_under_all_its_names(world: World, linked: bool):
    world.scan()
    original = world.write(_named("20260316-120500"), BYTES)
    if linked:
        (world.root / "copies/img.jpg").hardlink_to(original)
    else:
        world.write("copies/img.jpg", BYTES)
    other = world.write(_named("20260316-120501"), b"\xff\xd8\xff another")
    world.activate()
    world.cycle()
    assert 3 == len(world.files())
    _asked(world)
    world.cycle()
    assert {str(other.relative_to(world.root))} == world.files()
    world.rest()
    world.check()


def test_what_two_people_have_erased_waits_until_its_class_is_activated(world: World):
    """I12: nothing goes before that, whoever asks."""
    world.scan()
    path = world.write(_named("20260316-120500"), BYTES)
    world.activate(record_class="contact-centre-call")
    world.cycle()
    _asked(world)
    world.cycle()
    assert path.exists()
    world.activate()
    world.cycle()
    assert not path.exists()


@pytest.mark.parametrize("lost", [False, True], ids=["remembered", "state lost"])
def test_a_copy_of_what_two_people_had_erased_goes_with_the_next_sweep(world: World, lost: bool):
    world.scan()
    world.write(_named("20260316-120500"), BYTES)
    world.activate()
    world.cycle()
    _asked(world)
    world.sweep()
    assert set() == world.files()
    world.report()
    if lost:
        world.lose_state().exchange.greet()
        world.rest()
    world.true.pass_(3600)
    world.write("copies/later.jpg", BYTES)
    world.cycle()
    assert set() == world.files()
    world.rest()
    world.check()


def test_a_copy_that_comes_before_the_erasure_is_carried_out_goes_with_it(world: World):
    world.scan()
    world.write(_named("20260316-120500"), BYTES)
    world.activate()
    world.cycle()
    _asked(world)
    world.agent.exchange.consult()
    world.write("copies/later.jpg", BYTES)
    world.cycle()
    assert set() == world.files()


def test_of_what_is_held_no_copy_is_erased_for_anybody(world: World):
    world.scan()
    world.write(_named("20260316-120500"), BYTES)
    world.write("copies/img.jpg", BYTES)
    world.activate()
    world.cycle()
    moment = at("2026-03-16 10:05")
    world.centre.holds.append(
        StoreHold("hold-1", Instant(moment - 60), Instant(moment + 60), sources=("front",))
    )
    _asked(world)
    world.cycle()
    world.write("copies/later.jpg", BYTES)
    world.cycle()
    assert 3 == len(world.files())
    assert world.files() == _held(world)
    world.sign(Release(id="r1", at=world.true.now, reason="closed", hold="hold-1"))
    world.sweep()
    world.true.pass_(2 * DAY)
    world.cycle()
    assert 3 == len(world.files()), "it was refused, and is asked for again or goes when it is due"


@pytest.mark.parametrize("days", [-50, -1])
@pytest.mark.parametrize("later", [True, False], ids=["copied later", "copied before"])
def test_a_corrected_date_is_the_copies_too_whatever_they_say(world: World, days: int, later: bool):
    """Their own date is later than one of the corrections, and earlier than the other."""
    world.scan()
    world.true.pass_(60 * DAY)
    world.record(Instant(world.true.now), tag="a")
    original = next(iter(world.files()))
    copy = "copies/img.jpg"
    data, mtime = (world.root / original).read_bytes(), Instant(world.true.now - 20 * DAY)
    if not later:
        world.write(copy, data, mtime=mtime)
    world.scan()
    world.report()
    numbers = dict(world.agent.catalogue.rows("SELECT fingerprint, number FROM items LIMIT 1"))
    [(fingerprint, number)] = numbers.items()
    said = Instant(world.true.now + days * DAY)
    now = world.true.now
    item = ItemRef(STORE, world.centre.epoch, number, "front", now, now, fingerprint)
    world.sign(Correction(id="c1", at=now, reason="wrong clock", items=(item,), anchor=said))
    world.agent.talk()
    if later:
        world.write(copy, data, mtime=mtime)
    world.scan()
    assert {original: said, copy: said} == _anchors(world)
    world.rest()
    world.check()


@pytest.mark.parametrize("first", ["sure", "unsure"])
def test_of_two_twins_one_is_sure_of_its_date_and_the_other_is_not(world: World, first: str):
    """One came in a boot that nobody told the time. Neither goes early; what may be late is told."""
    world.activate()
    world.rest()
    moments: list[Instant] = []

    def come(name: str) -> None:
        world.true.pass_(3600)
        moments.append(world.true.now)
        world.write(f"front/{name}.jpg", BYTES)
        world.scan()
        world.agent.tick()

    def untold() -> None:
        world.centre.away = True
        world.clock.reboot(off=5 * DAY)
        world.crash()
        world.scan()
        come("unsure")
        world.clock.reboot(off=20 * DAY)
        world.crash()
        world.centre.away = False
        world.rest()

    def told() -> None:
        come("sure")
        world.rest()

    for act in (told, untold) if first == "sure" else (untold, told):
        act()
    items = world.books().live.values()
    [began] = {each.anchor for each in items}
    if first == "sure":
        assert began is not None
        assert moments[0] - 3600 <= began <= moments[0], "what a scan had met is no copy"
    else:
        assert ["latest", "latest"] == [each.how for each in items]
        assert all(each.anchor - each.before <= moments[0] <= each.anchor for each in items)
    world.true.now = Instant(world.due_at(began) - 1)
    world.rest()
    assert 2 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()
