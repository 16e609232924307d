"""Every request of a bucket's sweep is cut off, once or for good, or the agent dies at it.

Before it arrives, in the middle, and when it was carried out and no answer came. Whatever it was,
nothing held is ever touched, nothing is called erased that is there, and in the end all is as if
nothing had happened: each intent has its one outcome (I1, I2, I5, I9, I14, I15).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from bucket_world import BucketWorld, Put
from fake_s3 import FakeS3, When
from rgw import Gateway
from s3_proxy import Proxy
from world import STORE, at

from retention.acts import Release
from retention.calendar import DAY, Instant
from retention.errors import RetentionError
from retention.outcome import Outcome

FIRST = at("2026-03-08 12:00")
SWEPT = Instant(FIRST + 8 * DAY)
PREFIX = "calls/"
OUTSIDE = "callsign/20260105-120000.jpg"
OLD, YOUNG = {"captured-at": "2026-01-07T10:00:00Z"}, {"captured-at": "2026-03-01T10:00:00Z"}
#: What is left when the sweep of `SWEPT` is over.
STAYS = {
    "front/cam.jpg",  # its young version
    "front/20260110-120000-held.jpg",  # long acknowledged
    "front/20260105-120000-freed.jpg",  # released by the directive that the sweep fetches
    "front/20260112-120000-new.jpg",  # held by it
    "front/20260113-120000-theirs.jpg",  # somebody else's legal hold
    "front/20260114-120000-tagged.jpg",  # tagged as an incident after the scan
}
SHARDS = 3


class DiedError(BaseException):
    """The agent's process is no more."""


def build(path: Path, server: Gateway | FakeS3) -> BucketWorld:
    """A bucket just before a sweep that meets everything; the agent has stopped."""
    world = BucketWorld.found(path, FIRST, server, lock=True, prefix=PREFIX)
    client, bucket = world.client, world.bucket
    client.put_object(Bucket=bucket, Key=OUTSIDE, Body=b"nobody's business")
    for day, tag in (("10", "held"), ("05", "freed"), ("12", "new"), ("13", "theirs")):
        world.record(at(f"2026-01-{day} 10:00"), tag=f"-{tag}")
    late = world.record(at("2026-01-14 10:00"), tag="-tagged")
    for number in range(3):
        world.record(at("2026-01-06 10:00"), tag=f"-{number}")
    for metadata in (OLD, YOUNG):
        world.write("front/cam.jpg", repr(metadata).encode(), metadata=metadata)
    world.write("front/gone.jpg", b"x", metadata=OLD)
    world.write("copies/undated.jpg")
    if isinstance(server, FakeS3):
        server.clock = lambda: at("2026-01-07 10:00")
        client.create_multipart_upload(Bucket=bucket, Key=PREFIX + "front/begun.jpg")
        server.clock = lambda: world.true.now
    theirs = _meant(world, Put(world, "front/20260113-120000-theirs.jpg", ""))
    client.put_object_legal_hold(**theirs, LegalHold={"Status": "ON"})
    client.delete_object(Bucket=bucket, Key=PREFIX + "front/gone.jpg")
    for name, day in (("held", "10"), ("freed", "05")):
        world.hold(name, at(f"2026-01-{day} 10:00"))
    world.cycle()
    world.activate()
    world.true.now = SWEPT
    world.scan()
    world.report()
    tag = {"TagSet": [{"Key": "incident", "Value": ""}]}
    client.put_object_tagging(**_meant(world, late), Tagging=tag)
    world.hold("new", at("2026-01-12 10:00"))
    world.sign(Release(id="release", at=SWEPT, reason="closed", hold="freed"))
    world.stop()
    return world


def _meant(world: BucketWorld, put: Put) -> dict[str, str]:
    [version] = [version for key, version in world.versions() if key == put.key]
    return {"Bucket": world.bucket, "Key": PREFIX + put.key, "VersionId": version}


def _assert_nothing_wrong(world: BucketWorld) -> None:
    """What must be true at any moment, whoever died."""
    assert world.files() >= STAYS
    body = world.client.get_object(Bucket=world.bucket, Key=OUTSIDE)["Body"].read()
    assert body == b"nobody's business"


def _assert_words_true(world: BucketWorld) -> None:
    """What was told erased is not there (I15)."""
    rows = world.agent.catalogue.rows(
        "SELECT path, name FROM items JOIN directories ON id = directory"
    )
    assert world.pictures() <= {path + b"/" + name for path, name in rows}


