"""A file that is part of a call joins the others: one item, one date, one deadline (`wholes`)."""

import sqlite3

from msgspec.structs import astuple

from agents.engine.clock import is_confirmed
from agents.engine.finding.items import Batch, Items
from agents.engine.finding.moves import Moves
from agents.engine.finding.recognition import known_before
from agents.engine.memory import wholes
from agents.engine.memory.dates import WIDEST_SECONDS, Dates, dates_of
from agents.engine.memory.recording import Recording, best_evidence
from agents.engine.memory.wholes import NO_HOLDS_OF_ITS_OWN
from agents.stores import Part, Role
from retention.anchor import CORRECTED, INHERITED
from retention.calendar import Instant
from retention.decide import Grant, State
from retention.report import Sighted


class Joining:
    """Brings parts to their calls."""

    def __init__(self, items: Items, moves: Moves) -> None:
        self._items = items
        self._moves = moves

    def arrive(self, batch: Batch, recording: Recording, place: int, part: Part) -> int:
        """A part of a call: it joins the others, or it is the first one met."""
        db = batch.db
        call = wholes.call_of(batch.recognition.key, part)
        item = wholes.find(db, call)
        moved = self._moved_part(batch, recording, item)
        if moved is not None:
            self._items.move(db, moved, recording, place=place)
            if item is None:
                wholes.begin(db, call, moved, part.role)
            batch.joined.add(wholes.item_of(db, moved))
            return moved
        if item is None:
            return self._begin_call(batch, recording, place, call, part.role)
        batch.joined.add(item)
        return self._join(batch, recording, place, item, part.role)

    def _moved_part(self, batch: Batch, recording: Recording, item: int | None) -> int | None:
        """Which known file this one is under another name.

        One of its own call; or, for the first of a call, a recording that had no such name before.
        """
        if item is not None:
            alike = [m for m in wholes.members(batch.db, item) if m[-1] == recording.fingerprint]
            return next((m.number for m in self._moves.missing(batch.db, alike)), None)
        if batch.recognition.is_stranger(recording):
            return None
        return self._moves.away(batch, recording, alone=True)

    def _begin_call(
        self, batch: Batch, recording: Recording, place: int, call: bytes, role: Role
    ) -> int:
        """The first part of a call that is known. Of one that was erased before, it goes (I11)."""
        dates, granted = self._dates_of_part(batch, recording, place, role), Grant.NONE
        memory = batch.recognition.remembered(place, recording)
        if memory is not None:
            granted = memory.granted
        fresh = role is Role.RECORDING and recording.sight.window and best_evidence(recording)
        if wholes.has_ended(batch.db, call) and not fresh:
            dates, granted = dates._replace(not_before=Instant(0)), Grant.ZOMBIE
        item = self._items.insert(batch, recording, place, dates, granted)
        batch.sighted[item] = len(batch.entries) - 1
        wholes.begin(batch.db, call, item, role)
        return item

    def _join(self, batch: Batch, recording: Recording, place: int, item: int, role: Role) -> int:
        """One more part of a call: its dates, holds and all are the call's."""
        db = batch.db
        number = wholes.add(db, item, role)
        dates = self._dates_of_part(batch, recording, place, role)
        holds = NO_HOLDS_OF_ITS_OWN
        self._items.write(
            db, number, recording, place, dates._replace(state=State.PRESENT), holds=holds
        )
        self.lead(db, item, number, dates)
        self.date(db, item, recording, dates)
        return number

    def lead(self, db: sqlite3.Connection, item: int, part: int, dates: Dates) -> None:
        """Have a part lead its call if that is led by one in doubt, or else by no recording.

        The call goes by it then; what is in doubt says what it knows when that is known (`redating`).
        """
        doubted, ours = (not is_confirmed(db, wholes.period_of(db, n)) for n in (item, part))
        unknown = ours or (doubted and dates.anchor is None)
        roles = wholes.role_of(db, part), wholes.lead_role(db, item)
        wordless, mute = (role is not Role.RECORDING for role in roles)
        if (unknown, wordless) >= (doubted, mute):
            return
        wholes.lead_by(db, item, part)
        known, _ = self._items.dates(db, item)
        if unknown < doubted and known.how != CORRECTED and known.state is not State.RESTRICTED:
            self._items.redate(db, item, dates)

    def _dates_of_part(self, batch: Batch, recording: Recording, place: int, role: Role) -> Dates:
        """What it says, and what an earlier epoch knew of it, if it can be told from others.

        The rating of many a call is `5`; and of calls that nobody answered, the recording is the same.
        """
        memory = batch.recognition.remembered(place, recording)
        if memory is not None:
            sure = is_confirmed(batch.db, recording.sight.period)
            return memory.dates_for(recording, sure=sure)
        dates = dates_of(recording)
        if role is not Role.RECORDING or batch.recognition.is_stranger(recording):
            return dates
        return known_before(batch.db, dates, recording)

    def date(self, db: sqlite3.Connection, item: int, recording: Recording, dates: Dates) -> None:
        """Have a call begin when a part of it says, if that is earlier and well attested (I10).

        A part that a clock in doubt has seen says so when that is known (`redating`).
        """
        anchor, before, after, state, how, period = db.execute(
            "SELECT anchor, before, after, state, word, period FROM items JOIN words ON id = how"
            " WHERE number = ?",
            (item,),
        ).fetchone()
        seen_in = recording.sight.period
        doubted = seen_in != period and not is_confirmed(db, seen_in)
        if dates.anchor is None or how == CORRECTED or state == State.RESTRICTED:
            return
        if doubted:
            pass
        elif anchor is None:
            self._items.redate(db, item, dates)
        elif dates.anchor < anchor and (best_evidence(recording) or dates.how == INHERITED):
            earliest = min(anchor - before, dates.anchor - dates.before)
            latest = max(anchor + after, dates.anchor + dates.after)
            widest = dates._replace(
                before=min(dates.anchor - earliest, WIDEST_SECONDS),
                after=min(latest - dates.anchor, WIDEST_SECONDS),
                state=State(state),
                not_before=Instant(0),
            )
            self._items.redate(db, item, widest)
        if recording.part is not None and recording.part.role is Role.RECORDING:
            db.execute(
                "UPDATE items SET span = max(span, ?1), after = max(after, ?1) WHERE number = ?2",
                (recording.span, item),
            )

    def tell(self, batch: Batch) -> None:
        """Each item of which more than its own arrival is to be told is told once, as it is now."""
        for item in sorted(batch.joined):
            if not batch.db.execute("SELECT 1 FROM items WHERE number = ?", (item,)).fetchone():
                continue  # it went in the same batch
            changed = self._items.changed(batch.db, item, batch.now)
            if item in batch.sighted:
                _, *facts = astuple(changed)
                batch.entries[batch.sighted[item]] = Sighted(*facts)
            else:
                batch.entries.append(changed)
