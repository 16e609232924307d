"""The fingerprint sees the size and both ends, and reads no more."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import MalformedError
from retention.fingerprint import END_BYTES, fingerprint


class Bytes:
    def __init__(self, data, *, size=None) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self.cost = 0

    def read(self, offset, length):
        self.cost += length
        return self.data[offset : offset + length]


@given(st.integers(0, 300))
def test_a_short_file_counts_once_from_end_to_end(size):
    data = bytes(n % 251 for n in range(size))
    expected = blake2b(size.to_bytes(8, "big") + data, digest_size=16).digest()
    assert expected == fingerprint(Bytes(data))


@pytest.mark.parametrize(
    "size", [END_BYTES - 1, END_BYTES, END_BYTES + 1, 2 * END_BYTES, 2 * END_BYTES + 1, 10**6]
)
def test_of_a_long_file_only_the_ends_are_read(size):
    source = Bytes(bytes(n % 251 for n in range(size)))
    ends = source.data[:END_BYTES] + source.data[END_BYTES:][-END_BYTES:]
    expected = blake2b(size.to_bytes(8, "big") + ends, digest_size=16).digest()
    assert expected == fingerprint(source)
    assert min(size, 2 * END_BYTES) == source.cost


def test_a_change_at_either_end_or_of_the_size_shows():
    data = bytearray(300_000)
    plain = fingerprint(Bytes(data))
    found = {plain, fingerprint(Bytes(data + b"\0"))}
    for at in (0, END_BYTES - 1, len(data) - END_BYTES, len(data) - 1):
        changed = bytearray(data)
        changed[at] = 1
        found.add(fingerprint(Bytes(changed)))
    assert 6 == len(found)


def test_a_file_that_shrinks_meanwhile_has_no_fingerprint():
    with pytest.raises(MalformedError, match="shorter"):
        fingerprint(Bytes(b"short", size=9))
