"""Killing a process at a chosen call of the kernel, by strace: what no fault hook of ours can fake.

The process is a fork of the test, so that it need not start Python anew for each of a hundred deaths.
"""

import os
import re
import signal
import subprocess
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

#: Calls after which something is different on a disk. Creating by `openat` cannot be told from
#: reading by its name; what was created shows with the next of these.
CHANGING = (
    "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,syncfs,sync_file_range,msync,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "ftruncate,truncate,fallocate,mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,utimensat"
)

_CALL = re.compile(r"^(?:\d+ +)?([a-z0-9_]+)\(")


class Call(NamedTuple):
    """The `nth` call of this name, counted from one."""

    name: str
    nth: int


def trace(strace: str, act: Callable[[], Callable[[], None]], log: Path) -> list[Call]:
    """The changing calls that a process makes; see `run`."""
    status = run(strace, act, "-o", str(log), "-e", f"trace={CHANGING}")
    assert status == 0, f"the process ended with {status} though nobody killed it"
    names = [found[1] for line in log.read_text().splitlines() if (found := _CALL.match(line))]
    seen: Counter[str] = Counter()
    calls = []
    for name in names:
        seen[name] += 1
        calls.append(Call(name, seen[name]))
    return calls


def kill_at(strace: str, act: Callable[[], Callable[[], None]], call: Call) -> bool:
    """Run a process and kill it as it enters this call, which then does not happen.

    False if it ended before it came there.
    """
    inject = f"inject={call.name}:signal=KILL:when={call.nth}"
    status = run(strace, act, "-o", "/dev/null", "-e", f"trace={call.name}", "-e", inject)
    assert status in {0, -signal.SIGKILL}, f"the process ended with {status}"
    return status != 0


def run(strace: str, act: Callable[[], Callable[[], None]], *options: str) -> int:
    """Fork; prepare by `act()`; let strace attach; do what that returned. Gives the exit status."""
    ready_in, ready_out = os.pipe()
    go_in, go_out = os.pipe()
    child = os.fork()
    if child == 0:
        _live(act, ready_out, go_in)
    os.close(ready_out)
    os.close(go_in)
    assert os.read(ready_in, 1) == b"r", "the process could not prepare itself"
    command = [strace, "-f", "-p", str(child), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.write(go_out, b"g")
        _, status = os.waitpid(child, 0)
        tracer.stderr.read()
    os.close(ready_in)
    os.close(go_out)
    return os.waitstatus_to_exitcode(status)


def _live(act: Callable[[], Callable[[], None]], ready: int, go: int) -> None:
    try:
        deed = act()
        os.write(ready, b"r")
        os.read(go, 1)
        deed()
    except BaseException:  # noqa: BLE001 - nothing of the test may run on in this process
        os.write(2, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)
