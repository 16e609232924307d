"""The enforcer as it is run: founded, served over TLS, stopped; and every reason not to start."""

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import msgspec
import pytest
import structlog
from ports import free_port
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text
from waiting import NEVER_SECONDS, wait_until

from enforcer import certificates, compose, keys, log
from enforcer.cli import main
from enforcer.govern.forms.documents import Document, Proposal, Signed
from enforcer.govern.forms.stores import StoreLines
from enforcer.settings import Settings, load
from enforcer.tasks.side import SideTasks, Task
from retention import codec, envelope
from retention.calendar import DAY, Instant
from retention.errors import ConfigError, MalformedError, RefusedError, VerificationError
from retention.ledger import LastHead
from retention.note import Checkpoint
from retention.reasons import SaltedReason

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


def test_an_enforcer_is_founded_once_or_not_at_all(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RETENTION_PASSPHRASE", "correct horse battery")
    directory = tmp_path / "e"
    words = ["init", str(directory), "--person", "anna:owner"]
    assert main(words) == 2
    assert "name two owners at least" in capsys.readouterr().err
    assert not directory.exists()
    assert main([*words, "--person", "ben:owner,boss"]) == 2
    assert "'owner,boss' are not all of" in capsys.readouterr().err
    assert main([*words, "--person", "ben:owner", "--policy", "/nowhere"]) == 2
    for nowhere in ("8443", ":8443", "0.0.0.0:", "0.0.0.0:99999", "0.0.0.0:-1"):
        assert main([*words, "--person", "ben:owner", "--listen", nowhere]) == 2
        assert f"{nowhere!r} is nowhere to listen" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_founding_that_fails_is_left(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RETENTION_PASSPHRASE", "short")
    words = ["init", str(tmp_path / "e"), "--person", "anna:owner", "--person", "ben:owner"]
    assert main(words) == 2
    assert capsys.readouterr().err == "enforcer: a passphrase has at least 12 characters\n"
    assert list(tmp_path.iterdir()) == []


def test_what_is_founded_is_for_its_owner_only_and_is_not_overwritten(home, capsys, monkeypatch):
    monkeypatch.setenv("RETENTION_PASSPHRASE", "correct horse battery")
    public = {"authority.pem", "server.pem"}
    for path in home.rglob("*"):
        if path.is_file() and path.name not in public:
            assert path.stat().st_mode & 0o077 == 0, path
    words = ["init", str(home), "--person", "anna:owner", "--person", "ben:owner"]
    assert main(words) == 2
    assert "an enforcer is founded once" in capsys.readouterr().err


def test_what_changes_may_lie_apart_and_belongs_to_whoever_owns_the_place(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("RETENTION_PASSPHRASE", "correct horse battery")
    state = tmp_path / "state"
    state.mkdir()
    if os.geteuid() == 0:
        os.chown(state, 65534, 65534)
    roles = "owner,dpo,operator,approver"
    words = ["--person", f"anna:{roles}", "--person", f"ben:{roles}", "--state", str(state)]
    assert main(["init", str(tmp_path / "e"), *words]) == 0
    assert sorted(path.name for path in state.iterdir()) == ["enforcer.db", "heads"]
    assert {path.stat().st_uid for path in state.iterdir()} == {state.stat().st_uid}
    assert main(["doctor", "--config", str(tmp_path / "e" / "enforcer.toml")]) == 1
    assert "ok   index: SQLite" in capsys.readouterr().out
    assert main(["init", str(tmp_path / "other"), *words]) == 2
    assert "enforcer.db is there already" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_an_enforcer_is_founded_once_in_a_database_too(tmp_path, capsys, monkeypatch, postgres):
    monkeypatch.setenv("RETENTION_PASSPHRASE", "correct horse battery")
    url = postgres.url.render_as_string(hide_password=False)
    two = ("--person", "anna:owner", "--person", "ben:owner", "--index")
    assert main(["init", str(tmp_path / "e"), *two, url]) == 0
    assert not (tmp_path / "e" / "enforcer.db").exists()
    settings = load(tmp_path / "e" / "enforcer.toml", {})
    assert url == settings.index
    compose.build(settings).engine.dispose()
    capsys.readouterr()
    assert main(["init", str(tmp_path / "again"), *two, url]) == 2
    assert "has a policy already; an enforcer is founded once" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "again"), *two, f"sqlite:///{tmp_path}/i.db"]) == 2
    assert not (tmp_path / "again").exists()


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


