"""What agents report travels unchanged, in one spelling, chained, and within bounds."""

import json
import tracemalloc
import zlib
from hashlib import sha256
from itertools import pairwise
from typing import get_args

import pytest
from altered import a_change, every_change, taken_for
from hypothesis import given
from hypothesis import strategies as st

from retention import report
from retention.calendar import Instant
from retention.errors import MalformedError
from retention.numbers import Keyed
from retention.outcome import Outcome
from retention.report import (
    GENESIS,
    MAX_BATCH_BYTES,
    MAX_BATCH_LINES,
    Acknowledged,
    AnyEntry,
    Changed,
    Erased,
    Freed,
    Gone,
    Heartbeat,
    Held,
    Marked,
    Numbered,
    Refused,
    Scanned,
    Sighted,
    runs,
)

instants = st.integers(0, 2**33 - 1).map(Instant)
numbers = st.integers(1, 2**53 - 1)
counts = st.integers(0, 2**53 - 1)
small = st.integers(0, 2**31 - 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
several = st.lists(words, max_size=3).map(tuple)
some_items = st.sets(st.integers(1, 60), max_size=20).map(lambda found: runs(sorted(found)))
outcomes = st.sampled_from(Outcome)
dates = {
    "item": numbers,
    "record_class": words,
    "anchor": st.none() | instants,
    "how": words,
    "before": small,
    "after": small,
    "size": st.integers(0, 2**46 - 1),
    "fingerprint": st.binary(max_size=64),
    "not_before": instants,
}

ENTRIES = {
    Sighted: st.builds(
        Sighted,
        **dates,
        source=words,
        span=small,
        seen=instants,
        state=st.sampled_from(["present", "undated", "late"]),
    ),
    Changed: st.builds(
        Changed,
        **dates,
        at=instants,
        source=words,
        span=small,
        seen=instants,
        state=st.sampled_from(["present", "undated", "late", "restricted"]),
    ),
    Gone: st.builds(Gone, instants, some_items, st.sampled_from(["gone_elsewhere", "lost"])),
    Erased: st.builds(
        Erased,
        instants,
        some_items,
        st.sampled_from(["due", "erasure", "undated", "late", "zombie"]),
        outcomes,
    ),
    Refused: st.builds(Refused, instants, some_items, outcomes),
    Held: st.builds(Held, instants, words, some_items),
    Freed: st.builds(Freed, instants, words, some_items, instants),
    Marked: st.builds(
        Marked,
        instants,
        words,
        instants,
        instants,
        several,
        st.sampled_from(["sidecar", "attribute", "event", "tag"]),
    ),
    Acknowledged: st.builds(
        Acknowledged,
        instants,
        counts,
        several,
        st.lists(st.tuples(words, st.integers(1, 3_652_059), counts), max_size=2).map(tuple),
        several,
    ),
    Numbered: st.builds(
        Numbered,
        instants,
        st.integers(1, 2**53 - 1),
        st.lists(st.builds(Keyed, words, st.binary(max_size=64)), max_size=3).map(tuple),
    ),
    Scanned: st.builds(Scanned, instants, instants, counts, small),
    Heartbeat: st.builds(
        Heartbeat,
        instants,
        words,
        st.booleans(),
        st.integers(1 - 2**53, 2**53 - 1),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
        st.booleans(),
        st.lists(st.tuples(words, words, counts), max_size=2).map(tuple),
        several,
    ),
}
entries = st.one_of(*ENTRIES.values())

HELD = Held(Instant(1_773_135_000), "hold-1", ((1, 5000), (5007, 5007)))
LINE = b'["h",1773135000,"hold-1",[[1,5000],[5007,5007]]]'


def test_every_kind_of_entry_is_tried_here():
    assert set(get_args(AnyEntry)) == set(ENTRIES)


# --- one entry -----------------------------------------------------------------------------------


def test_an_entry_is_an_array_headed_by_its_kind():
    assert LINE == report.encode(HELD)


@given(entries)
def test_an_entry_travels_unchanged_and_is_one_line(entry):
    line = report.encode(entry)

    assert entry == report.decode(line)
    assert b"\n" not in line


def test_no_byte_of_an_entry_can_be_another_without_it_showing():
    taken = [each for each in every_change(LINE) if taken_for(HELD, each, report.decode)]

    assert [] == taken


@given(entries, st.data())
def test_an_altered_entry_is_malformed_or_another(entry, data):
    line = report.encode(entry)
    altered = data.draw(a_change(line))

    assert line == altered or not taken_for(entry, altered, report.decode)


@given(st.binary())
def test_whatever_the_bytes_are_no_other_error_comes(data):
    with pytest.raises(MalformedError):
        report.decode(data)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'["z",1]',
        b'["h"]',
        LINE + b" ",
        LINE.replace(b",", b", ", 1),
        LINE.replace(b'"h"', b'"\\u0068"'),
        LINE.replace(b"]]]", b"]],7]"),
        LINE.replace(b"1773135000", b"1773135000.0"),
        LINE.replace(b"1773135000", b"-1"),
        LINE.replace(b"1773135000", b"8589934592"),
        LINE.replace(b"1773135000", b"9" * 5_000),
        LINE.replace(b"1773135000", b"1e400"),
        LINE.replace(b"hold-1", b"x" * 65),
        LINE.replace(b"hold-1", b"\xff"),
        LINE.replace(b"hold-1", b"\\ud800"),
        LINE.replace(b"[1,5000]", b"[0,5000]"),
        LINE.replace(b"[1,5000]", b"[1,9007199254740992]"),
        LINE.replace(b"[1,5000]", b"[1,2,3]"),
        b"[" * 100_000,
        b'["h",1,"x",' + b"[" * 100_000,
    ],
)
def test_what_no_agent_writes_is_malformed(line):
    with pytest.raises(MalformedError):
        report.decode(line)


