"""What is held has its whole content's digest, taken in idle time, and nothing else has one."""

from hashlib import sha256

import pytest
from world import World, at

from agents.engine.holding import digests
from retention.acts import Release
from retention.calendar import DAY, Instant

NOON = at("2026-03-16 12:00")
HELD, OTHER = Instant(NOON - 20 * DAY), Instant(NOON - 10 * DAY)


@pytest.fixture
def world(world: World) -> World:
    """A held recording that is longer than what a fingerprint reads, and one that nothing holds."""
    path = world.record(HELD)
    world.write(str(path.relative_to(world.root)), bytes(range(256)) * 2048, mtime=HELD)
    world.record(OTHER)
    world.activate()
    world.rest()
    world.hold("hold-1", HELD)
    world.rest()
    return world


def taken(world: World) -> list[bytes]:
    return [digest for (digest,) in world.agent.catalogue.rows("SELECT sha256 FROM digests")]


def test_a_held_recording_has_the_digest_of_all_its_bytes(world: World):
    assert [] == taken(world)
    world.agent.tick()
    assert [sha256(bytes(range(256)) * 2048).digest()] == taken(world)


def test_a_large_one_takes_several_turns(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digests, "TURN_BYTES", 300 << 10)
    world.agent.tick()
    assert [] == taken(world)
    for _ in range(2):
        world.agent.tick()
    assert 1 == len(taken(world))


def test_what_was_written_over_has_the_digest_of_what_it_is_now(world: World):
    world.agent.tick()
    before = taken(world)
    [name] = [each for each in world.files() if world.root.joinpath(each).stat().st_size > 1000]
    world.write(name, b"\xff\xd8\xff other bytes", mtime=HELD)
    world.rest()
    for _ in range(2):
        world.agent.tick()
    assert before != taken(world)
    assert sha256(b"\xff\xd8\xff other bytes").digest() in taken(world)


def test_it_goes_when_nothing_holds_the_recording_any_more(world: World):
    world.agent.tick()
    world.sign(Release(id=world.act_id(), at=NOON, reason="closed", hold="hold-1"))
    world.rest()
    assert [] == taken(world)
