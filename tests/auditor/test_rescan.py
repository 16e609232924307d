"""A rescan believes the storage: files in the tree, dated by what they carry."""

import json
import os
import socket
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from msgspec import structs

from auditor.cli import main
from auditor.findings import Verdict
from auditor.rescan import Batch, Rescan, Standing, printable
from auditor.walk import walk
from retention import bundle, codec, envelope, exceptions
from retention.bundle import Counted, Rescanned
from retention.calendar import DAY, Instant, parse_instant
from retention.envelope import Envelope
from retention.errors import StoreUnreachableError
from retention.exceptions import Exceptions, Reason
from retention.fingerprint import fingerprint
from retention.policy import Chain

NOW = parse_instant("2026-03-10T12:00:00+02:00")
OLD, OVERDUE, YOUNG = "20260105-090000", "20260109-090000", "20260220-090000"
"""Past the limit at NOW; past the own target only; in time."""

NUMBERS = count()


class Content(bytes):
    """A file's bytes as a source of bytes."""

    size = property(len)

    def read(self, offset, length):
        return self[offset : offset + length]


def record(path, *, mtime="2026-03-01T00:00:00+02:00"):
    """A picture that nobody else has; what is left of it is its fingerprint."""
    content = Content(b"\xff\xd8\xff\xe0 a picture %d \xff\xd9" % next(NUMBERS))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seconds = parse_instant(mtime)
    os.utime(path, (seconds, seconds))
    return fingerprint(content)


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "store"
    (path / "cam").mkdir(parents=True)
    return path


def a_list(*found: tuple[Reason, bytes], at=NOW):
    nonce = bytes(range(32))
    since = parse_instant("2025-06-01T00:00:00Z")
    items = exceptions.listed(nonce, found)
    return Exceptions("terminal-1", "lockers", since, at, nonce, items)


@pytest.fixture
def rescan(root, honest_chain):
    """Look at the storage, and give what is remarkable with the conclusion."""

    def look(listed=None, now=NOW, chain=honest_chain):
        scan = Rescan(
            partial(walk, str(root)),
            chain=chain,
            group="lockers",
            exceptions=listed,
            now=now,
        )
        found = {each.path: each for each in scan.recordings()}
        return scan, found, scan.conclude()

    return look


def told(report, verdict):
    return [finding.text for finding in report.findings if finding.verdict is verdict]


def test_an_empty_storage_is_unknown_because_a_wrong_one_is_as_empty(root, rescan):
    _, found, report = rescan(a_list())
    assert {} == found
    assert ["nothing at all lies there: is it the store's root?"] == told(report, Verdict.UNKNOWN)
    (root / "notes.txt").write_bytes(b"no recording")
    assert Verdict.OK is rescan(a_list())[2].verdict


def test_every_recording_is_counted_by_class_and_civil_date(root, rescan):
    for name in ("a", "b"):
        record(root / f"cam/{YOUNG}{name}.jpg")
    record(root / "calls/2026-02/call.wav", mtime="2026-02-03T23:30:00+02:00")
    (root / "cam/readme.txt").write_text("not a recording")
    scan, _, report = rescan(a_list())
    expected = {
        Batch("terminal-image", date(2026, 2, 20), Standing.IN_TIME): 2,
        Batch("contact-centre-call", date(2026, 2, 3), Standing.IN_TIME): 1,
    }
    assert expected == {batch: tally.files for batch, tally in scan.counts.items()}
    assert 1 == scan.others
    assert Verdict.OK is report.verdict


