"""One terminal with its centre."""

from pathlib import Path

import pytest
from world import World, at


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path, at("2026-03-16 12:00"))
