"""A typo in the settings is one sentence and exit code 2, and the example can be used."""

import re
from pathlib import Path

import pytest

from agents.cli import main
from agents.engine.memory.catalogue import CatalogueError
from agents.engine.memory.reserve import open_catalogue
from agents.terminal.settings import Settings, load
from retention.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent.parent / "config" / "terminal.example.toml"


def test_the_example_loads_and_what_it_shows_commented_out_is_the_default(tmp_path: Path):
    shown = load(EXAMPLE)
    defaults = tmp_path / "defaults.toml"
    text = EXAMPLE.read_text()
    defaults.write_text(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))
    whole = load(defaults)
    for name in Settings.__struct_fields__:
        if name not in {"private", "events", "freeze", "metrics_port"}:
            assert getattr(shown, name) == getattr(whole, name), name
    assert set(Settings.__struct_fields__) == set(re.findall(r"^#? ?(\w+) = ", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('rooot = "/a"\n', "rooot"),
        ('root = "/a"\nstate = "/b"\n', "enforcer"),
        ('root = 5\nstate = "/b"\nenforcer = "https://c"\n', "root"),
        ('root = "a"\nstate = "/b"\nenforcer = "https://c"\n', "absolute"),
        ('root = "/a"\nstate = "/b"\nenforcer = "https://c"\nscan_every = 0\n', "scan_every"),
        ('root = "/a"\nstate = "/b"\nenforcer = "https://c"\noffline = "maybe"\n', "offline"),
        (
            'root = "/a"\nstate = "/b"\nenforcer = "https://c"\nmetrics_port = 99999\n',
            "metrics_port",
        ),
        ('root = "/a"\nstate = "/b"\nenforcer = "https://c"\nfoo = 1\n', "is no setting `foo`"),
        ('root = "/a"\nstate = "/b"\n', "setting `enforcer` is missing"),
        ("root = \n", "not TOML"),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "terminal.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        load(path)


def test_a_command_without_settings_or_enrolment_ends_with_a_sentence_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert 2 == main(["run", "--config", str(tmp_path / "missing.toml")])
    assert "cannot read the settings" in capsys.readouterr().err
    path = tmp_path / "terminal.toml"
    path.write_text(f'root = "{tmp_path}"\nstate = "{tmp_path}"\nenforcer = "https://c"\n')
    assert 2 == main(["status", "--config", str(path)])
    assert "not enrolled" in capsys.readouterr().err
    assert 2 == main(["enrol", "no-token", "--config", str(path)])
    assert "CODE.PIN" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("file/state", "cannot make the directory"),
        ("damaged", "cannot open the catalogue"),
    ],
)
def test_where_the_agent_cannot_write_no_code_is_spent_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, sentence: str
):
    """The enforcer cannot be reached: who asked it first would say that instead."""
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "catalogue.sqlite").write_bytes(b"x" * 5000)
    path = tmp_path / "terminal.toml"
    path.write_text(
        f'root = "{tmp_path}"\nstate = "{tmp_path}/{state}"\nenforcer = "http://127.0.0.1:1"\n'
        "any_file_system = true\n"
    )

    assert 2 == main(["enrol", f"CODE.{'0' * 64}", "--config", str(path)])

    assert sentence in capsys.readouterr().err


def test_a_reserve_that_cannot_be_opened_is_a_sentence(tmp_path: Path):
    """As on a file system that became read-only."""
    (tmp_path / "reserve").mkdir()
    with pytest.raises(CatalogueError, match="cannot open the catalogue"):
        open_catalogue(tmp_path / "catalogue.sqlite")


@pytest.mark.parametrize("typed", ["2026-01-15", "03:10", "2026-01-15T03:10:00", "yesterday"])
def test_a_time_without_its_offset_is_one_sentence(tmp_path, capsys, typed):
    words = ["item", "find", "--config", str(tmp_path / "t.toml"), "--source", "cam", "--to", "x"]

    with pytest.raises(SystemExit) as ended:
        main([*words, "--from", typed])

    assert 2 == ended.value.code
    assert "write it with its offset" in capsys.readouterr().err
