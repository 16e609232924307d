"""Installing a directive: what the enforcer and two people say, verified and put in force.

Installing excludes erasing. What is in force is committed with its acknowledgement, so "effective"
is said only when it is true and durable (I2, I15). Holds only ever come; they go by an act that
two people signed, and the agent checks their signatures itself.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from msgspec import UNSET

from agents.engine.clock import Clock, TrustedTime
from agents.engine.holding.holds import Holds
from agents.engine.holding.protecting import Protector
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.outbox import Outbox
from agents.engine.obeying.acting import Acting
from agents.engine.turns import Turns
from retention import acts, directive, envelope
from retention.acts import AnyAct
from retention.directive import Directive
from retention.envelope import Envelope
from retention.errors import RetentionError, VerificationError
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
        protector: Protector,
        clock: Clock,
        time: TrustedTime,
        chain: Callable[[], Chain],
        turns: Turns,
    ) -> None:
        self._catalogue = catalogue
        self._outbox = outbox
        self._holds = holds
        self._acting = acting
        self._protector = protector
        self._clock = clock
        self._time = time
        self._chain = chain
        self._turns = turns
        self.refused = ""  # why the last directive's last refused act was: the heartbeat tells

    def install(self, sealed: Envelope) -> Directive:
        """Verify a directive and put it in force; raises, changing nothing, if it may not be.

        What comes to be held is in no batch that begins after this returned. The thread that uses
        the store has then still to protect it (`Protector.settle`).
        """
        row = self._catalogue.one("SELECT store, epoch, directive_version, directive FROM agent")
        assert row is not None
        store, epoch, known_version, known = row
        keys = self._chain().current.directive_keys
        said = directive.accept(sealed, keys, store=store, known_version=known_version)
        if said.epoch != epoch:
            raise VerificationError(f"this directive is for epoch {said.epoch}, not {epoch}")
        same = known is not None and envelope.encode(sealed) == known
        if same and not self._holds.pending():
            return said
        news = known is None or said.version != known_version
        with self._turns.deciding():
            self._protector.touch(
                self._commit(said, sealed, _meant(said, first=known is None), news=news)
            )
        return said

    def in_force(self) -> Directive | None:
        """The directive that was installed last."""
        known = self._catalogue.value("SELECT directive FROM agent")
        if known is None:
            return None
        return directive.opened(envelope.decode(known))

    def mark(self, hold: StoreHold, kind: str) -> None:
        """Hold at once what the locker's own software marked, for a person to confirm.

        A marker that two people have released stays released, though it still lies there.
        """
        if self._holds.released(hold.id):
            return
        now = self._clock.wall()
        marked = Marked(now, hold.id, hold.begins, hold.ends, hold.sources, kind)  # type: ignore[arg-type] # one of Marked's words
        new = not self._holds.known(hold.id)
        with self._turns.deciding(), self._catalogue.transaction() as db:
            self._outbox.append(db, now, [marked] if new else [])
            self._protector.touch(self._holds.place(db, hold, now, now))

    def _commit(
        self, said: Directive, sealed: Envelope, holds: Sequence[StoreHold], *, news: bool
    ) -> list[int]:
        """Write all of it down in one transaction. Gives the items whose holds have changed."""
        now, latest = self._clock.wall(), self._time.latest()
        touched: list[int] = []
        before = self._holds.in_force() - self._holds.pending()
        approved = self._approved(said.acts)
        with self._catalogue.transaction() as db:
            for hold in holds:
                touched += self._holds.place(db, hold, now, latest)
            # What came while nobody can tell what a batch erased: in force, and not effective yet.
            effective = self._holds.in_force() - self._holds.in_doubt()
            placed = [h for h in said.holds if h.id in effective and h.id not in before]
            gone = [told for hold in placed for told in self._holds.gone(hold)]
            self._holds.acknowledge(db, (hold.id for hold in placed))
            for act in approved:
                touched += self._carry_out(db, act)
            self._remember(db, said, sealed)
            if news or placed or approved:
                effective &= self._holds.in_force()
                entry = Acknowledged(
                    now,
                    said.version,
                    tuple(hold.id for hold in said.holds if hold.id in effective),
                    tuple(gone),
                    tuple(act.id for act in _readable(said.acts) if _carried_out(db, act)),
                )
                self._outbox.append(db, now, [entry])
        return touched

    def _carry_out(self, db: sqlite3.Connection, act: AnyAct) -> list[int]:
        """Do what an act says if it was not done before; days of grace count from the latest now."""
        if _carried_out(db, act) or not self._acting.ready(db, act):
            return []
        return self._acting.carry_out(db, act, self._time.latest())

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
        self.refused = ""
        for sealed in envelopes:
            try:
                act = acts.approved(sealed, self._chain().current)
            except RetentionError as error:
                self.refused = str(error)
                continue
            if self._catalogue.one("SELECT 1 FROM acts WHERE id = ?", (act.id,)) is None:
                found.append(act)
        return found


def _meant(said: Directive, *, first: bool) -> Sequence[StoreHold]:
    """The holds of a directive. Those that are over are for an agent without a memory: its first tells.

    Later only a liar has news of them, and would give whatever is due a day of grace every day.
    """
    return [hold for hold in said.holds if first or hold.released_at is UNSET]


def _readable(envelopes: Sequence[Envelope]) -> Iterator[AnyAct]:
    """The acts that can be read at all; what cannot was refused before."""
    for sealed in envelopes:
        with suppress(RetentionError):
            yield acts.decode(sealed.payload)


def _carried_out(db: sqlite3.Connection, act: AnyAct) -> bool:
    return db.execute("SELECT 1 FROM acts WHERE id = ?", (act.id,)).fetchone() is not None
