"""The enforcer as it is run: served over TLS, stopped; and every reason not to start."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from ports import free_port
from sqlalchemy import create_engine, text
from waiting import NEVER_SECONDS, wait_until

from enforcer import compose, keys
from enforcer.cli import main
from enforcer.govern.forms.stores import StoreLines
from retention.errors import RefusedError

ENFORCER = [sys.executable, "-m", "enforcer.cli"]


@pytest.fixture
def port(home: Path) -> int:
    """A port that the settings name."""
    number = free_port()
    file = home / "enforcer.toml"
    file.write_text(file.read_text().replace("127.0.0.1:8443", f"127.0.0.1:{number}"))
    return number


def get(port, path, authority):
    context = ssl.create_default_context(cafile=str(authority))
    connection = HTTPSConnection("localhost", port, context=context, timeout=NEVER_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def taken_away(home, person, port, *, to):
    """A person's two files, which is all that they take to a machine of their own."""
    to.mkdir()
    for ending in ("toml", "key"):
        shutil.move(home / "people" / f"{person}.{ending}", to)
    file = to / f"{person}.toml"
    file.write_text(file.read_text().replace(":8443", f":{port}"))
    return file


def answers(port, authority):
    with contextlib.suppress(ConnectionRefusedError):
        return get(port, "/healthz", authority) == (200, "ok\n")


@pytest.mark.slow
def test_it_serves_over_tls_proves_and_stops_when_asked(home, port, tmp_path):
    process = subprocess.Popen(
        [*ENFORCER, "serve", "--config", str(home / "enforcer.toml")],
        stderr=subprocess.PIPE,
        text=True,
    )
    authority = home / "tls" / "authority.pem"
    wait_until(lambda: answers(port, authority), "it answers")
    with pytest.raises(ssl.SSLCertVerificationError):
        HTTPSConnection("localhost", port, context=ssl.create_default_context()).request("GET", "/")
    wait_until(
        lambda: "retention_ledger_tree_size 1.0" in get(port, "/metrics", authority)[1],
        "it has proved",
    )
    asked = subprocess.run(
        [*ENFORCER, "store", "list", "--as", taken_away(home, "uldis", port, to=tmp_path / "own")],
        env={**os.environ, "RETENTION_PASSPHRASE": "correct horse battery"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (asked.returncode, asked.stderr)
    second = subprocess.run(
        [*ENFORCER, "serve", "--config", str(home / "enforcer.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in second.stderr
    assert "Traceback" not in second.stderr
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=NEVER_SECONDS)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events[0] == "serving"
    assert events[-1] == "stopped"


def test_small_answers_are_sent_at_once():
    with compose.bound(("127.0.0.1", 0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda home: (home / "tls" / "server.key").unlink(), "cannot read"),
        (lambda home: (home / "keys" / "ledger.key").unlink(), "cannot read the key"),
        (lambda home: (home / "keys" / "ledger.key").chmod(0o644), "others may read"),
        (lambda home: (home / "keys" / "ledger.key").write_text("x"), "does not hold an Ed25519"),
        (lambda home: (home / "enforcer.toml").write_text("lisen = 1"), "did you mean 'listen'?"),
        (lambda home: (home / "enforcer.toml").write_text(""), "policy_pin is missing"),
        (lambda home: other_pin(home / "enforcer.toml"), "not the one that the pin names"),
        (lambda home: newer_schema(home / "enforcer.db"), "newer version of the enforcer"),
        (
            lambda home: (home / "enforcer.db").write_bytes(b"x" * 5000),
            "not a database; restore it",
        ),
        (lambda home: (home / "enforcer.db").unlink(), "enforcer.db: restore it"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_one_sentence(home, port, break_it, sentence, capsys):
    break_it(home)
    code = main(["serve", "--config", str(home / "enforcer.toml")])
    err = capsys.readouterr().err
    assert code in {1, 2}
    assert sentence in err
    assert err.count("\n") == 1


def test_no_new_index_is_made_in_the_place_of_a_lost_one(home, capsys):
    (home / "enforcer.db").unlink()
    assert main(["serve", "--config", str(home / "enforcer.toml")]) == 2
    assert main(["doctor", "--config", str(home / "enforcer.toml")]) == 1
    assert "BAD  index: There is no index" in capsys.readouterr().out
    assert not (home / "enforcer.db").exists()


def test_a_key_that_the_policy_does_not_name_signs_nothing(served, home, serve, capsys):
    """People can name it: for that the enforcer has to run."""
    agent = served.enrol("t-1")
    served.built.rounds.prove()
    for name in ("directive", "ledger"):
        other_key(home / "keys" / f"{name}.key")
    other = serve()
    told = capsys.readouterr().err
    assert told.count("a key that nobody knows") == 2
    agent.uplink = other.uplink(agent)
    with pytest.raises(RefusedError, match="does not name our directive key"):
        agent.fetch()
    with pytest.raises(RefusedError, match="does not name our ledger key"):
        other.built.rounds.prove()
    with pytest.raises(RefusedError, match="does not name our directive key"):
        other.person("anna").get_bytes("/v1/bundle", since="2026-06-01", through="2026-06-10")
    assert other.person("anna").get("/v1/stores", StoreLines).stores


def other_key(path):
    path.unlink()
    keys.write_online(path)


def other_pin(path):
    lines = [line for line in path.read_text().splitlines() if "policy_pin" not in line]
    path.write_text("\n".join([*lines, f'policy_pin = "{"0" * 64}"']))


def newer_schema(path):
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_tomorrow'"))
    engine.dispose()


def test_a_bug_in_a_handler_is_500_and_one_sentence(served, monkeypatch):
    def bug(*_: object):
        raise RuntimeError("010190-12345")

    monkeypatch.setattr(compose.Chains, "read", bug)
    connection = HTTPConnection(served.url.removeprefix("http://"))
    connection.request("GET", "/v1/stores")
    answer = connection.getresponse()
    assert answer.status == 500
    assert b"010190" not in answer.read()
    connection.close()