@pytest.mark.parametrize(
    "items",
    [
        [[5, 1]],
        [[1, 2], [2, 3]],
        [[1, 9], [3, 4]],
        [[7, 7], [1, 1]],
        [[1, 1], [1, 1]],
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda items: ["g", 1, items, "lost"],
        lambda items: ["e", 1, items, "due", "erased_verified"],
        lambda items: ["r", 1, items, "blocked"],
        lambda items: ["h", 1, "hold", items],
        lambda items: ["f", 1, "hold", items, 1],
    ],
)
def test_runs_that_overlap_or_go_backwards_are_malformed(make, items):
    known = json.dumps(make([[1, 1], [3, 4]]), separators=(",", ":")).encode()
    line = json.dumps(make(items), separators=(",", ":")).encode()

    report.decode(known)
    with pytest.raises(MalformedError, match="overlap or go backwards"):
        report.decode(line)


@pytest.mark.parametrize(
    "entry",
    [
        Scanned(Instant(-1), Instant(0), 0, 0),
        Marked(Instant(0), "m", Instant(-5), Instant(0), (), "event"),
        Heartbeat(Instant(0), "boot", clock_trusted=True, clock_offset=0, brake="x" * 401, frozen=False, counts=()),
        Held(Instant(0), "x" * 65, ()),
        Held(Instant(0), "hold", ((5, 1),)),
        Held(Instant(0), "\udcff", ()),
    ],
)  # fmt: skip
def test_an_entry_that_nobody_could_decode_is_never_written(entry):
    with pytest.raises(MalformedError):
        report.encode(entry)


def test_an_entry_has_room_for_no_name_path_or_number():
    """I8: whatever text an entry holds is short, and comes out of the policy or a closed list."""
    for entry in get_args(AnyEntry):
        texts = {name for name, kind in entry.__annotations__.items() if kind in (str, bytes)}
        assert not texts, f"{entry.__name__} has unbounded text: {texts}"


# --- the chain -----------------------------------------------------------------------------------


def test_the_chain_is_sha_256_over_what_was_and_what_is_new():
    assert bytes(32) == GENESIS
    assert sha256(bytes(32) + b"one").digest() == report.chained(GENESIS, b"one")


@given(st.lists(entries, min_size=1, max_size=4), st.data())
def test_two_logs_of_one_chain_are_one_log(log, data):
    lines = [report.encode(entry) for entry in log]
    place = data.draw(st.integers(0, len(lines) - 1))
    other = report.encode(data.draw(entries))
    forked = [*lines[:place], other, *lines[place + 1 :]]

    def end(found: list[bytes]) -> bytes:
        digest = GENESIS
        for line in found:
            digest = report.chained(digest, line)
        return digest

    assert (lines == forked) == (end(lines) == end(forked))
    assert end(lines) != end(lines[:-1])


# --- batches -------------------------------------------------------------------------------------


@given(st.lists(entries, max_size=5))
def test_a_batch_travels_unchanged(log):
    lines = [report.encode(entry) for entry in log]

    assert lines == report.unpack(report.pack(lines))


@given(st.lists(entries, min_size=1, max_size=3), st.data())
def test_an_altered_batch_is_malformed_or_other_lines(log, data):
    lines = [report.encode(entry) for entry in log]
    packed = report.pack(lines)
    altered = data.draw(a_change(packed))

    # Two bits of zlib's head say how hard it tried, which nobody needs to know.
    if altered[2:] != packed[2:]:
        assert not taken_for(lines, altered, report.unpack)


@given(st.binary())
def test_whatever_the_batch_is_no_other_error_comes(data):
    with pytest.raises(MalformedError):
        report.unpack(data)


@pytest.mark.parametrize(
    "batch",
    [
        b"",
        report.pack([LINE])[:-1],
        report.pack([LINE]) + b"x",
        report.pack([LINE]) * 2,
        zlib.compress(LINE, wbits=-15),
        zlib.compress(LINE, wbits=31),
    ],
)
def test_a_batch_cut_short_doubled_or_packed_otherwise_is_malformed(batch):
    with pytest.raises(MalformedError):
        report.unpack(batch)


def test_a_batch_may_be_as_large_as_it_may_be():
    whole = b"x" * MAX_BATCH_BYTES

    assert [whole] == report.unpack(report.pack([whole]))
    with pytest.raises(MalformedError, match="too large"):
        report.unpack(report.pack([whole + b"x"]))


def test_a_batch_may_have_as_many_lines_as_entries_fit_into_it():
    shortest = report.encode(Held(Instant(0), "", ())) + b"\n"

    assert MAX_BATCH_BYTES // len(shortest) == MAX_BATCH_LINES
    assert MAX_BATCH_LINES == len(report.unpack(zlib.compress(b"\n" * (MAX_BATCH_LINES - 1))))
    with pytest.raises(MalformedError, match="more lines"):
        report.unpack(zlib.compress(b"\n" * MAX_BATCH_LINES))


def test_a_bomb_takes_no_more_memory_than_a_batch():
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 1)
    tracemalloc.start()
    with pytest.raises(MalformedError, match="too large"):
        report.unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * MAX_BATCH_BYTES


# --- runs ----------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 200)))
def test_runs_name_each_number_once_in_as_few_runs_as_can_be(found):
    result = runs(sorted(found))

    assert sorted(found) == [n for first, last in result for n in range(first, last + 1)]
    assert all(one[1] + 1 < other[0] for one, other in pairwise(result))
