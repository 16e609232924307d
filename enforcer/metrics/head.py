"""The ledger's head, so that whoever scrapes us becomes its witness (I7)."""

from collections.abc import Iterator

from sqlalchemy import Connection

from enforcer.index import tree
from enforcer.metrics.family import Family, Labels, gauge, number
from retention.witness import root_words


def head(connection: Connection) -> Iterator[Family]:
    """Size, time and root of the head published last; no series while there is none."""
    newest = tree.last_head(connection)
    size, at, words = (
        (newest.size, newest.at, root_words(newest.root)) if newest else (None, None, [])
    )
    yield number("retention_ledger_tree_size", "Leaves under the newest signed head.", size)
    yield number("retention_ledger_head_timestamp_seconds", "When that head was signed.", at)
    by_index: dict[Labels, float] = {(str(index),): word for index, word in enumerate(words)}
    yield gauge(
        "retention_ledger_head_word",
        "Its root in six words of 48 bits, the last of 16: exact in a float64.",
        ("i",),
        by_index,
    )
