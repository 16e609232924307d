"""A bucket of a real S3 server as a place to live in.

Of everything it is the server's own but one: when something was put is told by the true time of the
life, because no life waits two months.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import ClientError
from fake_s3 import Upload, Version
from model.grounds import SECRET, BucketGround
from rgw import Gateway
from world import TrueTime

from agents.stores.bucket.trouble import S3Error
from agents.stores.bucket.wire import Answer, Wire


class GatewayBucket:
    """What other programs do in it, as `FakeBucket` has it."""

    def __init__(self, gateway: Gateway, name: str, true: TrueTime) -> None:
        self._client, self._name, self._true = gateway.shared, name, true
        self.put_at: dict[tuple[str, str], int] = {}
        self.uploads: list[
            Upload
        ] = []  # none: when one was begun its listing tells by the real time

    def put(self, key: str, body: bytes) -> Version:
        id_ = self._client.put_object(Bucket=self._name, Key=key, Body=body)["VersionId"]
        self.put_at[key, id_] = self._true.now
        return Version(id_, self._true.now, body)

    def delete(self, key: str, id_: str) -> None:
        try:
            self._client.delete_object(Bucket=self._name, Key=key, VersionId=id_)
        except ClientError as error:
            raise S3Error("AccessDenied", 403) from error

    def find(self, key: str, id_: str | None = None) -> Version:
        which = {"VersionId": id_} if id_ else {}
        body = self._client.get_object(Bucket=self._name, Key=key, **which)["Body"].read()
        return Version(id_ or "", 0, body)

    def all(self, prefix: str) -> Iterator[tuple[str, Version]]:
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._name, Prefix=prefix
        )
        for page in pages:
            for each in page.get("Versions", ()):
                yield each["Key"], Version(each["VersionId"], 0, b"")


class GatewayGround(BucketGround):
    """A bucket with versions and locks of a running server."""

    def __init__(self, directory: Path, true: TrueTime, gateway: Gateway) -> None:
        super().__init__(directory, true)
        self._gateway = gateway
        self._name = gateway.bucket(lock=True)
        self._bucket: Any = GatewayBucket(gateway, self._name, true)
        self._bucket.put("stores.jpg", SECRET)

    def wire(self) -> Wire:
        wire = self._gateway.wire(self._name)
        asked = wire._asked

        def dated(method: str, key: str, query: str, headers: Any, body: bytes, *, fresh: bool):
            answer: Answer = asked(method, key, query, headers, body, fresh=fresh)
            put_at = self._bucket.put_at.get((key, parse_qs(query).get("versionId", [""])[0]))
            if method == "HEAD" and put_at is not None:
                then = datetime.fromtimestamp(put_at, UTC)
                told = {"last-modified": format_datetime(then, usegmt=True)}
                return answer._replace(headers={**answer.headers, **told})
            return answer

        wire._asked = dated  # type: ignore[method-assign]
        return wire
