"""The everyday case in a bucket: 50 000 objects, one of 180 due; the agent against `rclone delete`.

rclone has to list the bucket and, to learn when an object was really written, ask for each one; the
agent knows which ones are due. The bucket has no versions, so that both really delete.

What is old for rclone was put first: no server lets a client say when an object was put.
"""

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bucket_world import BucketWorld
from rgw import Gateway
from world import at

from bench import gateway as bench_gateway
from bench.figures import Figure, conclude
from bench.gateway import fill, rclone

OBJECTS = 50_000
DUE = OBJECTS // 180
NOW = at("2026-03-16 12:00")
#: Between what is old for rclone and what is not.
PAUSE_SECONDS = 5


def main() -> None:
    with bench_gateway.running("rclone") as gateway, TemporaryDirectory() as state:
        world = BucketWorld.found(Path(state), NOW, gateway, versioning="")
        old_until = _fill(gateway, world.bucket)
        ours = _ours(world)
        asking, listing = _rclone(gateway, world.bucket, old_until)
        world.stop()
    print(f"agent {ours:.2f} s, rclone {asking:.2f} s, believing the listing {listing:.2f} s")
    print(f"{listing / ours:.1f} x faster than rclone --use-server-modtime")
    conclude(
        Figure("daily, a bucket", asking / ours, "x faster than rclone delete", at_least=10),
    )


def _fill(gateway: Gateway, bucket: str) -> float:
    """Put them all. Gives a moment between what is old for rclone and the rest."""
    fill(gateway, bucket, (_name("20260309", number) for number in range(DUE)))
    time.sleep(PAUSE_SECONDS)
    old_until = time.monotonic() - PAUSE_SECONDS / 2
    fill(gateway, bucket, (_name("20260101", number) for number in range(DUE)))
    fill(gateway, bucket, (_name("20260310", number) for number in range(OBJECTS - 2 * DUE)))
    return old_until


def _name(date: str, number: int) -> str:
    of_day = f"{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}"
    return f"{date}-{of_day}-{number:05}.jpg"


def _ours(world: BucketWorld) -> float:
    world.agent.begin()  # as the daemon does: it hears the time before it looks
    before, began = _peak_mib(), time.perf_counter()
    world.scan()
    grew, took = _peak_mib() - before, time.perf_counter() - began
    print(f"first scan of {OBJECTS}: {took:.1f} s, {grew:.1f} MiB over what there was")
    world.activate(count=DUE)
    world.report()
    began = time.perf_counter()
    world.sweep()
    took = time.perf_counter() - began
    left = len(world.pictures())
    assert left == OBJECTS - DUE, (left, world.agent.waiting)
    return took


def _rclone(gateway: Gateway, bucket: str, old_until: float) -> tuple[float, float]:
    """Asking for each object, without deleting; and believing the listing, to the end."""
    where = f"gateway:{bucket}/front"

    def delete(*words: str) -> float:
        age = f"{time.monotonic() - old_until:.3f}s"
        return rclone(gateway, "delete", where, "--min-age", age, *words)

    return delete("--dry-run"), delete("--use-server-modtime")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