def test_the_report_counts_files_and_bytes_and_names_none(root, rescan, honest_chain):
    for name in (YOUNG, f"{YOUNG}b", OLD):
        record(root / f"cam/{name}.jpg")
    young = (f"cam/{YOUNG}.jpg", f"cam/{YOUNG}b.jpg")
    record(root / "elsewhere/picture.jpg", mtime="2026-03-01T10:00:00+02:00")
    record(root / "cam/picture.jpg", mtime="1980-01-01T00:00:00Z")

    def size(*names: str) -> int:
        return sum((root / name).stat().st_size for name in names)

    scan, _, _ = rescan(a_list())
    scan.unread = 7
    counted = [
        Counted("terminal-image", date(2026, 1, 5), "past_limit", 1, size(f"cam/{OLD}.jpg")),
        Counted("terminal-image", date(2026, 2, 20), "in_time", 2, size(*young)),
        Counted("terminal-image", date(2026, 3, 1), "in_time", 1, size("elsewhere/picture.jpg")),
        Counted("terminal-image", None, "undated", 1, size("cam/picture.jpg")),
    ]
    assert Rescanned(
        number="7",
        store="terminal-1",
        group="lockers",
        at=NOW,
        policy=1,
        verdict="violated",
        counts=tuple(counted),
        unregistered=1,
        unread=7,
    ) == scan.report("7", "terminal-1")


def test_a_conclusion_says_what_was_found_and_what_was_believed(root, rescan):
    in_time = "nothing is past its time without a reason that the list names"
    marks = [record(root / f"cam/{YOUNG}{name}.jpg") for name in ("a", "b", "c")]
    assert [in_time, "the list names none"] == told(rescan(a_list())[2], Verdict.OK)
    record(root / "elsewhere/picture.jpg", mtime="2026-03-01T10:00:00+02:00")
    reasons = (Reason.UNDATED, Reason.HELD, Reason.HELD)
    listed = a_list(*zip(reasons, marks, strict=True), at=Instant(NOW - DAY))
    _, _, report = rescan(listed)
    found = ["recordings in no registered directory: 1", "the list names 2 held, 1 undated"]
    assert sorted([in_time, *found]) == sorted(told(report, Verdict.OK))
    assert [] == told(report, Verdict.UNKNOWN)
    _, _, report = rescan(structs.replace(listed, from_backup=True))
    assert [exceptions.FROM_BACKUP] == told(report, Verdict.UNKNOWN)


def test_where_nothing_could_be_read_it_is_not_called_empty(root, rescan, monkeypatch):
    def failing(path, *_args: int, **_options: int):
        raise OSError(5, "Input/output error")

    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: (failing if path == b"cam" else real)(path, *a, **k)
    )
    _, _, report = rescan(a_list())
    expected = ["1 name could not be read, such as cam (Input/output error)"]
    assert expected == told(report, Verdict.UNKNOWN)


def test_names_are_read_by_the_pattern_of_their_source(root, rescan, honest_chain):
    policy = honest_chain.current
    camera = structs.replace(policy.sources[0], name_pattern="%d.%m.%Y_%H%M%S*")
    chain = Chain((structs.replace(policy, sources=(camera, *policy.sources[1:])),), b"")
    record(root / "cam/05.01.2026_090000.jpg")
    _, found, _ = rescan(a_list(), chain=chain)
    assert date(2026, 1, 5) == found[b"cam/05.01.2026_090000.jpg"].civil


def test_a_call_began_as_long_before_its_file_was_finished_as_it_lasted(root, rescan):
    path = root / "calls/call.wav"
    size = 3600 * 8000
    facts = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", size)
    path.parent.mkdir()
    path.write_bytes(struct.pack("<4sI4s4sIHHIIHH4sI", *facts))
    os.truncate(path, 44 + size)
    finished = parse_instant("2026-02-04T00:30:00+02:00")
    os.utime(path, (finished, finished))
    _, found, _ = rescan(a_list())
    assert date(2026, 2, 3) == found[b"calls/call.wav"].civil


def test_what_is_kept_for_a_minimum_is_never_past_its_time(root, rescan, honest_chain):
    policy = honest_chain.current
    least = structs.replace(policy.classes[0], bound="minimum")
    chain = Chain((structs.replace(policy, classes=(least, policy.classes[1])),), b"")
    record(root / f"cam/{OLD}.jpg")
    _, found, _ = rescan(a_list(), chain=chain)
    assert Standing.IN_TIME is found[f"cam/{OLD}.jpg".encode()].standing


