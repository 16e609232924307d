"""A list of exceptions is recognised by who holds the file, and tells nobody else anything."""

import pytest
from nacl.signing import SigningKey

from retention import codec, envelope, exceptions
from retention.calendar import Instant
from retention.errors import SignatureError, VerificationError
from retention.exceptions import Exceptions, Reason, Recogniser

KEY, OTHER = SigningKey(b"1" * 32), SigningKey(b"2" * 32)
NONCE = bytes(range(32))
FOUND = [(Reason.HELD, b"a" * 16), (Reason.BLOCKED, b"b" * 16), (Reason.HELD, b"a" * 16)]


def a_list(nonce=NONCE):
    items = exceptions.listed(nonce, FOUND)
    return Exceptions("terminal-1", "lockers", Instant(0), Instant(9), nonce, items)


def test_who_holds_the_file_finds_its_reason():
    recogniser = Recogniser(a_list())
    expected = [Reason.HELD, Reason.BLOCKED, None]
    assert expected == [recogniser.reason(letter * 16) for letter in (b"a", b"b", b"c")]


def test_the_list_has_no_fingerprint_in_it_and_no_order_but_that_of_the_marks():
    listed = a_list()
    assert 2 == len(listed.items)
    assert sorted(item.mark for item in listed.items) == [item.mark for item in listed.items]
    assert not any(fingerprint in codec.encode(listed) for _, fingerprint in FOUND)


def test_two_lists_cannot_be_compared_item_by_item():
    ours, theirs = ({i.mark for i in a_list(nonce).items} for nonce in (NONCE, bytes(32)))
    assert not ours & theirs


def test_only_the_enforcers_own_list_is_accepted():
    sealed = envelope.seal(exceptions.KIND, codec.encode(a_list()), [KEY])
    assert a_list() == exceptions.accept(sealed, [bytes(KEY.verify_key)])
    with pytest.raises(SignatureError):
        exceptions.accept(sealed, [bytes(OTHER.verify_key)])


def test_a_short_nonce_is_refused():
    with pytest.raises(VerificationError, match="nonce"):
        Recogniser(a_list(b"short"))