def test_a_key_file_opens_with_its_passphrase_only(tmp_path):
    path = tmp_path / "anna.key"
    key = keys.write_online(tmp_path / "online.key")
    sealed = keys.seal("anna", key, "correct horse battery", memory=8192 * 1024, operations=1)
    keys.write_sealed(path, sealed)
    found = keys.read_sealed(path)
    assert bytes(keys.unseal(found, "correct horse battery")) == bytes(key)
    assert bytes(key) not in path.read_bytes()
    with pytest.raises(ConfigError, match="wrong passphrase"):
        keys.unseal(found, "correct horse staple")
    with pytest.raises(ConfigError, match="stays as it is"):
        keys.write_sealed(path, sealed)


def a_file(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "exposed"),
    [
        (0o600, 990, 990, False),  # as `enforcer init` writes it
        (0o400, 990, 990, False),  # a credential where the kernel has no access lists
        (0o440, 0, 0, False),  # a credential with one: root's, and the mask shows as the group's
        (0o440, 990, 990, True),  # a group that somebody may be added to
        (0o440, 0, 990, True),
        (0o440, 990, 0, True),  # its owner is not the one who decides about root's group
        (0o444, 0, 0, True),
        (0o460, 0, 0, True),
        (0o450, 0, 0, True),
    ],
)
def test_a_key_is_its_owners_or_handed_out_by_root(mode, uid, gid, exposed):
    assert keys.is_exposed(a_file(mode, uid, gid)) is exposed


def test_a_credential_that_root_hands_out_by_an_access_list_is_read(tmp_path, need, monkeypatch):
    """As systemd leaves it: root's own, 0440, one user named. Read here by that user."""
    setfacl = need("setfacl")
    if os.geteuid():
        pytest.skip("only root can hand out a file like that")
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o711)
    path = Path("ledger.key")
    key = keys.write_online(path)
    path.chmod(0o400)
    subprocess.run([setfacl, "-m", "u:65534:r", path], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    os.seteuid(65534)
    try:
        assert bytes(keys.read_online(path)) == bytes(key)
    finally:
        os.seteuid(0)
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="others may read"):
        keys.read_online(path)


def test_a_key_file_cannot_make_us_use_all_memory(tmp_path):
    greedy = keys.SealedKey("anna", b"", b"s" * 16, 2**40, 1, b"")
    with pytest.raises(MalformedError, match="more memory"):
        keys.unseal(greedy, "correct horse battery")


def test_the_server_s_certificate_is_renewed_by_its_authority_only(home, settings, capsys):
    before = settings.tls_certificate.read_bytes()
    words = [
        "certificate",
        "--config",
        str(home / "enforcer.toml"),
        "--authority",
        str(home / "tls"),
    ]
    (home / "tls" / "authority.key").rename(home / "elsewhere.key")
    assert main(words) == 2
    assert "cannot read" in capsys.readouterr().err
    assert settings.tls_certificate.read_bytes() == before
    (home / "elsewhere.key").rename(home / "tls" / "authority.key")
    assert main(words) == 0
    assert "for localhost, 127.0.0.1" in capsys.readouterr().out
    assert settings.tls_certificate.read_bytes() != before
    assert settings.tls_key.stat().st_mode & 0o077 == 0
    subprocess.run(
        ["openssl", "verify", "-CAfile", "authority.pem", "server.pem"],
        cwd=home / "tls",
        check=True,
    )
    other = certificates.make_authority(Instant(0))
    (home / "tls" / "authority.key").unlink()
    (home / "tls" / "authority.pem").unlink()
    certificates.write_authority(
        other, certificate=home / "tls" / "other.pem", key=home / "tls" / "authority.key"
    )
    with pytest.raises(ConfigError, match="is not the key of"):
        certificates.read_authority(
            certificate=settings.tls_certificate, key=home / "tls" / "authority.key"
        )


def test_the_log_tells_no_more_than_its_list(capsys):
    log.configure("info")
    marker = "010190-12345"
    try:
        int(marker)
    except ValueError:
        structlog.get_logger().exception("it failed", task="prove", phone=marker)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert marker not in line
    assert (told["event"], told["error"], told["omitted"]) == (
        "it failed",
        "builtins.ValueError",
        ["phone"],
    )
    assert told["frames"][0].endswith("test_the_log_tells_no_more_than_its_list")