def test_what_is_past_its_time_is_a_violation_and_named(root, rescan):
    record(root / f"cam/{OLD}.jpg")
    record(root / f"cam/{OVERDUE}.jpg")
    _, found, report = rescan(a_list())
    assert Standing.PAST_LIMIT is found[f"cam/{OLD}.jpg".encode()].standing
    assert Standing.OVERDUE is found[f"cam/{OVERDUE}.jpg".encode()].standing
    expected = [
        "1 recording is past the limit, and no exception names them",
        "1 recording is past the operator's own target, and no exception names them",
    ]
    assert expected == told(report, Verdict.VIOLATED)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-06T00:00:00+02:00", Standing.IN_TIME),
        ("2026-03-06T00:00:01+02:00", Standing.OVERDUE),
        ("2026-03-07T00:00:00+02:00", Standing.OVERDUE),
        ("2026-03-07T00:00:01+02:00", Standing.PAST_LIMIT),
    ],
)
def test_target_and_limit_are_those_of_the_policy(root, rescan, now, expected):
    record(root / f"cam/{OLD}.jpg")
    _, found, _ = rescan(a_list(), now=parse_instant(now))
    assert expected is found[f"cam/{OLD}.jpg".encode()].standing


@pytest.mark.parametrize("reason", Reason)
def test_what_the_list_names_is_excepted_for_its_reason(root, rescan, reason):
    mark = record(root / f"cam/{OLD}.jpg")
    _, found, report = rescan(a_list((reason, mark)))
    judged = found[f"cam/{OLD}.jpg".encode()]
    assert (Standing.EXCEPTED, reason) == (judged.standing, judged.note)
    assert Verdict.OK is report.verdict


def test_a_list_that_names_another_recording_excepts_nothing(root, rescan):
    mark = record(root / f"cam/{OLD}.jpg")
    record(root / f"cam/{OLD}b.jpg")
    _, found, report = rescan(a_list((Reason.HELD, mark)))
    assert Standing.PAST_LIMIT is found[f"cam/{OLD}b.jpg".encode()].standing
    assert Verdict.VIOLATED is report.verdict


def test_without_a_list_what_is_past_its_time_may_be_held(root, rescan):
    record(root / f"cam/{OLD}.jpg")
    _, _, report = rescan(None)
    assert ["1 recording is past their time; held or not?"] == told(report, Verdict.UNKNOWN)
    assert Verdict.UNKNOWN is report.verdict


@pytest.mark.parametrize("age", [DAY + 1, -1])
def test_a_list_of_another_day_says_nothing_of_today(root, rescan, age):
    record(root / f"cam/{YOUNG}.jpg")
    _, _, report = rescan(a_list(at=Instant(NOW - age)))
    assert ["the list of exceptions is not of this day"] == told(report, Verdict.UNKNOWN)


def test_what_cannot_be_dated_is_unknown_unless_the_list_names_it(root, rescan):
    """No date in its name, and an mtime from before the store was there."""
    mark = record(root / "cam/picture.jpg", mtime="1980-01-01T00:00:00Z")
    _, found, report = rescan(a_list())
    assert Standing.UNDATED is found[b"cam/picture.jpg"].standing
    assert Verdict.UNKNOWN is report.verdict
    _, found, report = rescan(a_list((Reason.UNDATED, mark)))
    assert Standing.EXCEPTED is found[b"cam/picture.jpg"].standing
    assert Verdict.OK is report.verdict


def test_what_lies_in_no_register_goes_by_the_strictest_class(root, rescan):
    record(root / "elsewhere/deep/picture.jpg", mtime="2026-01-05T10:00:00+02:00")
    scan, found, report = rescan(a_list())
    judged = found[b"elsewhere/deep/picture.jpg"]
    expected = ("unregistered", "terminal-image", Standing.PAST_LIMIT)
    assert expected == (judged.source, judged.record_class, judged.standing)
    assert (1, Verdict.VIOLATED) == (scan.unregistered.files, report.verdict)


