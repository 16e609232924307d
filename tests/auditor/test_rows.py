"""Rows about calls, looked at from outside: by their dates, and by how many calls the list excepts."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from auditor.cli import main
from auditor.findings import Verdict
from auditor.rows import Columns, Looked, conclude, look, of_csv, of_table, pattern
from retention import bundle, exceptions
from retention.calendar import parse_instant
from retention.exceptions import Exceptions, Reason

NOW = parse_instant("2026-09-10T12:00:00+03:00")
#: Past the limit of six months, past the own target only, in time.
OLD, OVERDUE, YOUNG = "2026-03-01 10:00:00", "2026-03-10 10:00:00", "2026-08-01 10:00:00"
NAMES = ("src", "start", "uid")
COLUMNS = Columns("start", ZoneInfo("Europe/Riga"), pattern("%Y-%m-%d %H:%M:%S"), "uid")


def a_list(excepted: int, at=NOW) -> Exceptions:
    nonce = bytes(range(32))
    items = exceptions.listed(nonce, [(Reason.HELD, bytes([n])) for n in range(excepted)])
    return Exceptions("calls-1", "calls", parse_instant("2025-06-01T00:00:00Z"), at, nonce, items)


@pytest.fixture
def judge(honest_chain) -> Callable[..., Looked]:
    def judged(rows):
        return look(rows, COLUMNS, chain=honest_chain, record_class="contact-centre-call", now=NOW)

    return judged


def write(path: Path, *rows: tuple[str, str]) -> Path:
    path.write_text("".join(f'"+371 20000001","{start}","{uid}"\n' for start, uid in rows))
    return path


def test_rows_of_all_parts_are_judged_by_their_date(tmp_path: Path, judge):
    live = write(tmp_path / "Master.csv", (YOUNG, "c3"))
    write(tmp_path / "Master.csv.1", (OLD, "c1"), (OLD, "c1"), (OVERDUE, "c2"))
    write(tmp_path / "Other.csv", (OLD, "c9"))
    looked = judge(of_csv(live, NAMES, []))
    assert (looked.rows, looked.late, looked.past, len(looked.calls)) == (4, 3, 2, 2)


@pytest.mark.parametrize(
    ("excepted", "verdict"),
    [(None, Verdict.UNKNOWN), (0, Verdict.VIOLATED), (1, Verdict.VIOLATED), (2, Verdict.UNKNOWN)],
)
def test_more_calls_than_the_list_excepts_are_a_violation(
    tmp_path: Path, judge, excepted: int | None, verdict: Verdict
):
    live = write(tmp_path / "Master.csv", (OLD, "c1"), (OLD, "c1"), (OVERDUE, "c2"))
    looked = judge(of_csv(live, NAMES, []))
    assert conclude(looked, None if excepted is None else a_list(excepted), NOW).verdict is verdict


def test_rows_in_time_are_ok_and_what_cannot_be_known_is_not(tmp_path: Path, judge):
    live = write(tmp_path / "Master.csv", (YOUNG, "c1"))
    assert conclude(judge(of_csv(live, NAMES, [])), a_list(0), NOW).verdict is Verdict.OK
    old_list = a_list(0, at=NOW - 2 * 86400)
    assert conclude(judge(of_csv(live, NAMES, [])), old_list, NOW).verdict is Verdict.UNKNOWN
    write(live, (YOUNG, "c1"), ("", "c2"))
    assert conclude(judge(of_csv(live, NAMES, [])), a_list(0), NOW).verdict is Verdict.UNKNOWN
    write(live, (YOUNG, "c1"))
    (tmp_path / "Master.csv.2.gz").write_bytes(b"")
    shut: list[str] = []
    looked = judge(of_csv(live, NAMES, shut))
    looked.shut = shut
    assert conclude(looked, a_list(0), NOW).verdict is Verdict.UNKNOWN


def test_a_table_is_read_and_never_written(tmp_path: Path, judge):
    path = tmp_path / "calls.db"
    db = sqlite3.connect(path)
    db.execute('CREATE TABLE "odd ""name" (id INTEGER, start TEXT, uid TEXT)')
    db.executemany('INSERT INTO "odd ""name" VALUES (1, ?, ?)', [(OLD, "c1"), (YOUNG, "c2")])
    db.commit()
    db.close()
    path.chmod(0o444)
    looked = judge(of_table(f"sqlite:{path}", 'odd "name', COLUMNS))
    assert (looked.rows, looked.late) == (2, 1)


def test_postgresql_is_read_by_a_role_that_may_only_read(postgres_server: str, judge):
    psycopg = pytest.importorskip("psycopg")
    dsn = postgres_server.replace("+psycopg", "").format(database="postgres")
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA audit CREATE TABLE cdr (start TIMESTAMPTZ, uid TEXT)")
        try:
            owner.execute("SET TimeZone TO 'Europe/Riga'")
            owner.execute(f"INSERT INTO audit.cdr VALUES ('{OLD}', 'c1'), ('{YOUNG}', 'c2')")
            looked = judge(of_table(dsn, "audit.cdr", COLUMNS))
        finally:
            owner.execute("DROP SCHEMA audit CASCADE")
    assert (looked.rows, looked.late, looked.undated) == (2, 1, 0)


def test_the_command_says_counts_and_shows_no_row(
    tmp_path: Path, honest, capsys: pytest.CaptureFixture[str]
):
    live = write(tmp_path / "Master.csv", (OLD, "call-1"), (YOUNG, "call-2"))
    policy = tmp_path / "policy.jsonl"
    policy.write_bytes(honest.members[bundle.POLICY])
    words = [
        *("rows", "--csv", str(live), "--columns", "src,start,uid", "--time", "start"),
        *("--zone", "Europe/Riga", "--call", "uid", "--class", "contact-centre-call"),
        *("--policy", str(policy), "--store", "calls-1", "--group", "lockers"),
        *("--pin", honest.pin.hex(), "--now", "2026-09-10T12:00:00+03:00"),
    ]
    assert main([*words, "--json"]) == 2
    told = capsys.readouterr().out
    found = json.loads(told)
    assert (found["rows"], found["late"], found["past_limit"]) == (2, 1, 1)
    assert main(words) == 2
    told += capsys.readouterr().out
    assert "20000001" not in told
    assert "call-1" not in told
    live.write_text(",".join(["", *["x"] * 8, OLD, *["x"] * 6, "call-1", ""]) + "\n")
    asterisks = [*words[:3], *words[5:9], "--call", "uniqueid", *words[11:]]
    assert main([*asterisks, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["past_limit"] == 1
    for wrong in (["--zone", "Riga"], ["--time", "began"], ["--class", "none"], ["--format", "%Q"]):
        assert main([*words, *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