def test_a_library_s_words_do_not_reach_the_log(capsys):
    log.configure("info")
    logging.getLogger("uvicorn.error").warning("cannot parse %s", "010190-12345")
    line = capsys.readouterr().err
    assert "010190-12345" not in line
    assert "uvicorn.error" in line


def test_a_task_that_fails_is_counted_and_tried_again():
    registry, done = CollectorRegistry(), threading.Event()
    runs = []

    def fail_once():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError
        done.set()

    log.configure("error")
    tasks = SideTasks([Task("prove", 0, fail_once)], registry, lambda: None)
    tasks.start()
    assert done.wait(NEVER_SECONDS)
    assert tasks.alive()
    tasks.stop()
    assert registry.get_sample_value("enforcer_task_failures_total", {"task": "prove"}) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_task_that_dies_stops_the_enforcer():
    died = threading.Event()

    def die():
        raise SystemExit

    tasks = SideTasks([Task("prove", 1, die)], CollectorRegistry(), died.set)
    tasks.start()
    assert died.wait(NEVER_SECONDS)
    tasks.stop()
    assert not tasks.alive()


def test_a_head_is_published_for_each_day(served):
    served.built.rounds.prove()
    (first,) = (served.home / "heads").iterdir()
    assert first.name == "2026-06-10.note"
    served.clock.forward(600)
    served.built.rounds.prove()
    assert Checkpoint.parse(first.read_text().partition("\n\n")[0] + "\n").size == 2
    served.clock.forward(DAY)
    served.built.rounds.prove()
    names = sorted(path.name for path in (served.home / "heads").iterdir())
    assert names == ["2026-06-10.note", "2026-06-11.note"]


def test_whoever_checks_the_ledger_leaves_the_time_behind(served):
    served.built.rounds.prove()
    served.built.rounds.check()
    lines = get_plain(served, "/metrics").splitlines()
    (line,) = (line for line in lines if 'verifier="enforcer"' in line)
    assert float(line.rpartition(" ")[2]) == served.clock.now


def get_plain(served, path):
    connection = HTTPConnection(served.url.removeprefix("http://"))
    connection.request("GET", path)
    found = connection.getresponse().read().decode()
    connection.close()
    return found


def test_an_index_restored_from_yesterday_says_so_and_waits(served, home, clock, serve, capsys):
    """The ledger stands still until two people sign its last head; agents are heard first."""
    agent = served.enrol("t-1")
    served.built.rounds.prove()
    shutil.copytree(home, home.with_name("backup"))
    clock.forward(DAY)
    served.built.rounds.prove()
    lost = Checkpoint.parse(
        (home / "heads" / "2026-06-11.note").read_text().partition("\n\n")[0] + "\n"
    )
    back = serve(directory=restored(home))
    back.built.rounds.remember()
    assert "restored from a backup" in capsys.readouterr().err
    with pytest.raises(VerificationError, match=f"ledger succeed {lost.size}:{lost.root.hex()}"):
        back.built.rounds.prove()
    assert main(["doctor", "--config", str(back.home / "enforcer.toml")]) == 1
    agent.uplink = back.uplink(agent)
    with pytest.raises(RefusedError, match="first has to hear"):
        agent.fetch()
    failed = SaltedReason(bytes(32), "disk failed")
    head = LastHead(at=clock.now, reason=failed.commitment, size=lost.size, root=lost.root)
    anna, ivo = back.person("anna"), back.person("ivo")
    sealed = envelope.seal("act", codec.encode(head), [anna.key])
    document = anna.post("/v1/documents", Proposal(sealed, (failed,)), Document)
    bare = msgspec.structs.replace(sealed, signatures=())
    signed = Signed(envelope.countersign(bare, ivo.key))
    ivo.post(f"/v1/documents/{document.id}/sign", signed, Document)
    back.built.rounds.prove()
    back.built.rounds.check()


def restored(home):
    """The backup, at another place, beside the heads that were published since."""
    backup = home.with_name("backup")
    shutil.rmtree(backup / "heads")
    shutil.copytree(home / "heads", backup / "heads")
    return backup


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