def test_held_bytes_are_counted_apart(root, rescan):
    mark = record(root / f"cam/{YOUNG}.jpg")
    held = root / ".retention/held"
    held.mkdir(parents=True)
    os.link(root / f"cam/{YOUNG}.jpg", held / "1.7")
    scan, found, report = rescan(a_list((Reason.HELD, mark)))
    assert Standing.KEPT is found[b".retention/held/1.7"].standing
    assert Standing.IN_TIME is found[f"cam/{YOUNG}.jpg".encode()].standing
    assert 1 == scan.kept.files
    assert Verdict.OK is report.verdict


def test_the_agents_own_directory_hides_nothing(root, rescan):
    """An agent that moves away what it should erase is found out."""
    record(root / ".retention/held/1.7", mtime="2026-01-05T10:00:00+02:00")
    _, found, report = rescan(a_list())
    assert Standing.PAST_LIMIT is found[b".retention/held/1.7"].standing
    assert Verdict.VIOLATED is report.verdict


def test_links_lead_nowhere(root, rescan, tmp_path):
    outside = tmp_path / "outside"
    record(outside / f"{OLD}.jpg")
    (root / "cam/linked").symlink_to(outside)
    (root / f"cam/{OLD}.jpg").symlink_to(outside / f"{OLD}.jpg")
    (root / "cam/loop").symlink_to(root)
    record(root / f"cam/{YOUNG}.jpg")
    _, found, report = rescan(a_list())
    assert {f"cam/{YOUNG}.jpg".encode()} == set(found)
    assert Verdict.OK is report.verdict


def test_a_directory_swapped_for_a_link_while_it_looks_leads_nowhere(root, tmp_path):
    outside = tmp_path / "outside"
    record(outside / f"{OLD}.jpg")
    record(root / f"{YOUNG}.jpg")
    listing = walk(str(root), print)
    assert f"{YOUNG}.jpg".encode() == next(listing).path
    (root / "cam").rename(root / "gone")
    (root / "cam").symlink_to(outside)
    assert [] == [each.path for each in listing if each.directory == b"cam"]


def test_pipes_and_sockets_do_not_stop_it(root, rescan, monkeypatch):
    record(root / f"cam/{YOUNG}.jpg")
    os.mkfifo(root / "cam/pipe.jpg")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("cam/socket.jpg")
        _, found, report = rescan(a_list())
    assert {f"cam/{YOUNG}.jpg".encode()} == set(found)
    assert Verdict.OK is report.verdict


def test_hostile_names_are_looked_at_and_printed_harmlessly(root, rescan):
    names = [b"-rf.jpg", b"a\nb.jpg", b"\x1b[2J.jpg", b"\xff\xfe.jpg", b"x" * 251 + b".jpg"]
    for name in names:
        record(root / "cam" / os.fsdecode(name))
    _, found, _ = rescan(a_list())
    assert {b"cam/" + name for name in names} == set(found)
    assert r"cam/a\nb.jpg" == printable(b"cam/a\nb.jpg")
    assert r"\x1b[2J \xff Ozoliņa" == printable(b"\x1b[2J \xff " + "Ozoliņa".encode())


