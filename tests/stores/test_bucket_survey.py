"""What `doctor` finds in a bucket, on a real server."""

import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError
from rgw import Gateway
from s3_proxy import Proxy
from s3_server import ACCESS, SECRET, S3Server
from stores.place import wanted

from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.erasing import delete_at_once
from agents.stores.bucket.identity import enrol
from agents.stores.bucket.keys import VersionId
from agents.stores.bucket.survey import survey
from retention.checkup import Fact
from retention.outcome import Outcome

KINDS = ("Versions", "DeleteMarkers")
OLD_RULE = {
    "ID": "old",
    "Status": "Enabled",
    "Filter": {"Prefix": "calls/"},
    "Expiration": {"Days": 180},
}


def looked(
    gateway: S3Server,
    bucket: str,
    *,
    ahead: int = 0,
    shortest: int = 60,
    endpoint: str | None = None,
    prefix: str = "",
    keys: tuple[str, str] = (ACCESS, SECRET),
) -> dict[str, list[Fact]]:
    now = gateway.shared.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    wall = parsedate_to_datetime(now).timestamp() + ahead
    with gateway.wire(bucket, endpoint=endpoint, keys=keys) as wire:
        facts = survey(wire, prefix, "s-1", wall=lambda: wall, shortest=shortest)
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
    """Nothing is written, deleted or marked by asking, whatever the bucket keeps."""
    for kind in ({}, {"versioning": "Enabled"}, {"versioning": "Suspended"}, {"lock": True}):
        bucket = enrolled(**kind)
        before = gateway.shared.list_object_versions(Bucket=bucket)
        assert [True] == [fact.fine for fact in looked(gateway, bucket)["right to delete"]]
        after = gateway.shared.list_object_versions(Bucket=bucket)
        assert [before.get(kind) for kind in KINDS] == [after.get(kind) for kind in KINDS]


def test_a_bucket_that_is_gone_or_anothers_is_one_sentence(gateway: Gateway):
    assert [False] == [f.fine for f in looked(gateway, "no-such-bucket")["bucket"]]
    assert "never enrolled" in looked(gateway, gateway.bucket())["bucket"][0].sentence


def deny(gateway: Gateway, bucket: str, *actions: str) -> None:
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in actions],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    gateway.shared.put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.mark.parametrize(
    ("subject", "actions"),
    {
        "right to delete": ("DeleteObject", "DeleteObjectVersion"),
        "right to read tags": ("GetObjectTagging", "GetObjectVersionTagging"),
        "right to tag": ("PutObjectTagging", "PutObjectVersionTagging"),
        "right to hold": ("PutObjectLegalHold",),
    }.items(),
)
def test_each_right_that_is_missing_is_told_and_no_other(
    gateway: Gateway, enrolled, subject: str, actions: tuple[str, ...]
):
    bucket = enrolled(lock=True)
    deny(gateway, bucket, *actions)
    [amiss] = [
        fact
        for name, facts in looked(gateway, bucket).items()
        for fact in facts
        if name.startswith("right to") and not fact.fine
    ]
    assert (subject, False) == (amiss.subject, amiss.fine)
    assert all(f"s3:{action}" in amiss.remedy for action in actions)


def test_the_policy_that_the_page_shows_lets_an_agent_work_and_do_no_more(gateway: Gateway):
    """From enrolling on: it holds, lets go and erases; `doctor` misses nothing and finds nothing too wide."""
    bucket = gateway.bucket(lock=True)
    keys, client = gateway.sweeper(bucket), gateway.shared
    with gateway.wire(bucket, keys=keys) as wire:
        enrol(wire, "s-1", prefix="calls/")
    put = {"Bucket": bucket, "Key": "calls/d/a", "Body": b"a call"}
    meant = {
        "Bucket": bucket,
        "Key": "calls/d/a",
        "VersionId": client.put_object(**put)["VersionId"],
    }
    store = Bucket(lambda: gateway.wire(bucket, keys=keys), "s-1", epoch=1, prefix="calls/")
    store.claim(1)
    [found] = store.listing(b"d", lambda *_: None)
    due = {b"d": [wanted(1, found)]}
    assert {1} == store.protect(due)
    assert "ON" == client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
    store.unprotect([1])
    assert [Outcome.ERASED_VERIFIED] == [result.outcome for result in store.erase(due)]
    store.close()
    facts = looked(gateway, bucket, prefix="calls/", keys=keys)
    assert [] == [fact for told in facts.values() for fact in told if not fact.fine]
    other = client.put_object(Bucket=bucket, Key="other", Body=b"anothers")["VersionId"]
    with gateway.wire(bucket, keys=keys) as wire:
        assert [("other", other)] == [
            of for of, _ in delete_at_once(wire, [VersionId("other", other)], once=True)
        ]


def test_a_server_that_asks_for_the_right_to_delete_elsewhere_where_many_go_is_told(
    gateway: Gateway,
):
    """Ceph asks for it at the bucket then; where it is given below it alone, no sweep erases."""
    bucket = gateway.bucket(lock=True)
    keys = gateway.sweeper(bucket)
    with gateway.wire(bucket, keys=keys) as wire:
        enrol(wire, "s-1", prefix="calls/")
    policy = json.loads(gateway.shared.get_bucket_policy(Bucket=bucket)["Policy"])
    of_bucket = policy["Statement"][0]["Action"]
    of_bucket[:] = [action for action in of_bucket if "Delete" not in action]
    gateway.shared.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    [fact] = looked(gateway, bucket, prefix="calls/", keys=keys)["right to delete"]
    assert fact.fine is False
    assert "for the bucket itself too" in fact.remedy


