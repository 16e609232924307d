"""The Merkle tree of RFC 9162 section 2.1 (SHA-256): roots, proofs, and their verification.

A tree of n leaves is described by its *complete subtrees*: the one at `(level, index)` covers the
2**level leaves from `index * 2**level` on, and once complete its hash never changes. Whoever stores
those hashes can append a leaf, give a root and give a proof with O(log n) of them at hand; everyone
else needs only the verifying half of this file. Nothing here keeps any state.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

from retention.errors import VerificationError

HASH_SIZE = sha256().digest_size
"""Bytes of every hash here."""

Node = Callable[[int, int], bytes]
"""Give the stored hash of the complete subtree at `(level, index)`."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree and its hash, as one is stored."""

    level: int
    index: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Hash the content of a leaf; the prefix keeps leaves and nodes apart (section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them (section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root a whole tree in one pass, with no more than one hash per level in memory."""
    peaks: list[bytes] = []
    for size, leaf in enumerate(leaf_hashes):
        peak, merges = leaf, size
        while merges & 1:  # a subtree of this height waits to the left: both are one now
            peak, merges = node_hash(peaks.pop(), peak), merges >> 1
        peaks.append(peak)
    return _join(peaks)


def root_from(size: int, node: Node) -> bytes:
    """Give the root of the first `size` leaves of a stored tree."""
    return _span(0, size, node)


def subtrees_of(leaf_hashes: Sequence[bytes]) -> Node:
    """Answer for a tree that is small enough to be hashed anew for each proof."""
    return lambda level, index: root(leaf_hashes[index << level : (index + 1) << level])


def appended(size: int, leaf: bytes, node: Node) -> list[Subtree]:
    """List the subtrees, itself first, that a leaf hash completes as the next one after `size`."""
    created = [Subtree(0, size, leaf)]
    while created[-1].index & 1:
        right = created[-1]
        both = node_hash(node(right.level, right.index - 1), right.hash)
        created.append(Subtree(right.level + 1, right.index >> 1, both))
    return created


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Prove that leaf `index` (from 0) is among the first `size` (section 2.1.3.1)."""
    _require(0 <= index < size, f"leaf {index} is not in a tree of {size}")
    proof = []
    begin, end = 0, size
    while end - begin > 1:
        middle = _split(begin, end)
        if index < middle:
            proof.append(_span(middle, end, node))
            end = middle
        else:
            proof.append(_span(begin, middle, node))
            begin = middle
    return proof[::-1]


def consistency_proof(size1: int, size2: int, node: Node) -> list[bytes]:
    """Prove that the tree of `size1` is a prefix of that of `size2` (section 2.1.4.1).

    Every tree extends the empty one and itself: those proofs are empty.
    """
    _require(0 <= size1 <= size2, f"a tree of {size2} does not extend one of {size1}")
    if size1 == 0:
        return []
    proof = []
    begin, end = 0, size2
    while end != size1:
        middle = _split(begin, end)
        if size1 <= middle:
            proof.append(_span(middle, end, node))
            end = middle
        else:
            proof.append(_span(begin, middle, node))
            begin = middle
    if begin:  # otherwise what is left is the whole old tree: its root is known
        proof.append(_span(begin, end, node))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that a leaf hash is number `index` of `size` (section 2.1.3.2), or `VerificationError`."""
    _require(0 <= index < size, f"leaf {index} is not in a tree of {size}")
    _, found = _fold(index, size - 1, [leaf, *proof])
    _require(found == root_hash, f"the proof of leaf {index} does not lead to the root of {size}")


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> None:
    """Check that one tree is a prefix of the other (section 2.1.4.2), or `VerificationError`."""
    _require(0 <= size1 <= size2, f"a tree of {size2} does not extend one of {size1}")
    if size1 in (0, size2):
        _require(not proof, "a consistency proof with nothing to prove is empty")
        _require(root1 == (root2 if size1 else root([])), f"two roots are given for {size1} leaves")
        return
    shared = (size1 & -size1).bit_length() - 1  # levels below the first hash, complete in both
    at, last = size1 - 1 >> shared, size2 - 1 >> shared
    old, new = _fold(at, last, [*proof] if at else [root1, *proof])
    _require(old == root1, f"the proof does not lead to the root of {size1}")
    _require(new == root2, f"the proof does not lead to the root of {size2}")


def _fold(at: int, last: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Hash upwards from node `at` of a level that ends at `last`.

    Gives the root of what reaches up to `at` only, then the root of all.
    """
    _require(all(len(h) == HASH_SIZE for h in hashes), "a hash in the proof is not of 32 bytes")
    _require(bool(hashes), "the proof is too short")
    old = new = hashes[0]
    for sibling in hashes[1:]:
        _require(last > 0, "the proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while at and not at & 1:  # at the right edge: no sibling on these levels
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    _require(last == 0, "the proof is too short")
    return old, new


def _span(begin: int, end: int, node: Node) -> bytes:
    """Hash leaves `begin` up to `end`, a span that the tree's own shape cuts out."""
    peaks = []
    for level in reversed(range((end - begin).bit_length())):
        if (end - begin) >> level & 1:
            peaks.append(node(level, begin >> level))
            begin += 1 << level
    return _join(peaks)


def _join(peaks: list[bytes]) -> bytes:
    """Join complete subtrees of falling height, from the right; none at all is the empty tree."""
    if not peaks:
        return sha256().digest()
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks))


def _split(begin: int, end: int) -> int:
    """Cut at the largest power of two smaller than the span (section 2.1.1)."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 # reads as an assertion
    if not condition:
        raise VerificationError(otherwise)
