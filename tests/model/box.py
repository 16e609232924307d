"""A terminal: its clocks, its place, and the real agent on it, which can die at any point."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from model.grounds import Ground
from model.office import Office, copy_database
from model.wire import Wire
from world import FakeClock, TrueTime

from agents.engine.agent import Agent
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.reserve import Reserve, open_catalogue
from agents.engine.talking.epoch import commission
from agents.engine.talking.uplink import CredentialRefusedError
from retention import envelope
from retention.errors import StoreUnreachableError
from retention.wire import Enrolment, Hello


class Box:
    """One terminal of the store."""

    def __init__(self, directory: Path, true: TrueTime, office: Office, ground: Ground) -> None:
        self.true = true
        self.clock = FakeClock(true)
        self.ground = ground
        self._state = directory / "state"
        self._office = office
        self._credential: str | None = None
        self._copies: list[Path] = []
        self.wire = Wire(office.answer, lambda: self._credential)
        self.agent: Agent | None = None
        self._state.mkdir()
        self.enrol()
        self.start()

    @property
    def catalogue_file(self) -> Path:
        return self._state / "catalogue.sqlite"

    def enrol(self) -> None:
        """What `retention-agent enrol` does, on a box without a memory or with a new token."""
        enrolled = self.wire.enrol(Enrolment(self._office.invite()))
        self._credential = f"{enrolled.store}.{enrolled.secret}"
        with closing(Catalogue(self.catalogue_file)) as catalogue:
            if catalogue.one("SELECT 1 FROM agent") is None:
                commission(catalogue, enrolled)
            with catalogue.transaction() as db:
                db.executemany(
                    "INSERT OR IGNORE INTO policies (version, envelope) VALUES (?, ?)",
                    [(n, envelope.encode(e)) for n, e in enumerate(enrolled.policies, start=1)],
                )
            self.ground.enrol()
            if catalogue.value("SELECT epoch FROM agent"):
                return
            hello = Hello(epoch=None, number=0, digest=bytes(32), booted=self.clock.boot())
            welcome = self.wire.hello(hello)
            with catalogue.transaction() as db:
                db.execute("UPDATE agent SET epoch = ?", (welcome.epoch,))

    @property
    def is_shut_out(self) -> bool:
        """Whether the enforcer does not know its credential: it came back from before the enrolment."""
        try:
            self.wire.prior(0)
        except CredentialRefusedError:
            return True
        return False

    @property
    def is_refused(self) -> bool:
        """Whether its store takes its state for a copy: people enrol it anew, with none."""
        try:
            self.store.check()
        except StoreUnreachableError as error:
            return "is a copy" in str(error)
        return False

    def start(self) -> None:
        """The process starts on whatever its state directory holds, and settles what was open."""
        catalogue = open_catalogue(self.catalogue_file)
        epoch = catalogue.value("SELECT epoch FROM agent")
        self.store = self.ground.open(epoch)
        self.store.catalogue = catalogue
        self.agent = Agent(
            store=self.store,
            catalogue=catalogue,
            uplink=self.wire,
            clock=self.clock,
            pin=self._office.pin,
            reserve=Reserve(catalogue, log_bytes=4096, free_pages=4),
            settle_seconds=0,
            parts=self.ground.parts,
        )
        self.agent.start()

    def die(self) -> None:
        """The process ends between two of its statements."""
        if self.agent is not None:
            self.agent.catalogue.close()
            self.store.close()
            self.agent = None

    def reboot(self, *, off: int, ahead: int) -> None:
        """Power is off for so many seconds; the clock comes back so wrong."""
        self.die()
        self.clock.reboot(off=off)
        self.clock.ahead = ahead

    def forget_everything(self) -> None:
        """The state directory is lost; the box is enrolled again."""
        self.die()
        for path in self._state.iterdir():
            path.unlink()

    def copy_state(self) -> None:
        """Somebody copies the state directory."""
        copy = self._state.with_name(f"state-{len(self._copies)}")
        copy_database(self.catalogue_file, copy)
        self._copies.append(copy)

    def restore_state(self) -> bool:
        """The newest copy of the state comes back; False if there is none."""
        if not self._copies:
            return False
        self.die()
        copy_database(self._copies[-1], self.catalogue_file)
        return True

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[tuple]:
        """What the agent's catalogue says, whether or not the agent runs."""
        if self.agent is not None:
            return self.agent.catalogue.rows(sql, args)
        with closing(sqlite3.connect(self.catalogue_file)) as db:
            return db.execute(sql, args).fetchall()

    def number_of(self, path: str) -> tuple[int, int] | None:
        """Epoch and number of the item that the catalogue has under this path."""
        directory, _, name = os.fsencode(path).rpartition(b"/")
        found = self.rows(
            "SELECT epoch, number FROM agent, items JOIN directories ON id = directory"
            " WHERE path = ? AND name = ?",
            (directory, name),
        )
        return found[0] if found else None
