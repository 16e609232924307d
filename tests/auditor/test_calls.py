"""A held call is excepted with all its legs and rows, although the list names one recording of it."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from auditor.calls import Calls, expression_of
from auditor.cli import main
from auditor.findings import Verdict
from auditor.rescan import Rescan, Standing
from auditor.walk import walk
from retention import bundle, codec, envelope, exceptions
from retention.calendar import parse_instant
from retention.exceptions import Exceptions, Reason
from retention.fingerprint import fingerprint
from retention.probes import BytesSource

NOW = parse_instant("2026-09-10T12:00:00+03:00")
HELD, OTHER, YOUNG = "1772352000.1", "1772352000.2", "1785567600.3"
BEGAN = {HELD: "2026-03-01T10:00:00", OTHER: "2026-03-01T10:00:00", YOUNG: "2026-08-01T10:00:00"}
UNIQUEID = r"\d{10}\.\d+"


def leg(root: Path, name: str, call: str) -> bytes:
    """A recording of a call; gives what it is known by."""
    path = root / "calls" / f"{name}-{call}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"RIFF" + bytes(4) + b"WAVE" + path.name.encode()
    path.write_bytes(data)
    seconds = parse_instant(f"{BEGAN[call]}+02:00")
    os.utime(path, (seconds, seconds))
    return fingerprint(BytesSource(data))


def a_list(*marks: bytes) -> Exceptions:
    nonce = bytes(range(32))
    items = exceptions.listed(nonce, [(Reason.HELD, mark) for mark in marks])
    return Exceptions(
        "calls-1", "lockers", parse_instant("2025-06-01T00:00:00Z"), NOW, nonce, items
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def look(root: Path, honest_chain):
    def looked(listed: Exceptions, expression: str = UNIQUEID):
        calls = Calls(expression_of(expression)) if expression else None
        scan = Rescan(
            partial(walk, str(root)),
            chain=honest_chain,
            group="lockers",
            exceptions=listed,
            now=NOW,
            calls=calls,
        )
        found = {each.path.decode(): each.standing for each in scan.recordings()}
        return scan, found, scan.conclude()

    return looked


@pytest.mark.parametrize("lead", ["mixed", "rx", "tx"])  # before, between and behind the others
def test_all_legs_of_a_held_call_are_excepted_and_no_other_calls(root: Path, look, lead: str):
    marks = {name: leg(root, name, HELD) for name in ("mixed", "rx", "tx")}
    listed = a_list(marks[lead])
    scan, found, report = look(listed)
    assert {Standing.EXCEPTED} == set(found.values())
    assert (3, 2) == (len(found), scan.by_call)
    said = "of calls that the list names, by what they are called: 2 recordings more"
    assert [said] == [each.text for each in report.findings if each.check == "calls"]
    assert Verdict.OK is report.verdict
    leg(root, "mixed", OTHER)
    _, found, report = look(listed)
    assert Standing.PAST_LIMIT is found[f"calls/mixed-{OTHER}.wav"]
    assert Verdict.VIOLATED is report.verdict


def test_nobody_who_does_not_say_what_calls_are_called_is_told_that_legs_are_excepted(
    root: Path, look
):
    mark = leg(root, "mixed", HELD)
    leg(root, "rx", HELD)
    assert Verdict.VIOLATED is look(a_list(mark), "")[2].verdict
    assert Verdict.VIOLATED is look(a_list(mark), "no such name")[2].verdict


def test_the_agents_second_name_of_a_leg_is_known_by_its_content(root: Path, look):
    mark = leg(root, "mixed", HELD)
    leg(root, "rx", HELD)
    kept = root / ".retention" / "held"
    kept.mkdir(parents=True)
    for number, name in enumerate(("mixed", "rx")):
        os.link(root / "calls" / f"{name}-{HELD}.wav", kept / str(number))
    scan, _, report = look(a_list(mark))
    assert 2 == scan.kept.files
    assert Verdict.OK is report.verdict


@pytest.mark.parametrize(
    ("expression", "call"),
    [(UNIQUEID, b"1772352000.1"), (r"-(\d+)\.", b"1772352000"), ("y", None)],
)
def test_a_calls_name_is_the_last_group_or_all_that_matches(expression: str, call: bytes | None):
    assert call == Calls[None](expression_of(expression)).call_of(b"rx-1772352000.1.wav")


def row(call: str) -> str:
    return f'"20000001","{BEGAN[call].replace("T", " ")}","{call}"\n'


@pytest.mark.parametrize(
    ("rows", "code", "excepted"),
    [
        ((HELD, HELD, YOUNG), 0, 2),
        ((HELD, OTHER), 1, 1),  # the list names one recording, and that is met
        ((YOUNG,), 0, 0),
    ],
)
def test_rows_of_a_held_call_are_excepted_where_its_recording_is_looked_at(  # noqa: PLR0917
    root: Path,
    tmp_path: Path,
    honest,
    keys,
    capsys: pytest.CaptureFixture[str],
    rows: tuple[str, ...],
    code: int,
    excepted: int,
):
    listed = a_list(leg(root, "mixed", HELD))
    live = tmp_path / "Master.csv"
    live.write_text("".join(map(row, rows)))
    (tmp_path / "policy").write_bytes(honest.members[bundle.POLICY])
    sealed = envelope.seal(exceptions.KIND, codec.encode(listed), [keys.directive])
    (tmp_path / "list").write_bytes(envelope.encode(sealed) + b"\n")
    words = [
        *("rows", "--csv", str(live), "--columns", "src,start,uid", "--time", "start"),
        *("--zone", "Europe/Riga", "--call", "uid", "--class", "contact-centre-call"),
        *("--policy", str(tmp_path / "policy"), "--exceptions", str(tmp_path / "list")),
        *("--store", "calls-1", "--group", "lockers", "--pin", honest.pin.hex()),
        *("--now", "2026-09-10T12:00:00+03:00", "--json"),
    ]
    both = ("--recordings", str(root), "--call-in-name", UNIQUEID)
    assert code == main([*words, *both])
    assert excepted == json.loads(capsys.readouterr().out)["excepted"]
    for lacking in (both[:2], both[2:]):
        assert 2 == main([*words, *lacking])
