"""`enforcer init`: once, whole or not at all, and for its owner alone."""

import os

from enforcer import compose
from enforcer.cli import main
from enforcer.settings import load


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
