"""Wheels for a machine that is not this one: our own, and what the lock names, each by its hash."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = "3.11"  # of Debian 12; a wheel with compiled parts is made for one Python
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_GLIBC = range(17, 37)  # a wheel for an older C library runs on a newer one; Debian 12 has 2.36


def build_own(into: Path, epoch: int) -> Path:
    """Our own wheel; `epoch` is the time that its files bear."""
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "-d",
        str(into.resolve()),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    (wheel,) = into.glob("retention_enforcer-*.whl")
    return wheel


def collect(lock: Path, into: Path, architecture: str) -> list[Path]:
    """What this lock names, for this Debian architecture; pip refuses a file with another hash."""
    into.mkdir(parents=True, exist_ok=True)
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    wanted = [word for platform in platforms for word in ("--platform", platform)]
    only = ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", *wanted]
    command = [with_pip(), "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", *only, "--dest", str(into), "-r", str(lock)]
    subprocess.run(command, check=True)
    return sorted(into.glob("*.whl"))


def with_pip() -> str:
    """A Python with pip: ours, or the one that our environment was made from."""
    if find_spec("pip") is not None:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / "python3")
