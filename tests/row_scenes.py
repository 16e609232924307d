"""Rows just before a sweep, for whatever befalls it, and what has to be true when all is at rest."""

from pathlib import Path

from calls import sound
from row_worlds import BlankedWorld, CallWorld
from world import at

from retention.calendar import DAY, Instant
from retention.outcome import Outcome

HELD, YOUNG = "20260110-130000-3", "20260301-120000-4"
CALLS = ("20260110-120000-1", "20260110-123000-2", HELD)
WHERE = {".json": "copies", "-transcript.txt": "copies/late", "-b.wav": "front/legs"}
PARTS = len(WHERE) + 3  # the recording that leads, and a row in either place

DUE = at("2026-01-10 10:00")
NOT_YET = at("2026-03-10 10:00")


def calls(path: Path) -> CallWorld:
    """Three calls over several directories, one of them held, just before they are due; and a young one."""
    world = CallWorld.found(path, at("2026-01-10 09:00"))
    world.rest()
    for minutes, call in enumerate(CALLS, start=1):
        world.true.now = Instant(at("2026-01-10 09:30") + minutes * 1800 + 300)
        world.write(f"front/{call}.wav", sound(call))
        world.rest()  # so that this one leads
        for rest, directory in WHERE.items():
            world.write(f"{directory}/{call}{rest}", sound(call + rest))
        world.write_row(call)
        world.rate(call)
    world.true.now = at("2026-03-01 10:05")
    world.write(f"front/{YOUNG}.wav", sound(YOUNG))
    world.write_row(YOUNG)
    world.rate(YOUNG)
    world.activate()
    moment = at("2026-01-10 11:00")
    world.hold("case", moment)
    world.rest()
    world.true.now = Instant(world.due_at(moment) + DAY)
    world.stop()
    return world


def assert_calls_at_rest(world: CallWorld) -> None:
    for call, there in world.calls().items():
        assert f"front/{call}.wav" in there, f"{call} lost its recording first"
    world.boot()
    world.rest()
    books = world.check()
    assert {HELD: PARTS, YOUNG: 3} == {call: len(there) for call, there in world.calls().items()}
    assert [3, 4] == list(books.live)
    assert {Outcome.ERASED_VERIFIED} == {ending.outcome for ending in books.erased()}
    assert {1, 2} == books.ended.keys()
    world.stop()


def blanked(path: Path) -> BlankedWorld:
    """Rows of which columns are to be blanked just before they are due; one is held, one young."""
    world = BlankedWorld.found(path, Instant(DUE - DAY))
    for number in range(3):
        world.record(DUE, tag=f"-{number}")
    world.record(Instant(DUE + 3600), tag="-held")
    world.true.now = Instant(DUE + 7200)
    world.activate()
    world.hold("case", Instant(DUE + 3600))
    world.rest()
    world.true.now = Instant(NOT_YET + 3600)
    world.record(NOT_YET)
    world.scan()
    world.stop()
    return world


def assert_blanked_at_rest(world: BlankedWorld) -> None:
    world.boot()
    world.rest()
    books = world.check()
    assert {"front/20260110-130000-held.jpg", "front/20260310-120000.jpg"} == world.files()
    assert {f"20260110-120000-{number}.jpg" for number in range(3)} == world.blanks()
    assert [Outcome.ERASED_VERIFIED] * 3 == [ending.outcome for ending in books.erased()]
    world.stop()
