"""Many recordings of one content: a silence, a covered lens. Each costs what any other one does."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from calls import parts
from rgw import Gateway
from s3_proxy import Proxy
from world import World, at

from retention.calendar import Instant
from retention.hold import StoreHold
from retention.report import Gone, Sighted

SILENCE = b"\xff\xd8\xff the same in all of them"
NOON = at("2026-03-16 12:00")
Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A new terminal at noon that was scanned once, and where an hour passed since."""

    def made(name: str, **options: object) -> World:
        world = World.make(tmp_path / name, NOON, **options)  # type: ignore[arg-type]
        world.scan()
        world.true.pass_(3600)
        return world

    return made


def write(world: World, number: int, *, alike: bool, name: str) -> None:
    for each in range(number):
        data = SILENCE if alike else SILENCE + b"%d" % each
        world.write(f"front/{name % each}", data, mtime=Instant(NOON + each))


def asked(world: World, act: Callable[[], object]) -> tuple[int, int]:
    """How many statements the catalogue is asked for an act, and how many names the store."""
    statements: list[str] = []
    names: list[bytes] = []
    store, catalogue = world.agent.store, world.agent.catalogue
    missing = store.missing

    def counted(directory: bytes, asked: Sequence[bytes]) -> set[bytes]:
        names.extend(asked)
        return missing(directory, asked)

    store.missing = counted  # type: ignore[method-assign]
    catalogue._db.set_trace_callback(statements.append)
    act()
    catalogue._db.set_trace_callback(None)
    del store.missing
    return len(statements), len(names)


NAMES = {
    "dated by its name": "20260316-%06d.jpg",
    "dated by its mtime": "img%d.jpg",
    "a call that nobody answered": "20260316-140000-%d.wav",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("held", [False, True])
def test_to_meet_them_costs_no_more_than_to_meet_as_many_that_differ(
    make: Make, name: str, held: bool
):
    costs = {}
    for alike in (True, False):
        world = make(str(alike), parts=parts)
        if held:
            world.centre.holds.append(StoreHold("h1", NOON, Instant(NOON + 86_400)))
            world.agent.talk()
        write(world, 700, alike=alike, name=name)
        costs[alike] = asked(world, world.scan)
        world.stop()
    statements, names = costs[True]
    assert statements < 3 * costs[False][0]
    assert names - costs[False][1] <= 700, "each is looked for once in a batch"


def numbers(world: World) -> dict[bytes, int]:
    return dict(world.agent.catalogue.rows("SELECT name, number FROM items"))


def test_one_of_them_that_is_moved_is_still_that_one(make: Make):
    world = make("moved")
    write(world, 40, alike=True, name="img%d.jpg")
    world.scan()
    world.report()
    known = len(world.centre.entries())
    before = numbers(world)
    for number in (3, 30):
        (world.root / f"front/img{number}.jpg").rename(world.root / f"front/moved{number}.jpg")
    world.write("front/new.jpg", SILENCE)
    world.scan()
    world.report()
    told = world.centre.entries()[known:]
    assert 1 == sum(isinstance(entry, Sighted) for entry in told)
    after = numbers(world)
    assert {before[b"img3.jpg"], before[b"img30.jpg"]} == {
        after[b"moved3.jpg"],
        after[b"moved30.jpg"],
    }
    assert [] == [entry for entry in told if isinstance(entry, Gone)]
    assert 41 == len(world.books().live)
    world.rest()
    world.check()


def test_a_hold_on_one_of_them_holds_all_and_costs_no_more_for_it(make: Make):
    world = make("held")
    write(world, 600, alike=True, name="img%d.jpg")
    world.scan()
    world.centre.holds.append(StoreHold("h1", Instant(1), Instant(NOON + 86_400)))
    statements, _ = asked(world, world.agent.talk)
    assert {"held": 600} == {state: n for _, state, n in world.agent.counts()}
    assert statements < 600 * 12


@pytest.fixture
def bucket(tmp_path: Path, gateway: Gateway) -> Iterator[BucketWorld]:
    world = BucketWorld.found(tmp_path, NOON, gateway)
    yield world
    world.stop()


def test_in_a_bucket_they_cost_a_head_each_and_a_few_listings(
    bucket: BucketWorld, gateway: Gateway
):
    for number in range(600):
        bucket.write(f"front/20260316-11{number // 60:02}{number % 60:02}.jpg", SILENCE)
    proxy = Proxy(gateway.endpoint)
    bucket.endpoint = proxy.endpoint
    bucket.crash()
    proxy.asked.clear()
    bucket.scan()
    heads = sum(line.startswith("HEAD") and "/front/" in line for line in proxy.asked)
    assert 600 == heads
    assert len(proxy.asked) - heads < 40
    for key, version in sorted(bucket.versions())[::2]:
        bucket.client.delete_object(Bucket=bucket.bucket, Key=key, VersionId=version)
    proxy.asked.clear()
    bucket.scan()
    assert 300 == len(bucket.agent.catalogue.rows("SELECT 1 FROM items"))
    assert len(proxy.asked) < 60, "those that somebody removed are looked for together"
    proxy.stop()
