"""The sweeper of a bucket: what only a bucket has, from the first scan to the proof."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from rgw import Gateway
from s3_proxy import Proxy
from world import STORE, at

from retention.acts import Release
from retention.calendar import DAY, Instant
from retention.hold import StoreHold
from retention.outcome import Outcome
from retention.report import Marked, Sighted

NOON = at("2026-03-16 12:00")
Found = Callable[..., BucketWorld]


@pytest.fixture
def found(tmp_path: Path, gateway: Gateway) -> Iterator[Found]:
    """Make a world in a bucket of any kind."""
    worlds: list[BucketWorld] = []

    def make(**options: object) -> BucketWorld:
        worlds.append(BucketWorld.found(tmp_path, NOON, gateway, **options))  # type: ignore[arg-type]
        return worlds[-1]

    yield make
    for world in worlds:
        world.stop()


@pytest.fixture
def world(found: Found) -> BucketWorld:
    return found()


@pytest.fixture
def locked(found: Found) -> BucketWorld:
    return found(lock=True)


def sighted(world: BucketWorld) -> list[Sighted]:
    return [entry for entry in world.centre.entries() if isinstance(entry, Sighted)]


def legal_hold(world: BucketWorld, key: str, version: str) -> str:
    """What another client sees on it."""
    meant = {"Bucket": world.bucket, "Key": key, "VersionId": version}
    try:
        return world.client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
    except world.client.exceptions.ClientError:
        return "OFF"


def test_metadata_dates_an_object_before_its_name_and_before_its_bytes(world: BucketWorld):
    world.agent.talk()  # so that the agent knows the time
    stated = {"captured-at": "2026-02-01T10:00:00+02:00", "duration": "61"}
    world.write("front/20260210-120000.jpg", metadata=stated)
    world.write("front/whatever.jpg", metadata={"captured-at": "not a time"})
    world.scan()
    world.report()
    one, two = sighted(world)
    assert (at("2026-02-01 08:00"), "stated", 61) == (one.anchor, one.how, one.span)
    assert (None, "undated") == (two.anchor, two.how), "LastModified bounds, and dates nothing"


def test_a_first_scan_asks_once_for_a_version_and_a_second_one_for_none(
    world: BucketWorld, proxy: Proxy
):
    for number in range(30):
        world.record(Instant(at("2026-02-01 10:00") + number), tag=f"-{number}")
    world.endpoint = proxy.endpoint
    world.crash()
    proxy.asked.clear()
    world.scan()
    heads = [line for line in proxy.asked if "/front/" in line]
    assert (30, {"HEAD"}) == (len(heads), {line.split()[0] for line in heads})
    proxy.asked.clear()
    world.scan()
    assert [] == [line for line in proxy.asked if "/front/" in line]
    assert len(proxy.asked) < 12


def test_an_old_version_goes_its_young_sister_stays_and_markers_go_last(world: BucketWorld):
    world.write("front/cam.jpg", b"old", metadata={"captured-at": "2026-01-05T10:00:00Z"})
    young = world.write("front/cam.jpg", b"young", metadata={"captured-at": "2026-03-10T10:00:00Z"})
    world.write("front/gone.jpg", b"old", metadata={"captured-at": "2026-01-05T10:00:00Z"})
    for key in ("front/gone.jpg", "front/cam.jpg"):
        world.client.delete_object(Bucket=world.bucket, Key=key)
    world.activate()
    world.rest()
    assert {(young.key, young.version)} == world.versions()
    assert {"front/cam.jpg"} == {key for key, _ in world.versions("DeleteMarkers")}
    world.check()
    world.true.pass_(70 * DAY)
    world.rest()
    assert (set(), set()) == (world.versions(), world.versions("DeleteMarkers"))


def upload_begun(tmp_path: Path, gateway: Gateway) -> tuple[BucketWorld, Instant]:
    """When is the server's to say, so it is the agent's clock that goes on: a minute later here."""
    world = BucketWorld.found(tmp_path, at("2026-11-20 12:00"), gateway)
    begun = world.client.create_multipart_upload(
        Bucket=world.bucket, Key="front/20260901-120000.jpg"
    )
    world.client.upload_part(
        Bucket=world.bucket, Key=begun["Key"], UploadId=begun["UploadId"], PartNumber=1, Body=b"x"
    )
    listed = world.client.list_multipart_uploads(Bucket=world.bucket)["Uploads"]
    initiated = Instant(int(listed[0]["Initiated"].timestamp()))
    world.true.now = Instant(initiated + 60)
    return world, initiated


def test_an_upload_nobody_completed_is_an_item_as_old_as_its_beginning(tmp_path, gateway: Gateway):
    world, initiated = upload_begun(tmp_path, gateway)
    world.activate()
    world.agent.talk()  # so that the agent knows the time
    world.rest()
    [one] = sighted(world)
    assert (initiated, "stated") == (one.anchor, one.how), "and not as old as its name"
    world.true.now = Instant(world.due_at(initiated) - 60)
    world.rest()
    assert "Uploads" in world.client.list_multipart_uploads(Bucket=world.bucket)
    world.true.pass_(120)
    world.rest()
    assert "Uploads" not in world.client.list_multipart_uploads(Bucket=world.bucket)
    [ended] = world.books().ended.values()
    assert Outcome.ERASED_VERIFIED is ended.outcome
    world.stop()


@pytest.mark.parametrize("hours", [0, 23])
def test_an_upload_is_held_by_a_hold_of_whatever_may_be_in_it(
    tmp_path, gateway: Gateway, hours: int
):
    """A call that is uploaded while it lasts goes on after its beginning, and nobody tells how long."""
    world, initiated = upload_begun(tmp_path, gateway)
    world.activate()
    world.hold("h1", Instant(initiated + hours * 3600))
    world.hold("another day's", Instant(initiated + 2 * DAY))
    world.rest()
    world.true.now = Instant(world.due_at(initiated) + DAY)
    world.rest()
    assert "Uploads" in world.client.list_multipart_uploads(Bucket=world.bucket)
    assert "held-unprotected" in set(world.agent.notes()), "no legal hold keeps others from it"
    world.sign(Release(id="r1", at=world.true.now, reason="case closed", hold="h1"))
    world.cycle()
    world.true.pass_(DAY + 60)
    world.rest()
    assert "Uploads" not in world.client.list_multipart_uploads(Bucket=world.bucket)
    world.stop()


def test_a_held_version_shows_a_legal_hold_to_everybody_until_it_is_released(locked: BucketWorld):
    moment = at("2026-01-14 12:00")
    put = locked.record(moment)
    locked.activate()
    locked.centre.holds.append(StoreHold("h1", moment, moment))
    locked.cycle()
    assert "ON" == legal_hold(locked, put.key, put.version)
    meant = {"Bucket": locked.bucket, "Key": put.key, "VersionId": put.version}
    tags = locked.client.get_object_tagging(**meant)["TagSet"]
    assert [{"Key": "retention-hold", "Value": STORE}] == tags
    with pytest.raises(locked.client.exceptions.ClientError, match="AccessDenied"):
        locked.client.delete_object(**meant)
    assert "held-unprotected" not in set(locked.agent.notes())

    locked.crash()
    locked.cycle()
    assert "ON" == legal_hold(locked, put.key, put.version)
    locked.sign(Release(id="r1", at=locked.true.now, reason="case closed", hold="h1"))
    locked.cycle()
    assert "OFF" == legal_hold(locked, put.key, put.version)
    assert [] == locked.client.get_object_tagging(**meant)["TagSet"]
    locked.true.pass_(DAY + 60)
    locked.cycle()
    assert set() == locked.versions()


def test_a_legal_hold_of_somebody_else_blocks_and_is_never_touched(locked: BucketWorld):
    moment = at("2026-01-14 12:00")
    put = locked.record(moment)
    meant = {"Bucket": locked.bucket, "Key": put.key, "VersionId": put.version}
    locked.client.put_object_legal_hold(**meant, LegalHold={"Status": "ON"})
    locked.activate()
    locked.centre.holds.append(StoreHold("h1", moment, moment))
    locked.cycle()
    assert "held-unprotected" in set(locked.agent.notes()), "when theirs ends, ours is none"
    locked.sign(Release(id="r1", at=locked.true.now, reason="case closed", hold="h1"))
    locked.cycle()
    locked.true.pass_(DAY + 60)
    locked.rest()
    assert "ON" == legal_hold(locked, put.key, put.version)
    assert {1: Outcome.BLOCKED} == locked.books().refused
    assert {"A legal hold that is not ours is on it.": 1} == locked.agent.stays
    locked.client.put_object_legal_hold(**meant, LegalHold={"Status": "OFF"})
    locked.rest()
    assert set() == locked.versions()
    assert {} == locked.agent.stays


def test_a_legal_hold_that_somebody_took_over_from_us_is_theirs(locked: BucketWorld):
    moment = at("2026-01-14 12:00")
    put = locked.record(moment)
    locked.activate()
    locked.centre.holds.append(StoreHold("h1", moment, moment))
    locked.cycle()
    meant = {"Bucket": locked.bucket, "Key": put.key, "VersionId": put.version}
    locked.client.delete_object_tagging(**meant)
    locked.sign(Release(id="r1", at=locked.true.now, reason="case closed", hold="h1"))
    locked.cycle()
    assert "ON" == legal_hold(locked, put.key, put.version)
    locked.client.put_object_legal_hold(**meant, LegalHold={"Status": "OFF"})


def test_a_bucket_that_cannot_lock_is_said_to_be_so_and_still_keeps_what_is_held(
    world: BucketWorld,
):
    moment = at("2026-01-14 12:00")
    put = world.record(moment)
    world.activate()
    world.centre.holds.append(StoreHold("h1", moment, moment))
    world.cycle()
    assert put.exists()
    assert "held-unprotected" in set(world.agent.notes())


def test_a_tagged_version_is_held_at_once_and_one_that_is_tagged_late_is_not_erased(
    world: BucketWorld,
):
    moments = [at("2026-01-13 12:00"), at("2026-01-14 12:00")]
    early, late = (world.record(moment) for moment in moments)
    tag = {"TagSet": [{"Key": "incident", "Value": "break-in"}]}
    world.client.put_object_tagging(Bucket=world.bucket, Key=early.key, Tagging=tag)
    world.scan()
    world.report()
    [marked] = [e for e in world.centre.entries() if isinstance(e, Marked)]
    assert "tag" == marked.kind
    world.client.put_object_tagging(Bucket=world.bucket, Key=late.key, Tagging=tag)
    world.activate()
    world.rest()
    assert early.exists()
    assert late.exists()
    assert 2 == len([e for e in world.centre.entries() if isinstance(e, Marked)])
    assert {"held"} == {state for _, state, _ in world.agent.counts()}


def test_where_tags_are_not_shown_nothing_is_erased_for_one_may_be_an_incidents(
    world: BucketWorld,
):
    put = world.record(at("2026-01-14 12:00"))
    hidden = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"],
        "Resource": f"arn:aws:s3:::{world.bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [hidden]})
    world.activate()
    world.scan()
    world.client.put_bucket_policy(Bucket=world.bucket, Policy=policy)
    world.crash()
    world.rest()
    assert put.exists()
    assert {1: Outcome.BLOCKED} == world.books().refused
    world.client.delete_bucket_policy(Bucket=world.bucket)
    world.rest()
    assert not put.exists()


def test_ten_thousand_versions_of_one_key_and_only_those_that_are_due(world: BucketWorld):
    """A thousand here: as many as fill a page, and one."""
    old = {"captured-at": "2026-01-05T10:00:00Z"}
    for number in range(1001):
        world.write("front/cam.jpg", b"%d" % number, metadata=old)
    young = world.write("front/cam.jpg", b"y", metadata={"captured-at": "2026-03-10T10:00:00Z"})
    world.activate(count=2000)
    world.rest()
    assert {(young.key, young.version)} == world.versions()


def test_credentials_that_are_refused_or_a_bucket_that_is_gone_erase_and_lose_nothing(
    world: BucketWorld, proxy: Proxy
):
    put = world.record(at("2026-01-14 12:00"))
    world.activate()
    world.scan()
    world.endpoint = proxy.endpoint
    world.crash()
    for status, code in [(403, "InvalidAccessKeyId"), (404, "NoSuchBucket"), (503, "SlowDown")]:
        proxy.say(status, code, "/", times=10**6)
        for act in (world.scan, world.sweep):
            with pytest.raises(Exception, match=r"credentials|bucket is not there|SlowDown"):
                act()
        proxy.rules.clear()
    world.report()
    assert put.exists()
    assert 1 == len(world.books().live)
    assert "root-missing" in set(world.agent.notes())


def test_the_agent_of_a_directory_imports_nothing_that_speaks_to_a_bucket():
    """It costs 15 MiB, which a terminal has not."""
    code = (
        "import sys, agents.cli, agents.terminal.compose\n"
        "print([m for m in ('botocore', 'boto3', 'minio', 'agents.stores.bucket') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == ran.stdout.strip()


def test_keys_are_in_no_text_of_anything(gateway: Gateway):
    with gateway.wire("any") as wire:
        told = repr(wire) + repr(wire._access) + str(vars(wire))
    assert "secretkey123" not in told
