"""The ledger's part of a bundle: heads, and leaves that are proved to stand under them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from retention import bundle, ledger, merkle, note
from retention.bundle import Node, Placed, Published
from retention.calendar import Instant
from retention.errors import VerificationError
from retention.excerpt import Excerpt
from retention.ledger import AnyLeaf, Certificate, Heartbeat
from retention.merkle import Subtree
from retention.note import Checkpoint
from retention.policy import Chain


class Seen(NamedTuple):
    """A head that somebody else saw: how many leaves, and their root."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ledger vouches for: its heads by size, the leaves by position, both ascending."""

    heads: Sequence[Checkpoint]
    newest_at: Instant
    leaves: Mapping[int, AnyLeaf]
    excerpt: Excerpt

    @property
    def certificates(self) -> list[Certificate]:
        """The leaves that are certificates."""
        return [leaf for leaf in self.leaves.values() if isinstance(leaf, Certificate)]

    @property
    def began_at(self) -> Instant | None:
        """When the ledger began, None if its first leaf is not shown."""
        first = self.leaves.get(0)
        return None if first is None else first.at

    def root(self, size: int) -> bytes | None:
        """The root of the first `size` leaves, None where too little is given to compute it."""
        try:
            return self.excerpt.root(size)
        except VerificationError:
            return None


def read_evidence(
    members: Mapping[str, bytes], chain: Chain, seen: Sequence[Seen] = ()
) -> Evidence:
    """Recompute every head from the leaves and subtrees of the bundle.

    `VerificationError`, `SignatureError` or `MalformedError` at the first thing that is not right.
    """
    published = list(bundle.parse(members[bundle.CHECKPOINTS], Published))
    heads = _heads(published, chain)
    placed = _placed(members)
    excerpt = Excerpt(
        {position: merkle.leaf_hash(data) for position, data in placed.items()},
        [Subtree(n.level, n.index, n.hash) for n in _nodes(members)],
    )
    for size, root in (*((h.size, h.root) for h in heads), *seen):
        _require_head(excerpt, size, root, newest=heads[-1].size)
    excerpt.require_all_used()
    leaves = {position: ledger.decode(data) for position, data in placed.items()}
    return Evidence(heads, published[-1].at, leaves, excerpt)


def silence(evidence: Evidence) -> int:
    """The longest time in seconds without a heartbeat, from the first leaf shown to the newest head.

    That two people signed why the ledger was restored shows nothing of the time that it lost.
    """
    first = [leaf.at for leaf in islice(evidence.leaves.values(), 1)]
    beats = [leaf.at for leaf in evidence.leaves.values() if isinstance(leaf, Heartbeat)]
    moments = [*first, *beats, evidence.newest_at]
    return max((later - earlier for earlier, later in pairwise(moments)), default=0)


def _heads(published: Sequence[Published], chain: Chain) -> list[Checkpoint]:
    """The checkpoints, signed by a ledger key that some version of the policy names."""
    known = ledger.verifiers(chain)
    heads = [Checkpoint.parse(note.open_note(each.note, known)) for each in published]
    if not heads:
        raise VerificationError("there is no checkpoint of the ledger")
    for earlier, later in pairwise(heads):
        if later.size <= earlier.size or later.origin != earlier.origin:
            raise VerificationError(
                f"the checkpoint of {later.size} entries does not follow the one of {earlier.size}"
            )
    return heads


def _require_head(excerpt: Excerpt, size: int, root: bytes, *, newest: int) -> None:
    if size > newest:
        raise VerificationError(
            f"somebody saw a checkpoint of {size} entries, and the newest here is of {newest}:"
            " the ledger was rolled back, or this bundle is an old one"
        )
    if excerpt.root(size) != root:
        raise VerificationError(f"the entries do not lead to the checkpoint of {size} entries")


def _placed(members: Mapping[str, bytes]) -> dict[int, bytes]:
    """The bytes of each leaf by position, in ascending order."""
    found: dict[int, bytes] = {}
    last = -1
    for each in bundle.parse(members[bundle.LEAVES], Placed):
        if each.position <= last:
            raise VerificationError(f"entry {each.position} is out of order, or there twice")
        last = each.position
        found[last] = bytes(each.data)
    return found


def _nodes(members: Mapping[str, bytes]) -> Iterator[Node]:
    for each in bundle.parse(members[bundle.SUBTREES], Node):
        if len(each.hash) != merkle.HASH_SIZE or each.level < 0 or each.index < 0:
            raise VerificationError(f"{each.level}/{each.index} is no subtree")
        yield each
