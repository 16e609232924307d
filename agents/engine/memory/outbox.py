"""The log on its way to the enforcer: written with the fact, kept until long after it arrived.

Entries are packed when they are written, as they travel. Acknowledged ones stay for 30 days: an
enforcer restored from a backup asks for them again (docs/rules.md, Coming back).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agents.engine.memory.catalogue import Catalogue
from retention import report
from retention.calendar import DAY, Instant
from retention.report import MAX_BATCH_BYTES, AnyEntry

KEEP_SECONDS = 30 * DAY
#: An upload carries at most this many entries: of a long backlog more would only be more memory ...
BATCH_ENTRIES = 2000
#: ... and bytes, unless one entry alone is longer. The enforcer takes twice as many.
BATCH_BYTES = MAX_BATCH_BYTES // 2


class Segment(NamedTuple):
    """Consecutive entries, `first`..`last`, packed, and the log's digest after them."""

    first: int
    last: int
    packed: bytes
    digest: bytes


class Outbox:
    """The log's end and its unacknowledged part."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def append(self, db: sqlite3.Connection, at: Instant, entries: Iterable[AnyEntry]) -> None:
        """Write entries in the transaction of the facts they tell; none is fine."""
        number, digest = db.execute("SELECT log_number, log_digest FROM agent").fetchone()
        before = number
        for lines in _portions(map(report.encode, entries)):
            for line in lines:
                digest = report.chained(digest, line)
            db.execute(
                "INSERT INTO log (first, last, at, digest, packed) VALUES (?, ?, ?, ?, ?)",
                (number + 1, number + len(lines), at, digest, report.pack(lines)),
            )
            number += len(lines)
        if number > before:
            db.execute("UPDATE agent SET log_number = ?, log_digest = ?", (number, digest))

    def end(self) -> tuple[int, bytes]:
        """The number of the last entry, and the digest there."""
        row = self._catalogue.one("SELECT log_number, log_digest FROM agent")
        assert row is not None
        return row[0], row[1]

    def pending(self) -> Segment | None:
        """The next upload: what follows the last acknowledged entry, merged up to a batch."""
        acknowledged = self._catalogue.value("SELECT log_acknowledged FROM agent")
        rows = self._catalogue.rows(
            # No more than one upload's worth: of a long backlog it would be megabytes.
            "SELECT first, last, packed, digest FROM log WHERE last > ? AND first <= ?"
            " ORDER BY first",
            (acknowledged, acknowledged + BATCH_ENTRIES),
        )
        return _merged([Segment(*row) for row in rows], acknowledged)

    def reaches(self, applied: int) -> bool:
        """Whether all that follows this entry is still here to be sent (again)."""
        # At one moment: another thread may append, and what it appends follows.
        return bool(
            self._catalogue.value(
                "SELECT log_number - ?1 <= (SELECT coalesce(sum(last - max(first - 1, ?1)), 0)"
                " FROM log WHERE last > ?1) FROM agent",
                (applied,),
            )
        )

    def acknowledge(self, applied: int, digest: bytes) -> bool:
        """The enforcer knows the log up to `applied`; False if it chains another log there."""
        ours = self.digest_at(applied)
        if ours is not None and ours != digest:
            return False
        with self._catalogue.transaction() as db:
            db.execute("UPDATE agent SET log_acknowledged = ?", (applied,))
        return True

    def digest_at(self, number: int) -> bytes | None:
        """The digest after this entry; None if it was forgotten or lies inside no segment's end."""
        if number == 0:
            return report.GENESIS
        row = self._catalogue.one(
            "SELECT first, last, packed, digest FROM log WHERE last >= ? ORDER BY last LIMIT 1",
            (number,),
        )
        if row is None or row[0] > number:
            return None
        if row[1] == number:
            return bytes(row[3])
        before = self._catalogue.value("SELECT digest FROM log WHERE last = ?", (row[0] - 1,))
        if before is None:
            return None
        digest = bytes(before)
        for line in report.unpack(row[2])[: number - row[0] + 1]:
            digest = report.chained(digest, line)
        return digest

    def forget(self, now: Instant) -> None:
        """Drop what was acknowledged and written more than 30 days ago, and nothing out of the middle.

        What a wrong clock dated otherwise goes with what was written before it.
        """
        with self._catalogue.transaction() as db:
            db.execute(
                "DELETE FROM log WHERE last <= (SELECT log_acknowledged FROM agent) AND last <"
                " (SELECT first FROM log WHERE at BETWEEN ? AND ? ORDER BY first LIMIT 1)",
                (now - KEEP_SECONDS, now),
            )


def _portions(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in order, as many together as one upload takes."""
    portion: list[bytes] = []
    room = BATCH_BYTES
    for line in lines:
        if portion and (len(portion) == BATCH_ENTRIES or len(line) >= room):
            yield portion
            portion, room = [], BATCH_BYTES
        portion.append(line)
        room -= len(line) + 1
    if portion:
        yield portion


def _merged(segments: Iterable[Segment], acknowledged: int) -> Segment | None:
    """As many of consecutive segments as one upload takes, without what was acknowledged."""
    lines: list[bytes] = []
    size = 0
    last: Segment | None = None
    for segment in segments:
        more = report.unpack(segment.packed)[max(acknowledged + 1 - segment.first, 0) :]
        size += sum(map(len, more)) + len(more)
        if lines and (len(lines) + len(more) > BATCH_ENTRIES or size > BATCH_BYTES):
            break
        lines += more
        last = segment
    if last is None:
        return None
    return Segment(acknowledged + 1, last.last, report.pack(lines), last.digest)
