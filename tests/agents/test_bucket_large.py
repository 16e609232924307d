"""What is large in a bucket costs as much as is asked of it: many versions of a key, a long call.

On the server in memory: it counts requests and the bytes that travel.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bucket_world import BucketWorld
from fake_s3 import FakeS3, Version
from world import at

from agents.stores.bucket.keys import VersionId
from agents.stores.bucket.listing import PAGE, Entry, generation_of
from agents.stores.bucket.marking import noting_sidecars
from agents.stores.bucket.ranges import look_up
from agents.stores.bucket.wire import Answer
from retention.report import Sighted

NOON = at("2026-03-16 12:00")
OLD, YOUNG = {"captured-at": "2026-01-05T10:00:00Z"}, {"captured-at": "2026-03-10T10:00:00Z"}


@pytest.fixture
def server() -> FakeS3:
    return FakeS3(lambda: NOON)


@pytest.fixture
def world(tmp_path: Path, server: FakeS3) -> Iterator[BucketWorld]:
    world = BucketWorld.found(tmp_path, NOON, server)
    yield world
    world.stop()


def test_of_ten_thousand_versions_of_a_key_only_those_asked_for_are_kept(server: FakeS3):
    bucket = server.bucket(versioning="Enabled")
    client = server.client()
    for key, versions in (("cam.jpg", 10_000), ("cam.jpg.incident", 1)):
        for _ in range(versions):
            client.put_object(Bucket=bucket, Key=key, Body=b"x")
    oldest, newest = VersionId("cam.jpg", "v000001"), VersionId("cam.jpg", "v010000")
    found = look_up(server.wire(bucket), {"cam.jpg", "gone.jpg"}, {oldest})
    assert [newest, oldest] == [entry.of for entry in found["cam.jpg"]]
    assert [] == found["gone.jpg"]
    assert len(server.asked) <= 12, "a page for each thousand"


def test_of_ten_thousand_versions_of_a_key_a_listing_holds_a_page_back():
    taken: list[int] = []
    told: set[str] = set()

    def entries() -> Iterator[Entry]:
        for number in range(10_000):
            taken.append(number)
            of = VersionId("cam.jpg", f"v{number}")
            yield Entry(of, generation_of(of, size=1, etag="e"))

    asked: list[set[str]] = []

    def ask(keys: set[str]) -> set[str]:
        asked.append(keys)
        return keys

    passed = 0
    for _ in noting_sidecars(entries(), told.update, ask):
        assert {"cam.jpg"} == told, "before the first of them is dated"
        passed += 1
        assert len(taken) - passed <= PAGE
    assert 10_000 == passed
    assert len(asked) <= 10_000 // PAGE


def test_versions_that_are_missed_are_asked_for_and_not_all_that_their_key_has(
    world: BucketWorld, server: FakeS3
):
    puts = [world.write("front/cam.jpg", b"%d" % number) for number in range(1500)]
    world.client.delete_object(Bucket=world.bucket, Key="front/cam.jpg", VersionId=puts[7].version)
    begun = len(server.asked)
    names = [f"cam.jpg;{put.version}".encode() for put in puts[:500]]
    assert {names[7]} == world.agent.store.missing(b"front", names)
    assert [] == [line for line in server.asked[begun:] if "versions=" in line]


def requests_of(path: Path, versions: int) -> list[int]:
    """How many requests a scan takes, and a sweep by which half of the versions of a key go."""
    server = FakeS3(lambda: NOON)
    world = BucketWorld.found(path / str(versions), NOON, server)
    for number in range(versions):
        world.write("front/cam.jpg", b"%d" % number, metadata=OLD if number % 2 else YOUNG)
    world.activate(count=versions)
    begun = len(server.asked)
    world.scan()
    scanned = len(server.asked)
    world.sweep()
    assert versions // 2 == len(world.versions())
    world.stop()
    return [scanned - begun, len(server.asked) - scanned]


def test_twice_the_versions_of_a_key_cost_twice_the_requests(tmp_path: Path):
    few, many = requests_of(tmp_path, 1500), requests_of(tmp_path, 3000)
    assert all(two <= 2.1 * one for one, two in zip(few, many, strict=True))


HOURS = 13
RATE = 64_000
BYTES = HOURS * 3600 * RATE


class Sparse:
    """The body of a call of three gigabytes: what a WAV begins with, and silence."""

    begins = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", BYTES + 36, b"WAVE", b"fmt ", 16, 1, 2, RATE // 4, RATE, 4, 16, b"data", BYTES),
    )

    def __len__(self) -> int:
        return len(self.begins) + BYTES

    def __getitem__(self, part: slice) -> bytes:
        begin, end, _ = part.indices(len(self))
        return self.begins[begin:end].ljust(end - begin, b"\0")


class Large(Version):
    etag = '"made-in-600-parts-600"'


def test_of_a_call_of_three_gigabytes_its_ends_travel_and_no_more(
    world: BucketWorld, server: FakeS3, monkeypatch: pytest.MonkeyPatch
):
    world.write("front/20260201-080000.wav", b"")
    [version] = server.buckets[world.bucket].keys["front/20260201-080000.wav"]
    large = Large(version.id, version.modified, Sparse())  # type: ignore[arg-type] # as long as bytes
    server.buckets[world.bucket].keys["front/20260201-080000.wav"] = [large]
    answer, travelled = server.answer, []

    def counted(bucket: str, method: str, key: str, **rest: Any) -> Answer:
        said = answer(bucket, method, key, **rest)
        if key.startswith("front/"):
            travelled.append(len(said.body))
        return said

    monkeypatch.setattr(server, "answer", counted)
    world.scan()
    world.report()
    [one] = [entry for entry in world.centre.entries() if isinstance(entry, Sighted)]
    assert (at("2026-02-01 06:00"), HOURS * 3600) == (one.anchor, one.span)
    assert len(Sparse()) == one.size > 2.9e9
    assert 0 < sum(travelled) <= 2 * 64 * 1024
    assert [0, 64 * 1024] == travelled[:2], "the head of it, and the first of its ends"
