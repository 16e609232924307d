"""A part of a Merkle tree from which every head of it can be computed again.

Instead of one proof per leaf and one per pair of heads, an excerpt holds some leaves and, for all
the others, the hashes of the largest complete subtrees without any of those. Whoever computes the
roots of several sizes from *one* excerpt has seen at once that its leaves are in the tree and that
every smaller head is a prefix of every greater one (I7).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence

from retention.errors import VerificationError
from retention.merkle import Node, Subtree, node_hash, root_from

_Place = tuple[int, int]
"""Level and index of a complete subtree."""


def subtrees_beside(positions: Sequence[int], sizes: Sequence[int], node: Node) -> list[Subtree]:
    """List the subtrees that make leaves `positions` an excerpt for heads of these `sizes`.

    Both ascend, without repetition, and every position is below the last size.
    """
    size = sizes[-1] if sizes else 0
    begin = 0
    found: list[Subtree] = []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found += _beside((level, begin >> level), positions, sizes, node)
            begin += 1 << level
    return found


def _beside(
    place: _Place, positions: Sequence[int], sizes: Sequence[int], node: Node
) -> Iterator[Subtree]:
    """Yield what is needed of one subtree: itself, unless a leaf lies or a head ends within it."""
    level, index = place
    begin, end = index << level, (index + 1) << level
    if not (_any_in(positions, begin, end) or _any_in(sizes, begin + 1, end)):
        yield Subtree(level, index, node(level, index))
    elif level:
        for child in (2 * index, 2 * index + 1):
            yield from _beside((level - 1, child), positions, sizes, node)


def _any_in(ascending: Sequence[int], begin: int, end: int) -> bool:
    at = bisect_left(ascending, begin)
    return at < len(ascending) and ascending[at] < end


class Excerpt:
    """Somebody's leaves and subtrees, believed only as far as they lead to a root.

    `leaves` gives the leaf hash by position. Work and memory grow with what was given, never with
    the size somebody claims.
    """

    def __init__(self, leaves: Mapping[int, bytes], subtrees: Collection[Subtree]) -> None:
        self._given: dict[_Place, bytes] = {(0, at): leaf for at, leaf in leaves.items()}
        self._given |= {(each.level, each.index): each.hash for each in subtrees}
        if len(self._given) != len(leaves) + len(subtrees):
            raise VerificationError("a part of the tree is given twice")
        self._computed: dict[_Place, bytes] = {}
        self._used: set[_Place] = set()

    def root(self, size: int) -> bytes:
        """Compute the root of the first `size` leaves; `VerificationError` if too little is given."""
        return root_from(size, self._node)

    def require_all_used(self) -> None:
        """`VerificationError` if a leaf or subtree took part in no root computed so far."""
        unused = sorted(self._given.keys() - self._used)
        if unused:
            level, index = unused[0]
            what = f"the subtree {level}/{index}" if level else f"entry {index}"
            raise VerificationError(f"{what} is under no checkpoint that was shown")

    def _node(self, level: int, index: int) -> bytes:
        place = level, index
        if place in self._given:
            self._used.add(place)
            return self._given[place]
        if place not in self._computed:
            self._computed[place] = self._join(level, index)
        return self._computed[place]

    def _join(self, level: int, index: int) -> bytes:
        if not level:
            raise VerificationError(f"nothing is given of entry {index}")
        left, right = self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1)
        return node_hash(left, right)
