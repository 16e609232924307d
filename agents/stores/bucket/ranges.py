"""Looking many keys up by listing: neighbours share a page, and gaps between them are leapt over."""

from collections.abc import Collection, Iterator, Sequence

from agents.stores.bucket.keys import VersionId
from agents.stores.bucket.listing import PAGE, Entry, first_page, uploads
from agents.stores.bucket.wire import AT_ONCE, Wire

_FEWEST = 20
"""Rows of a page that is asked for where the last had none of the keys, nearly."""


def look_up(
    wire: Wire, keys: set[str], of: Collection[VersionId] = frozenset()
) -> dict[str, list[Entry]]:
    """Of each of these keys its markers, its newest version, and those of its versions asked for.

    However many more it has, they are listed and not kept. Raises `StoreUnreachableError`.
    """
    found: dict[str, list[Entry]] = {key: [] for key in keys}
    ordered = sorted(keys, key=str.encode)
    share = max(-(-len(ordered) // AT_ONCE), PAGE)  # a page costs a server much, its rows little
    parts = [ordered[begin : begin + share] for begin in range(0, len(ordered), share)]
    for entries in wire.each(lambda part: list(_kept(_among(wire, part), of)), parts):
        for entry in entries:
            found[entry.of.key].append(entry)
    return found


def _kept(entries: Iterator[Entry], of: Collection[VersionId]) -> Iterator[Entry]:
    key = ""
    for entry in entries:
        if entry.generation is None or entry.of.key != key or entry.of in of:
            yield entry
        if entry.generation is not None:
            key = entry.of.key


def look_up_uploads(wire: Wire, of: Sequence[VersionId]) -> dict[VersionId, Entry]:
    """Which of these uploads are still unfinished. Raises `StoreUnreachableError`."""
    begun = (entry for key in sorted({each.key for each in of}) for entry in uploads(wire, key))
    wanted = set(of)
    return {entry.of: entry for entry in begun if entry.of in wanted}


def _among(wire: Wire, keys: Sequence[str]) -> Iterator[Entry]:
    """What a listing shows of these keys, which are in the order of their bytes."""
    wanted = set(keys)
    prefix = _common(keys)
    left = list(reversed(keys))
    after, size = VersionId(before(keys[0]), ""), PAGE
    while left:
        page, following = first_page(wire, prefix, after=after, size=size)
        hits = [entry for entry in page.entries if entry.of.key in wanted]
        yield from hits
        if following is None:
            return
        # The page may have stopped amid the versions of a key: only those before it are done.
        while left and left[-1].encode() < following.key.encode():
            left.pop()
        size = min(PAGE, max(4 * len(hits), _FEWEST))
        after = following
        if left and following.key.encode() < before(left[-1]).encode():
            after = VersionId(before(left[-1]), "")


def before(key: str) -> str:
    """A key that comes right before this one, with nothing in between that anybody has there."""
    last = ord(key[-1])
    return key[:-1] + chr(last - 1) + "~~~" if 0x22 < last < 0x7F else key[:-1]


def _common(keys: Sequence[str]) -> str:
    """What all of them, being in order, begin with."""
    first, last = keys[0], keys[-1]
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
