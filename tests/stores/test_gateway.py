"""What the real S3 server of the tests can do: every test on a bucket rests on it."""

import pytest
from botocore.exceptions import ClientError
from rgw import Gateway


def test_each_kind_of_bucket_is_what_it_was_asked_to_be(gateway: Gateway):
    client = gateway.client()
    for versioning in ("", "Enabled", "Suspended"):
        name = gateway.bucket(versioning=versioning)
        for body in (b"one", b"two"):
            client.put_object(Bucket=name, Key="a", Body=body)
        ids = [v["VersionId"] for v in client.list_object_versions(Bucket=name)["Versions"]]
        assert len(ids) == (2 if versioning == "Enabled" else 1)
        assert (ids == ["null"]) == (versioning != "Enabled")


def test_a_version_under_legal_hold_cannot_be_deleted_until_it_is_let_go(gateway: Gateway):
    client, name = gateway.client(), gateway.bucket(lock=True)
    version = client.put_object(Bucket=name, Key="a", Body=b"evidence")["VersionId"]
    meant = {"Bucket": name, "Key": "a", "VersionId": version}
    client.put_object_legal_hold(**meant, LegalHold={"Status": "ON"})
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(**meant)
    client.put_object_legal_hold(**meant, LegalHold={"Status": "OFF"})
    client.delete_object(**meant)
    assert "Versions" not in client.list_object_versions(Bucket=name)
