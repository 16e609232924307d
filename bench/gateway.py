"""A Ceph gateway to measure on, how it is filled, and other people's clients of it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rgw import Gateway
from s3_server import ACCESS, SECRET

from bench.figures import skip

WORKERS = 16


@contextmanager
def running(*peers: str) -> Iterator[Gateway]:
    """A gateway for as long as the block; skips the bench where it or a peer is not installed."""
    missing = [name for name in ("radosgw", "s5cmd", *peers) if shutil.which(name) is None]
    if missing:
        skip(f"it needs {' and '.join(missing)} on PATH")
    with TemporaryDirectory(prefix="rgw-") as path:
        gateway = Gateway(Path(path), lambda name: shutil.which(name) or name)
        gateway.start()
        try:
            yield gateway
        finally:
            gateway.stop()


def fill(gateway: Gateway, bucket: str, names: Iterable[str]) -> None:
    """Put an object of 1 KiB below `front/` for each name, no two of the same content."""
    with TemporaryDirectory() as path:
        for name in names:
            (Path(path) / name).write_bytes(b"\xff\xd8\xff" + os.urandom(1021))
        s5cmd(gateway, "--numworkers", str(WORKERS), "cp", f"{path}/", f"s3://{bucket}/front/")


def s5cmd(gateway: Gateway, *words: str) -> float:
    """Seconds that s5cmd takes."""
    keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    region = {"S3_ENDPOINT_URL": gateway.endpoint, "AWS_REGION": "us-east-1"}
    return _took(["s5cmd", *words], keys | region)


def rclone(gateway: Gateway, *words: str) -> float:
    """Seconds that rclone takes, its remote called `gateway:`."""
    remote = {
        "TYPE": "s3",
        "PROVIDER": "Ceph",
        "ENDPOINT": gateway.endpoint,
        "ACCESS_KEY_ID": ACCESS,
        "SECRET_ACCESS_KEY": SECRET,
    }
    settings = {f"RCLONE_CONFIG_GATEWAY_{name}": value for name, value in remote.items()}
    return _took(["rclone", "--quiet", "--config", os.devnull, *words], settings)


def _took(command: list[str], settings: dict[str, str]) -> float:
    # rclone refuses to start with a bundle of authorities that it has no use for.
    around = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
    began = time.perf_counter()
    subprocess.run(command, env=around | settings, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
