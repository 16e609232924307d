"""The ledger's tree as the index keeps it: leaves, and the hashes of complete subtrees.

Append only (I7): nothing here changes or removes a leaf or a hash that is stored.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, literal_column, select

from enforcer.index.tables import checkpoints, items, leaves, nodes
from retention import ledger, merkle
from retention.errors import VerificationError
from retention.ledger import AnyLeaf, Certificate


class NewLeaf(NamedTuple):
    """A leaf to append, and of a certificate the seed of its salts."""

    leaf: AnyLeaf
    seed: bytes | None = None


class Head(NamedTuple):
    """A checkpoint as it was published: `note` is signed text, `at` the enforcer's clock."""

    size: int
    root: bytes
    note: str
    at: int


ERASED = items.c.state == literal_column("'erased'")
"""Which items wait for their certificate. Spelled out and not bound: SQLite looks through its
partial index only for these very words."""

_HEADS = select(checkpoints.c.size, checkpoints.c.root, checkpoints.c.note, checkpoints.c.at)


class Edge:
    """The right edge of a growing tree: one hash per level, enough to append and to give a root.

    `stored` is asked for what lies left of the first `size` leaves' end.
    """

    def __init__(self, size: int, stored: merkle.Node) -> None:
        self.size = size
        self._stored = stored
        self._fresh: dict[tuple[int, int], bytes] = {}

    def append(self, leaf: bytes) -> list[merkle.Subtree]:
        """Add a leaf hash; give the subtrees it completes."""
        completed = merkle.appended(self.size, leaf, self._node)
        self.size += 1
        for subtree in completed[:-1]:
            self._fresh.pop((subtree.level, subtree.index - 1), None)
        top = completed[-1]
        self._fresh[top.level, top.index] = top.hash
        return completed

    def root(self) -> bytes:
        """The root of all leaves so far."""
        return merkle.root_from(self.size, self._node)

    def _node(self, level: int, index: int) -> bytes:
        found = self._fresh.get((level, index))
        return self._stored(level, index) if found is None else found


def size(connection: Connection) -> int:
    """How many leaves there are."""
    last = connection.execute(select(func.max(leaves.c.position))).scalar()
    return 0 if last is None else last + 1


def node(connection: Connection) -> merkle.Node:
    """The stored hashes; one that is missing is a `VerificationError`."""

    def stored(level: int, index: int) -> bytes:
        found: bytes | None = connection.execute(
            select(nodes.c.hash).where(nodes.c.level == level, nodes.c.position == index)
        ).scalar()
        if found is None:
            raise VerificationError(f"the ledger is damaged: it has no hash {level}/{index}")
        return found

    return stored


def append(connection: Connection, new: Sequence[NewLeaf]) -> None:
    """Append leaves in this order, with every subtree they complete. Needs a write transaction."""
    if not new:
        return
    first = size(connection)
    encoded = [ledger.encode(each.leaf) for each in new]
    rows = [_row(first + at, *each) for at, each in enumerate(zip(new, encoded, strict=True))]
    connection.execute(insert(leaves), rows)
    edge = Edge(first, node(connection))
    grown = [subtree for data in encoded for subtree in edge.append(merkle.leaf_hash(data))]
    connection.execute(
        insert(nodes),
        [{"level": s.level, "position": s.index, "hash": s.hash} for s in grown],
    )


def heads(connection: Connection) -> Iterator[Head]:
    """Every checkpoint, the oldest first."""
    for row in connection.execute(_HEADS.order_by(checkpoints.c.size)):
        yield Head(*row)


def last_head(connection: Connection) -> Head | None:
    """The newest checkpoint."""
    row = connection.execute(_HEADS.order_by(checkpoints.c.size.desc()).limit(1)).first()
    return None if row is None else Head(*row)


def _row(position: int, new: NewLeaf, data: bytes) -> dict[str, object]:
    leaf = new.leaf
    certified = leaf if isinstance(leaf, Certificate) else None
    return {
        "position": position,
        "kind": ledger.kind_of(leaf),
        "data": data,
        "at": leaf.at,
        "store": certified and certified.store,
        "record_class": certified and certified.record_class,
        "civil": certified and certified.civil.toordinal(),
        "seed": new.seed,
    }
