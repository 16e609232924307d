"""Everything is due in a bucket with versions: the agent against `s5cmd`, on one Ceph gateway.

`s5cmd rm --all-versions` lists and deletes. Ours looks at tags and locks of each version, makes
intents durable, deletes, lists once more, and writes the outcomes down. Both buckets were filled in
the same way, with objects of 1 KiB. Listing: our first page to our last, against `ls --all-versions`.
"""

import os
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bucket_world import BucketWorld
from rgw import ACCESS, SECRET, Gateway
from world import at

from agents.stores.bucket.listing import pages
from bench.figures import Figure, conclude, skip
from bench.stopwatch import Stopwatch

OBJECTS = 10_000
ROUNDS = 2
NOW = at("2026-03-16 12:00")


def main() -> None:
    s5cmd = shutil.which("s5cmd")
    if s5cmd is None or shutil.which("radosgw") is None:
        skip("it needs s5cmd and radosgw on PATH")
    with TemporaryDirectory(prefix="rgw-") as path:
        gateway = Gateway(Path(path), lambda name: shutil.which(name) or name)
        gateway.start()
        try:
            _measure(gateway, s5cmd)
        finally:
            gateway.stop()


def _measure(gateway: Gateway, s5cmd: str) -> None:
    sweeps, listings = [], []
    for number in range(ROUNDS):
        theirs = gateway.bucket(versioning="Enabled")
        _fill(gateway, s5cmd, theirs)
        with TemporaryDirectory() as state:
            world = BucketWorld.found(Path(state), NOW, gateway)
            _fill(gateway, s5cmd, world.bucket)
            listings.append(_list(world) / _s5cmd(gateway, s5cmd, "ls", "--all-versions", theirs))
            began = time.perf_counter()
            world.scan()
            print(f"first scan of {OBJECTS}: {time.perf_counter() - began:.1f} s")
            ours = _sweep(world)
            rm = _s5cmd(gateway, s5cmd, "rm", "--all-versions", theirs)
            print(f"round {number + 1}: ours {ours:.2f} s, s5cmd rm {rm:.2f} s")
            sweeps.append(ours / rm)
            world.stop()
    listing = statistics.median(listings)
    print(f"first listing of {OBJECTS} versions: {listing:.2f} x s5cmd ls --all-versions")
    conclude(
        Figure("sweep of a bucket", statistics.median(sweeps), "x s5cmd rm", at_most=1.2),
    )


def _fill(gateway: Gateway, s5cmd: str, bucket: str) -> None:
    """Put objects of different content: each of the same would be looked for under all others' names."""
    with TemporaryDirectory() as path:
        for number in range(OBJECTS):
            name = f"20260101-12{number // 60 % 60:02}{number % 60:02}-{number:05}.jpg"
            (Path(path) / name).write_bytes(b"\xff\xd8\xff" + os.urandom(1021))
        _run(gateway, [s5cmd, "--numworkers", "16", "cp", f"{path}/", f"s3://{bucket}/front/"])


def _list(world: BucketWorld) -> float:
    began = time.perf_counter()
    with world.gateway.wire(world.bucket) as wire:
        rows = sum(len(page.entries) for page in pages(wire, "front/"))
    assert rows == OBJECTS
    return time.perf_counter() - began


def _sweep(world: BucketWorld) -> float:
    world.activate(count=OBJECTS)
    world.report()
    world.agent.exchange.consult()
    watch = Stopwatch()
    watch.wrap(world.agent.store, "marked", "tags and locks")
    watch.wrap(world.agent.store, "erase", "deleting and looking")
    watch.wrap(world.agent._receipts, "record", "outcomes")  # noqa: SLF001 - timed from outside
    began, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    world.sweep()
    took, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    assert not world.pictures(), world.agent.waiting
    print(", ".join(f"{name} {seconds:.2f} s" for name, seconds in watch.seconds.most_common()))
    print(f"CPU of ours: {used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime:.2f} s")
    return took


def _s5cmd(gateway: Gateway, s5cmd: str, *said: str) -> float:
    *words, bucket = said
    began = time.perf_counter()
    _run(gateway, [s5cmd, *words, f"s3://{bucket}/front/*"])
    return time.perf_counter() - began


def _run(gateway: Gateway, command: list[str]) -> None:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    env = {**os.environ, **keys, "S3_ENDPOINT_URL": gateway.endpoint, "AWS_REGION": "us-east-1"}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
