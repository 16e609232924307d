"""A signature says who, and of which kind of document; nobody can move it to another."""

import pytest
from altered import a_change, taken_for
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from retention import envelope
from retention.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    authenticated_bytes,
    countersign,
    key_id,
    open_sealed,
    seal,
    signers,
)
from retention.errors import MalformedError, SignatureError

ANNA, BORIS, MALLORY = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))


def public(*keys: SigningKey) -> dict[str, bytes]:
    return {key_id(bytes(key.verify_key)): bytes(key.verify_key) for key in keys}


def ids(*keys: SigningKey) -> frozenset[str]:
    return frozenset(public(*keys))


envelopes = st.builds(
    Envelope,
    payload=st.binary(max_size=40),
    payload_type=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    signatures=st.lists(
        st.builds(Signature, st.text("0123456789abcdef", max_size=16), st.binary(max_size=64)),
        max_size=3,
    ).map(tuple),
)


def test_what_is_signed_is_the_encoding_of_the_dsse_specification():
    # The example in DSSE v1, protocol.md.
    assert b"DSSEv1 29 http://example.com/HelloWorld 11 hello world" == authenticated_bytes(
        "http://example.com/HelloWorld", b"hello world"
    )


@given(
    *[st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()) for _ in range(2)]
)
def test_no_two_documents_have_the_same_bytes_signed(one, other):
    assert (one == other) == (authenticated_bytes(*one) == authenticated_bytes(*other))


def test_all_who_signed_are_found_in_whatever_order():
    sealed = seal("act", b"words", [ANNA, BORIS])

    assert ids(ANNA, BORIS) == signers(sealed, "act", public(BORIS, ANNA))


def test_a_signature_can_be_added_later():
    sealed = countersign(seal("act", b"words", [ANNA]), BORIS)

    assert ids(ANNA, BORIS) == signers(sealed, "act", public(ANNA, BORIS))


def test_a_signature_made_twice_counts_once():
    assert ids(ANNA) == signers(seal("act", b"words", [ANNA, ANNA]), "act", public(ANNA, BORIS))


def test_a_signature_of_a_stranger_counts_for_nothing():
    sealed = seal("act", b"words", [ANNA, MALLORY])

    assert ids(ANNA) == signers(sealed, "act", public(ANNA, BORIS))


def test_a_strangers_signature_under_a_known_key_id_is_tampering():
    [forged] = seal("act", b"words", [MALLORY]).signatures
    [anna] = ids(ANNA)
    sealed = Envelope(b"words", PAYLOAD_TYPE.format("act"), (Signature(anna, forged.sig),))

    with pytest.raises(SignatureError, match=anna):
        signers(sealed, "act", public(ANNA))


def test_a_signature_moved_to_other_words_is_tampering():
    ours = seal("act", b"words", [ANNA])

    with pytest.raises(SignatureError):
        signers(Envelope(b"swords", ours.payload_type, ours.signatures), "act", public(ANNA))


def test_a_signature_moved_to_another_kind_is_tampering():
    ours = seal("request", b"words", [ANNA])
    moved = Envelope(ours.payload, PAYLOAD_TYPE.format("act"), ours.signatures)

    with pytest.raises(SignatureError):
        signers(moved, "act", public(ANNA))


def test_another_kind_of_document_is_malformed_however_well_signed():
    with pytest.raises(MalformedError, match="not a directive"):
        signers(seal("act", b"words", [ANNA]), "directive", public(ANNA))


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        bytes(31),
        bytes(33),
        bytes(32),  # of small order: on such a key, one signature would hold for many messages
        b"\x01" + bytes(31),
        b"\xff" * 32,
    ],
)
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), b"\x01" + bytes(63), bytes(65)])
def test_a_key_or_signature_that_is_none_never_holds(public_key, signature):
    sealed = Envelope(b"words", PAYLOAD_TYPE.format("act"), (Signature("k", signature),))

    with pytest.raises(SignatureError):
        signers(sealed, "act", {"k": public_key})


def test_what_nobody_may_sign_is_opened_by_nobody():
    sealed = seal("directive", b"words", [MALLORY])

    with pytest.raises(SignatureError, match="no key that may sign"):
        open_sealed(sealed, "directive", public(ANNA, BORIS).values())
    with pytest.raises(SignatureError):
        open_sealed(sealed, "directive", [])
    assert b"words" == open_sealed(sealed, "directive", public(ANNA, MALLORY).values())


@given(envelopes)
def test_an_envelope_travels_unchanged(sealed):
    assert sealed == envelope.decode(envelope.encode(sealed))


@given(envelopes, st.data())
def test_an_altered_envelope_is_malformed_or_another(sealed, data):
    known = envelope.encode(sealed)
    altered = data.draw(a_change(known))

    assert known == altered or not taken_for(sealed, altered, envelope.decode)


@given(st.data())
def test_an_altered_envelope_never_says_more_than_was_signed(data):
    known = seal("act", b"words", [ANNA, BORIS])
    altered = data.draw(a_change(envelope.encode(known)))
    try:
        found = envelope.decode(altered)
        who = signers(found, "act", public(ANNA, BORIS))
    except (MalformedError, SignatureError):
        return

    assert found.payload == known.payload or not who
