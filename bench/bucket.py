"""Everything is due in a bucket with versions: the agent against `s5cmd`, on one Ceph gateway.

`s5cmd rm --all-versions` lists and deletes. Ours looks at tags and locks of each version, makes
intents durable, deletes, lists once more, and writes the outcomes down. Both buckets were filled in
the same way, with objects of 1 KiB. Listing: our first page to our last, against `ls --all-versions`.
"""

import resource
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bucket_world import BucketWorld
from rgw import Gateway
from world import at

from agents.stores.bucket.listing import pages
from bench import gateway as bench_gateway
from bench.figures import Figure, conclude
from bench.gateway import fill, s5cmd
from bench.stopwatch import Stopwatch

OBJECTS = 10_000
ROUNDS = 3
NAMES = [f"20260101-12{n // 60 % 60:02}{n % 60:02}-{n:05}.jpg" for n in range(OBJECTS)]
NOW = at("2026-03-16 12:00")


def main() -> None:
    with bench_gateway.running() as gateway:
        _measure(gateway)


def _measure(gateway: Gateway) -> None:
    sweeps, listings = [], []
    for number in range(ROUNDS):
        theirs = gateway.bucket(versioning="Enabled")
        fill(gateway, theirs, NAMES)
        with TemporaryDirectory() as state:
            world = BucketWorld.found(Path(state), NOW, gateway)
            fill(gateway, world.bucket, NAMES)
            all_of_it = ("--all-versions", f"s3://{theirs}/front/*")
            listings.append(_list(world) / s5cmd(gateway, "ls", *all_of_it))
            world.agent.begin()  # as the daemon does: it hears the time before it looks
            began = time.perf_counter()
            world.scan()
            print(f"first scan of {OBJECTS}: {time.perf_counter() - began:.1f} s")
            if number % 2:  # whatever else the machine does, it does to the one as to the other
                rm = s5cmd(gateway, "rm", *all_of_it)
            ours = _sweep(world)
            if not number % 2:
                rm = s5cmd(gateway, "rm", *all_of_it)
            print(f"round {number + 1}: ours {ours:.2f} s, s5cmd rm {rm:.2f} s")
            sweeps.append(ours / rm)
            world.stop()
    listing = statistics.median(listings)
    print(f"first listing of {OBJECTS} versions: {listing:.2f} x s5cmd ls --all-versions")
    conclude(
        Figure("sweep of a bucket", statistics.median(sweeps), "x s5cmd rm", at_most=1.2),
    )


def _list(world: BucketWorld) -> float:
    began = time.perf_counter()
    with world.gateway.wire(world.bucket) as wire:
        rows = sum(len(page.entries) for page in pages(wire, "front/"))
    assert rows == OBJECTS
    return time.perf_counter() - began


def _sweep(world: BucketWorld) -> float:
    world.activate(count=OBJECTS)
    world.report()
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


if __name__ == "__main__":
    main()
