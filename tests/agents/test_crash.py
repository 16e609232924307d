"""The agent is killed at every call of the kernel by which a sweep changes something, and restarts.

Whatever call it was, it comes to the same rest as if nothing had happened (I5), and at no point
is anything held, early or outside the root touched (I1, I2, I9, I14).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from scene import STAYS, build, copied, kill_at_each_call, outside
from world import World

from retention.outcome import Outcome

SHARDS = 4


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("scene") / "base")


def _assert_at_rest(world: World) -> None:
    world.boot()
    world.rest()
    books = world.check()
    assert STAYS == world.files()
    assert {6: Outcome.BLOCKED} == {
        number: outcome
        for number, outcome in books.refused.items()
        if outcome is not Outcome.REFUSED_HELD
    }
    assert {"due", "undated", "zombie"} == {ending.how for ending in books.ended.values()}
    assert set(Outcome) >= {ending.outcome for ending in books.erased()}
    assert {"held", "freed", "new"} <= books.effective
    world.stop()


def test_without_a_crash_the_scene_comes_to_its_rest(scene: World, tmp_path: Path):
    world = copied(scene, tmp_path / "run")
    world.boot()
    world.sweep()
    world.stop()
    _assert_at_rest(world)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_any_changing_call_leaves_nothing_undone_and_nothing_done_wrong(
    scene: World, tmp_path: Path, need: Callable[[str], str], shard: int
):
    before = outside(scene)

    def at_rest(world: World) -> None:
        _assert_at_rest(world)
        assert before == outside(world)

    names = kill_at_each_call(
        need("strace"), scene, tmp_path, at_rest=at_rest, part=shard, parts=SHARDS
    )
    assert {"pwrite64", "fdatasync", "unlinkat", "renameat", "linkat"} <= names
