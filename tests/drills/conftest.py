"""One centre for all drills to copy, and a stage for each."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from drills.stage import PASSPHRASE, Stage, Time, found, opened
from world import at

from agents.engine import clock as agents_clock
from enforcer import clock as enforcer_clock
from enforcer import founding, keys

NOON = at("2026-06-10 09:00")


def _stop_clocks(patch: pytest.MonkeyPatch) -> Time:
    """All real clocks of the product show our time, and people's passphrases are known."""
    time = Time(NOON)
    patch.setattr(enforcer_clock, "time", time)
    patch.setattr(agents_clock, "time", time)
    patch.setenv("RETENTION_PASSPHRASE", PASSPHRASE)
    return time


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded centre."""
    home = tmp_path_factory.mktemp("drills") / "centre"
    with pytest.MonkeyPatch.context() as patch:
        _stop_clocks(patch)
        quick = partial(keys.seal, memory=8 << 20, operations=1)
        patch.setattr(founding.found, "__kwdefaults__", {"seal": quick})
        found(home, NOON)
    return home


@pytest.fixture
def stage(
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Stage]:
    """A centre that runs, nobody enrolled."""
    time = _stop_clocks(monkeypatch)
    centre = opened(template, tmp_path / "centre", time.now)
    yield Stage(tmp_path, time, centre, {}, monkeypatch, capsys)
    centre.stop()