def _assert_at_rest(world: BucketWorld) -> None:
    world.rest()
    books = world.check()
    assert world.files() == STAYS
    assert len(world.versions()) == len(STAYS)
    assert world.versions("DeleteMarkers") == set()
    assert "Uploads" not in world.client.list_multipart_uploads(Bucket=world.bucket)
    assert {"held", "freed", "new"} <= books.effective
    passing = {Outcome.REFUSED_HELD, Outcome.FAILED}
    assert {Outcome.BLOCKED} == set(books.refused.values()) - passing
    assert {"due", "undated"} == {ending.how for ending in books.ended.values()}
    ours = {key for key in STAYS if _tags(world, key).get("retention-hold") == STORE}
    assert ours == {k for k in STAYS if k.endswith(("-held.jpg", "-new.jpg", "-tagged.jpg"))}
    assert {k for k in STAYS if _is_held(world, k)} == ours | {"front/20260113-120000-theirs.jpg"}
    world.stop()


def _tags(world: BucketWorld, key: str) -> dict[str, str]:
    told = world.client.get_object_tagging(**_meant(world, Put(world, key, "")))
    return {tag["Key"]: tag["Value"] for tag in told["TagSet"]}


def _is_held(world: BucketWorld, key: str) -> bool:
    try:
        told = world.client.get_object_legal_hold(**_meant(world, Put(world, key, "")))
    except world.client.exceptions.ClientError:
        return False
    return told["LegalHold"]["Status"] == "ON"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> BucketWorld:
    return build(tmp_path_factory.mktemp("bucket") / "base", FakeS3(lambda: FIRST))


@pytest.fixture(scope="module")
def requests(scene: BucketWorld, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many requests a sweep makes that nothing befalls."""
    world = scene.copied(tmp_path_factory.mktemp("bucket") / "run")
    world.boot()
    begun = len(_server(world).asked)
    world.sweep()
    made = len(_server(world).asked) - begun
    _assert_at_rest(world)
    assert any("delete=" in line for line in _server(world).asked[begun:])
    return made


def _server(world: BucketWorld) -> FakeS3:
    assert isinstance(world.gateway, FakeS3)
    return world.gateway


Cut = Callable[..., None]


@contextmanager
def _life(scene: BucketWorld, path: Path, number: int) -> Iterator[tuple[BucketWorld, Cut]]:
    """A world about to sweep, and what has a request of that sweep cut off, or all from it on."""
    world = scene.copied(path / "run")
    world.boot()
    server = _server(world)
    nth = len(server.asked) + number

    def cut(when: When, *, for_good: bool = False) -> None:
        server.fault = lambda n: when if n == nth or (for_good and n > nth) else None

    try:
        yield world, cut
    except AssertionError as error:
        raise AssertionError(f"request {number}: {server.asked[nth - 1]}") from error


WHEN: tuple[When, ...] = ("early", "middle", "late")


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("when", WHEN)
def test_the_agent_dies_at_any_request(
    scene: BucketWorld, requests: int, memory_path: Path, when: When, shard: int
):
    for number in range(1 + shard, requests + 1, SHARDS):
        with _life(scene, memory_path, number) as (world, cut):
            cut(when)
            _server(world).death = DiedError()
            with pytest.raises(DiedError):
                world.sweep()
            world.stop()
            _server(world).fault = None
            _assert_nothing_wrong(world)
            world.boot()
            _assert_at_rest(world)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_any_request_is_cut_off_and_the_agent_lives(
    scene: BucketWorld, requests: int, memory_path: Path, when: When, shard: int, *, for_good: bool
):
    for number in range(1 + shard, requests + 1, SHARDS):
        with _life(scene, memory_path, number) as (world, cut):
            cut(when, for_good=for_good)
            with suppress(RetentionError):
                world.sweep()
            _server(world).fault = None
            _assert_nothing_wrong(world)
            _assert_words_true(world)
            _assert_at_rest(world)


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(2, 40, 4))
def test_on_a_real_server_any_request_is_cut_off_and_the_agent_dies(
    gateway: Gateway, memory_path: Path, nth: int
):
    """The connection breaks at a request, and nothing the agent asks after that arrives."""
    world = build(memory_path / "store", gateway)
    proxy = Proxy(gateway.endpoint)
    world.endpoint = proxy.endpoint
    world.boot()
    begun = len(proxy.asked)
    proxy.fail_from(begun + nth, WHEN[nth // 4 % 3])
    with suppress(RetentionError):
        world.sweep()
    _assert_nothing_wrong(world)
    _assert_words_true(world)
    world.stop()
    proxy.stop()
    world.endpoint = gateway.endpoint
    world.boot()
    _assert_at_rest(world)
