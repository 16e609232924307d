"""A bucket with all that hides in one, swept by its agent: what is left, and what two others see of it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from bucket_world import BucketWorld, Put
from rgw import Gateway
from world import GROUP, STORE, at, first_policy

from auditor.bucket import Bucket, Place
from auditor.findings import Report, Verdict
from auditor.rescan import Rescan, Standing
from retention import exceptions
from retention.calendar import DAY, Instant, to_instant
from retention.exceptions import Exceptions, Reason
from retention.hold import StoreHold
from retention.outcome import Outcome
from retention.policy import Source
from retention.report import Sighted

CALLS = Source("calls", GROUP, "calls", "contact-centre-call", "what was said", imports=True)
SEVEN_MONTHS = 215 * DAY
LATE = "are past the limit, and no exception names them"
COMMISSIONED = at("2020-01-01 00:00")


@pytest.fixture
def world(tmp_path: Path, gateway: Gateway) -> Iterator[BucketWorld]:
    """It is today, because only the server says when an upload was begun."""
    told = gateway.shared.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    today = to_instant(parsedate_to_datetime(told))
    document = first_policy(sources=[CALLS])
    world = BucketWorld.found(tmp_path, today, gateway, lock=True, document=document)
    yield world
    world.stop()


def call(world: BucketWorld, name: str, age: int) -> Put:
    """A call that its recorder wrote, so many seconds old."""
    began = datetime.fromtimestamp(world.true.now - age, UTC).isoformat()
    told = {"captured-at": began, "duration": "60"}
    return world.write(f"calls/{name}.wav", b"RIFF" + name.encode() + b"%d" % age, metadata=told)


def excepted(world: BucketWorld) -> Exceptions:
    """What the enforcer would sign, from what the agent told it."""
    entries, books = world.centre.entries(), world.books()
    marks = {e.item: e.fingerprint for e in entries if isinstance(e, Sighted)}
    found = [(Reason.HELD, marks[n]) for n, live in books.live.items() if live.holds]
    found += [(Reason.BLOCKED, marks[n]) for n, o in books.refused.items() if o is Outcome.BLOCKED]
    nonce = bytes(exceptions.NONCE_BYTES)
    listed = exceptions.listed(nonce, found)
    return Exceptions(STORE, GROUP, COMMISSIONED, world.true.now, nonce, listed)


def audited(world: BucketWorld, listed: Exceptions | None) -> tuple[Rescan, Report]:
    assert world.gateway is not None
    keys = world.gateway.reader(world.bucket)
    with closing(world.gateway.client(keys=keys)) as reader:
        scan = Rescan(
            Bucket(reader, Place(world.bucket, ""), STORE),
            chain=world.centre.chain,
            group=GROUP,
            exceptions=listed,
            now=world.true.now,
        )
        for _ in scan.recordings():
            pass
    return scan, scan.conclude()


def violations(world: BucketWorld) -> list[str]:
    """What the auditor says is not as it should be, once the agent has told what it sees."""
    world.scan()
    world.report()
    return audited(world, excepted(world))[1].texts(Verdict.VIOLATED)


def legal_hold(world: BucketWorld, put: Put) -> str:
    """What another client sees on it."""
    meant = {"Bucket": world.bucket, "Key": put.key, "VersionId": put.version}
    try:
        return world.client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
    except world.client.exceptions.ClientError:
        return "OFF"


def test_after_the_sweep_exactly_the_right_versions_are_left_and_the_auditor_agrees(
    world: BucketWorld,
):
    meant = {"Bucket": world.bucket}
    old = [call(world, "overwritten", SEVEN_MONTHS), call(world, "hidden", SEVEN_MONTHS)]
    old += [call(world, f"old-{number}", SEVEN_MONTHS) for number in range(4)]
    young = [call(world, "overwritten", 30 * DAY), call(world, "young", DAY)]
    held, tagged, locked = (
        call(world, name, SEVEN_MONTHS + days * DAY)
        for days, name in enumerate(("held", "tagged", "locked"), start=1)
    )
    world.client.delete_object(**meant, Key="calls/hidden.wav")
    world.client.create_multipart_upload(**meant, Key="calls/begun.wav")
    world.client.put_object_tagging(
        **meant, Key=tagged.key, Tagging={"TagSet": [{"Key": "incident", "Value": "threat"}]}
    )
    until = datetime.fromtimestamp(world.true.now, UTC) + timedelta(days=400)
    world.client.put_object_retention(
        **meant, Key=locked.key, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}
    )
    assert [f"{len(old) + 2} recordings {LATE}"] == violations(world), "the tagged one is held"

    moment = Instant(world.true.now - SEVEN_MONTHS - DAY)
    world.centre.holds.append(StoreHold("h1", moment, moment))
    world.activate(record_class="contact-centre-call")
    world.rest()
    kept = [held, tagged, locked]
    assert {(put.key, put.version) for put in (*young, *kept)} == world.versions()
    assert set() == world.versions("DeleteMarkers")
    assert [held, tagged] == [put for put in kept if legal_hold(world, put) == "ON"]
    assert [] == violations(world)

    world.true.pass_(SEVEN_MONTHS)
    assert [
        f"{len(young)} recordings {LATE}",
        f"1 unfinished upload {LATE.replace('are', 'is')}",
    ] == violations(world)
    world.rest()
    assert {(put.key, put.version) for put in kept} == world.versions()
    assert "Uploads" not in world.client.list_multipart_uploads(**meant)
    scan, report = audited(world, excepted(world))
    assert Verdict.OK is report.verdict
    assert {Standing.EXCEPTED} == {batch.standing for batch in scan.counts}
    assert 3 == sum(tally.files for tally in scan.counts.values())
    assert Verdict.UNKNOWN is audited(world, None)[1].verdict, "held or not, nobody says"
