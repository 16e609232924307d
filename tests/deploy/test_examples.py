"""Every example in `config/` is loaded by what it is an example for."""

import re
import shlex
from pathlib import Path

import pytest

from agents.cli.configured import composed
from auditor.cli import main as auditor
from enforcer.settings import load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
UNIT = ROOT / "deploy" / "systemd" / "retention-auditor.service"


def the_auditor_runs(path: Path) -> None:
    """As its service would: with what the file says and nothing else; here it finds no bundle."""
    said = dict(
        line.split("=", 1) for line in path.read_text().splitlines() if line[:1] not in {"#", ""}
    )
    (command,) = re.findall(r"^ExecStart=\S+ (.*)$", UNIT.read_text(), re.MULTILINE)
    assert set(said) == set(re.findall(r"\$\{(\w+)\}", command))
    words = [re.sub(r"\$\{(\w+)\}", lambda name: said[name[1]], w) for w in shlex.split(command)]
    assert auditor(words) == 2


LOADED = {
    "audit.example.env": the_auditor_runs,
    "enforcer.example.toml": lambda path: load(path, {}),
    "storage.example.toml": composed,
    "terminal.example.toml": composed,
}


def test_there_is_no_other_example():
    assert set(LOADED) == {path.name for path in CONFIG.iterdir()}


@pytest.mark.parametrize("name", LOADED)
def test_it_is_loaded(name: str, capsys: pytest.CaptureFixture[str]):
    LOADED[name](CONFIG / name)
    said = capsys.readouterr().err
    assert said == "" or "cannot read /etc/retention-auditor/bundle.zip" in said
