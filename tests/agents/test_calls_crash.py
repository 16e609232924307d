"""The agent is killed at every changing call while it erases calls: it leaves no call without its recording.

Calls with all that belongs to them: files in several directories, rows of a CSV and of an SQLite
file. The kernel's calls by which those are changed are among the ones that kill. And it comes to the
same rest as if nothing had happened: each call is erased once, or all there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from calls import sound
from row_worlds import CallWorld
from scene import copied, kill_at_each_call
from world import at

from retention.calendar import DAY, Instant
from retention.outcome import Outcome

HELD, YOUNG = "20260110-130000-3", "20260301-120000-4"
CALLS = ("20260110-120000-1", "20260110-123000-2", HELD)
WHERE = {".json": "copies", "-transcript.txt": "copies/late", "-b.wav": "front/legs"}
SHARDS = 2


def build(path: Path) -> CallWorld:
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


PARTS = len(WHERE) + 3  # the recording that leads, and a row in either place


def _assert_at_rest(world: CallWorld) -> None:
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


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> CallWorld:
    return build(tmp_path_factory.mktemp("calls") / "base")


def test_without_a_crash_the_calls_come_to_their_rest(scene: CallWorld, tmp_path: Path):
    world = copied(scene, tmp_path / "run")
    world.boot()
    world.sweep()
    world.stop()
    _assert_at_rest(world)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_any_changing_call_leaves_a_call_its_recording(
    scene: CallWorld, tmp_path: Path, need: Callable[[str], str], shard: int
):
    names = kill_at_each_call(
        need("strace"), scene, tmp_path, at_rest=_assert_at_rest, part=shard, parts=SHARDS
    )
    assert {"pwrite64", "fdatasync", "unlinkat"} <= names
