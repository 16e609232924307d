"""A bucket of old calls, where `S3_ENDPOINT` names a server: versions, a marker, an upload, a tag.

The keys are those that every S3 client finds (AWS_ACCESS_KEY_ID and its like). A bucket that is made
here is removed again, with all that is in it; in one that `S3_BUCKET` names, a prefix of its own is.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from demo.calls import DAYS
from demo.scene import MEDIA
from demo.stage import CommandError

SOURCES = """
[[source]]
id = "archive"
group = "archive"
directory = ""
record_class = "contact-centre-call"
purpose = "calls that were moved to the archive"
name_pattern = "*%Y%m%d-%H%M%S-*"
"""
#: What is a day from half a year old is left out: whoever looks by another rule would be of two minds.
_NEAR_DAYS = range(176, 190)
_HALF_A_YEAR = 183
_EVERY_DAYS = 3


class Version(NamedTuple):
    """One version of one key."""

    key: str
    id: str


class Archive:
    """A bucket, or a prefix in one."""

    def __init__(self, client: Any, endpoint: str, bucket: str, prefix: str) -> None:
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
        self.stays: set[Version] = set()
        self._client = client
        self._sound = (MEDIA / "calls" / "plain.wav").read_bytes()

    def backlog(self, now: datetime) -> int:
        """What lies there when the sweeper is installed. Gives the number of items."""
        days = [day for day in range(DAYS, 0, -_EVERY_DAYS) if day not in _NEAR_DAYS]
        for day in days:
            began = (now - timedelta(days=day)).replace(hour=10, minute=day % 60, microsecond=0)
            call = f"{began:%Y/%m}/{began:%Y%m%d-%H%M%S}-{int(began.timestamp())}.{day}"
            for rest in (".wav", ".json"):
                version = self._put(call + rest, began)
                if day < _HALF_A_YEAR:
                    self.stays.add(version)
        return len(days) + self._oddities(now)

    def left(self) -> set[Version]:
        """All data versions that another client sees now, the sweeper's own apart."""
        pages = self._client.get_paginator("list_object_versions")
        return {
            Version(each["Key"], each["VersionId"])
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix)
            for each in page.get("Versions", ())
            if not each["Key"].startswith(f"{self.prefix}.retention/")
        }

    def markers(self) -> int:
        """How many delete markers are left."""
        found = self._client.list_object_versions(Bucket=self.bucket, Prefix=self.prefix)
        return len(found.get("DeleteMarkers", ()))

    def legal_hold(self, version: Version) -> str:
        """Whether another client sees a legal hold on it: ON, OFF, or none."""
        with suppress(Exception):
            answer = self._client.get_object_legal_hold(
                Bucket=self.bucket, Key=version.key, VersionId=version.id
            )
            return str(answer["LegalHold"]["Status"])
        return "none"

    def _oddities(self, now: datetime) -> int:
        """What makes buckets hard: a key used again, a marker, an unfinished upload, a tag."""
        ago = [now - timedelta(days=day) for day in (1, 210, 211, 212)]
        self._put("line-1.wav", ago[1])
        self.stays.add(self._put("line-1.wav", ago[0]))
        hidden = self._put("line-2.wav", ago[2])
        self._client.delete_object(Bucket=self.bucket, Key=hidden.key)
        self.tagged = self._put("line-3.wav", ago[3])
        self.stays.add(self.tagged)
        self._client.put_object_tagging(
            Bucket=self.bucket,
            Key=self.tagged.key,
            VersionId=self.tagged.id,
            Tagging={"TagSet": [{"Key": "incident", "Value": "a fall at the door"}]},
        )
        self._client.create_multipart_upload(Bucket=self.bucket, Key=f"{self.prefix}line-4.wav")
        return 5

    def _put(self, name: str, began: datetime) -> Version:
        key = self.prefix + name
        answer = self._client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=(self._sound if name.endswith(".wav") else b"") + f'"{name} {began}"'.encode(),
            Metadata={"captured-at": began.isoformat(), "duration": "30"},
        )
        return Version(key, answer.get("VersionId", "null"))

    def remove(self) -> None:
        """Take all of it away again, and the bucket."""
        client, bucket = self._client, self.bucket
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for each in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                at = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                with suppress(Exception):  # most have no hold, and a marker cannot have one
                    client.put_object_legal_hold(**at, LegalHold={"Status": "OFF"})
                client.delete_object(**at)
        for each in client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()):
            client.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
        client.delete_bucket(Bucket=bucket)


@contextmanager
def archive() -> Iterator[Archive | None]:
    """The bucket of this demonstration; None where no server is named."""
    endpoint = os.environ.get("S3_ENDPOINT")
    if not endpoint:
        yield None
        return
    named, mark = os.environ.get("S3_BUCKET"), f"retention-demo-{secrets.token_hex(4)}"
    client = _client(endpoint)
    if named:
        if client.get_bucket_versioning(Bucket=named).get("Status") != "Enabled":
            raise CommandError(f"S3_BUCKET: {named} keeps no versions; name another, or none")
        yield Archive(client, endpoint, named, f"{mark}/")
        return
    try:
        client.create_bucket(Bucket=mark, ObjectLockEnabledForBucket=True)
        client.put_bucket_versioning(Bucket=mark, VersioningConfiguration={"Status": "Enabled"})
    except Exception as error:
        raise CommandError(f"no bucket can be made at {endpoint}: {error}") from error
    made = Archive(client, endpoint, mark, "")
    try:
        yield made
    finally:
        made.remove()


def _client(endpoint: str) -> Any:
    import boto3  # noqa: PLC0415 - nobody without a bucket waits for it
    from botocore.config import Config  # noqa: PLC0415

    checksums = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    config = Config(s3={"addressing_style": "path"}, **checksums)
    region = os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)
