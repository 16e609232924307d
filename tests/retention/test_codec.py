"""One document has one encoding, and nothing else decodes."""

from datetime import date
from typing import Annotated

import msgspec
import pytest
from altered import a_change, every_change, taken_for
from hypothesis import given
from hypothesis import strategies as st

from retention import codec
from retention.errors import MalformedError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    day: date
    note: str | None = None


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    text: str
    data: bytes
    inner: tuple[Inner, ...] = ()
    small: Annotated[int, msgspec.Meta(ge=0, lt=10)] = 0


texts = st.text(st.characters(exclude_categories=["Cs"]))
documents = st.builds(
    Document,
    st.integers(-(2**53), 2**53),
    texts,
    st.binary(),
    st.lists(st.builds(Inner, st.dates(), st.none() | texts), max_size=3).map(tuple),
    st.integers(0, 9),
)
DOCUMENT = Document(7, "ā", b"\x00\xff", (Inner(date(2026, 1, 15)),))
BYTES = b'{"data":"AP8=","inner":[{"day":"2026-01-15","note":null}],"number":7,"small":0,"text":"\xc4\x81"}'


def test_the_bytes_are_sorted_json_without_white_space():
    assert BYTES == codec.encode(DOCUMENT)


@given(documents)
def test_what_is_encoded_decodes_to_the_same(document):
    assert document == codec.decode(codec.encode(document), Document)


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("white space", BYTES.replace(b",", b", ", 1)),
        ("a line feed behind it", BYTES + b"\n"),
        ("keys in another order", b'{"inner":[],"data":"","number":7,"small":0,"text":""}'),
        ("a key twice", BYTES.replace(b'"number":7', b'"number":6,"number":7')),
        ("a default left out", BYTES.replace(b',"small":0', b"")),
        ("an escape that is not needed", BYTES.replace(b"\xc4\x81", b"\\u0101")),
        ("base64 with bits behind its end", BYTES.replace(b"AP8=", b"AP9=")),
        ("minus nought", BYTES.replace(b'"number":7', b'"number":-0')),
    ],
)
def test_another_spelling_of_the_same_document_is_malformed(why, data):
    loose = msgspec.json.decode(data, type=Document)

    with pytest.raises(MalformedError, match="canonical"):
        codec.decode(data, Document)

    assert why
    assert loose.number in (0, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        BYTES[:-1],
        BYTES.replace(b"7", b"7.0"),
        BYTES.replace(b"7", b"1e400"),
        BYTES.replace(b"7", b"9" * 5_000),
        BYTES.replace(b"7", b'"7"'),
        BYTES.replace(b'"small":0', b'"small":10'),
        BYTES.replace(b"\xc4\x81", b"\xc4"),
        BYTES.replace(b"\xc4\x81", b"\\ud800"),
        BYTES.replace(b"2026-01-15", b"2026-02-30"),
        BYTES.replace(b'"text"', b'"more":1,"text"'),
        b"[" * 100_000,
        b'{"text":' + b"[" * 100_000,
    ],
)
def test_anything_else_is_malformed(data):
    with pytest.raises(MalformedError):
        codec.decode(data, Document)


def test_no_byte_can_be_another_without_it_showing():
    taken = [
        altered
        for altered in every_change(BYTES)
        if taken_for(DOCUMENT, altered, lambda data: codec.decode(data, Document))
    ]

    assert [] == taken


@given(documents, st.data())
def test_what_was_altered_is_malformed_or_another_document(document, data):
    known = codec.encode(document)
    altered = data.draw(a_change(known))

    assert known == altered or not taken_for(
        document, altered, lambda data: codec.decode(data, Document)
    )


@given(st.binary())
def test_whatever_the_bytes_are_no_other_error_comes(data):
    with pytest.raises(MalformedError):
        codec.decode(data, Document)


def test_text_that_is_no_unicode_cannot_be_encoded():
    with pytest.raises(MalformedError, match="document holds text that is not Unicode"):
        codec.encode(Document(0, "\udcff", b""))


def test_the_digest_is_sha_256():
    # FIPS 180-4, example "abc"
    assert (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        == codec.digest(b"abc").hex()
    )
