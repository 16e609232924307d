"""`make run ONCE=1` tells the whole story, and says by its exit code whether it ended well."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_story_ends_well_and_no_panel_is_empty(need: Callable[[str], str], tmp_path: Path):
    need("prometheus")
    command = [sys.executable, "-m", "demo", "--once", "--home", tmp_path / "demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    (panels,) = re.findall(r"(\d+) of (\d+) panels of the dashboards have data", done.stdout)
    assert panels[0] == panels[1]
    assert int(panels[0]) > 30
    assert "it balances; overdue 0, past the limit 0" in done.stdout
    assert "witness       by the operator's own copy of a record" in done.stdout
    assert re.search(r"terminal-image: ok since .*; 1 of 1 stores proven", done.stdout)
