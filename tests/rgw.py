"""A real S3 server for tests: a Ceph cluster of one node, in memory, with its RADOS gateway.

It listens on loopback alone, and everything it writes lies below one directory. Each process is
started here and ended here, by its id: the gateway first, because one whose monitor is gone does
not end.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from ports import free_port
from s3_server import ACCESS, SECRET, S3Server
from waiting import NEVER_SECONDS

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw")
READER = "readerkey1", "readersecret1"
SWEEPER = "sweeperkey1", "sweepersecret1"
PAGE = Path(__file__).parent.parent / "docs" / "storage.md"
#: What an auditor's keys may do (docs/storage.md).
READING = ("ListBucketVersions", "ListBucketMultipartUploads", "GetObject", "GetObjectVersion")
#: Ceph keeps objects of this cluster in memory; no test needs more.
MEMORY_BYTES = 1 << 30

_CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}
mon initial members = a
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = {memory}
keyring = {path}/keyring
run dir = {path}
mon data = {path}/mon
osd data = {path}/osd
rgw data = {path}/rgw
rgw crypt require ssl = false
log file = {path}/$name.log
admin socket = {path}/$name.asok
pid file = {path}/$name.pid
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
[client.rgw.old]
rgw frontends = beast endpoint=127.0.0.1:{old} tcp_nodelay=1
"""


class Gateway(S3Server):
    """A running server."""

    def __init__(self, path: Path, program: Callable[[str], str]) -> None:
        super().__init__()
        self._path = path
        self._program = {name: program(name) for name in (*PROGRAMS, "radosgw-admin")}
        self._running: list[subprocess.Popen[bytes]] = []
        self._port, self._old_port = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Found a cluster and wait until it answers."""
        try:
            self._found()
            self._run("radosgw-admin", *_user("tester", ACCESS, SECRET))
            self._serve("radosgw", "-n", "client.rgw.a")
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process, the last started first."""
        super().stop()
        while self._running:
            process = self._running.pop()
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @cached_property
    def _reader(self) -> bool:
        self._run("radosgw-admin", *_user("reader", *READER))
        return True

    @cached_property
    def _sweeper(self) -> bool:
        self._run("radosgw-admin", *_user("sweeper", *SWEEPER))
        return True

    @contextlib.contextmanager
    def long_ago(self, faketime: str, days: int) -> Iterator[Callable[..., None]]:
        """A second gateway to the same buckets, so many days behind: what it is told is as old.

        Gives what has a client of that time carry out calls of boto3, each a name and its arguments.
        """
        then = [faketime, "-f", f"-{days}d"]
        serve = self._configured("radosgw", ("-f", "-n", "client.rgw.old"))
        with (self._path / "old.out").open("wb") as out:
            # faketime is the parent of what it starts: both are ended, as one group.
            serving = subprocess.Popen(
                [*then, *serve], stdout=out, stderr=out, cwd=self._path, start_new_session=True
            )
        try:
            _accepts(self._old_port, serving)

            def carry_out(*calls: tuple[str, Mapping[str, object]]) -> None:
                place = f"http://127.0.0.1:{self._old_port}", ACCESS, SECRET
                _must_work([*then, sys.executable, "-c", _THEN, *place, json.dumps(calls)])

            yield carry_out
        finally:
            os.killpg(serving.pid, signal.SIGKILL)
            serving.wait()

    def reader(self, bucket: str, *, without: str = "") -> tuple[str, str]:
        """Keys of somebody who may list and read this bucket and do nothing else there."""
        assert self._reader
        actions = [f"s3:{action}" for action in READING if action != without]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": ["arn:aws:iam:::user/reader"]},
                    "Action": actions,
                    "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                }
            ],
        }
        self.shared.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return READER

    def sweeper(self, bucket: str) -> tuple[str, str]:
        """Keys of an agent that looks after `calls/` in this bucket, by the policy that its page shows."""
        assert self._sweeper
        [shown] = re.findall(r"(?ms)^ +\{\"Version\": .*?\]\}$", PAGE.read_text())
        self.shared.put_bucket_policy(
            Bucket=bucket, Policy=shown.replace(":::recordings", f":::{bucket}")
        )
        return SWEEPER

    def _found(self) -> None:
        path, monitor = self._path, free_port()
        fsid = str(uuid.uuid4())
        (path / "ceph.conf").write_text(
            _CONFIGURATION.format(
                fsid=fsid,
                monitor=monitor,
                gateway=self._port,
                old=self._old_port,
                path=path,
                memory=MEMORY_BYTES,
            )
        )
        for name in ("mon", "osd", "rgw"):
            (path / name).mkdir()
        keyring, monmap = str(path / "keyring"), str(path / "monmap")
        key = (keyring, "--gen-key")
        self._plain("ceph-authtool", "-C", *key, "-n", "mon.", "--cap", "mon", "allow *")
        allowed = ("--cap", "mon", "allow *", "--cap", "osd", "allow *")
        self._plain("ceph-authtool", *key, "-n", "client.admin", *allowed)
        address = f"[v2:127.0.0.1:{monitor}]"
        self._plain("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._serve("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._serve("ceph-osd", "-i", "0")

    def _configured(self, program: str, arguments: Sequence[str]) -> list[str]:
        return [self._program[program], "-c", str(self._path / "ceph.conf"), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        _must_work(self._configured(program, arguments))

    def _plain(self, program: str, *arguments: str) -> None:
        _must_work([self._program[program], *arguments])

    def _serve(self, program: str, *arguments: str) -> None:
        with (self._path / f"{program}.out").open("wb") as out:
            command = self._configured(program, ("-f", *arguments))
            self._running.append(subprocess.Popen(command, stdout=out, stderr=out, cwd=self._path))

    def _wait(self) -> None:
        deadline = time.monotonic() + NEVER_SECONDS
        while True:
            if any(process.poll() is not None for process in self._running):
                raise RuntimeError(f"a process of the cluster ended: see {self._path}")
            with contextlib.suppress(BotoCoreError, ClientError):
                self.shared.list_buckets()
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the gateway does not answer: see {self._path}")
            time.sleep(0.2)


#: A client in a process of its own, because its clock signs what it asks for.
_THEN = """
import json, sys
import boto3
endpoint, access, secret, calls = sys.argv[1:]
client = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id=access, aws_secret_access_key=secret,
)
for name, arguments in json.loads(calls):
    getattr(client, name)(**arguments)
"""


def _accepts(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server listens."""
    deadline = time.monotonic() + NEVER_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on port {port}: it ended with {process.returncode}")


def _user(name: str, access: str, secret: str) -> tuple[str, ...]:
    keys = ("--access-key", access, "--secret-key", secret)
    return ("user", "create", "--uid", name, "--display-name", name, *keys)


def _must_work(command: Sequence[str]) -> None:
    """Run a command to its end. What it says is told only where it fails."""
    ran = subprocess.run(
        command, check=False, capture_output=True, timeout=NEVER_SECONDS, env={**os.environ}
    )
    if ran.returncode:
        raise RuntimeError(f"{command[0]} failed: {ran.stderr.decode(errors='replace')[-2000:]}")
