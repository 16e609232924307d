"""A call is a whole: recordings, sidecars and what comes later are one item, and go together."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from calls import parts, sound
from world import STORE, World, at

from agents.engine.erasing import sweep
from agents.stores import Part, Role
from retention.acts import Erasure, Release
from retention.calendar import DAY, Instant
from retention.hold import ItemRef, StoreHold
from retention.outcome import Outcome
from retention.probes import Candidate, TimeSource, ZoneKnowledge
from retention.report import Changed, Erased, Sighted

CALL = "20260110-120000-17"
BEGAN = at("2026-01-10 10:00")  # noon by Riga's clock


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.make(tmp_path, at("2026-01-10 09:00"), parts=parts)
    world.rest()
    world.true.now = at("2026-01-10 12:00")
    return world


def put(world: World, name: str, data: bytes | None = None, mtime: Instant | None = None):
    return world.write(f"front/{name}", sound(name) if data is None else data, mtime=mtime)


def whole_call(world: World, call: str = CALL) -> set[str]:
    names = {f"{call}.wav", f"rx-{call}.wav", f"tx-{call}.wav", f"{call}.json"}
    for name in names:
        put(world, name)
    return names


def number_of(world: World) -> int:
    [number] = world.books().live
    return number


def item(world: World) -> tuple:
    """(number, anchor, holds) of the one item that the agent has."""
    [row] = world.agent.catalogue.rows("SELECT number, anchor, holds FROM items WHERE holds >= 0")
    return row


def hold(world: World, name: str = "case", moment: Instant = BEGAN, source: str = "front"):
    world.hold(name, moment, source)


def come_due(world: World, begun: Instant = BEGAN) -> None:
    world.activate()
    world.true.now = world.due_at(begun)


def test_a_call_is_one_item_of_the_size_of_all_its_files(world: World):
    names = whole_call(world)
    world.rest()
    books = world.check()
    assert 1 == len(books.live)
    sighted = [e for e in world.centre.entries() if isinstance(e, Sighted)]
    assert [sum(len(sound(name)) for name in names)] == [e.size for e in sighted]
    assert [BEGAN] == [e.anchor for e in sighted]
    assert [] == [e for e in world.centre.entries() if isinstance(e, Changed)]


def test_all_of_a_call_goes_and_is_told_once(world: World):
    whole_call(world)
    world.rest()
    come_due(world)
    world.rest()
    books = world.check()
    assert set() == world.files()
    erased = [e for e in world.centre.entries() if isinstance(e, Erased)]
    assert [((1, 1),)] == [e.items for e in erased]
    assert [Outcome.ERASED_VERIFIED] == [e.outcome for e in erased]
    assert {} == books.refused
    for table in ("items", "calls", "parts"):
        assert [] == world.agent.catalogue.rows(f"SELECT * FROM {table}")


@pytest.mark.parametrize("first", ["json", "wav"])
def test_whichever_part_comes_first_the_recording_leads(world: World, first: str):
    second = {"json": "wav", "wav": "json"}[first]
    for suffix in (first, second):
        put(world, f"{CALL}.{suffix}")
        world.rest()
    lead = world.agent.catalogue.value("SELECT name FROM items WHERE number = 1")
    assert f"{CALL}.wav".encode() == lead
    assert [1] == list(world.check().live)
    [changed] = [e for e in world.centre.entries() if isinstance(e, Changed)]
    assert changed.size == len(sound(f"{CALL}.json")) + len(sound(f"{CALL}.wav"))


def test_a_transcript_that_comes_late_goes_with_its_call(world: World):
    whole_call(world)
    world.rest()
    world.true.pass_(50 * DAY)
    put(world, f"{CALL}-transcript.txt")
    world.rest()
    assert (1, BEGAN, 0) == item(world)
    come_due(world)
    world.rest()
    assert set() == world.files()
    world.check()


def test_what_comes_after_the_call_was_erased_goes_at_once(world: World):
    whole_call(world)
    world.rest()
    come_due(world)
    world.rest()
    world.true.pass_(DAY)
    put(world, f"{CALL}-rating.txt", b"5")
    put(world, "20260312-120000-18-rating.txt", b"5")  # of a call that is not over yet
    world.rest()
    assert {"front/20260312-120000-18-rating.txt"} == world.files()
    books = world.check()
    assert ["due", "zombie"] == [ending.how for ending in books.ended.values()]


def test_a_recording_of_now_is_no_zombie_though_its_call_has_the_name_of_one_that_was_erased(
    tmp_path: Path,
):
    """A recorder that counts its calls begins again at one."""
    world = World.make(
        tmp_path, at("2026-01-10 09:00"), parts=lambda _, title: Part(title[-5:-4], Role.RECORDING)
    )
    world.rest()
    world.true.now = at("2026-01-10 12:00")
    put(world, "20260110-120000-1.wav")
    world.rest()
    come_due(world)
    world.rest()
    assert set() == world.files()
    world.true.now = at("2026-03-12 10:01")
    put(world, "20260312-120000-1.wav")
    world.rest()
    assert {"front/20260312-120000-1.wav"} == world.files()
    world.check()


def test_a_call_restored_from_a_backup_goes_again(world: World):
    whole_call(world)
    world.rest()
    come_due(world)
    world.rest()
    for name in (f"{CALL}.json", f"{CALL}.wav", f"rx-{CALL}.wav"):
        put(world, name, mtime=Instant(BEGAN + 60))
    world.write("copies/one leg of it.wav", sound(f"tx-{CALL}.wav"), mtime=Instant(BEGAN + 60))
    world.rest()
    assert set() == world.files()
    world.check()


def test_ratings_are_no_copies_of_each_other(world: World):
    put(world, f"{CALL}.wav")
    put(world, f"{CALL}-rating.txt", b"5")
    world.rest()
    world.true.pass_(30 * DAY)
    moment = world.true.now
    put(world, "20260209-140000-18.wav")
    put(world, "20260209-140000-18-rating.txt", b"5")
    world.rest()
    assert {BEGAN, moment} == {entry.anchor for entry in world.check().live.values()}
    come_due(world)
    world.rest()
    assert {"front/20260209-140000-18.wav", "front/20260209-140000-18-rating.txt"} == world.files()
    world.check()


def test_a_hold_on_a_call_holds_and_keeps_all_of_it(world: World):
    put(world, f"{CALL}.json")
    put(world, f"{CALL}.wav")
    world.rest()
    hold(world)
    world.rest()
    put(world, f"{CALL}-transcript.txt")  # after the hold
    put(world, f"rx-{CALL}.wav")
    world.rest()
    held = list((world.root / ".retention" / "held").iterdir())
    assert 4 == len(held)
    come_due(world)
    world.rest()
    assert 4 == len(world.files())
    world.check()
    world.sign(Release(id="release", at=world.true.now, reason="closed", hold="case"))
    world.rest()
    world.true.pass_(2 * DAY)
    world.rest()
    assert set() == world.files()
    assert [] == list((world.root / ".retention" / "held").iterdir())
    world.check()


def test_a_sidecar_that_was_held_before_its_recording_came_is_kept_still(world: World):
    put(world, f"{CALL}.json")
    hold(world)
    world.rest()
    put(world, f"{CALL}.wav")
    world.rest()
    kept = {path.read_bytes() for path in (world.root / ".retention" / "held").iterdir()}
    assert {sound(f"{CALL}.json"), sound(f"{CALL}.wav")} == kept
    assert "held-unprotected" not in set(world.agent.notes())
    world.crash()
    for path in (world.root / "front").iterdir():
        path.unlink()
    world.rest()
    names = {f"front/{CALL}.json", f"front/{CALL}.wav"}
    assert names == world.files()
    assert {sound(f"{CALL}.json"), sound(f"{CALL}.wav")} == {
        (world.root / name).read_bytes() for name in names
    }


def test_a_hold_on_where_only_a_sidecar_lies_holds_its_call(world: World):
    put(world, f"{CALL}.wav")
    world.write(f"copies/{CALL}.json", b"{}")
    world.rest()
    hold(world, source="copies")
    world.rest()
    assert (1, BEGAN, 1) == item(world)
    come_due(world)
    world.rest()
    assert 2 == len(world.files())
    world.check()


def test_a_marker_at_any_part_keeps_the_call(world: World):
    whole_call(world)
    world.rest()
    come_due(world)
    put(world, f"{CALL}.json.incident", b"")
    world.sweep()
    assert 5 == len(world.files())
    world.rest()
    assert (1, BEGAN, 1) == item(world)
    world.check()


def test_a_sidecar_tells_when_a_call_began_and_moves_it_only_earlier(tmp_path: Path):
    told = {f"{CALL}.json".encode(): BEGAN - 3 * 3600, f"{CALL}-late.txt".encode(): BEGAN + 600}

    def tells(_directory, title, _source):
        if title not in told:
            return ()
        value = datetime.fromtimestamp(told[title], UTC)
        return (Candidate(TimeSource.SIDECAR, value, ZoneKnowledge.UTC),)

    world = World.make(tmp_path, at("2026-01-10 06:00"), parts=parts, tells=tells)
    world.rest()
    world.true.now = at("2026-01-10 12:00")
    for name in (f"{CALL}.wav", f"{CALL}.json"):
        put(world, name)
    world.rest()
    assert (1, BEGAN - 3 * 3600, 0) == item(world)
    put(world, f"{CALL}-late.txt")
    world.rest()
    assert (1, BEGAN - 3 * 3600, 0) == item(world)
    world.check()


@pytest.mark.parametrize("ahead", [0, -33 * DAY], ids=["right", "slow"])
def test_a_part_moves_its_call_when_the_clock_that_saw_it_is_known(tmp_path: Path, ahead: int):
    """Its recorder goes by that clock; before the time is told nobody can tell whether that was right."""
    said: list[Instant] = []

    def tells(_directory, title, _source):
        if not title.endswith(b".json"):
            return ()
        moment = datetime.fromtimestamp(said[0], UTC)
        return (Candidate(TimeSource.SIDECAR, moment, ZoneKnowledge.UTC),)

    world = World.make(tmp_path, at("2026-01-10 09:00"), parts=parts, tells=tells)
    world.rest()
    world.true.now = at("2026-01-10 12:00")
    put(world, f"{CALL}.wav")
    world.agent.scanner.hint(b"front", f"{CALL}.wav".encode(), closed=True)
    world.agent.look()
    assert (1, BEGAN, 0) == item(world)
    world.centre.away = True
    world.clock.reboot(off=30 * DAY if ahead else 60)
    world.clock.ahead = ahead
    world.crash()
    said.append(Instant(BEGAN - 1800) if not ahead else world.clock.wall())
    put(world, f"{CALL}.json")
    world.scan()
    assert (1, BEGAN, 0) == item(world)
    world.clock.ahead = 0
    world.centre.away = False
    world.rest()
    assert (1, BEGAN if ahead else said[0], 0) == item(world)
    world.check()


def test_a_recording_goes_last_also_if_nobody_knows_the_clock_that_saw_it(world: World):
    """Its sidecar came before it and leads the call as long as that is so."""
    world.activate()
    put(world, f"{CALL}.json")
    world.rest()
    world.centre.away = True
    world.clock.reboot()
    world.crash()
    put(world, f"{CALL}.wav")
    world.scan()
    erase, order = world.agent.store.erase, []

    def noting(batch):
        order.extend(want.name for there in batch.values() for want in there)
        return erase(batch)

    world.agent.store.erase = noting
    world.true.pass_(70 * DAY)
    world.sweep()
    assert [f"{CALL}.json".encode(), f"{CALL}.wav".encode()] == order
    assert set() == world.files()
    world.centre.away = False
    world.rest()
    world.check()


def test_what_others_remove_of_a_call_leaves_the_rest_of_it(world: World):
    names = whole_call(world)
    world.rest()
    for name in (f"{CALL}.wav", f"{CALL}.json"):
        (world.root / "front" / name).unlink()
        world.rest()
        names.remove(name)
        books = world.check()
        assert [1] == list(books.live)
    assert {} == books.ended
    for name in names:
        (world.root / "front" / name).unlink()
    for _ in range(3):
        world.rest()
    books = world.check()
    assert ["gone_elsewhere"] == [ending.how for ending in books.ended.values()]


def test_a_part_of_a_held_call_that_is_lost_raises_the_alarm(world: World):
    names = whole_call(world)
    hold(world)
    world.rest()
    for path in [*(world.root / "front").iterdir(), *(world.root / ".retention/held").iterdir()]:
        if path.read_bytes() in {sound(f"{CALL}.wav"), sound(f"{CALL}.json")}:
            path.unlink()
    world.crash()
    for _ in range(2):
        world.rest()
    books = world.check()
    assert ["lost", "lost"] == [ending.how for ending in books.ended.values()]
    assert {"case"} == books.live[1].holds
    assert {f"front/{name}" for name in names} - world.files() == {
        f"front/{CALL}.wav",
        f"front/{CALL}.json",
    }


def test_a_call_that_is_partly_erased_says_so_until_all_is_gone(world: World):
    put(world, f"{CALL}.wav")
    world.rest()
    whole_call(world)
    world.rest()
    leg = world.root / "front" / f"rx-{CALL}.wav"
    outside = world.root.parent / "linked.wav"
    os.link(leg, outside)
    world.scan()
    come_due(world)
    world.rest()
    assert {f"front/{CALL}.wav", f"front/rx-{CALL}.wav"} == world.files()
    entries = [e for e in world.centre.entries() if type(e).__name__ == "Refused"]
    assert [Outcome.BLOCKED, Outcome.PARTIAL] == [e.outcome for e in entries]
    world.rest()
    world.crash()
    world.rest()
    assert Outcome.PARTIAL == world.check().refused[1]
    outside.unlink()
    world.rest()
    books = world.check()
    assert set() == world.files()
    assert [Outcome.ERASED_VERIFIED] == [ending.outcome for ending in books.ended.values()]


def test_hard_links_of_one_recording_go_together(world: World):
    put(world, f"{CALL}.wav")
    os.link(world.root / f"front/{CALL}.wav", world.root / f"copies/{CALL}.wav")
    world.rest()
    assert 1 == len(world.check().live)
    come_due(world)
    world.rest()
    assert set() == world.files()
    world.check()


def test_a_call_whose_files_are_moved_keeps_its_date(world: World):
    whole_call(world)
    world.rest()
    archive = world.root / "front" / "archive"
    archive.mkdir()
    for path in (world.root / "front").glob("*.*"):
        path.rename(archive / path.name)
    world.true.pass_(DAY)
    world.rest()
    books = world.check()
    assert {1: BEGAN} == {number: entry.anchor for number, entry in books.live.items()}
    assert {} == books.ended


def test_a_held_call_whose_files_are_moved_keeps_its_numbers_and_nothing_is_given_back(
    world: World,
):
    names = whole_call(world)
    hold(world)
    world.rest()
    query = "SELECT number, name FROM items ORDER BY number"
    before = world.agent.catalogue.rows(query)
    archive = world.root / "front" / "archive"
    archive.mkdir()
    for name in names:
        (world.root / "front" / name).rename(archive / name)
    for _ in range(2):
        world.rest()
    assert before == world.agent.catalogue.rows(query)
    assert {f"front/archive/{name}" for name in names} == world.files()
    assert {} == world.check().ended


def test_a_call_that_is_moved_to_another_source_is_told_anew(world: World):
    names = whole_call(world)
    world.rest()
    for name in names:
        (world.root / "front" / name).rename(world.root / "copies" / name)
    world.rest()
    assert "copies" == [e for e in world.centre.entries() if isinstance(e, Changed)][-1].source
    world.check()


def test_a_part_that_comes_is_not_taken_for_another_that_went(world: World):
    whole_call(world)
    world.rest()
    query = "SELECT name, number FROM items"
    before = dict(world.agent.catalogue.rows(query))
    (world.root / "front" / f"{CALL}.json").unlink()
    put(world, f"{CALL}-transcript.txt")
    for _ in range(2):
        world.rest()
    after = dict(world.agent.catalogue.rows(query))
    gone = before.pop(f"{CALL}.json".encode())
    assert before == {name: number for name, number in after.items() if name in before}
    assert {f"{CALL}-transcript.txt".encode()} == after.keys() - before.keys()
    assert gone not in after.values()


def test_a_recording_that_gets_the_name_of_a_call_later_is_its_first_part(world: World):
    path = put(world, "meeting.wav")
    world.rest()
    path.rename(path.with_name(f"{CALL}.wav"))
    world.rest()
    put(world, f"{CALL}.json")
    world.rest()
    assert [1] == list(world.check().live)
    [changed] = [e for e in world.centre.entries() if isinstance(e, Changed)][-1:]
    assert len(sound("meeting.wav")) + len(sound(f"{CALL}.json")) == changed.size


def test_people_find_correct_and_erase_a_call_after_its_agent_lost_its_memory(world: World):
    whole_call(world)
    world.activate()
    world.rest()
    sighted = next(e for e in world.centre.entries() if isinstance(e, Sighted))
    moments = (Instant(BEGAN - 60), Instant(BEGAN + 60))
    named = ItemRef(STORE, 1, 1, "front", *moments, sighted.fingerprint)
    world.lose_state()
    (world.root / "front" / f"{CALL}.json").unlink()
    world.rest()
    assert {BEGAN} == {entry.anchor for entry in world.check().live.values()}
    world.sign(Erasure(id="erasure", at=world.true.now, reason="asked for", items=(named,)))
    world.rest()
    assert set() == world.files()
    world.check()


@pytest.mark.parametrize("batches", range(5))
def test_a_hold_between_two_batches_finds_calls_whole_or_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, batches: int
):
    monkeypatch.setattr(sweep, "BATCH_ITEMS", 3)  # less than one call has files
    calls = [f"20260110-12{minute:02}00-{minute}" for minute in range(4)]
    names = {call: {f"front/{name}" for name in whole_call(world, call)} for call in calls}
    world.rest()
    come_due(world)
    sweeping = world.agent.sweep()
    for _ in range(batches):
        next(sweeping)
    world.centre.holds.append(StoreHold("all", Instant(0), Instant(BEGAN * 2), ()))
    world.agent.exchange.consult()
    world.rest()
    books = world.check()
    left = [call for call in calls if names[call] <= world.files()]
    assert set().union(*(names[call] for call in left)) == world.files()
    assert [{"all"}] * len(left) == [entry.holds for entry in books.live.values()]
    assert max(4 - batches, 0) == len(left)


def test_two_calls_of_silence_are_two_calls(world: World):
    """Nobody answered: both recordings are a header, and neither date is the other's."""
    put(world, f"{CALL}.wav", b"RIFF" + bytes(4) + b"WAVE")
    world.rest()
    world.true.pass_(30 * DAY)
    moment = world.true.now
    put(world, "20260209-140000-18.wav", b"RIFF" + bytes(4) + b"WAVE")
    world.rest()
    assert {BEGAN, moment} == {entry.anchor for entry in world.check().live.values()}
    hold(world)
    world.rest()
    assert [{"case"}, set()] == [entry.holds for entry in world.check().live.values()]
