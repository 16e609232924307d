"""Building an agent around a store: what compositions of every kind have in common."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from agents.engine.agent import Agent
from agents.engine.canary import Plant
from agents.engine.clock import SystemClock
from agents.engine.daemon import LOOPS, Counted, Daemon, Pace, Uncounted
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.reserve import Reserve, open_catalogue
from agents.engine.talking.epoch import commission
from agents.engine.talking.uplink import HttpUplink
from agents.service import credential
from agents.service.credential import Credential, Exchange, Token
from agents.service.log import logger
from agents.service.places import Place
from agents.service.settings import Service
from agents.service.supervisor import Supervisor
from agents.stores import Store
from agents.stores.joined import Joined
from agents.stores.tree.tree import Tree
from retention import envelope, policy
from retention.errors import ConfigError, RefusedError, VerificationError
from retention.wire import Enrolled, Enrolment, Hello

CREDENTIAL_FILE = "credential"
CATALOGUE_FILE = "catalogue.sqlite"
EXCHANGE_FILE = "exchange"

_AGAIN = "The token is not lost: see to it, and type the same again."


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and how to take it down."""

    agent: Agent
    catalogue: Catalogue
    close: Callable[[], None]


class Composition:
    """An agent as its settings describe it. `options` are what else this kind of agent is made with."""

    def __init__(self, settings: Service, place: Place, **options: Any) -> None:
        self.settings = settings
        self.place = place
        self._options = options

    def build(self) -> Built:
        """An enrolled agent, ready to start. `ConfigError` if it is not enrolled."""
        settings, state = self.settings, self.settings.state_directory
        known = credential.load(state / CREDENTIAL_FILE)
        catalogue = open_catalogue(state / CATALOGUE_FILE)
        if catalogue.one("SELECT 1 FROM agent") is None:
            raise ConfigError(
                f"the catalogue in {state} is empty: enrol this agent again, it lost its state"
            )
        uplink = self.uplink(lambda: known.bearer)
        store = self.place.open(known.store, catalogue.value("SELECT epoch FROM agent"))
        agent = Agent(
            store=store,
            catalogue=catalogue,
            uplink=uplink,
            clock=SystemClock(),
            pin=known.pin,
            reserve=Reserve(catalogue),
            freeze=Path(settings.freeze) if settings.freeze else state / "freeze",
            offline=settings.offline,
            settle_seconds=settings.settle,
            spread=_spread(known.store, settings.spread),
            plant=_planter(store),
            **self._options,
        )

        def close() -> None:
            uplink.close()
            store.close()
            catalogue.close()

        return Built(agent, catalogue, close)

    def daemon(self, built: Built) -> Daemon:
        """The daemon around an agent, with its watcher and, where a port is set, its metrics."""
        said = self.settings
        return Daemon(
            built.agent,
            watch=self.place.watch(),
            metrics=Uncounted()
            if said.metrics_port is None
            else _metrics(said.metrics_port, built.agent),
            pace=Pace(scan=said.scan_every, sweep=said.sweep_every, talk=said.talk_every),
            log=logger(),
            turned=Supervisor(os.environ.get("NOTIFY_SOCKET"), LOOPS).turned,
        )

    def enrol(self, token: Token) -> str:
        """Exchange a one-time token for a credential, and get the state ready. Gives the store's id.

        An agent whose catalogue was lost enrols again with a new token: it gets a new epoch.
        """
        state = self.settings.state_directory
        _make_directory(state)
        self.place.look()
        # What can fail on this machine fails before the code is spent.
        with closing(Catalogue(state / CATALOGUE_FILE)) as catalogue:
            enrolled = self._exchanged(token)
            known = Credential(enrolled.store, enrolled.secret, token.pin)
            if catalogue.one("SELECT 1 FROM agent") is None:
                commission(catalogue, enrolled)
            with catalogue.transaction() as db:
                db.executemany(
                    "INSERT OR IGNORE INTO policies (version, envelope) VALUES (?, ?)",
                    [(n, envelope.encode(e)) for n, e in enumerate(enrolled.policies, start=1)],
                )
            self._mark(enrolled.store)
            credential.save(state / CREDENTIAL_FILE, known)
            (state / EXCHANGE_FILE).unlink()
            self._first_hello(catalogue, known)
        return enrolled.store

    def _exchanged(self, token: Token) -> Enrolled:
        """What this token's code is exchanged for, now or before: it is kept until the store is marked."""
        kept = self.settings.state_directory / EXCHANGE_FILE
        known = credential.exchange(kept)
        if known is not None and known.token == token:
            return known.enrolled
        with closing(self.uplink(lambda: None)) as uplink:
            enrolled = uplink.enrol(Enrolment(token.code))
        _must_be_of(token, enrolled)
        credential.save(kept, Exchange(token, enrolled))
        return enrolled

    def _mark(self, store: str) -> None:
        """Write who it is into the store. Whoever may not yet has somebody see to it, and tries again."""
        try:
            self.place.enrol(store)
        except (ConfigError, RefusedError) as error:
            raise type(error)(f"{error} {_AGAIN}") from error

    def _first_hello(self, catalogue: Catalogue, known: Credential) -> None:
        """Learn the epoch: private names on the store carry it from the first on."""
        if catalogue.value("SELECT epoch FROM agent"):
            return
        hello = Hello(epoch=None, number=0, digest=bytes(32), booted=SystemClock().boot())
        with closing(self.uplink(lambda: known.bearer)) as uplink:
            welcome = uplink.hello(hello)
        with catalogue.transaction() as db:
            db.execute(
                "UPDATE agent SET epoch = ?, store_group = ?", (welcome.epoch, welcome.group)
            )

    def uplink(self, authorisation: Callable[[], str | None]) -> HttpUplink:
        """The wire to the enforcer, with what it is shown of the credential."""
        said = self.settings
        return HttpUplink(said.enforcer, ca_file=said.ca_file, authorisation=authorisation)


def _make_directory(state: Path) -> None:
    """`ConfigError` unless the agent has a directory of its own to write in."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the directory {state}: {error.strerror}") from error
    if not os.access(state, os.W_OK):
        raise ConfigError(
            f"cannot write in {state}: its file system is read-only, or it is another's"
        )


def _planter(store: Store) -> Plant | None:
    """Who writes canaries: a directory, also one whose calls have rows elsewhere."""
    place = store.main if isinstance(store, Joined) else store
    return place.plant if isinstance(place, Tree) else None


def _must_be_of(token: Token, enrolled: Enrolled) -> None:
    """`VerificationError` unless the policies are those that the token was given out for."""
    try:
        policy.follow(enrolled.policies, token.pin)
    except VerificationError as error:
        raise VerificationError(
            f"{error}: the token was mistyped behind its point, or is another enforcer's; its code is"
            " used up, so ask for a new one"
        ) from error


def _metrics(port: int, agent: Agent) -> Counted:
    """Metrics that are served on loopback. Imported here: elsewhere they would take 2.5 MiB."""
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415

    from agents.engine.metrics import Metrics  # noqa: PLC0415

    registry = CollectorRegistry()
    metrics = Metrics(registry, agent)
    try:
        start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise ConfigError(f"metrics port {port}: {error.strerror}") from error
    return metrics


def _spread(store: str, within: int) -> int:
    """A store's share of the spread: always the same, evenly over the fleet."""
    return int.from_bytes(sha256(store.encode()).digest()[:4]) % within if within else 0
