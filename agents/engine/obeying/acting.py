"""Carrying out what two people signed: releases, erasures, corrections, activations.

Called with acts whose signatures were verified, inside the transaction that installs them.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from agents.engine.finding import restoring
from agents.engine.finding.indexing import Indexer
from agents.engine.holding.holds import Holds
from agents.engine.memory import contents
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.twins import with_twins
from agents.stores import Role
from retention import acts
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Restoration,
    Retirement,
    Thaw,
)
from retention.anchor import CORRECTED, INHERITED
from retention.calendar import DAY, Instant, civil_date
from retention.classes import CANARY
from retention.decide import Grant, State
from retention.hold import RESTRICTION, ItemRef
from retention.policy import Chain
from retention.report import AnyEntry

#: An activation's backlog is released once; what it did not cover by then needs another.
ACTIVATION_DAYS = 14

# An anchor that came with the content may be one that people gave it since they named it so.
_FOUND_AGAIN = f"""
SELECT number FROM contents JOIN items USING (number) JOIN words ON words.id = how
 WHERE mac = (SELECT keyed(store_key, ?1) FROM agent) AND fingerprint = ?1
   AND (anchor IS NULL OR anchor BETWEEN ?2 AND ?3 OR word = '{INHERITED}')
UNION SELECT item.number FROM parts JOIN items AS part USING (number)
  JOIN items AS item ON item.number = parts.item JOIN words ON words.id = item.how
 WHERE part.fingerprint = ?1 AND parts.role = {Role.RECORDING:d} AND
       (item.anchor IS NULL OR item.anchor BETWEEN ?2 AND ?3 OR word = '{INHERITED}')
