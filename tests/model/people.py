"""What people decide, through the enforcer's own steps; the observer is told what was decided."""

from itertools import count

from model.box import Box
from model.office import Office
from model.reference import ZONE, File, Hold, Observer
from sqlalchemy import select, update
from world import KEYS, STORE

from enforcer import prove
from enforcer.govern.forms.holds import Placement
from enforcer.govern.forms.items import Restriction
from enforcer.govern.lookup import StoredRow
from enforcer.index import scope, tables
from enforcer.index.tree import Head
from retention import codec, envelope
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Thaw,
)
from retention.calendar import DAY, Instant, iso
from retention.errors import RetentionError
from retention.hold import RESTRICTION, padded
from retention.ledger import LastHead


class People:
    """Edgars at night, and two people for everything that takes protection away."""

    def __init__(self, office: Office, box: Box, observer: Observer) -> None:
        self._office = office
        self._box = box
        self._observer = observer
        self._numbers = count(1)
        self.granted: list[int] = []  # how many items may go at once, by activations and releases
        self.corrections: dict[str, tuple[int, Instant]] = {}  # act -> (inode, the new start)
        self.erasures: dict[str, int] = {}  # act -> inode
        self.activations: dict[str, str] = {}  # act -> class

    def hold_time(self, moment: Instant, minutes: int, sources: tuple[str, ...]) -> str:
        """Everything that these sources, or all, recorded around that moment."""
        begins, ends = Instant(moment - 60 * minutes), Instant(moment + 60 * minutes)
        form = Placement(
            id=f"hold-{next(self._numbers):08x}",
            ground="crime",
            stores=(STORE,),
            sources=sources,
            since=iso(begins, ZONE),
            until=iso(ends, ZONE),
        )
        self._office.place(form)
        self._observer.holds[form.id] = Hold(form.id, *padded(begins, ends), sources)
        return form.id

    def hold_item(self, file: File) -> str | None:
        """One recording; None if the enforcer has not heard of it."""
        row = self._row(file)
        if row is None:
            return None
        name = f"{row.store}/{row.epoch}/{row.number}"
        form = Placement(id=f"hold-{next(self._numbers):08x}", ground="crime", items=(name,))
        self._office.place(form)
        return self._watch(form.id, file)

    def restrict(self, file: File) -> str | None:
        """One recording is kept unused, since somebody asked (GDPR article 18)."""
        row = self._row(file)
        if row is None:
            return None
        name = f"{row.store}/{row.epoch}/{row.number}"
        form = Restriction(
            id=f"{RESTRICTION}{next(self._numbers):08x}", items=(name,), reason="contested"
        )
        self._office.restrict(form)
        return self._watch(form.id, file)

    def release(self, hold: str) -> bool:
        """Two people end a hold; False if the enforcer does not know it, or no more."""
        act = Release(id=self._id("release"), at=self._office.now, reason="closed", hold=hold)
        if not self._approved(act):
            return False
        self._observer.release(hold, self._box.true.now)
        return True

    def lift(self, file: File, hold: str) -> bool:
        """Two people end what restricts a recording, however often; who asked has been told."""
        row = self._row(file)
        if row is None:
            return False
        now = self._office.now
        act = Lift(
            id=self._id("lift"),
            at=now,
            reason="settled",
            items=(scope.reference(row),),
            subject_informed_at=now,
        )
        if not self._approved(act):
            return False
        named = self._observer.holds[hold].files
        for other in list(self._observer.holds.values()):
            if other.files == named and other.id.startswith(RESTRICTION) and not other.released:
                self._observer.release(other.id, self._box.true.now)
        return True

    def forge(self, hold: str, *names: str) -> None:
        """A hijacked enforcer sends a release that these people signed, or nobody."""
        act = Release(id=self._id("release"), at=self._office.now, reason="forged", hold=hold)
        self._office.slip_in(act, *names)

    def omit(self, hold: str) -> None:
        """A hijacked enforcer no longer tells the store of a hold."""
        with self._office.writing() as connection:
            connection.execute(
                update(tables.hold_stores)
                .where(tables.hold_stores.c.hold == hold)
                .values(freed_at=self._office.now)
            )
        self._observer.holds[hold].omitted = True

    def erase_early(self, file: File) -> bool:
        """Two people have a recording erased before its time (GDPR article 17)."""
        row = self._row(file)
        if row is None:
            return False
        act = Erasure(
            id=self._id("erasure"),
            at=self._office.now,
            reason="asked",
            items=(scope.reference(row),),
        )
        if not self._approved(act):
            return False
        for name in self._observer.of_inode(file.inode):
            name.asked = True
        self._observer.asked.add(file.content)
        self.erasures[act.id] = file.inode
        return True

    def heard_erasure(self, act: str) -> None:
        """The store has carried an erasure out: all it knows of the recording goes with the next sweep.

        Not if it is held there: then it was refused.
        """
        for name in self._observer.of_inode(self.erasures.pop(act)):
            for twin in self._observer.twins(name):
                if twin.met is not None and not self._observer.may_be_held(twin):
                    twin.erase_by = self._box.true.now

    def correct(self, file: File, begins: Instant) -> bool:
        """Two people give a recording another start."""
        row = self._row(file)
        if row is None:
            return False
        act = Correction(
            id=self._id("correction"),
            at=self._office.now,
            reason="wrong clock",
            items=(scope.reference(row),),
            anchor=begins,
        )
        if not self._approved(act):
            return False
        self.corrections[act.id] = (file.inode, begins)
        file.earliest, file.latest = min(file.earliest, begins), max(file.latest, begins)
        file.says = (*file.says, begins)
        return True

    def corrected(self, act: str, holds: frozenset[str]) -> None:
        """The store has carried a correction out: from here on it is the recording's date.

        It is that of its copies too, and of those that come later. These holds had come before.
        """
        inode, begins = self.corrections.pop(act)
        for name in self._observer.of_inode(inode):
            for content in {name.content, *name.had}:
                self._observer.corrected.setdefault(content, []).append(begins)
            for twin in self._observer.files.values():
                if {name.content, *name.had} & {twin.content, *twin.had}:
                    twin.earliest = min(twin.earliest, begins)
                    twin.latest = max(twin.latest, begins)
                    twin.corrected, twin.held_by_own = begins, holds
        for name in self._observer.of_inode(inode):
            name.earliest = name.latest = begins
            name.undated = False

    def activate(self, record_class: str, number: int) -> bool:
        """Two people let the store erase this class, and so many of its backlog at once."""
        act = Activation(
            id=self._id("activation"),
            at=self._office.now,
            reason="begin",
            stores=(STORE,),
            record_class=record_class,
            through_ordinal=770_000,  # of the year 2109
            count=number,
        )
        if not self._approved(act):
            return False
        self._observer.active.add(record_class)
        self.activations[act.id] = record_class
        self.granted.append(number)
        return True

    def release_brake(self, number: int) -> bool:
        """Two people let one sweep go on, if it waits."""
        now = self._office.now
        act = BrakeRelease(
            id=self._id("brake-release"),
            at=now,
            reason="looked at",
            store=STORE,
            count=number,
            expires=Instant(now + 7 * DAY),
        )
        if not self._approved(act):
            return False
        self.granted.append(number)
        return True

    def thaw(self, epoch: int) -> bool:
        """Two people say which box is the store."""
        act = Thaw(
            id=self._id("thaw"), at=self._office.now, reason="one box", store=STORE, epoch=epoch
        )
        return self._approved(act)

    def succeed(self, last: Head) -> None:
        """Two people sign which head was the last that anybody knows, and the ledger goes on."""
        head = LastHead(self._office.now, "restored", last.size, last.root)
        keys = [KEYS["anna"], KEYS["boris"]]
        approval = envelope.seal("act", codec.encode(head), keys)
        with self._office.writing() as connection:
            chain = self._office.chains.read(connection)
            prove.succeed(connection, chain, approval, self._office.now)

    def hear(self) -> None:
        """Holds that markers began, or that came back from an agent, are holds like others."""
        with self._office.reading() as connection:
            rows = connection.execute(select(tables.holds)).all()
            told = connection.execute(
                select(tables.hold_stores.c.hold).where(
                    tables.hold_stores.c.effective_at.is_not(None)
                )
            )
            effective = set(told.scalars())
        for row in rows:
            if row.id not in self._observer.holds:
                sources = codec.decode(row.scope, scope.Scope).sources
                self._observer.holds[row.id] = Hold(row.id, row.begins, row.ends, sources)
            if row.id in effective:
                self._observer.holds[row.id].told = True

    def _watch(self, hold: str, file: File) -> str:
        contents = {file.content}
        self._observer.holds[hold] = Hold(
            hold, Instant(1), Instant(0), files=frozenset({file.inode}), contents=contents
        )
        return hold

    def _approved(self, act: AnyAct) -> bool:
        """Whether two people could sign it; the enforcer refuses what could not be done."""
        try:
            self._office.approve(act)
        except RetentionError:
            return False
        return True

    def _row(self, file: File) -> StoredRow | None:
        """What the enforcer has of the item that this file is, if it has heard of it."""
        if file.replaces and file.met is None:
            return None  # but of what had its name
        found = self._box.number_of(file.path)
        if found is None:
            return None
        epoch, number = found
        with self._office.reading() as connection:
            c = tables.items.c
            query = select(tables.items).where(c.epoch == epoch, c.number == number)
            row = connection.execute(query).one_or_none()
        return None if row is None or row.state == "erased" else row

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers):08x}"
