"""The log on its way to the enforcer: written with the fact, kept until long after it arrived.

Entries are packed when they are written, as they travel. Acknowledged ones stay for 30 days: an
enforcer restored from a backup asks for them again (docs/rules.md, Coming back).
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from agents.engine.catalogue import Catalogue
from retention import report
from retention.calendar import DAY, Instant
from retention.report import AnyEntry

KEEP_SECONDS = 30 * DAY
#: An upload carries at most this many entries, unless one transaction wrote more.
BATCH_ENTRIES = 5000


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
        lines = [report.encode(entry) for entry in entries]
        if not lines:
            return
        number, digest = db.execute("SELECT log_number, log_digest FROM agent").fetchone()
        for line in lines:
            digest = report.chained(digest, line)
        last = number + len(lines)
        db.execute(
            "INSERT INTO log (first, last, at, digest, packed) VALUES (?, ?, ?, ?, ?)",
            (number + 1, last, at, digest, report.pack(lines)),
        )
        db.execute("UPDATE agent SET log_number = ?, log_digest = ?", (last, digest))

    def end(self) -> tuple[int, bytes]:
        """The number of the last entry, and the digest there."""
        row = self._catalogue.one("SELECT log_number, log_digest FROM agent")
        assert row is not None
        return row[0], row[1]

    def pending(self) -> Segment | None:
        """The next upload: what follows the last acknowledged entry, merged up to a batch."""
        acknowledged = self._catalogue.value("SELECT log_acknowledged FROM agent")
        rows = self._catalogue.rows(
            "SELECT first, last, packed, digest FROM log WHERE last > ? ORDER BY first LIMIT 500",
            (acknowledged,),
        )
        return _merged([Segment(*row) for row in rows], acknowledged)

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
        """Drop what was acknowledged and written more than 30 days ago."""
        with self._catalogue.transaction() as db:
            db.execute(
                "DELETE FROM log WHERE at < ? AND last <= (SELECT log_acknowledged FROM agent)",
                (now - KEEP_SECONDS,),
            )


def _merged(segments: list[Segment], acknowledged: int) -> Segment | None:
    if not segments:
        return None
    first = segments[0]
    if first.first == acknowledged + 1 and (
        len(segments) == 1 or first.last - first.first + 1 >= BATCH_ENTRIES
    ):
        return first
    lines: list[bytes] = []
    last = first
    for segment in segments:
        if lines and len(lines) + segment.last - segment.first >= BATCH_ENTRIES:
            break
        lines += report.unpack(segment.packed)
        last = segment
    start = acknowledged + 1 - first.first
    return Segment(acknowledged + 1, last.last, report.pack(lines[start:]), last.digest)
