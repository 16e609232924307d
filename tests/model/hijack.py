"""The real enforcer in somebody else's hands, and the real agent that has to live with it.

Whoever has it edits its index by hand, signs with its online keys what he likes, and changes its
answers on their way. He has nobody's personal key.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from model.box import Box
from model.grounds import TreeGround
from model.office import Office
from model.wire import Answer
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select
from world import DIRECTIVE_KEY, LEDGER_KEY, RIGA, STORE, TrueTime, at, signed_act

from enforcer.govern.forms.holds import Placement
from enforcer.index import scope, tables
from retention import acts, codec, envelope
from retention.acts import Activation, AnyAct, Release
from retention.calendar import DAY, Instant, Limits, civil_date, iso
from retention.directive import Directive
from retention.envelope import Envelope
from retention.errors import RetentionError
from retention.hold import ItemRef
from retention.wire import Fetched, Welcome

HOUR = 3600
IMAGE = "terminal-image"
DUE = at("2026-01-20 10:00")
LIVE = at("2026-03-01 10:00")
HELD = at("2026-01-05 10:00")
MOVED = at("2026-01-06 10:00")

_SAID = {"/agent/v1/hello": Welcome, "/agent/v1/directive": Fetched}


class Hijacked(Office):
    """An enforcer that was honest until now. What `lies` gives is what it answers."""

    def __init__(self, directory: Path, clock: Callable[[], Instant]) -> None:
        self.lies: dict[type[Struct], Callable] = {}
        super().__init__(directory, clock)

    def answer(self, method: str, path: str, authorisation: str, body: bytes) -> Answer:
        try:
            status, data = super().answer(method, path, authorisation, body)
        except (ArithmeticError, LookupError, ValueError):  # what a server says to a broken index
            return 500, b"Internal Server Error"
        kind = _SAID.get(urlsplit(path).path)
        if status == 200 and kind in self.lies:
            data = codec.encode(self.lies[kind](codec.decode(data, kind)))
        return status, data

    def edit(self, *statements: str) -> None:
        """Change the index by hand. The process starts anew, if by what it finds there it can."""
        with closing(sqlite3.connect(self.database)) as index:
            for statement in statements:
                index.execute(statement)
            index.commit()
        self.stop()
        with suppress(RetentionError):
            self.start()

    def direct(self, **fields: object) -> None:
        """From now on directives say this besides, well signed."""
        self.twist(lambda said: replace(said, **fields))

    def twist(self, change: Callable[[Directive], Directive]) -> None:
        """From now on directives are changed like this, and well signed."""

        def lie(fetched: Fetched) -> Fetched:
            said = change(codec.decode(fetched.directive.payload, Directive))
            sealed = envelope.seal("directive", codec.encode(said), [DIRECTIVE_KEY])
            return replace(fetched, directive=sealed)

        self.lies[Fetched] = lie

    def insert(self, sealed: Envelope, name: str) -> None:
        """A document that nobody approved stands among the approved ones."""
        now = self.now
        with closing(sqlite3.connect(self.database)) as index:
            index.execute(
                "INSERT INTO documents VALUES (?, 'release', ?, 'approved', ?, ?)",
                (name, envelope.encode(sealed), now, now),
            )
            index.execute("INSERT INTO document_stores VALUES (?, ?, NULL)", (name, STORE))
            index.commit()

    def forge(self, act: AnyAct, *names: str) -> None:
        """An act that these people signed, or that our own keys did."""
        if names:
            sealed = signed_act(act, *names)
        else:
            sealed = envelope.seal("act", acts.encode(act), [DIRECTIVE_KEY, LEDGER_KEY])
        self.insert(sealed, act.id)


class Siege:
    """A terminal whose enforcer turns hostile a while before a picture of its is due.

    One picture is due then, one is young, two are old and held: one of these was moved to where the
    hold would not match it any more.
    """

    def __init__(self, path: Path) -> None:
        (path / "office").mkdir()
        self.true = TrueTime(at("2026-03-08 12:00"))
        self.enforcer = Hijacked(path / "office", lambda: self.true.now)
        self.ground = TreeGround(path, self.true)
        self.box = Box(path, self.true, self.enforcer, self.ground)
        self.heard: set[str] = set()  # what the agent refused, in its own words
        self.files = {self._record(moment) for moment in (DUE, LIVE, HELD, MOVED)}
        self.limits = self._limits()  # of the picture that comes due
        self._prepare()

    @property
    def kept(self) -> set[str]:
        """All but what is due."""
        return self.files - {_name(DUE)}

    @property
    def there(self) -> set[str]:
        """What lies on the store."""
        return {path for path, _ in self.ground.walk()}

    def until(self, instant: int) -> set[str]:
        """Live until then, a turn every few hours and one at that instant; what is there then."""
        while self.true.now < instant:
            self.true.now = Instant(min(self.true.now + 9 * HOUR, instant))
            self.live()
        return self.there

    def live(self) -> None:
        """A turn of everything, whatever the enforcer answers."""
        for turn in self._turns():
            try:
                turn()
            except RetentionError as error:
                self.heard.add(str(error))
        agent = self.box.agent
        exchange = agent.exchange
        self.heard |= {agent.waiting, agent.obedience.refused, *agent.notes()}
        self.heard |= {exchange.policy_refused, exchange.ledger_refused}

    def restart(self) -> None:
        """The agent's process ends and begins."""
        self.box.die()
        self.box.start()

    def hold(self, name: str, moment: Instant) -> None:
        """Somebody has what the camera in front recorded then held."""
        since, until = (iso(Instant(moment + seconds), RIGA) for seconds in (-60, 60))
        self.enforcer.place(
            Placement(
                id=name,
                ground="crime",
                stores=(STORE,),
                sources=("front",),
                since=since,
                until=until,
            )
        )

    def items(self) -> tuple[ItemRef, ...]:
        """Every item, named as acts name them."""
        with self.enforcer.reading() as connection:
            return tuple(map(scope.reference, connection.execute(select(tables.items)).all()))

    def _limits(self) -> Limits:
        with self.enforcer.reading() as connection:
            chain = self.enforcer.chains.read(connection)
        limits = chain.limits_of(IMAGE, civil_date(DUE, RIGA))
        assert limits is not None
        return limits

    def _turns(self) -> Iterator[Callable[[], object]]:
        agent = self.box.agent
        yield lambda: list(agent.scan())
        yield agent.look
        yield lambda: list(agent.sweep())
        yield agent.heartbeat
        yield agent.talk

    def _record(self, moment: Instant) -> str:
        name, _ = self.ground.put(_name(moment), b"\xff\xd8\xff%d" % moment)
        os.utime(self.ground.root / name, (moment + 9, moment + 9))
        return name

    def _prepare(self) -> None:
        """All that happened while the enforcer was honest."""
        self.live()
        for name, moment in (("held", HELD), ("moved", MOVED), ("closed", LIVE)):
            self.hold(f"hold-{name}", moment)
        self.live()
        now, common = self.true.now, {"reason": "test"}
        self.enforcer.approve(
            Activation(
                id="activation-00000001",
                at=now,
                stores=(STORE,),
                record_class=IMAGE,
                through_ordinal=770_000,
                count=1000,
                **common,
            )
        )
        self.enforcer.approve(Release(id="release-00000001", at=now, hold="hold-closed", **common))
        self.ground.move(_name(MOVED), f"copies/{_name(MOVED).partition('/')[2]}")
        self.files = self.there
        for _ in range(2):
            self.live()
        self.enforcer.rounds.prove()
        self.until(self.true.now + 2 * DAY)
        assert self.files == self.there
        with self.enforcer.reading() as connection:
            effective = connection.execute(select(tables.hold_stores.c.effective_at)).scalars()
            assert all(effective.all()), "the holds were acknowledged"
        self.heard.clear()


def _name(moment: Instant) -> str:
    return f"front/{datetime.fromtimestamp(moment, RIGA):%Y%m%d-%H%M%S}.jpg"
