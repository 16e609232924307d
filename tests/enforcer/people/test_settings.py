"""The settings: a file, the environment above it, and a sentence for every slip."""

import re
from pathlib import Path

import pytest

from enforcer.settings import Settings, load
from retention.errors import ConfigError


def test_the_example_names_every_setting_with_its_default(tmp_path):
    example = Path("config/enforcer.example.toml")
    found = load(example, {})
    without = set(re.findall(r"^# (\w+) = ", example.read_text(), re.MULTILINE))
    assert set(found.model_fields_set) | without == set(Settings.model_fields)
    assert {None} >= {getattr(found, name) for name in without}
    bare = Settings(policy_pin=found.policy_pin).below(example.resolve().parent)
    assert found.model_dump() == bare.model_dump()


def test_the_environment_stands_above_the_file(home):
    found = load(home / "enforcer.toml", {"HOME": "/"})
    assert found.address == ("127.0.0.1", 8443)
    assert found.directive_key == home / "keys" / "directive.key"
    assert found.index == f"sqlite:///{home}/enforcer.db"


def test_a_slip_in_the_environment_is_named(home, monkeypatch):
    monkeypatch.setenv("ENFORCER_LISTEN", "127.0.0.1:9999")
    assert load(home / "enforcer.toml").address[1] == 9999
    with pytest.raises(ConfigError, match="ENFORCER_LISSEN; did you mean 'listen'"):
        load(home / "enforcer.toml", {"ENFORCER_LISSEN": "x"})


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('listen = "8443"', "listen = '8443': write ADDRESS:PORT"),
        ('listen = "127.0.0.1:99999"', "listen = '127.0.0.1:99999': write ADDRESS:PORT"),
        ("prove_seconds = 0", "prove_seconds = 0: input should be greater"),
        ('log_level = "loud"', "log_level = 'loud': input should be"),
        ("listen", "is not TOML"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting(home, line, sentence):
    file = home / "enforcer.toml"
    pin = next(each for each in file.read_text().splitlines() if "policy_pin" in each)
    file.write_text(f"{pin}\n{line}\n")
    with pytest.raises(ConfigError, match=sentence):
        load(file, {})
