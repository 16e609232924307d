"""The commands of an agent on a storage: its settings make it put calls together, and find them whole."""

import errno
import json
import os
import shutil
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from world import GROUP, STORE, Centre, TrueTime, at, first_policy, signed_policy

from agents.cli import main
from agents.cli.configured import composed
from agents.engine.memory.reserve import open_catalogue
from agents.engine.talking.epoch import commission
from agents.service import credential
from agents.service.building import _planter
from agents.service.credential import Credential
from agents.stores.files.private import enrol
from retention import envelope
from retention.policy import Source
from retention.wire import Enrolment

CORPUS = Path(__file__).parent.parent / "media" / "calls" / "loopback"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings of an agent that is enrolled and cannot reach its enforcer."""
    root, state = tmp_path / "calls", tmp_path / "state"
    shutil.copytree(CORPUS / "rtpengine", root)
    state.mkdir()
    source = Source(
        id="calls",
        group=GROUP,
        directory="",
        record_class="contact-centre-call",
        purpose="calls",
    )
    centre = Centre(
        TrueTime(at("2026-11-25 03:00")), [signed_policy(first_policy(sources=[source]))]
    )
    enrol(os.fsencode(root), STORE)
    catalogue = open_catalogue(state / "catalogue.sqlite")
    commission(catalogue, centre.enrol(Enrolment("code")))
    with catalogue.transaction() as db:
        policy = envelope.encode(centre.policies[0])
        db.execute("INSERT INTO policies VALUES (1, ?)", (policy,))
    catalogue.close()
    credential.save(state / "credential", Credential(STORE, "secret", centre.pin))
    path = tmp_path / "storage.toml"
    path.write_text(
        f'state = "{state}"\nenforcer = "https://127.0.0.1:1"\nrecorders = ["rtpengine"]\n'
        f'settle = 0\n[directory]\nroot = "{root}"\nany_file_system = true\n'
    )
    return path


def test_a_call_is_found_with_all_its_files_under_one_number(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert 0 == main(["scan", "--config", str(settings)])
    capsys.readouterr()
    interval = ["--from", "2026-11-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z"]
    find = ["item", "find", "--config", str(settings), "--source", "calls", *interval, "--json"]
    assert 0 == main(find)
    found = json.loads(capsys.readouterr().out)
    assert [1, 1, 2, 2] == [row["item"] for row in found]
    for number in (1, 2):
        paths = [row["path"] for row in found if row["item"] == number]
        names = {Path(path).stem.removeprefix("rtpengine-meta-") for path in paths}
        assert {"metadata", "pcaps"} == {Path(path).parts[0] for path in paths}
        assert 1 == len(names)


def test_the_path_of_what_is_restricted_is_not_shown(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert 0 == main(["scan", "--config", str(settings)])
    interval = ["--from", "2026-11-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z"]
    find = ["item", "find", "--config", str(settings), "--source", "calls", *interval]
    for number, code, shown in ((1, 0, 2), (2, 1, 0)):
        _written(settings, f"INSERT INTO item_holds VALUES ({number}, 'restriction-1')")
        capsys.readouterr()
        assert code == main(find)
        told = capsys.readouterr()
        assert shown == len(told.out.splitlines())
        assert "restricted (GDPR article 18)" in told.err


def test_status_says_that_the_store_is_out_of_service(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    _written(settings, "UPDATE agent SET retired = 'retirement-1'")
    assert 0 == main(["status", "--config", str(settings)])
    assert "two people retired this store (retirement-1)" in capsys.readouterr().out


def _written(settings: Path, statement: str) -> None:
    """What the daemon would have written into its catalogue."""
    path = Path(tomllib.loads(settings.read_text())["state"]) / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def test_status_counts_calls_and_not_their_files(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert 0 == main(["scan", "--config", str(settings)])
    capsys.readouterr()
    assert 0 == main(["status", "--config", str(settings), "--json"])
    counted = json.loads(capsys.readouterr().out)["items"]
    assert 2 == sum(line["items"] for line in counted)  # undated, where the clock is behind them
    assert 0 == main(["status", "--config", str(settings)])
    told = capsys.readouterr().out
    assert "store               riga-001, epoch 0, by version 1 of the policy\n" in told
    assert "erases              nothing: " in told
    assert "not reported yet    " in told
    assert "contact-centre-call 2 " in told


def test_a_scan_says_what_it_found(settings: Path, capsys: pytest.CaptureFixture[str]):
    assert 0 == main(["scan", "--config", str(settings)])
    assert "contact-centre-call 2 " in capsys.readouterr().out
    assert 0 == main(["scan", "--config", str(settings), "--json"])
    assert 2 == sum(line["items"] for line in json.loads(capsys.readouterr().out)["items"])


@pytest.mark.parametrize(
    ("command", "sentence", "document"),
    [
        (["sweep", "--dry-run"], "nothing would go: ", []),
        (["run", "--once"], "nothing was erased: ", {"outcomes": {}, "stays": {}}),
    ],
)
def test_a_program_reads_json_also_where_nothing_may_go(
    settings: Path, capsys: pytest.CaptureFixture[str], command, sentence, document
):
    """The sentence goes where people read it, and whoever parses the answer gets one."""
    assert 0 != main([*command, "--config", str(settings), "--json"])
    told = capsys.readouterr()
    answer = json.loads(told.out)
    if answer:
        assert f"{sentence}{answer.pop('waiting')}\n" in told.err
    assert document == answer
    assert sentence in told.err


def test_doctor_looks_at_the_directory_and_for_the_enforcer(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert 1 == main(["doctor", "--config", str(settings), "--json"])
    facts = {fact["subject"]: fact["fine"] for fact in json.loads(capsys.readouterr().out)}
    assert facts["file system"]
    assert facts["private directory"]
    assert not facts["enforcer"]


def test_one_run_without_the_enforcer_sweeps_by_the_rule_for_that_and_says_who_is_away(
    settings: Path, capsys: pytest.CaptureFixture[str]
):
    assert 2 == main(["run", "--once", "--config", str(settings)])
    said = capsys.readouterr().err
    assert "nothing was erased" in said
    assert "cannot reach the enforcer: Connection refused" in said


def test_a_name_that_has_lines_is_told_on_one(settings: Path, capsys: pytest.CaptureFixture[str]):
    root = Path(tomllib.loads(settings.read_text())["directory"]["root"])
    (root / "2026-01-01\n\x1b[2J.wav").write_bytes(b"RIFF")
    assert 0 == main(["scan", "--config", str(settings)])
    interval = ["--from", "2020-01-01T00:00:00Z", "--to", "2040-01-01T00:00:00Z"]
    command = ["item", "find", "--config", str(settings), "--source", "calls", *interval]
    capsys.readouterr()
    assert 0 == main(command)
    told = capsys.readouterr().out
    assert r"2026-01-01\n\x1b[2J.wav" in told
    assert all(line.isprintable() for line in told.splitlines())


@pytest.mark.parametrize("rows", [False, True])
def test_canaries_are_written_beside_calls_whether_or_not_they_have_rows(
    settings: Path, tmp_path: Path, rows: bool
):
    """Where a store's kind is a directory the centre waits for them, and calls it unknown without."""
    if rows:
        (tmp_path / "cdr").mkdir()
        enrol(os.fsencode(tmp_path / "cdr"), STORE)
        with settings.open("a") as file:
            file.write(
                f'[[csv]]\nplace = "cdr"\nroot = "{tmp_path / "cdr"}"\ntime = "start"\n'
                'zone = "Europe/Riga"\n'
            )
    built = composed(settings).build()
    try:
        plant = _planter(built.agent.store)
        assert plant is not None
        plant(b"canary", b"20261125-120000.txt", b"today's")
        assert b"today's" == (tmp_path / "calls/canary/20261125-120000.txt").read_bytes()
    finally:
        built.close()


def test_a_scan_names_to_the_person_what_it_could_not_read(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Its log names nothing, and a scan that is not complete lets nobody say that all is well."""
    real = os.open

    def failing(path, *args: int, **options: int):
        if os.fsencode(path) == b"pcaps":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", failing)
    assert 0 == main(["scan", "--config", str(settings)])
    told = capsys.readouterr()
    assert "could not read pcaps: The disk reported an error." in told.err
    assert "last complete scan  none yet" in told.out


def test_where_nobody_names_the_settings_they_are_those_of_the_package(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("agents.cli.USUAL", settings)
    assert 0 == main(["status"])
    monkeypatch.setattr("agents.cli.USUAL", settings.with_name("terminal.toml"))
    assert 2 == main(["status"])
    assert "terminal.toml" in capsys.readouterr().err
