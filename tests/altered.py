"""What becomes of bytes on bad disks, bad lines and in bad hands: for tests of every codec."""

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from retention.errors import MalformedError


def every_change(data: bytes) -> Iterator[bytes]:
    """The data with one byte made another, each way there is."""
    for place, known in enumerate(data):
        for value in range(256):
            if value != known:
                yield data[:place] + bytes([value]) + data[place + 1 :]


@st.composite
def a_change(draw: st.DrawFn, data: bytes) -> bytes:
    """The data with a byte changed, lost or added, somewhere."""
    place = draw(st.integers(0, len(data) - 1))
    lost = draw(st.integers(0, 1))
    put = draw(st.binary(min_size=1 - lost, max_size=2))
    return data[:place] + put + data[place + lost :]


def taken_for(document: Any, altered: bytes, decode: Callable[[bytes], Any]) -> bool:
    """Whether altered bytes still pass for the document. Raises what is no `MalformedError`."""
    try:
        return bool(document == decode(altered))
    except MalformedError:
        return False
