"""The agent is killed at every changing call while it erases calls: it leaves no call without its recording.

Calls with all that belongs to them: files in several directories, rows of a CSV and of an SQLite
file. The kernel's calls by which those are changed are among the ones that kill. And it comes to the
same rest as if nothing had happened: each call is erased once, or all there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import row_scenes
from row_worlds import CallWorld
from scene import copied, kill_at_each_call

SHARDS = 2


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> CallWorld:
    return row_scenes.calls(tmp_path_factory.mktemp("calls") / "base")


def test_without_a_crash_the_calls_come_to_their_rest(scene: CallWorld, tmp_path: Path):
    world = copied(scene, tmp_path / "run")
    world.boot()
    world.sweep()
    world.stop()
    row_scenes.assert_calls_at_rest(world)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_any_changing_call_leaves_a_call_its_recording(
    scene: CallWorld, tmp_path: Path, need: Callable[[str], str], shard: int
):
    names = kill_at_each_call(
        need("strace"),
        scene,
        tmp_path,
        at_rest=row_scenes.assert_calls_at_rest,
        part=shard,
        parts=SHARDS,
    )
    assert {"pwrite64", "fdatasync", "unlinkat"} <= names


@pytest.mark.slow
def test_a_kill_at_any_changing_call_leaves_no_row_that_says_half(
    tmp_path: Path, need: Callable[[str], str]
):
    names = kill_at_each_call(
        need("strace"),
        row_scenes.blanked(tmp_path / "base"),
        tmp_path,
        at_rest=row_scenes.assert_blanked_at_rest,
        part=0,
        parts=1,
    )
    assert {"pwrite64", "fdatasync"} <= names