def test_a_very_deep_tree_is_listed_to_its_end(root, rescan):
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(300):
        os.mkdir(b"d" * 40, dir_fd=descriptor)
        below = os.open(b"d" * 40, os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    picture = os.open(f"{YOUNG}.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor)
    os.write(picture, b"\xff\xd8\xff\xd9")
    os.close(picture)
    os.close(descriptor)
    _, found, report = rescan(a_list())
    assert [300] == [path.count(b"/") for path in found]
    assert Verdict.OK is report.verdict


@contextmanager
def as_nobody(root: Path) -> Iterator[None]:
    """As somebody who may not read everything: root reads what nobody else can."""
    if os.geteuid() != 0:
        yield
        return
    above = [each for each in root.parents if each.stat().st_mode & 0o777 == 0o700]
    for each in above:
        each.chmod(0o711)
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
        for each in above:
            each.chmod(0o700)


def test_what_cannot_be_read_is_unknown(root, rescan):
    record(root / f"cam/{YOUNG}.jpg")
    (root / f"cam/{YOUNG}.jpg").chmod(0)
    (root / "shut").mkdir(mode=0)
    with as_nobody(root):
        scan, _, report = rescan(a_list())
    assert 2 == scan.unread
    assert Verdict.UNKNOWN is report.verdict


def test_a_directory_that_fails_is_unknown_and_the_rest_is_looked_at(root, rescan, monkeypatch):
    record(root / f"cam/{YOUNG}.jpg")
    (root / "bad").mkdir()
    real = os.open

    def failing(path, *args: int, **options: int):
        if path == b"bad":
            raise OSError(5, "Input/output error")
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", failing)
    scan, found, report = rescan(a_list())
    assert (1, 1) == (scan.unread, len(found))
    expected = ["1 name could not be read, such as bad (Input/output error)"]
    assert expected == told(report, Verdict.UNKNOWN)


def test_a_root_that_is_not_there_is_said_so(root):
    with pytest.raises(StoreUnreachableError, match="cannot open"):
        list(walk(str(root / "nothing"), print))


def test_nothing_is_changed_not_even_the_time_of_last_access(root, rescan):
    record(root / f"cam/{OLD}.jpg")
    paths = [root, *root.rglob("*")]
    before = [path.stat() for path in paths]
    rescan(a_list())
    after = [path.stat() for path in paths]
    assert [(s.st_mtime_ns, s.st_ctime_ns) for s in before] == [
        (s.st_mtime_ns, s.st_ctime_ns) for s in after
    ]
    assert before[-1].st_atime_ns == after[-1].st_atime_ns


def test_memory_does_not_grow_with_the_files(root, honest_chain):
    for _ in range(1500):
        record(root / f"cam/{YOUNG}-{next(NUMBERS)}.jpg")

    def look():
        scan = Rescan(
            partial(walk, str(root)), chain=honest_chain, group="lockers", exceptions=None, now=NOW
        )
        assert 1500 == sum(1 for _ in scan.recordings())

    look()  # what is cached once and for all is not what is measured
    tracemalloc.start()
    look()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1500 * 60  # less than their names alone would take


@pytest.fixture
def files(honest, keys, tmp_path):
    """A bundle, a policy and a list of exceptions, as files."""
    (tmp_path / "january.zip").write_bytes(honest.packed)
    (tmp_path / "policy.jsonl").write_bytes(honest.members[bundle.POLICY])

    def listed(*found: tuple[Reason, bytes]):
        sealed: Envelope = envelope.seal(
            exceptions.KIND, codec.encode(a_list(*found)), [keys.directive]
        )
        (tmp_path / "exceptions.json").write_bytes(envelope.encode(sealed))
        return str(tmp_path / "exceptions.json")

    return tmp_path, listed


@pytest.fixture
def auditor(root, honest):
    def run(*arguments: str, now="2026-03-10T12:00:00+02:00", store="terminal-1"):
        return subprocess.run(
            [
                *(sys.executable, "-m", "auditor.cli", "rescan", str(root)),
                *("--store", store, "--group", "lockers", "--pin", honest.pin.hex()),
                *("--now", now, *arguments),
            ],
            capture_output=True,
            check=False,
        )

    return run


def test_the_command_ends_with_0_1_or_2_and_names_files(root, auditor, files):
    directory, listed = files
    policy = ("--policy", str(directory / "policy.jsonl"))
    assert 2 == auditor(*policy, "--exceptions", listed()).returncode
    record(root / f"cam/{YOUNG}.jpg")
    assert 0 == auditor(*policy, "--exceptions", listed()).returncode
    mark = record(root / f"cam/{OLD}.jpg")
    done = auditor(*policy, "--exceptions", listed())
    assert (1, b"") == (done.returncode, done.stderr)
    assert f"past limit   2026-01-05  cam/{OLD}.jpg".encode() in done.stdout
    assert 0 == auditor(*policy, "--exceptions", listed((Reason.HELD, mark))).returncode
    assert 2 == auditor(*policy).returncode


def test_a_bundle_brings_policy_and_exceptions_with_it(root, auditor, files):
    directory, _ = files
    record(root / f"cam/{OLD}.jpg")
    done = auditor("--bundle", str(directory / "january.zip"), "--json")
    told = json.loads(done.stdout)
    assert (1, "violated") == (done.returncode, told["verdict"])
    assert [f"cam/{OLD}.jpg"] == [each["path"] for each in told["recordings"]]
    expected = {
        "record_class": "terminal-image",
        "civil": "2026-01-05",
        "standing": "past_limit",
        "files": 1,
    }
    [counted] = told["counts"]
    assert expected == {name: counted[name] for name in expected}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_for_a_log_it_says_how_many_and_names_none(root, honest, files, capsys, form):
    record(root / f"cam/{OLD}-26123456.jpg")
    (root / "26123456").mkdir(mode=0)
    words = ("rescan", str(root), "--store", "terminal-1", "--group", "lockers", "--no-names")
    origin = ("--bundle", str(files[0] / "january.zip"), "--pin", honest.pin.hex())
    with as_nobody(root):
        assert 1 == main([*words, *origin, "--now", "2026-03-10T12:00:00+02:00", *form])
    told = capsys.readouterr().out
    assert "1 recording is past the limit" in told
    assert "1 name could not be read" in told
    assert "26123456" not in told


def test_an_expression_that_is_empty_makes_no_call_of_all_recordings(root, auditor, files):
    directory, listed = files
    held, late = (record(root / f"cam/{OLD}-{n}.jpg") for n in (1, 2))
    origin = ("--policy", str(directory / "policy.jsonl"), "--exceptions")
    assert 1 == auditor(*origin, listed((Reason.HELD, held)), "--call-in-name", "").returncode
    both = listed((Reason.HELD, held), (Reason.HELD, late))
    assert 0 == auditor(*origin, both, "--call-in-name", "").returncode


def test_a_slip_in_the_name_of_a_store_is_told_and_nothing_is_called_ok(auditor, files):
    directory, _ = files
    done = auditor("--bundle", str(directory / "january.zip"), store="terminal-l")
    assert (2, b"") == (done.returncode, done.stdout)
    assert b"no list of store 'terminal-l'" in done.stderr
    assert b"it has those of terminal-1" in done.stderr


def test_json_of_an_empty_storage_is_one_document(auditor, files):
    directory, _ = files
    told = json.loads(auditor("--bundle", str(directory / "january.zip"), "--json").stdout)
    assert ([], [], "unknown") == (told["recordings"], told["counts"], told["verdict"])


def test_a_users_mistake_is_a_sentence(auditor, files, tmp_path):
    directory, listed = files
    policy = ("--policy", str(directory / "policy.jsonl"))
    (tmp_path / "empty").write_bytes(b"")
    mistakes = [
        auditor(),
        auditor("--policy", "no-such-file"),
        auditor("--policy", str(tmp_path / "empty")),
        auditor("--policy", listed()),
        auditor(*policy, "--exceptions", str(tmp_path / "empty")),
        auditor(*policy, "--exceptions", listed(), store="terminal-7"),
        auditor(*policy, now="tomorrow"),
    ]
    for done in mistakes:
        assert done.returncode in {1, 2}
        assert done.stderr
        assert b"Traceback" not in done.stderr


def test_exceptions_by_a_stranger_are_refused(root, auditor, files, keys):
    directory, _ = files
    mark = record(root / f"cam/{OLD}.jpg")
    forged = envelope.seal(
        exceptions.KIND, codec.encode(a_list((Reason.HELD, mark))), [keys.stranger]
    )
    (directory / "forged").write_bytes(envelope.encode(forged))
    policy = ("--policy", str(directory / "policy.jsonl"))
    done = auditor(*policy, "--exceptions", str(directory / "forged"))
    assert (1, b"") == (done.returncode, done.stdout)
    assert b"auditor: this exceptions is signed by no key that may sign it\n" == done.stderr
