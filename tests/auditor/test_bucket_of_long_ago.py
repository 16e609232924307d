"""Objects that were really put 70 days or seven months ago, by their server's clock, and say nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from bucket_world import BucketWorld
from rgw import Gateway
from world import GROUP, STORE, first_policy

from auditor.bucket import Bucket, Place
from auditor.findings import Report, Verdict
from auditor.rescan import Rescan
from retention.anchor import UNDATED_SECONDS
from retention.calendar import to_instant
from retention.policy import Source

UNKNOWN_TO_PROBES = "no recording"


class Kind(NamedTuple):
    """What lies there, and for how many days already."""

    record_class: str
    directory: str
    ending: str
    days: int


KINDS = (
    Kind("terminal-image", "front", ".jpg", 70),
    Kind("contact-centre-call", "calls", ".wav", 215),
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.record_class)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def world(tmp_path: Path, gateway: Gateway, kind: Kind) -> Iterator[BucketWorld]:
    told = gateway.shared.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    lying = Source(kind.directory, GROUP, kind.directory, kind.record_class, "what lies there")
    world = BucketWorld.found(
        tmp_path,
        to_instant(parsedate_to_datetime(told)),
        gateway,
        document=first_policy(sources=[lying]),
    )
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
    world: BucketWorld, gateway: Gateway, need: Callable[[str], str], kind: Kind
):
    """The upload goes at once, being as old as its beginning; what nobody can date, after 7 days."""
    there = {"Bucket": world.bucket}
    undated, over, begun = (
        f"{kind.directory}/{name}{kind.ending}" for name in ("undated", "over", "begun")
    )
    with gateway.long_ago(need("faketime"), kind.days) as carry_out:
        carry_out(
            ("put_object", {**there, "Key": undated, "Body": UNKNOWN_TO_PROBES}),
            ("put_object", {**there, "Key": over, "Body": UNKNOWN_TO_PROBES * 2}),
            ("create_multipart_upload", {**there, "Key": begun}),
        )
    today = datetime.fromtimestamp(world.true.now, UTC).isoformat()
    young = world.write(over, metadata={"captured-at": today, "duration": "60"})
    assert [
        "2 recordings are past their time; held or not?",
        "1 unfinished upload is past their time; held or not?",
    ] == audited(world).texts(Verdict.UNKNOWN)

    world.scan()
    world.activate(record_class=kind.record_class)
    world.rest()
    assert "Uploads" not in world.client.list_multipart_uploads(**there)
    assert 3 == len(world.versions()), "LastModified bounds a date, and is none"

    world.true.pass_(UNDATED_SECONDS)
    world.rest()
    assert {(young.key, young.version)} == world.versions()
    assert Verdict.OK is audited(world).verdict
    world.check()
