"""A bundle has one sequence of bytes for one content, and no other is read."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import bundle
from retention.bundle import CONTENTS, MANIFEST, Node
from retention.errors import MalformedError, RetentionError, VerificationError

MEMBERS = {name: name.encode() + b"\n" for name in (MANIFEST, *CONTENTS)}


def packed(members=MEMBERS):
    file = io.BytesIO()
    bundle.write(file, members[MANIFEST], members)
    return file.getvalue()


def zipped(names, *, compression=zipfile.ZIP_STORED, data=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in names:
            archive.writestr(name, MEMBERS.get(name, b"more") if data is None else data)
    return file.getvalue()


PACKED = packed()


def test_what_was_packed_is_read():
    assert MEMBERS == bundle.read(io.BytesIO(PACKED))


def test_the_same_content_gives_the_same_bytes():
    assert packed() == packed(dict(reversed(MEMBERS.items())))


@given(st.data())
def test_no_byte_of_the_file_can_change_unnoticed(data):
    at = data.draw(st.integers(0, len(PACKED) - 1))
    changed = bytearray(PACKED)
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RetentionError):
        bundle.read(io.BytesIO(changed))


@given(st.integers(0, len(PACKED) - 1))
def test_a_truncated_bundle_is_one_sentence(size):
    with pytest.raises(MalformedError):
        bundle.read(io.BytesIO(PACKED[:size]))


@given(st.binary(max_size=200))
def test_what_is_no_zip_file_is_one_sentence(data):
    with pytest.raises(MalformedError, match="damaged"):
        bundle.read(io.BytesIO(data))


def test_something_before_or_behind_it_is_refused():
    for spoilt in (b"#!/bin/sh\n" + PACKED, PACKED + b"more"):
        with pytest.raises(MalformedError):
            bundle.read(io.BytesIO(spoilt))


def test_a_member_too_many_is_named():
    with pytest.raises(VerificationError, match=r"'run\.exe'"):
        bundle.read(io.BytesIO(zipped([*MEMBERS, "run.exe"])))


def test_a_missing_member_is_named():
    with pytest.raises(VerificationError, match=r"no leaves\.jsonl"):
        bundle.read(io.BytesIO(zipped([n for n in MEMBERS if n != bundle.LEAVES])))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused():
    with pytest.raises(MalformedError, match="twice"):
        bundle.read(io.BytesIO(zipped([*MEMBERS, bundle.LEAVES])))


def test_members_in_another_order_are_refused():
    with pytest.raises(MalformedError, match="not packed"):
        bundle.read(io.BytesIO(zipped(reversed(MEMBERS))))


def test_a_zip_bomb_is_refused_before_it_unpacks():
    bomb = zipped(MEMBERS, compression=zipfile.ZIP_DEFLATED, data=bytes(5_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(MalformedError, match="compressed"):
        bundle.read(io.BytesIO(bomb))


def test_a_file_larger_than_any_bundle_is_refused_unread(monkeypatch):
    monkeypatch.setattr(bundle, "MAX_BYTES", len(PACKED) - 1)
    with pytest.raises(MalformedError, match="larger"):
        bundle.read(io.BytesIO(PACKED))


def test_documents_stand_one_on_each_line():
    nodes = [Node(0, 1, b"a"), Node(1, 0, b"b")]
    data = bundle.lines(nodes)
    assert 2 == data.count(b"\n")
    assert nodes == list(bundle.parse(data, Node))
    assert [] == list(bundle.parse(b"", Node))


@pytest.mark.parametrize("spoil", [lambda d: d[:-1], lambda d: d + b"\n", lambda d: b" " + d])
def test_a_line_that_is_not_canonical_is_refused(spoil):
    with pytest.raises(MalformedError):
        list(bundle.parse(spoil(bundle.lines([Node(0, 1, b"a")])), Node))
