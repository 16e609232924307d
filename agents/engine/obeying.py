"""Installing a directive: what the enforcer and two people say, verified and put in force.

Installing excludes erasing. What is in force is committed with its acknowledgement, so "effective"
is said only when it is true and durable (I2, I15). Holds only ever come; they go by an act that
two people signed, and the agent checks their signatures itself.
"""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from agents.engine.acting import Acting
from agents.engine.catalogue import Catalogue
from agents.engine.clock import Clock
from agents.engine.holding import Holds
from agents.engine.outbox import Outbox
from agents.stores import Generation, Store, Wanted
from retention import acts, directive, envelope
from retention.acts import AnyAct
from retention.directive import Directive
from retention.envelope import Envelope
from retention.errors import RetentionError
from retention.hold import StoreHold
from retention.policy import Chain
from retention.report import Acknowledged, Marked

FROZEN = "the enforcer says that two boxes speak with this store's identity"


class Obedience:
    """Puts directives, and the locker's own markers, in force on one store."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        outbox: Outbox,
        holds: Holds,
        acting: Acting,
        store: Store,
        clock: Clock,
        chain: Callable[[], Chain],
        erasing: threading.Lock,
    ) -> None:
        self._catalogue = catalogue
        self._outbox = outbox
        self._holds = holds
        self._acting = acting
        self._store = store
        self._clock = clock
        self._chain = chain
        self._erasing = erasing
        self.refused = ""  # why the last act was refused: the heartbeat tells

    def install(self, sealed: Envelope) -> Directive:
        """Verify a directive and put it in force; raises, changing nothing, if it may not be."""
        row = self._catalogue.one("SELECT store, directive_version, directive FROM agent")
        assert row is not None
        store, known_version, known = row
        keys = self._chain().current.directive_keys
        said = directive.accept(sealed, keys, store=store, known_version=known_version)
        if known is not None and envelope.encode(sealed) == known:
            return said
        with self._erasing:
            held, freed = self._commit(said, sealed, known_version)
        self.protect(held)
        self._store.unprotect(n for n in freed if not self._kept_alone(n))
        return said

    def in_force(self) -> Directive | None:
        """The directive that was installed last."""
        known = self._catalogue.value("SELECT directive FROM agent")
        if known is None:
            return None
        return directive.opened(envelope.decode(known))

    def mark(self, hold: StoreHold, kind: str) -> None:
        """Hold at once what the locker's own software marked, for a person to confirm."""
        if self._holds.known(hold.id):
            return
        now = self._clock.wall()
        with self._erasing, self._catalogue.transaction() as db:
            marked = Marked(now, hold.id, hold.begins, hold.ends, hold.sources, kind)  # type: ignore[arg-type] # one of Marked's words
            self._outbox.append(db, now, [marked])
            held = self._holds.place(db, hold, now)
        self.protect(held)

    def protect(self, numbers: Iterable[int]) -> set[int]:
        """Keep the bytes of held items against other deleters. Gives those that are safe."""
        batch: dict[bytes, list[Wanted]] = defaultdict(list)
        for number in numbers:
            row = self._catalogue.one(
                "SELECT path, name, inode, size, mtime_ns, links FROM items"
                " JOIN directories ON id = directory WHERE number = ?",
                (number,),
            )
            if row is not None:
                path, name, inode, size, mtime_ns, links = row
                batch[path].append(Wanted(number, name, Generation(inode, size, mtime_ns), links))
        return self._store.protect(batch) if batch else set()

    def _kept_alone(self, number: int) -> bool:
        """Whether our private name is the last the bytes have; then only a sweep may end them."""
        row = self._catalogue.one(
            "SELECT path, name FROM items JOIN directories ON id = directory WHERE number = ?",
            (number,),
        )
        return row is not None and self._store.find(*row) is None

    def _commit(
        self, said: Directive, sealed: Envelope, known_version: int
    ) -> tuple[list[int], list[int]]:
        now = self._clock.wall()
        new = [hold for hold in said.holds if not self._holds.known(hold.id)]
        gone = [count for hold in new for count in self._holds.gone(hold)]
        approved = self._approved(said.acts)
        held: list[int] = []
        freed: list[int] = []
        with self._catalogue.transaction() as db:
            for hold in new:
                held += self._holds.place(db, hold, now)
            for act in approved:
                freed += self._acting.carry_out(db, act, now)
            self._remember(db, said, sealed)
            if said.version != known_version or new or approved:
                done = [a for a in _decoded(said.acts) if _carried_out(db, a)]
                holds = tuple(hold.id for hold in said.holds)
                entry = Acknowledged(
                    now, said.version, holds, tuple(gone), tuple(act.id for act in done)
                )
                self._outbox.append(db, now, [entry])
        return held, freed

    def _remember(self, db: sqlite3.Connection, said: Directive, sealed: Envelope) -> None:
        db.execute(
            "UPDATE agent SET directive = ?, directive_version = ?",
            (envelope.encode(sealed), said.version),
        )
        if said.frozen:
            db.execute("UPDATE agent SET frozen = ? WHERE frozen = ''", (FROZEN,))
        else:
            db.execute("UPDATE agent SET frozen = '' WHERE frozen = ?", (FROZEN,))

    def _approved(self, envelopes: Sequence[Envelope]) -> list[AnyAct]:
        """Acts that two people signed and that were not carried out yet; the rest are refused."""
        found: list[AnyAct] = []
        for sealed in envelopes:
            try:
                act = acts.approved(sealed, self._chain().current)
            except RetentionError as error:
                self.refused = str(error)
                continue
            if self._catalogue.one("SELECT 1 FROM acts WHERE id = ?", (act.id,)) is None:
                found.append(act)
        return found


def _decoded(envelopes: Sequence[Envelope]) -> list[AnyAct]:
    """The acts that can be read at all; what cannot was refused before."""
    found: list[AnyAct] = []
    for sealed in envelopes:
        try:
            found.append(acts.decode(sealed.payload))
        except RetentionError:
            continue
    return found


def _carried_out(db: sqlite3.Connection, act: AnyAct) -> bool:
    return db.execute("SELECT 1 FROM acts WHERE id = ?", (act.id,)).fetchone() is not None