"""  # noqa: S608 - a constant of ours


class Acting:
    """Changes the catalogue as acts say."""

    def __init__(
        self, holds: Holds, indexer: Indexer, outbox: Outbox, chain: Callable[[], Chain]
    ) -> None:
        self._holds = holds
        self._indexer = indexer
        self._outbox = outbox
        self._chain = chain

    def ready(self, db: sqlite3.Connection, act: AnyAct) -> bool:
        """Whether an act can be carried out now.

        One that names items of an earlier epoch waits until a complete scan has found them again.
        """
        if not isinstance(act, Erasure | Correction | Lift):
            return True
        store, epoch = _identity(db)
        if all(item.epoch == epoch for item in act.items if item.store == store):
            return True
        query = "SELECT 1 FROM scans WHERE epoch = ? LIMIT 1"
        return db.execute(query, (epoch,)).fetchone() is not None

    def carry_out(self, db: sqlite3.Connection, act: AnyAct, now: Instant) -> list[int]:
        """Do what an act says, once. Gives the items whose holds it has changed."""
        db.execute("INSERT INTO acts VALUES (?, ?, ?)", (act.id, acts.kind_of(act), now))
        if isinstance(act, Release):
            return self._holds.release(db, act.hold, now)
        if isinstance(act, Lift):
            return self._lift(db, act, now)
        if isinstance(act, Correction):
            return self._correct(db, act, now)
        if isinstance(act, Erasure):
            self._grant(db, act, now)
        elif isinstance(act, Activation):
            self._activate(db, act, now)
        elif act.store == _identity(db)[0]:
            _of_this_store(db, act)
        return []

    def _activate(self, db: sqlite3.Connection, act: Activation, now: Instant) -> None:
        if _identity(db)[0] not in act.stores:
            return
        db.execute(
            "INSERT OR REPLACE INTO activations VALUES (?, ?, ?)", (act.record_class, act.id, now)
        )
        # Who lets a store erase wants to see it erase.
        db.execute("INSERT OR IGNORE INTO activations VALUES (?, ?, ?)", (CANARY, act.id, now))
        expires = Instant(now + ACTIVATION_DAYS * DAY)
        _allow(db, act.id, act.record_class, act.through_ordinal, act.count, expires)

    def _grant(self, db: sqlite3.Connection, act: Erasure, now: Instant) -> None:
        """Let recordings go under all their names; a copy that comes later is a zombie at once.

        Where a hold stands it is refused, for all of the copies: they are held together.
        """
        for number in self._recordings(db, act.items):
            db.execute(
                "UPDATE items SET granted = ? WHERE number = ? AND holds = 0",
                (Grant.ERASURE, number),
            )
        store, _ = _identity(db)
        for item in act.items:
            if item.store == store and not _is_held(db, item.fingerprint):
                contents.condemn(db, item.fingerprint, now)

    def _correct(self, db: sqlite3.Connection, act: Correction, now: Instant) -> list[int]:
        named = self._numbers(db, act.items)
        if act.record_class is not None:  # where a copy lies says its own class
            for number in named:
                self._reclass(db, number, act.record_class)
        recordings = named if act.anchor is None else self._recordings(db, act.items)
        if act.anchor is not None:
            for number in recordings:
                self._reanchor(db, number, act.anchor)
        entries: list[AnyEntry] = [
            self._indexer.items.changed(db, number, now) for number in recordings
        ]
        self._outbox.append(db, now, entries)
        return self._holds.match(db, recordings, now)

    def _reclass(self, db: sqlite3.Connection, number: int, name: str) -> None:
        db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (name,))
        db.execute(
            "UPDATE items SET record_class = (SELECT id FROM words WHERE word = ?) WHERE number = ?",
            (name, number),
        )

    def _reanchor(self, db: sqlite3.Connection, number: int, anchor: Instant) -> None:
        name = db.execute(
            "SELECT word FROM words JOIN items ON record_class = words.id WHERE number = ?",
            (number,),
        ).fetchone()[0]
        record_class = self._chain().current.record_class(name)
        zone = ZoneInfo("Europe/Riga" if record_class is None else record_class.zone)
        db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (CORRECTED,))
        db.execute(
            "UPDATE items SET anchor = ?, civil = ?, before = 0, after = span, unsure = 0, state = ?,"
            " how = (SELECT id FROM words WHERE word = ?) WHERE number = ?",
            (anchor, civil_date(anchor, zone).toordinal(), State.PRESENT, CORRECTED, number),
        )

    def _lift(self, db: sqlite3.Connection, act: Lift, now: Instant) -> list[int]:
        freed: list[int] = []
        for number in self._numbers(db, act.items):
            rows = db.execute(
                "SELECT hold FROM item_holds WHERE number = ? AND hold LIKE ?",
                (number, RESTRICTION + "%"),
            ).fetchall()
            for (hold,) in rows:
                freed += self._holds.let_go_of(db, hold, number, now)
        for hold in self._holds.only_of(db, act.items):
            if hold.startswith(RESTRICTION):  # lest an item that changes is restricted again
                self._holds.release(db, hold, now)
        return freed

    def _recordings(self, db: sqlite3.Connection, items: Sequence[ItemRef]) -> list[int]:
        """The numbers of named items with those of their copies: what people say is of all of them."""
        return sorted(with_twins(db, self._numbers(db, items)))

    def _numbers(self, db: sqlite3.Connection, items: Sequence[ItemRef]) -> list[int]:
        """The numbers of named items as they are now: an earlier epoch's by what they are."""
        store, epoch = _identity(db)
        found: list[int] = []
        for item in items:
            if item.store != store:
                continue
            if item.epoch == epoch:
                query = "SELECT number FROM items WHERE number = ?"
                found += [n for (n,) in db.execute(query, (item.number,))]
            else:
                args = (item.fingerprint, item.begins, item.ends)
                found += [n for (n,) in db.execute(_FOUND_AGAIN, args)]
        return found


def _of_this_store(
    db: sqlite3.Connection, act: BrakeRelease | Retirement | Thaw | Restoration
) -> None:
    """Acts that name one store; another one's mean nothing here."""
    if isinstance(act, BrakeRelease):
        _allow(db, act.id, "", date.max.toordinal(), act.count, act.expires)
    elif isinstance(act, Restoration):
        restoring.declare(db, act)
    elif isinstance(act, Thaw):
        # The box it names may have been given a newer epoch before it hears of it.
        db.execute("UPDATE agent SET frozen = '' WHERE epoch >= ?", (act.epoch,))
    # A retirement ends what the centre answers, and no promise: see `Exchange.retired`.


def _is_held(db: sqlite3.Connection, fingerprint: bytes) -> bool:
    """Whether anything of this content is held."""
    query = (
        "SELECT 1 FROM contents JOIN items USING (number)"
        " WHERE mac = (SELECT keyed(store_key, ?1) FROM agent) AND fingerprint = ?1 AND holds > 0"
    )
    return db.execute(query, (fingerprint,)).fetchone() is not None


def _identity(db: sqlite3.Connection) -> tuple[str, int]:
    store, epoch = db.execute("SELECT store, epoch FROM agent").fetchone()
    return store, epoch


def _allow(  # noqa: PLR0917 - the columns of the table, in order
    db: sqlite3.Connection, act: str, record_class: str, through: int, count: int, expires: Instant
) -> None:
    db.execute(
        "INSERT INTO grants (act, record_class, through, items, expires) VALUES (?, ?, ?, ?, ?)",
        (act, record_class, through, count, expires),
    )
