"""A store whose files came from a backup: what is left to do before it is a store like others.

Two people say so, and since when (docs/rules.md, Coming back). Until it is over the store is
quarantined: no path is given out, and nobody calls it in order.

1. What a scan meets is dated by what it says itself, and not by when it came (`scan`, `dating`).
2. When a whole scan that began so has ended, what came since before it is dated so too (`redating`).
3. When a sweep by a directive that was fetched for it leaves nothing that is due, it is over.
"""

import sqlite3
from collections.abc import Iterable
from enum import IntEnum

from agents.engine.memory.catalogue import Catalogue
from retention.acts import Restoration
from retention.calendar import Instant
from retention.policy import DueRange

#: Nothing that is due by its date may be left, not even in a day of grace: a hold alone keeps it.
_LEFT = """
SELECT 1 FROM items JOIN words ON words.id = record_class
 WHERE word = ? AND holds = 0 AND civil BETWEEN ? AND ? AND state IN (0, 2) LIMIT 1
"""


class Stage(IntEnum):
    """How far it is; the numbers are stored."""

    DECLARED = 0  # and no whole scan has begun and ended since
    SCANNED = 1  # and what came before that scan is still to be dated anew
    DATED = 2


class Restorations:
    """The restorations of one store that are not over. There is hardly ever one."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @property
    def quarantined(self) -> bool:
        """Whether there is any."""
        return self._catalogue.value("SELECT 1 FROM restorations LIMIT 1") is not None

    @property
    def since(self) -> Instant | None:
        """From when on what came may have come from a backup; None: nothing did."""
        since = self._catalogue.value("SELECT min(since) FROM restorations")
        return None if since is None else Instant(since)

    def declared(self) -> frozenset[str]:
        """Those for which a whole scan still has to begin."""
        return frozenset(act for act, _ in self._at(Stage.DECLARED))

    def scanned(self) -> list[tuple[str, Instant]]:
        """Those whose earlier files have still to be dated anew, and since when these came."""
        return self._at(Stage.SCANNED)

    def dated(self, act: str) -> None:
        """All that came since is dated by what it says itself."""
        with self._catalogue.transaction() as db:
            _advance(db, [act], Stage.DATED)

    def swept(self, due: Iterable[DueRange]) -> None:
        """A sweep went through all that it might erase: it is over if nothing is left that is due."""
        if not self._at(Stage.DATED):
            return
        for each in due:
            days = (each.since.toordinal(), each.through.toordinal())
            if self._catalogue.one(_LEFT, (each.record_class, *days)) is not None:
                return
        with self._catalogue.transaction() as db:
            db.execute("DELETE FROM restorations WHERE stage = ?", (Stage.DATED,))

    def _at(self, stage: Stage) -> list[tuple[str, Instant]]:
        return [
            (act, Instant(since))
            for act, since in self._catalogue.rows(
                "SELECT act, since FROM restorations WHERE stage = ?", (stage,)
            )
        ]


def declare(db: sqlite3.Connection, act: Restoration) -> None:
    """Two people say that files came from a backup."""
    db.execute(
        "INSERT OR REPLACE INTO restorations VALUES (?, ?, ?)", (act.id, act.since, Stage.DECLARED)
    )


def scanned(db: sqlite3.Connection, acts: Iterable[str]) -> None:
    """A whole scan has ended that began when these were declared."""
    _advance(db, acts, Stage.SCANNED)


def _advance(db: sqlite3.Connection, acts: Iterable[str], stage: Stage) -> None:
    """Not past what an epoch that began meanwhile has yet to do."""
    db.executemany(
        "UPDATE restorations SET stage = ?1 WHERE act = ?2 AND stage = ?1 - 1",
        [(stage, act) for act in acts],
    )
