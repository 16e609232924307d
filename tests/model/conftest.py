"""A life to test with, made of small numbers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from model import checks
from model.life import Life

from agents.engine import scan, sweep
from retention import brake


@pytest.fixture(autouse=True)
def _small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two files, and a brake at five: small lives get the trouble of large ones."""
    for name in ("_BY_DATE", "_UNDATED", "_GRANTED"):
        query = getattr(sweep, name)
        monkeypatch.setattr(sweep, name, query.replace(f"LIMIT {sweep.BATCH_ITEMS}", "LIMIT 2"))
    monkeypatch.setattr(scan, "STEP_FILES", 2)
    monkeypatch.setattr(brake, "ALWAYS_ALLOWED", checks.ALWAYS_ALLOWED)


@pytest.fixture
def life() -> Iterator[Life]:
    """A store in the memory, where there is one to write files to; it comes to rest in the end."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as directory:
        lived = Life(Path(directory))
        yield lived
        lived.die()
        lived.office.stop()
        lived.ground.close()
