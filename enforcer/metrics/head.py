"""The ledger's head, so that whoever scrapes us becomes its witness (I7)."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from enforcer.index import tree
from enforcer.metrics.family import gauge, number

#: The root in words of 48 bits (the last of 16): exact in a float64.
_WORD_BYTES = 6


def head(connection: Connection) -> Iterator[Metric]:
    """Size, time and root of the head published last; nothing while there is none."""
    newest = tree.last_head(connection)
    if newest is None:
        return
    yield number("retention_ledger_tree_size", "Leaves of the ledger.", newest.size)
    yield number("retention_ledger_head_timestamp_seconds", "When the head was signed.", newest.at)
    yield gauge(
        "retention_ledger_head_word",
        "The head's root in six words of 48 bits, the last of 16.",
        ("i",),
        {(str(index),): word for index, word in enumerate(root_words(newest.root))},
    )


def root_words(root: bytes) -> list[int]:
    """A 32-byte root as six integers below 2^48, most significant first."""
    return [int.from_bytes(root[at : at + _WORD_BYTES]) for at in range(0, len(root), _WORD_BYTES)]
