"""The second package of the auditor, installed by dpkg on a Debian: with it a bucket is looked at."""

import pytest
from machine import Machine
from rgw import Gateway
from world import DIRECTIVE_KEY, GROUP, STORE, at, first_policy, signed_policy

from retention import codec, envelope, exceptions
from retention.exceptions import Exceptions

NOW = "2026-03-16T12:00:00Z"
PICTURE = b"\xff\xd8\xff a picture \xff\xd9"
YOUNG, OLD = "front/20260306-140000.jpg", "front/20251231-140000.jpg"


@pytest.fixture
def bucket(gateway: Gateway) -> str:
    """A store with a young picture in it."""
    name = gateway.bucket(versioning="Enabled")
    for key, body in ((".retention/store", f"{STORE}\n1\n".encode()), (YOUNG, PICTURE)):
        gateway.shared.put_object(Bucket=name, Key=key, Body=body)
    return name


def install(debian: Machine, name: str) -> None:
    (path,) = (debian.root / "opt").glob(f"{name}_*.deb")
    done = debian.alone("dpkg", "-i", f"/opt/{path.name}")
    assert 0 == done.returncode, done.stderr


@pytest.mark.slow
def test_a_bucket_is_looked_at_with_the_second_package_and_not_without(
    debian: Machine, gateway: Gateway, bucket: str
):
    document = signed_policy(first_policy())
    nothing = Exceptions(
        STORE, GROUP, at("2025-01-01 00:00"), at("2026-03-16 12:00"), bytes(32), ()
    )
    listed = envelope.seal(exceptions.KIND, codec.encode(nothing), [DIRECTIVE_KEY])
    (debian.root / "opt/policy.jsonl").write_bytes(envelope.encode(document) + b"\n")
    (debian.root / "opt/exceptions.json").write_bytes(envelope.encode(listed))
    access, secret = gateway.reader(bucket)

    def rescan():
        return debian.alone(
            *("auditor", "rescan", f"s3://{bucket}", "--endpoint", gateway.endpoint),
            *("--store", STORE, "--group", GROUP, "--now", NOW),
            *("--policy", "/opt/policy.jsonl", "--exceptions", "/opt/exceptions.json"),
            *("--pin", codec.digest(document.payload).hex()),
            env={"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret},
        )

    install(debian, "retention-auditor")
    refused = rescan()
    assert (2, "") == (refused.returncode, refused.stdout)
    assert "auditor: install botocore to look into a bucket" in refused.stderr
    install(debian, "retention-auditor-storage")
    looked = rescan()
    assert 0 == looked.returncode, looked.stderr
    gateway.shared.put_object(Bucket=bucket, Key=OLD, Body=PICTURE)
    violated = rescan()
    assert 1 == violated.returncode
    assert f"past limit   2025-12-31  {OLD};" in violated.stdout
    assert 0 == debian.alone("dpkg", "--purge", "retention-auditor-storage").returncode
    assert 2 == rescan().returncode
