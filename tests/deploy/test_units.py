"""The services as systemd itself judges them."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent.parent / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSED = 2.0


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_it_is_hardened(need: Callable[[str], str], tmp_path: Path, unit: Path):
    instance = tmp_path / unit.name.replace("@.", "@one.")
    instance.write_text(unit.read_text())
    done = subprocess.run(
        [need("systemd-analyze"), "security", "--offline=true", "--no-pager", instance],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize(
    "unit", [*SERVICES, UNITS / "retention-auditor.timer"], ids=lambda p: p.name
)
def test_systemd_knows_every_setting(need: Callable[[str], str], tmp_path: Path, unit: Path):
    """`verify` ends with 0 on a setting it does not know: whatever it says is a fault."""
    for each in [*SERVICES, unit]:
        text = re.sub(
            r"^ExecStart=\S+", "ExecStart=/bin/true", each.read_text(), flags=re.MULTILINE
        )
        (tmp_path / each.name.replace("@.", "@one.")).write_text(text)
    name = unit.name.replace("@.", "@one.")
    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", tmp_path / name],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "retention-" in line]
    assert (0, []) == (done.returncode, said)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_its_user_is_made_and_none_is_root(unit: Path):
    (user,) = re.findall(r"^User=(\S+)", unit.read_text(), re.MULTILINE)
    texts = [path.read_text() for path in UNITS.glob("*.sysusers.conf")]
    users = re.findall(r"^u (\S+)", "\n".join(texts), re.MULTILINE)
    assert user in users
