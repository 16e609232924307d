"""What is a CSV's own: quoting, parts, a recorder that writes meanwhile, and a crash at any call."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from killing import kill_at, trace
from stores.place import CALLS, LIVE, STORE, CsvPlace, row_of, want, wanted

from agents.stores import Found, Role, Wanted
from agents.stores.rows import filtering
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.declared import name_of
from agents.stores.rows.parts import COPY, OWN
from agents.stores.rows.records import LONGEST, records
from agents.stores.rows.shape import ALONE
from retention.errors import UnreadableError
from retention.outcome import Outcome
from retention.probes import BytesSource, TimeSource


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CsvPlace]:
    place = CsvPlace(tmp_path / "place" / "root")
    yield place
    place.close()


def never(path: bytes, why: str) -> None:
    pytest.fail(f"{path!r} could not be read: {why}")


def listed(place: CsvPlace) -> list[Found]:
    return list(place.store.listing(b"", never))


def contents(place: CsvPlace) -> list[bytes]:
    """Every row of every part, in the order of the parts' names."""
    files = sorted(place.path.glob("Master.csv*"))
    return [row.content for f in files for row in records(BytesSource(f.read_bytes()))]


def outcome(place: CsvPlace, *wants: Wanted) -> list[Outcome]:
    return [result.outcome for result in place.store.erase({b"": wants})]


# Reading


