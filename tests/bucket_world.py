"""The small world of tests with its recordings in a bucket of a real server."""

import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_s3 import FakeS3, Version
from rgw import Gateway
from world import STORE, FakeClock, TrueTime, World, is_ours

from agents.stores import Store
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import IDENTITY, enrol
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


Server = Gateway | FakeS3


@dataclass
class BucketWorld(World):
    """One sweeper with its bucket and its centre. Files are keys; `versions` has their ids too.

    All keys are told without the `prefix` of the store.
    """

    gateway: Server = field(init=False)
    bucket: str = ""
    endpoint: str = ""
    prefix: str = ""

    @classmethod
    def found(
        cls,
        path: Path,
        now: Instant,
        gateway: Server,
        *,
        versioning: str = "Enabled",
        lock: bool = False,
        prefix: str = "",
        document: Policy | None = None,
        **options: object,
    ) -> "BucketWorld":
        bucket = gateway.bucket(versioning="" if lock else versioning, lock=lock)
        with gateway.wire(bucket) as wire:
            enrol(wire, STORE, prefix=prefix)
        worlds: list[BucketWorld] = []

        def wire() -> Wire:
            endpoint = worlds[0].endpoint if worlds else gateway.endpoint
            return gateway.wire(bucket, endpoint=endpoint)

        def open_store(_: Path, epoch: int) -> Store:
            return Bucket(wire, STORE, epoch=epoch, prefix=prefix)

        world = cls.make(path, now, document, open_store, **options)
        assert isinstance(world, BucketWorld)
        world.gateway, world.bucket, world.endpoint = gateway, bucket, gateway.endpoint
        world.prefix = prefix
        worlds.append(world)
        return world

    def copied(self, path: Path) -> "BucketWorld":
        """The same once more, of a store whose agent has stopped and whose server is in memory."""
        assert isinstance(self.gateway, FakeS3)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.root.parent, path)
        true, server = TrueTime(self.true.now), self.gateway.copied()
        clock = FakeClock(true, booted_at=self.clock.booted_at, boots=self.clock.boots)
        centre = deepcopy(self.centre)
        centre.true = true
        twin = BucketWorld(path / "root", path / "state", true, clock, centre)
        twin.gateway, twin.bucket, twin.prefix = server, self.bucket, self.prefix
        twin.options, server.clock = self.options, lambda: true.now
        _forget_sweeper(server.buckets[self.bucket].find(self.prefix + IDENTITY))

        def open_store(_: Path, epoch: int) -> Store:
            return Bucket(lambda: server.wire(twin.bucket), STORE, epoch=epoch, prefix=twin.prefix)

        twin.open_store = open_store
        return twin

    @property
    def client(self) -> Any:
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
            Bucket=self.bucket, Key=self.prefix + name, Body=body, Metadata=metadata or {}
        )
        return Put(self, name, answer.get("VersionId", "null"))

    def files(self) -> set[str]:
        return {key for key, _ in self.versions()}

    def pictures(self) -> set[bytes]:
        return {f"{k};{v}".encode() for k, v in self.versions() if is_ours(k)}

    def versions(self, kind: str = "Versions") -> set[tuple[str, str]]:
        """What any client sees, the store's own apart; of `DeleteMarkers` too."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        found = {(each["Key"], each["VersionId"]) for page in pages for each in page.get(kind, ())}
        return {
            (key.removeprefix(self.prefix), version)
            for key, version in found
            if key.startswith(self.prefix) and ".retention/" not in key
        }


def _forget_sweeper(mark: Version) -> None:
    """After a copy of everything: the state of who sweeps it is a copy too."""
    assert mark.body is not None
    mark.body = b"\n".join(mark.body.split(b"\n")[:2])
