"""`auditor verify`: exit codes, and sentences for mistakes."""

import json
import subprocess
import sys

import pytest


def auditor(*arguments: str):
    return subprocess.run(
        [sys.executable, "-m", "auditor.cli", *arguments], capture_output=True, check=False
    )


@pytest.fixture
def file(honest, tmp_path):
    path = tmp_path / "january.zip"
    path.write_bytes(honest.packed)
    return path


def test_the_command_ends_with_0_and_names_what_it_could_not_check(honest, file):
    done = auditor("verify", str(file), "--pin", honest.pin.hex())
    assert (0, b"") == (done.returncode, done.stderr)
    assert b"not checked: backups" in done.stdout
    assert done.stdout.endswith(b"OK: all that could be checked is as it should be.\n")


def test_the_command_ends_with_2_without_a_pin(file):
    done = auditor("verify", str(file))
    assert (2, b"") == (done.returncode, done.stderr)
    assert b"UNKNOWN" in done.stdout


def test_the_command_ends_with_1_at_another_operators_pin(file):
    done = auditor("verify", str(file), "--pin", "00" * 32, "--json")
    assert (1, b"") == (done.returncode, done.stderr)
    assert "violated" == json.loads(done.stdout)["verdict"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "no-such-file"],
        ["verify", "no-such-file", "--pin", "zz"],
        ["verify", "no-such-file", "--head", "x:00"],
        ["verify"],
        [],
    ],
)
def test_a_users_mistake_is_a_sentence_and_2(arguments):
    done = auditor(*arguments)
    assert 2 == done.returncode
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_a_damaged_file_is_a_sentence(honest, tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(honest.packed[:-100])
    done = auditor("verify", str(path), "--pin", honest.pin.hex())
    assert (2, b"") == (done.returncode, done.stdout)
    assert done.stderr.startswith(b"auditor: the bundle is damaged")
    assert 1 == done.stderr.count(b"\n")
