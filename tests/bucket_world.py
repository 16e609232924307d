"""The small world of tests with its recordings in a bucket of a real server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgw import Gateway
from world import STORE, World

from agents.stores import Store
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol
from agents.stores.bucket.wire import Wire
from retention.calendar import Instant
from retention.policy import Policy


@dataclass
class Put:
    """One version that a recorder wrote."""

    world: "BucketWorld"
    key: str
    version: str

    def exists(self) -> bool:
        return (self.key, self.version) in self.world.versions()


@dataclass
class BucketWorld(World):
    """One sweeper with its bucket and its centre. Files are keys; `versions` has their ids too."""

    gateway: Gateway | None = None
    bucket: str = ""
    endpoint: str = ""

    @classmethod
    def found(
        cls,
        path: Path,
        now: Instant,
        gateway: Gateway,
        *,
        versioning: str = "Enabled",
        lock: bool = False,
        document: Policy | None = None,
        **options: object,
    ) -> "BucketWorld":
        bucket = gateway.bucket(versioning="" if lock else versioning, lock=lock)
        with gateway.wire(bucket) as wire:
            enrol(wire, STORE)
        worlds: list[BucketWorld] = []

        def wire() -> Wire:
            endpoint = worlds[0].endpoint if worlds else gateway.endpoint
            return gateway.wire(bucket, endpoint=endpoint)

        def open_store(_: Path, epoch: int) -> Store:
            return Bucket(wire, STORE, epoch=epoch)

        world = cls.make(path, now, document, open_store, **options)
        assert isinstance(world, BucketWorld)
        world.gateway, world.bucket, world.endpoint = gateway, bucket, gateway.endpoint
        worlds.append(world)
        return world

    @property
    def client(self) -> Any:
        assert self.gateway is not None
        return self.gateway.shared

    def write(  # type: ignore[override] # a version is no path
        self,
        name: str,
        data: bytes | None = None,
        *,
        mtime: Instant | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Put:
        """A recorder puts an object; when it was put is the server's to say."""
        del mtime
        body = b"\xff\xd8\xff" + name.encode() if data is None else data
        answer = self.client.put_object(
            Bucket=self.bucket, Key=name, Body=body, Metadata=metadata or {}
        )
        return Put(self, name, answer.get("VersionId", "null"))

    def files(self) -> set[str]:
        return {key for key, _ in self.versions()}

    def pictures(self) -> set[bytes]:
        return {f"{k};{v}".encode() for k, v in self.versions() if k.endswith(".jpg")}

    def versions(self, kind: str = "Versions") -> set[tuple[str, str]]:
        """What any client sees, the store's own apart; of `DeleteMarkers` too."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        found = {(each["Key"], each["VersionId"]) for page in pages for each in page.get(kind, ())}
        return {(key, version) for key, version in found if ".retention/" not in key}
