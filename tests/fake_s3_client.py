"""What other programs do with the server in memory, in boto3's words."""
# ruff: noqa: N803 - its arguments are called as boto3 calls them

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.stores.bucket.trouble import S3Error


class _NoSuchKeyError(Exception):
    """As boto3 says it."""


class FakeClient:
    """What another program does with the server, in boto3's words."""

    class exceptions:  # noqa: N801 - as boto3 has it
        NoSuchKey = _NoSuchKeyError
        ClientError = S3Error

    def __init__(self, buckets: Mapping[str, Any]) -> None:
        self._buckets = buckets

    def close(self) -> None:
        """Nothing is open."""

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, Metadata: Any = None
    ) -> dict[str, str]:
        version = self._of(Bucket).put(Key, Body, dict(Metadata or {}))
        return {} if version.id == "null" else {"VersionId": version.id}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        try:
            return {"Body": _Body(self._of(Bucket).find(Key).body or b"")}
        except S3Error as error:
            raise _NoSuchKeyError from error

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> None:
        self._of(Bucket).delete(Key, VersionId)

    def put_object_tagging(
        self, *, Bucket: str, Key: str, Tagging: Any, VersionId: str | None = None
    ) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in Tagging["TagSet"]}
        self._of(Bucket).find(Key, VersionId).tags = tags

    def get_object_tagging(
        self, *, Bucket: str, Key: str, VersionId: str | None = None
    ) -> dict[str, Any]:
        tags = self._of(Bucket).find(Key, VersionId).tags
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def put_object_legal_hold(
        self, *, Bucket: str, Key: str, LegalHold: Any, VersionId: str | None = None
    ) -> None:
        self._of(Bucket).find(Key, VersionId).held = LegalHold["Status"] == "ON"

    def get_object_legal_hold(
        self, *, Bucket: str, Key: str, VersionId: str | None = None
    ) -> dict[str, Any]:
        held = self._of(Bucket).find(Key, VersionId).held
        return {"LegalHold": {"Status": "ON" if held else "OFF"}}

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> dict[str, str]:
        return {"Key": Key, "UploadId": self._of(Bucket).begin(Key).id}

    def list_multipart_uploads(self, *, Bucket: str) -> dict[str, Any]:
        begun = self._of(Bucket).uploads
        return (
            {"Uploads": [{"Key": each.key, "UploadId": each.id} for each in begun]} if begun else {}
        )

    def list_object_versions(self, *, Bucket: str, Prefix: str = "") -> dict[str, Any]:
        told: dict[str, Any] = {}
        latest = ""
        for key, each in self._of(Bucket).all(Prefix):
            row = {"Key": key, "VersionId": each.id, "LastModified": each.modified}
            row["IsLatest"] = key != latest
            latest = key
            told.setdefault("DeleteMarkers" if each.body is None else "Versions", []).append(row)
        return told

    def get_paginator(self, _name: str) -> "FakeClient":
        return self

    def paginate(self, **what: str) -> list[dict[str, Any]]:
        return [self.list_object_versions(**what)]

    def _of(self, name: str) -> Any:
        return self._buckets[name]


@dataclass
class _Body:
    data: bytes

    def read(self) -> bytes:
        return self.data
