"""What the kernel says of a running process."""

import os
from pathlib import Path
from subprocess import Popen

_TICKS = os.sysconf("SC_CLK_TCK")


def mebibytes(process: Popen[bytes], what: str) -> float:
    """A line of /proc/PID/status: VmRSS is what it occupies now, VmHWM the most it ever did."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"the process has ended, or there is no {what}")


def cpu_seconds(process: Popen[bytes]) -> float:
    """CPU seconds of all its threads so far."""
    fields = (
        Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / _TICKS
