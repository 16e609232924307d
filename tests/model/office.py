"""The real enforcer in this process, without a socket: it starts, stops, and is restored.

Handlers, index, people's acts and rounds are the product's own; people act through the same steps
that the people's API calls. Only HTTP is missing.
"""

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from fastapi import Request
from model.wire import Answer
from msgspec import structs
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection
from world import DIRECTIVE_KEY, GROUP, KEYS, LEDGER_KEY, STORE, first_policy, signed_policy

from enforcer import home, intake
from enforcer.direct import Director
from enforcer.govern import approvals, holds, items
from enforcer.govern import stores as register
from enforcer.govern.forms.holds import Placement
from enforcer.govern.forms.items import Restriction
from enforcer.govern.forms.stores import NewStore
from enforcer.index import policies, tables
from enforcer.index.engine import open_index, reading, writing
from enforcer.index.policies import Chains
from enforcer.tasks.rounds import Rounds, verified_gauge
from enforcer.web.agents_api import agents_api
from enforcer.web.desk import Desk
from enforcer.web.problems import explained
from retention import acts, codec, envelope
from retention.acts import AnyAct
from retention.calendar import Instant
from retention.errors import RetentionError
from retention.policy import Policy, Source
from retention.reasons import SaltedReason

#: Cameras in three directories and one queue of calls; `odd` is in no register.
SOURCES = {"front": "terminal-image", "copies": "terminal-image", "calls": "contact-centre-call"}


def the_policy() -> Policy:
    """The classes of the small world, and the sources above; copies may come late."""
    return first_policy(
        sources=[
            Source(
                id=name,
                group=GROUP,
                directory=name,
                record_class=record_class,
                purpose="test",
                name_pattern="%Y%m%d-%H%M%S*",
                imports=name == "copies",
            )
            for name, record_class in SOURCES.items()
        ]
    )


class Office:
    """One enforcer, and the people who work with it."""

    def __init__(self, directory: Path, clock: Callable[[], Instant]) -> None:
        self._directory = directory
        self._clock = clock
        self.database = directory / "index.db"
        self.database.write_bytes(_template())
        (directory / "heads").mkdir()
        self.pin = codec.digest(_first_document().payload)
        self._copy: Path | None = None
        self.running = False
        self.start()

    def start(self) -> None:
        """The process starts, on whatever its index is."""
        self.engine = open_index(f"sqlite:///{self.database}")
        self.chains = Chains(self.pin)
        desk = Desk(self.engine, self.chains, self._clock, self.pin.hex(), DIRECTIVE_KEY)
        router = agents_api(desk, Director(DIRECTIVE_KEY))
        self._handlers = {
            (method, route.path): route.endpoint
            for route in router.routes
            for method in route.methods
        }
        self.rounds = Rounds(
            self.engine,
            self.chains,
            self._clock,
            LEDGER_KEY,
            self._directory / "heads",
            verified_gauge(CollectorRegistry()),
        )
        self.rounds.remember()
        self.running = True

    def stop(self) -> None:
        """The process ends."""
        self.engine.dispose()
        self.running = False

    def answer(self, method: str, path: str, authorisation: str, body: bytes) -> Answer:
        """What the web server would: the handler of this address, errors explained."""
        if not self.running:
            raise ConnectionRefusedError("nobody listens")
        parts = urlsplit(path)
        handler = self._handlers[method, parts.path]
        request = Request(
            {
                "type": "http",
                "method": method,
                "path": parts.path,
                "query_string": parts.query.encode(),
                "headers": [(b"authorization", authorisation.encode())],
            }
        )
        given = {"request": request, "body": body}
        wanted = inspect.signature(handler).parameters
        try:
            response = handler(**{name: given[name] for name in wanted})
        except RetentionError as error:
            response = explained(request, error)
        return response.status_code, bytes(response.body)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with writing(self.engine) as connection:
            yield connection

    @property
    def now(self) -> Instant:
        """What time it is, by the enforcer's clock."""
        return self._clock()

    @property
    def today(self) -> date:
        return home.today(self._clock())

    def invite(self) -> str:
        """A code for the store: it is enrolled, or its agent's state was lost."""
        with self.writing() as connection:
            known = [line.id for line in register.listed(connection)]
            if STORE in known:
                return register.renew(connection, STORE, self._clock()).code
            new = NewStore(
                id=STORE, site="Brivibas 12", group=GROUP, commissioned_on=date(2025, 1, 1)
            )
            [invitation] = register.enrol(connection, [new], now=self._clock(), today=self.today)
            return invitation.code

    def place(self, form: Placement) -> None:
        """Edgars places a hold."""
        with self.writing() as connection:
            chain = self.chains.read(connection)
            holds.place(
                connection, chain, form, person="edgars", now=self._clock(), today=self.today
            )

    def restrict(self, form: Restriction) -> None:
        with self.writing() as connection:
            items.restrict(connection, form, person="anna", now=self._clock(), review_on=self.today)

    def approve(self, act: AnyAct, *names: str) -> None:
        """Two people sign, one after the other; raises where one of them may not."""
        reason = SaltedReason(bytes(32), act.reason)
        payload = acts.encode(structs.replace(act, reason=reason.commitment))
        first, second = (
            envelope.seal("act", payload, [KEYS[name]]) for name in names or ("anna", "dace")
        )
        proposer, approver = names or ("anna", "dace")
        now = self._clock()
        with self.writing() as connection:
            chain = self.chains.read(connection)
            document = approvals.propose(
                connection, chain, first, (reason,), person=proposer, now=now
            )
            approvals.sign(connection, chain, document, second, person=approver, now=now)

    def slip_in(self, act: AnyAct, *names: str) -> None:
        """A hijacked enforcer carries an act to the store that these people, or nobody, signed."""
        sealed = envelope.seal("act", acts.encode(act), [KEYS[name] for name in names])
        with self.writing() as connection:
            connection.execute(
                tables.documents.insert().values(
                    id=act.id,
                    kind=acts.kind_of(act),
                    envelope=envelope.encode(sealed),
                    state="approved",
                    proposed_at=self._clock(),
                    approved_at=self._clock(),
                )
            )
            connection.execute(tables.document_stores.insert().values(document=act.id, store=STORE))

    def copy(self) -> None:
        """A backup of the index is made."""
        self._copy = self._directory / "index.copy"
        copy_database(self.database, self._copy)

    def restore(self) -> bool:
        """Its newest backup comes back, if there is one, and says that it is one."""
        if self._copy is None:
            return False
        self.stop()
        copy_database(self._copy, self.database)
        self.start()
        with self.writing() as connection:
            intake.await_all(connection)
        return True


def copy_database(source: Path, target: Path) -> None:
    """Copy a closed or an open SQLite database as of now, with what its log has."""
    for leftover in (target, Path(f"{target}-wal"), Path(f"{target}-shm")):
        leftover.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@cache
def _first_document() -> envelope.Envelope:
    return signed_policy(the_policy())


@cache
def _template() -> bytes:
    """An index with the first policy and nothing else."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "index.db"
        engine = open_index(f"sqlite:///{path}")
        with writing(engine) as connection:
            policies.publish(connection, 1, _first_document())
        engine.dispose()
        return path.read_bytes()