@given(
    rows=st.lists(st.lists(st.binary(max_size=40), min_size=2, max_size=4), max_size=6),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_what_a_csv_writer_wrote_is_read_back_record_by_record(rows: list[list[bytes]], end: bytes):
    quoted = [b",".join(b'"' + f.replace(b'"', b'""') + b'"' for f in row) for row in rows]
    data = b"".join(row + end for row in quoted)
    found = list(records(BytesSource(data)))
    assert [list(record.fields or ()) for record in found] == rows
    assert b"".join(record.data for record in found) == data
    assert [record.offset for record in found[1:]] == [r.offset + len(r.data) for r in found[:-1]]


@given(st.binary(max_size=400).map(lambda data: data.replace(b"0", b'"').replace(b"1", b"\n")))
def test_no_byte_of_a_broken_file_is_lost_or_read_twice(data: bytes):
    found = list(records(BytesSource(data)))
    begin = 0
    for record in found:
        assert data[begin : record.offset].strip(b"\r\n") == b""
        assert data[record.offset :].startswith(record.data)
        begin = record.offset + len(record.data)
    assert data[begin:].strip(b"\r\n") == b""


def test_a_broken_row_is_one_record_and_costs_its_neighbours_nothing():
    good = row_of(b"a", b"data")
    data = b"\n".join([good, b'"broken,"x', good, b"", b"x" * (2 * LONGEST + 9), good, b'"cut off'])
    fields = [record.fields for record in records(BytesSource(data))]
    assert [f is not None for f in fields] == [True, False, True, False, True, False]


def test_a_row_tells_its_call_and_when_it_began_and_a_broken_one_stands_for_itself(place: CsvPlace):
    (place.path / "Master.csv").write_bytes(row_of(b"a", b"x") + b'\n"broken,"x\n')
    whole, broken = listed(place)
    for found in (whole, broken):
        assert found.part is not None
        assert found.part == (ALONE + found.name, Role.ROW)
    with place.store.open(b"", whole.name) as source:
        [stated] = source.stated
        assert (stated.source, stated.value.isoformat()) == (
            TimeSource.STATED,
            "2026-03-16T10:00:00+00:00",
        )
    with place.store.open(b"", broken.name) as source:
        assert list(source.stated) == []


def test_a_time_that_the_clock_showed_twice_is_both(place: CsvPlace):
    (place.path / "Master.csv").write_bytes(row_of(b"a", b"x", "2026-10-25 03:30:00") + b"\n")
    [found] = listed(place)
    with place.store.open(b"", found.name) as source:
        [stated] = source.stated
    assert (stated.value.isoformat(), stated.precision_seconds) == (
        "2026-10-25T00:30:00+00:00",
        3601,
    )


def test_a_heading_is_no_row_and_goes_with_the_last(place: CsvPlace):
    part = place.path / "Master.csv.1"
    part.write_bytes(
        b"called,start,said\n" + row_of(b"a", b"x") + b"\n" + row_of(b"b", b"x") + b"\n"
    )
    a, b = listed(place)
    assert outcome(place, wanted(1, a)) == [Outcome.ERASED_VERIFIED]
    assert part.read_bytes().startswith(b"called,start,said\n")
    assert outcome(place, wanted(2, b)) == [Outcome.ERASED_VERIFIED]
    assert not part.exists()


def test_a_row_that_is_still_being_written_is_not_there_yet(place: CsvPlace):
    live = place.path / "Master.csv"
    live.write_bytes(row_of(b"a", b"x") + b"\n" + row_of(b"b", b"da"))
    assert len(listed(place)) == 1
    with live.open("ab") as file:
        file.write(b"ta\n")
    assert {place.title(b"", found) for found in listed(place)} == {b"a", b"b"}
    with live.open("ab") as file:
        file.write(row_of(b"c", b"cut off for good"))
    assert [len(listed(place)), len(listed(place))] == [2, 3]


def test_what_was_added_is_read_on_and_what_was_rewritten_anew(place: CsvPlace):
    for number in range(5):
        place.put(b"", b"%d" % number, b"data")
    assert len(listed(place)) == 5
    place.put(b"", b"5", b"data")
    (place.path / "Master.csv").rename(place.path / "Master.csv.1")
    place.put(b"", b"6", b"data")
    assert len(listed(place)) == 7
    rewritten = (place.path / "Master.csv.1").read_bytes().replace(b"data", b"DATA")
    (place.path / "Master.csv.1").write_bytes(rewritten + rewritten.replace(b"DATA", b"more"))
    assert len(listed(place)) == 13


@pytest.mark.parametrize("make", ["gzip", "link", "directory"])
def test_what_cannot_be_read_is_told_and_nothing_is_gone_because_of_it(place: CsvPlace, make: str):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    (place.path / "Master.csv").rename(place.path / "moved")
    if make == "gzip":
        (place.path / "Master.csv.1.gz").write_bytes(b"packed")
    elif make == "link":
        (place.path / "Master.csv.1").symlink_to(place.path / "moved")
    else:
        (place.path / "Master.csv.1").mkdir()
    told: dict[bytes, str] = {}
    assert list(place.store.listing(b"", told.__setitem__)) == []
    assert len(told) == 1
    with pytest.raises(UnreadableError):
        place.store.find(b"", due.name)
    assert outcome(place, due) == [Outcome.BLOCKED]
    assert place.again().recover({b"": [due]}) == []


# Erasing


def test_rows_that_are_alike_are_one_item_and_all_of_them_go(place: CsvPlace):
    row = row_of(b"a", b"data") + b"\n"
    other = row_of(b"b", b"data") + b"\n"
    (place.path / "Master.csv").write_bytes(row + other + row)
    (place.path / "Master.csv-20260101").write_bytes(row)
    a, b = listed(place)
    assert outcome(place, wanted(1, a)) == [Outcome.ERASED_VERIFIED]
    assert contents(place) == [other.rstrip()]
    assert listed(place) == [b]


def test_the_live_file_is_never_rewritten_but_renamed_away(place: CsvPlace):
    for name in (b"a", b"b"):
        place.put(b"", name, b"data")
    live = place.path / "Master.csv"
    live.chmod(0o640)
    inode = live.stat().st_ino
    assert outcome(place, want(place, 1, b"", b"a")) == [Outcome.ERASED_VERIFIED]
    assert not live.exists()
    [part] = place.path.glob("Master.csv*")
    assert part.name.encode().startswith(LIVE + OWN)
    assert part.stat().st_mode & 0o7777 == 0o640
    assert part.stat().st_ino != inode
    place.put(b"", b"c", b"data")
    assert [place.title(b"", found) for found in listed(place)] == [b"b", b"c"]


def test_a_part_that_a_recorder_has_open_waits_and_loses_nothing(
    place: CsvPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(filtering, "_TRIES", 2)
    for name in (b"a", b"b"):
        place.put(b"", name, b"data")
    due = want(place, 1, b"", b"a")
    with (place.path / "Master.csv").open("ab") as recorder:
        [result] = place.store.erase({b"": [due]})
        assert result.outcome is Outcome.FAILED
        assert "open for writing" in result.detail
        recorder.write(row_of(b"c", b"late") + b"\n")
    assert outcome(place, due) == [Outcome.ERASED_VERIFIED]
    assert {place.title(b"", found) for found in listed(place)} == {b"b", b"c"}


def test_no_row_that_a_recorder_writes_meanwhile_is_lost(
    place: CsvPlace, monkeypatch: pytest.MonkeyPatch
):
    """The recorder opens, writes and closes without pause, as Asterisk does, while rows go."""
    monkeypatch.setattr(filtering, "_TRIES", 10**6)  # however slowly it does
    for number in range(40):
        place.put(b"", b"old %d" % number, b"data")
    dues = [wanted(n, found) for n, found in enumerate(listed(place), start=1)]
    written: list[bytes] = []
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            row = row_of(b"new %d" % len(written), b"data")
            with (place.path / "Master.csv").open("ab") as file:
                file.write(row + b"\n")
            written.append(row)

    recorder = threading.Thread(target=record)
    recorder.start()
    try:
        results = [r.outcome for due in dues for r in place.store.erase({b"": [due]})]
    finally:
        stop.set()
        recorder.join()
    assert set(results) == {Outcome.ERASED_VERIFIED}
    assert sorted(contents(place)) == sorted(written)


def test_a_large_part_is_cut_so_that_the_next_batch_copies_less(
    place: CsvPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(filtering, "PART_BYTES", 200)
    rows = [row_of(b"%03d" % n, b"data") for n in range(50)]
    (place.path / "Master.csv.1").write_bytes(b"".join(row + b"\n" for row in rows))
    dues = [wanted(n, found) for n, found in enumerate(listed(place))]
    assert outcome(place, dues[7], dues[30]) == [Outcome.ERASED_VERIFIED] * 2
    parts = {f.name: f.stat().st_ino for f in place.path.glob("Master.csv*")}
    assert len(parts) > 5
    assert sorted(contents(place)) == sorted(rows[:7] + rows[8:30] + rows[31:])
    assert outcome(place, dues[40]) == [Outcome.ERASED_VERIFIED]
    after = {f.name: f.stat().st_ino for f in place.path.glob("Master.csv*")}
    assert sum(parts.get(name) != inode for name, inode in after.items()) <= 2


def test_another_hard_link_blocks_what_it_would_keep(place: CsvPlace):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    (place.path / "Master.csv").rename(place.path / "Master.csv.1")
    os.link(place.path / "Master.csv.1", place.path / "backup")
    assert outcome(place, due) == [Outcome.BLOCKED]
    assert (place.path / "backup").read_bytes() == (place.path / "Master.csv.1").read_bytes()


def test_a_directory_that_is_named_like_a_copy_is_somebodys_and_in_nobodys_way(place: CsvPlace):
    named = COPY + b"0"
    for directory, name in ((b"", b"a"), (b"", b"b"), (named, b"c")):
        place.put(directory, name, b"data")
    assert outcome(place, want(place, 1, b"", b"a")) == [Outcome.ERASED_VERIFIED]
    assert [place.title(b"", found) for found in listed(place)] == [b"b"]
    assert place.get(named, b"c") == b"data"


def test_a_rewriting_that_left_a_row_where_it_was_is_not_believed(
    place: CsvPlace, monkeypatch: pytest.MonkeyPatch
):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    monkeypatch.setattr(filtering, "rewrite", lambda *_args, **_options: None)
    [result] = place.store.erase({b"": [due]})
    assert (result.number, result.outcome) == (1, Outcome.FAILED)


def test_a_held_row_whose_part_cannot_be_rewritten_is_not_erased_with_its_copy(place: CsvPlace):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    place.store.protect({b"": [due]})
    os.link(place.path / "Master.csv", place.path / "backup")
    assert outcome(place, due) == [Outcome.BLOCKED]


def test_rows_go_with_their_directory_and_their_copies_with_the_next_sweep(place: CsvPlace):
    place.put(b"d", b"a", b"data")
    place.put(b"d", b"b", b"data")
    held, other = want(place, 1, b"d", b"a"), want(place, 2, b"d", b"b")
    place.store.protect({b"d": [held]})
    shutil.rmtree(place.path / "d")
    [recovered] = place.store.recover({b"d": [held, other]})
    assert (recovered.number, recovered.outcome) == (2, Outcome.ERASED_VERIFIED)
    results = place.store.erase({b"d": [held, other]})
    expected = [(1, Outcome.ERASED_VERIFIED), (2, Outcome.ALREADY_ABSENT)]
    assert [(each.number, each.outcome) for each in results] == expected
    assert list(place.store.protected()) == []


@pytest.mark.parametrize("act", ["erase", "recover"])
def test_what_a_crash_left_of_a_copy_goes_before_a_row_is_called_gone(place: CsvPlace, act: str):
    place.put(b"", b"a", b"data")
    due = want(place, 1, b"", b"a")
    (place.path / "Master.csv").rename(place.path / (COPY + b"0").decode())
    getattr(place.store, act)({b"": [due]})
    assert list(place.path.glob(".retention-copy*")) == []


# Crashes


def test_a_kill_at_any_changing_call_loses_no_row_and_keeps_none_that_was_called_gone(
    tmp_path: Path, need: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    strace = need("strace")
    monkeypatch.setattr(filtering, "PART_BYTES", 100)
    base = CsvPlace(tmp_path / "base" / "root")
    rows = [row_of(b"%d" % n, b"data") for n in range(12)]
    (base.path / "Master.csv.1").write_bytes(b"".join(row + b"\n" for row in rows[:8]))
    (base.path / "Master.csv").write_bytes(b"".join(row + b"\n" for row in rows[8:]))
    going = [rows[n] for n in (1, 5, 9, 10)]
    names = {name_of(row) for row in going}
    dues = [wanted(n, found) for n, found in enumerate(listed(base)) if found.name in names]
    stay = sorted(set(rows) - set(going))

    def copied(name: str) -> CsvRows:
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(base.path, tmp_path / name, copy_function=shutil.copy2)
        return CsvRows(os.fsencode(tmp_path / name), STORE, CALLS, epoch=1)

    def erasing(store: CsvRows) -> Callable[[], Callable[[], None]]:
        def start() -> Callable[[], None]:
            store.check()
            return lambda: store.erase({b"": dues})  # type: ignore[return-value]

        return start

    calls = trace(strace, erasing(copied("run")), tmp_path / "calls")
    assert {"renameat", "renameat2", "fsync", "write"} <= {call.name for call in calls}
    deaths = 0
    for call in calls:
        store = copied("run")
        deaths += kill_at(strace, erasing(store), call)
        again = CsvRows(os.fsencode(tmp_path / "run"), STORE, CALLS, epoch=1)
        recovered = {result.number: result.outcome for result in again.recover({b"": dues})}
        kept = {
            row
            for f in (tmp_path / "run").glob("Master.csv*")
            for row in f.read_bytes().split(b"\n")
        }
        assert kept - {b""} >= set(stay), f"a row was lost at {call}"
        assert set(recovered.values()) <= {Outcome.ERASED_VERIFIED}
        for due in dues:
            assert (due.number in recovered) == (again.find(b"", due.name) is None)
        again.erase({b"": dues})
        left = [
            row
            for f in (tmp_path / "run").glob("Master.csv*")
            for row in f.read_bytes().split(b"\n")
        ]
        assert sorted({row for row in left if row}) == stay
        assert not list((tmp_path / "run").glob(".retention-copy*"))
        again.close()
    assert deaths >= len(calls) - 2
    base.close()
