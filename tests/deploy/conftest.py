"""One terminal with its centre; and, made when first asked for, the packages."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from machine import Machine, why_not
from world import World, at

import deploy.__main__ as building

ARCHITECTURE = "amd64"
OLDER = "0.0.9"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path, at("2026-03-16 12:00"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Path:
    """What `make dist` makes, once for all workers; in `older` the agent as an earlier version.

    It is the present code under another number: nothing was ever published that could be older.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dist"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "made").exists():
            building.build(shared / "new", ARCHITECTURE)
            _older_agent(shared, need("dpkg-deb"))
            (shared / "made").touch()
    return shared


@pytest.fixture
def debian(need: Callable[[str], str], dist: Path) -> Iterator[Machine]:
    """A new Debian with the packages in /opt."""
    mmdebstrap, reason = need("mmdebstrap"), why_not()
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with tempfile.TemporaryDirectory(prefix="machine-", ignore_cleanup_errors=True) as directory:
        made = Machine(Path(directory) / "root", need)
        made.make(mmdebstrap)
        for path in [*(dist / "new").iterdir(), *(dist / "older").iterdir()]:
            shutil.copy(path, made.root / "opt")
        yield made


def _older_agent(shared: Path, dpkg_deb: str) -> None:
    (package,) = (shared / "new").glob("retention-agent_*.deb")
    root = shared / "older-agent"
    subprocess.run([dpkg_deb, "-R", package, root], check=True)
    control = root / "DEBIAN/control"
    text = re.sub(r"^Version: .*", f"Version: {OLDER}", control.read_text(), flags=re.MULTILINE)
    control.write_text(text)
    (shared / "older").mkdir()
    target = shared / "older" / f"retention-agent_{OLDER}_{ARCHITECTURE}.deb"
    subprocess.run([dpkg_deb, "-Znone", "--build", root, target], check=True, capture_output=True)
