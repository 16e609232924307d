"""Objects that were really put 70 days ago: the server says so, and neither name nor content does."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from rgw import Gateway
from world import GROUP, STORE

from auditor.bucket import Bucket, Place
from auditor.findings import Report, Verdict
from auditor.rescan import Rescan
from retention.anchor import UNDATED_SECONDS
from retention.calendar import to_instant

DAYS = 70
UNKNOWN_TO_PROBES = "no picture"


@pytest.fixture
def world(tmp_path: Path, gateway: Gateway) -> Iterator[BucketWorld]:
    told = gateway.shared.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    world = BucketWorld.found(tmp_path, to_instant(parsedate_to_datetime(told)), gateway)
    yield world
    world.stop()


def audited(world: BucketWorld) -> Report:
    assert world.gateway is not None
    keys = world.gateway.reader(world.bucket)
    with closing(world.gateway.client(keys=keys)) as reader:
        scan = Rescan(
            Bucket(reader, Place(world.bucket, ""), STORE),
            chain=world.centre.chain,
            group=GROUP,
            exceptions=None,
            now=world.true.now,
        )
        list(scan.recordings())
    return scan.conclude()


def test_what_a_server_kept_too_long_is_seen_by_it_alone_and_goes(
    world: BucketWorld, gateway: Gateway, need: Callable[[str], str]
):
    """The upload goes at once, being as old as its beginning; what nobody can date, after 7 days."""
    there = {"Bucket": world.bucket}
    with gateway.long_ago(need("faketime"), DAYS) as carry_out:
        carry_out(
            ("put_object", {**there, "Key": "front/undated.jpg", "Body": UNKNOWN_TO_PROBES}),
            ("put_object", {**there, "Key": "front/over.jpg", "Body": UNKNOWN_TO_PROBES * 2}),
            ("create_multipart_upload", {**there, "Key": "front/begun.jpg"}),
        )
    today = datetime.fromtimestamp(world.true.now, UTC).isoformat()
    young = world.write("front/over.jpg", metadata={"captured-at": today})
    assert [
        "2 recordings are past their time; held or not?",
        "1 unfinished uploads are past their time; held or not?",
    ] == audited(world).texts(Verdict.UNKNOWN)

    world.scan()
    world.activate()
    world.rest()
    assert "Uploads" not in world.client.list_multipart_uploads(**there)
    assert 3 == len(world.versions()), "LastModified bounds a date, and is none"

    world.true.pass_(UNDATED_SECONDS)
    world.rest()
    assert {(young.key, young.version)} == world.versions()
    assert Verdict.OK is audited(world).verdict
    world.check()
