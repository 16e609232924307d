"""Objects in AWS's archive: their heads are shown, their bytes are not until somebody has them restored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_world import BucketWorld, Put
from s3_server import S3Server
from world import at

from retention.calendar import DAY
from retention.report import Scanned, Sighted

NOON = at("2026-03-16 12:00")
CAPTURED = {"captured-at": "2026-01-05T10:00:00Z"}


@pytest.fixture
def world(tmp_path: Path, moto: S3Server) -> Iterator[BucketWorld]:
    world = BucketWorld.found(tmp_path, NOON, moto)
    world.agent.talk()  # so that the agent knows the time
    yield world
    world.stop()


def archived(world: BucketWorld, name: str, kind: str = "GLACIER", **options: object) -> Put:
    """A recording that a lifecycle rule, or its recorder, put into the archive."""
    answer = world.client.put_object(
        Bucket=world.bucket, Key=name, Body=name.encode(), StorageClass=kind, **options
    )
    return Put(world, name, answer["VersionId"])


def told(world: BucketWorld) -> tuple[list[tuple[str, object]], int]:
    """How each was dated, and how many the last scan could not read."""
    world.scan()
    world.report()
    entries = list(world.centre.entries())
    sighted = [(each.how, each.anchor) for each in entries if isinstance(each, Sighted)]
    return sighted, [each for each in entries if isinstance(each, Scanned)][-1].unreadable


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE"])
def test_what_is_archived_is_dated_by_what_stands_beside_its_bytes(world: BucketWorld, kind: str):
    """A call without its length would be read."""
    archived(world, "front/a.wav", kind, Metadata=CAPTURED)
    assert ([("stated", at("2026-01-05 10:00"))], 0) == told(world)


def test_what_is_archived_and_says_nothing_is_undated_and_goes_after_its_week(world: BucketWorld):
    nameless = archived(world, "front/a.wav")
    assert ([("undated", None)], 0) == told(world)
    world.activate()
    world.true.pass_(6 * DAY)
    world.rest()
    assert nameless.exists()
    world.true.pass_(2 * DAY)
    world.rest()
    assert not nameless.exists()
    world.check()


def test_what_is_archived_goes_when_it_is_due_without_being_restored(world: BucketWorld):
    due = archived(world, "front/a.wav", "DEEP_ARCHIVE", Metadata=CAPTURED)
    kept = archived(world, "front/b.wav", Metadata={"captured-at": "2026-03-10T10:00:00Z"})
    world.scan()
    world.activate()
    world.rest()
    assert (False, True) == (due.exists(), kept.exists())
    world.check()


def test_what_is_archived_and_may_be_anything_is_told_and_stops_nothing_else(world: BucketWorld):
    """Neither its name nor its bytes say that it is a recording; nor that it is none."""
    archived(world, "front/a")
    archived(world, "front/b.wav", Metadata=CAPTURED)
    sighted, unreadable = told(world)
    assert [("stated", at("2026-01-05 10:00"))] == sighted
    assert unreadable, "so this scan is not complete"
    [(path, why)] = world.agent.scanner.unread
    assert path.startswith(b"front/a;")
    assert why.startswith("It lies in an archive")
