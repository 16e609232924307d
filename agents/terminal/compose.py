"""The composition root of the terminal agent: the only place that reads settings and builds things."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from agents.engine.agent import Agent
from agents.engine.catalogue import Catalogue
from agents.engine.clock import SystemClock
from agents.engine.daemon import LOOPS, Counted, Daemon, Pace, Uncounted
from agents.engine.epoch import commission
from agents.engine.reserve import Reserve, open_catalogue
from agents.engine.supervisor import Supervisor
from agents.engine.uplink import HttpUplink
from agents.stores.tree import Tree
from agents.terminal import credential
from agents.terminal.credential import Credential, Token
from agents.terminal.log import logger
from agents.terminal.places import place_of
from agents.terminal.settings import Settings
from retention import envelope, policy
from retention.errors import ConfigError
from retention.wire import Enrolment, Hello

CREDENTIAL_FILE = "credential"
CATALOGUE_FILE = "catalogue.sqlite"


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and how to take it down."""

    agent: Agent
    catalogue: Catalogue
    close: Callable[[], None]


def build(settings: Settings) -> Built:
    """An enrolled agent, ready to start. `ConfigError` if it is not enrolled."""
    state = settings.state_directory
    known = credential.load(state / CREDENTIAL_FILE)
    reserve = Reserve(state / "reserve")
    catalogue = open_catalogue(state / CATALOGUE_FILE, reserve)
    if catalogue.one("SELECT 1 FROM agent") is None:
        raise ConfigError(
            f"the catalogue in {state} is empty: enrol this agent again, it lost its state"
        )
    uplink = _uplink(settings, lambda: known.bearer)
    epoch = catalogue.value("SELECT epoch FROM agent")
    store = place_of(settings).open(known.store, epoch)
    agent = Agent(
        store=store,
        catalogue=catalogue,
        uplink=uplink,
        clock=SystemClock(),
        pin=known.pin,
        reserve=reserve,
        freeze=Path(settings.freeze) if settings.freeze else state / "freeze",
        events=Path(settings.events) if settings.events else None,
        offline=settings.offline,
        settle_seconds=settings.settle,
        spread=_spread(known.store, settings.spread),
        plant=store.plant if isinstance(store, Tree) else None,
    )

    def close() -> None:
        uplink.close()
        store.close()
        catalogue.close()

    return Built(agent, catalogue, close)


def build_daemon(settings: Settings, built: Built) -> Daemon:
    """The daemon around an agent, with its watcher and, where a port is set, its metrics."""
    port = settings.metrics_port
    return Daemon(
        built.agent,
        watch=place_of(settings).watch(),
        metrics=Uncounted() if port is None else _metrics(port, built.agent),
        pace=Pace(scan=settings.scan_every, sweep=settings.sweep_every, talk=settings.talk_every),
        log=logger(),
        turned=Supervisor(os.environ.get("NOTIFY_SOCKET"), LOOPS).turned,
    )


def enrol(settings: Settings, token: Token) -> str:
    """Exchange a one-time token for a credential, and get the state ready. Gives the store's id.

    An agent whose catalogue was lost enrols again with a new token: it gets a new epoch.
    """
    state, place = settings.state_directory, place_of(settings)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.look()
    enrolled = _uplink(settings, lambda: None).enrol(Enrolment(token.code))
    policy.follow(enrolled.policies, token.pin)
    known = Credential(enrolled.store, enrolled.secret, token.pin)
    catalogue = Catalogue(state / CATALOGUE_FILE)
    if catalogue.one("SELECT 1 FROM agent") is None:
        commission(catalogue, enrolled)
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT OR IGNORE INTO policies (version, envelope) VALUES (?, ?)",
            [(n, envelope.encode(e)) for n, e in enumerate(enrolled.policies, start=1)],
        )
    place.enrol(enrolled.store)
    credential.save(state / CREDENTIAL_FILE, known)
    _first_hello(settings, catalogue, known)
    catalogue.close()
    return enrolled.store


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


def _first_hello(settings: Settings, catalogue: Catalogue, known: Credential) -> None:
    """Learn the epoch: private names on the store carry it from the first on."""
    if catalogue.value("SELECT epoch FROM agent"):
        return
    hello = Hello(epoch=None, number=0, digest=bytes(32), booted=SystemClock().boot())
    welcome = _uplink(settings, lambda: known.bearer).hello(hello)
    with catalogue.transaction() as db:
        db.execute("UPDATE agent SET epoch = ?, store_group = ?", (welcome.epoch, welcome.group))


def _uplink(settings: Settings, authorisation: Callable[[], str | None]) -> HttpUplink:
    return HttpUplink(settings.enforcer, ca_file=settings.ca_file, authorisation=authorisation)


def _spread(store: str, within: int) -> int:
    """A store's share of the spread: always the same, evenly over the fleet."""
    return int.from_bytes(sha256(store.encode()).digest()[:4]) % within if within else 0
