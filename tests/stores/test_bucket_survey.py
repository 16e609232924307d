"""What `doctor` finds in a bucket, on a real server."""

import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest
from rgw import Gateway

from agents.stores.bucket.identity import enrol
from agents.stores.bucket.survey import survey
from retention.checkup import Fact

OLD_RULE = {
    "ID": "old",
    "Status": "Enabled",
    "Filter": {"Prefix": "calls/"},
    "Expiration": {"Days": 180},
}


def looked(
    gateway: Gateway, bucket: str, *, ahead: int = 0, shortest: int = 60
) -> dict[str, list[Fact]]:
    now = gateway.shared.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    wall = parsedate_to_datetime(now).timestamp() + ahead
    with gateway.wire(bucket) as wire:
        facts = survey(wire, "", "s-1", wall=lambda: wall, shortest=shortest)
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.subject, []).append(fact)
    return found


@pytest.fixture
def enrolled(gateway: Gateway) -> Callable[..., str]:
    def make(**kind: object) -> str:
        bucket = gateway.bucket(**kind)
        with gateway.wire(bucket) as wire:
            enrol(wire, "s-1")
        return bucket

    return make


def test_a_bucket_that_can_lock_and_has_no_other_deleter_is_fine(gateway: Gateway, enrolled):
    facts = looked(gateway, enrolled(lock=True))
    for subject in ("bucket", "server's clock", "versions", "legal holds", "lifecycle", "uploads"):
        assert [True] == [fact.fine for fact in facts[subject]], subject
    assert "replication" not in facts
    assert "default retention" not in facts


def test_each_thing_a_person_should_know_is_told(gateway: Gateway, enrolled):
    bucket = enrolled()
    gateway.shared.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [OLD_RULE]}
    )
    gateway.shared.create_multipart_upload(Bucket=bucket, Key="calls/begun")
    facts = looked(gateway, bucket, ahead=-3600)
    for subject in ("server's clock", "versions", "legal holds", "lifecycle", "rights"):
        assert [False] == [fact.fine for fact in facts[subject]], subject
    assert "Days 180" in facts["lifecycle"][0].sentence
    assert "3600 s ahead" in facts["server's clock"][0].sentence
    assert facts["uploads"][0].sentence.startswith("1 uploads")


def test_a_default_retention_is_told(gateway: Gateway, enrolled):
    bucket = enrolled(lock=True)
    gateway.shared.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 400}},
        },
    )
    [fact] = looked(gateway, bucket, shortest=400)["default retention"]
    assert fact.fine is False
    assert "400 days (GOVERNANCE)" in fact.sentence
    [fact] = looked(gateway, bucket, shortest=401)["default retention"]
    assert fact.fine


def test_the_right_to_delete_is_asked_of_a_version_that_never_was(gateway: Gateway, enrolled):
    """Nothing is written, deleted or marked by asking; keys that may only read are told."""
    for kind in ({}, {"versioning": "Enabled"}, {"versioning": "Suspended"}, {"lock": True}):
        bucket = enrolled(**kind)
        before = gateway.shared.list_object_versions(Bucket=bucket)
        assert [True] == [fact.fine for fact in looked(gateway, bucket)["right to delete"]]
        after = gateway.shared.list_object_versions(Bucket=bucket)
        for key in ("Versions", "DeleteMarkers"):
            assert before.get(key) == after.get(key)


def test_a_bucket_that_is_gone_or_anothers_is_one_sentence(gateway: Gateway):
    assert [False] == [f.fine for f in looked(gateway, "no-such-bucket")["bucket"]]
    assert "never enrolled" in looked(gateway, gateway.bucket())["bucket"][0].sentence


def test_keys_that_may_not_delete_are_told(gateway: Gateway, enrolled):
    bucket = enrolled(versioning="Enabled")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    gateway.shared.put_bucket_policy(Bucket=bucket, Policy=policy)
    [fact] = looked(gateway, bucket)["right to delete"]
    assert fact.fine is False
    assert "s3:DeleteObjectVersion" in fact.remedy