def test_a_legal_hold_that_may_be_given_and_not_seen_is_no_right_to_hold(
    gateway: Gateway, enrolled
):
    bucket = enrolled(lock=True)
    deny(gateway, bucket, "GetObjectLegalHold")
    [fact] = looked(gateway, bucket)["right to hold"]
    assert fact.fine is False


def test_asking_for_rights_changes_nothing(gateway: Gateway, enrolled):
    """Not a tag, not a hold and not a version of the store's own mark."""
    bucket = enrolled(lock=True)
    mark = {"Bucket": bucket, "Key": ".retention/store"}
    tags = [{"Key": "kept", "Value": "as it is"}]
    gateway.shared.put_object_tagging(**mark, Tagging={"TagSet": tags})
    gateway.shared.put_object_legal_hold(**mark, LegalHold={"Status": "ON"})
    before = gateway.shared.list_object_versions(Bucket=bucket)
    facts = looked(gateway, bucket)
    for subject in ("right to delete", "right to read tags", "right to tag", "right to hold"):
        assert [True] == [fact.fine for fact in facts[subject]], subject
    after = gateway.shared.list_object_versions(Bucket=bucket)
    assert [before.get(k) for k in KINDS] == [after.get(k) for k in KINDS]
    assert tags == gateway.shared.get_object_tagging(**mark)["TagSet"]
    assert "ON" == gateway.shared.get_object_legal_hold(**mark)["LegalHold"]["Status"]
    with pytest.raises(ClientError, match="ObjectLockConfigurationNotFound"):
        gateway.shared.get_object_retention(**mark)
    gateway.shared.put_object_legal_hold(**mark, LegalHold={"Status": "OFF"})


def test_keys_that_may_set_retention_dates_may_too_much(gateway: Gateway, enrolled):
    bucket = enrolled(lock=True)
    [wide, _policy] = looked(gateway, bucket)["rights"]
    assert wide.fine is False
    assert "s3:PutObjectRetention" in wide.remedy
    deny(gateway, bucket, "PutObjectRetention")
    assert not any(wide.remedy == fact.remedy for fact in looked(gateway, bucket)["rights"])


def test_a_right_of_which_the_server_tells_nothing_is_not_known(
    gateway: Gateway, enrolled, proxy: Proxy
):
    bucket = enrolled(lock=True)
    proxy.say(503, "SlowDown", "PUT", "tagging=", times=10)
    proxy.fail("early", "GET", "legal-hold=", times=10)
    facts = looked(gateway, bucket, endpoint=proxy.endpoint)
    assert [None] == [fact.fine for fact in facts["right to tag"]]
    assert [None] == [fact.fine for fact in facts["right to hold"]]


#: As AWS answers them, which no gateway of Ceph keeps: other filters, transitions, replication.
AWS_RULES = [
    {
        "ID": "archive",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "calls/", "Tags": [{"Key": "k", "Value": "v"}]}},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 10},
    },
    {
        "ID": "versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 7, "StorageClass": "DEEP_ARCHIVE"}],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 5},
    },
    OLD_RULE | {"Status": "Disabled"},
]


def test_what_aws_keeps_of_a_bucket_is_told_in_its_own_words(moto: S3Server):
    """Of the rights that no version is needed for: to anything that is no XML moto gives no answer."""
    bucket, copies = moto.bucket(lock=True), moto.bucket(versioning="Enabled")
    retention = {"Mode": "COMPLIANCE", "Years": 1}
    moto.shared.put_object_lock_configuration(  # before the mark: moto wants an empty bucket for it
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": retention},
        },
    )
    with moto.wire(bucket) as wire:
        enrol(wire, "s-1")
    moto.shared.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": AWS_RULES}
    )
    everything = {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Filter": {"Prefix": ""},
        "Destination": {"Bucket": f"arn:aws:s3:::{copies}"},
    }
    role = "arn:aws:iam::123456789012:role/copies"
    moto.shared.put_bucket_replication(
        Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": [everything]}
    )
    facts = looked(moto, bucket)
    assert {
        "A rule moves objects to another storage class (Days 30, StorageClass GLACIER).": False,
        "A rule deletes versions that are not current (NoncurrentDays 10).": False,
        "A rule moves versions to another storage class (NoncurrentDays 7, StorageClass DEEP_ARCHIVE).": False,
        "A rule aborts uploads (DaysAfterInitiation 5).": True,
    } == {fact.sentence: fact.fine for fact in facts["lifecycle"]}
    assert [("It is replicated.", False)] == [(f.sentence, f.fine) for f in facts["replication"]]
    [fact] = facts["default retention"]
    assert fact.sentence.startswith("All that is new is locked for 366 days (COMPLIANCE)")
    assert fact.fine is False
    assert [True] == [fact.fine for fact in facts["versions"]]
    assert [True] == [fact.fine for fact in facts["right to delete"]]


def test_what_aws_does_not_keep_of_a_bucket_is_told(moto: S3Server):
    bucket = moto.bucket()
    with moto.wire(bucket) as wire:
        enrol(wire, "s-1")
    facts = looked(moto, bucket)
    assert [False, False, True] == [
        facts[subject][0].fine for subject in ("versions", "legal holds", "lifecycle")
    ]
    assert not facts.keys() & {"replication", "default retention"}
