"""The only place that builds things: settings in, a running enforcer out."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI
from nacl.signing import SigningKey
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from enforcer import home, keys, log
from enforcer.clock import Clock, wall_clock
from enforcer.direct import Director
from enforcer.index.engine import file_of, open_index, reading
from enforcer.index.policies import Chains
from enforcer.metrics import Facts
from enforcer.prometheus import asker
from enforcer.settings import Settings
from enforcer.tasks.rounds import Rounds, verified_gauge
from enforcer.tasks.side import SideTasks, Task
from enforcer.tasks.supervisor import Supervisor
from enforcer.tasks.watch import Watch
from enforcer.web.agents_api import agents_api
from enforcer.web.app import make_app
from enforcer.web.desk import Desk
from enforcer.web.people_api import people_api
from enforcer.web.routes import ROUTES
from retention.errors import ConfigError, RefusedError
from retention.numbers import NumberKey

SHUTDOWN_SECONDS = 10
#: Agents speak every minute: to greet by TLS anew each time would cost as much as what they say.
KEEP_ALIVE_SECONDS = 150
DAILY_SECONDS = 24 * 3600
BACKLOG = 1024  # a fleet that comes back at once
#: Tasks that come round within minutes: a watchdog can wait for them.
_OFTEN = ("prove", "watch")

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Enforcer:
    """One enforcer, built and not yet running."""

    engine: Engine
    app: FastAPI
    chains: Chains
    rounds: Rounds
    tasks: SideTasks
    stopped: "Stopped"


class Stopped:
    """Whether a side task died, and the server to stop then."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        self.died = False

    def __call__(self) -> None:
        """A task died."""
        self.died = True
        if self.server is not None:
            self.server.should_exit = True


def build(settings: Settings, clock: Clock = wall_clock) -> Enforcer:
    """All the parts; `ConfigError` with one sentence if one is missing or does not fit."""
    directive_key = keys.read_online(settings.directive_key)
    ledger_key = keys.read_online(settings.ledger_key)
    engine = _index(settings.index)
    registry = CollectorRegistry()
    chains = Chains(bytes.fromhex(settings.policy_pin))
    _tell_unnamed(engine, chains, directive_key, ledger_key)
    desk = Desk(
        engine=engine,
        chains=chains,
        clock=clock,
        pin=settings.policy_pin,
        directive_key=directive_key,
        number_keys=_number_keys(settings.number_keys),
        ask=asker(settings.prometheus) if settings.prometheus else None,
    )
    registry.register(Facts(engine, chains, clock))
    rounds = Rounds(engine, chains, clock, ledger_key, settings.heads, verified_gauge(registry))
    stopped = Stopped()
    watch = Watch(engine, chains, clock, home.ZONE)
    supervisor = Supervisor(os.environ.get("NOTIFY_SOCKET"), _OFTEN)
    side = _tasks(rounds, watch, settings.prove_seconds, settings.watch_seconds)
    tasks = SideTasks(side, registry, stopped, supervisor.turned)
    routers = [agents_api(desk, Director(directive_key)), people_api(ROUTES, desk)]
    app = make_app(routers, registry, tasks.alive)
    return Enforcer(engine, app, chains, rounds, tasks, stopped)


def serve(settings: Settings) -> int:
    """Run until told to stop: 0, or 1 if a side task died."""
    log.configure(settings.log_level)
    for path in (settings.tls_certificate, settings.tls_key):
        _require_file(path)
    enforcer = build(settings)
    enforcer.rounds.remember()
    with bound(settings.address) as listener:
        server = uvicorn.Server(_config(enforcer.app, settings))
        enforcer.stopped.server = server
        enforcer.tasks.start()
        for asked_to_stop in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises it again once it has stopped; then it is our turn to tidy up.
            signal.signal(asked_to_stop, lambda *_: None)
        _LOG.info("serving", address=settings.listen)
        server.run(sockets=[listener])
        enforcer.tasks.stop()
    enforcer.engine.dispose()
    _LOG.info("stopped")
    return int(enforcer.stopped.died)


def _index(url: str) -> Engine:
    """The index that `enforcer init` made: a new one in its place would know of no hold."""
    file = file_of(url)
    if file is not None and not file.exists():
        raise ConfigError(f"there is no index {file}: restore it (docs/backup-and-restore.md)")
    return open_index(url)


def _number_keys(path: Path | None) -> Callable[[], tuple[NumberKey, ...]]:
    """Reads the file at each question: keys are exchanged while we run."""
    if path is None:
        return tuple
    keys.read_numbers(path)
    return lambda: keys.read_numbers(path)


def bound(address: tuple[str, int]) -> socket.socket:
    """A listening socket; `ConfigError` if the address cannot be had.

    Its protocol is named because asyncio sends small packets at once only where it is: an answer in
    two writes would otherwise wait 40 ms for the other side's acknowledgement.
    """
    host, port = address
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with ExitStack() as undo:
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            undo.enter_context(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            undo.pop_all()
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _tasks(rounds: Rounds, watch: Watch, prove_seconds: int, watch_seconds: int) -> list[Task]:
    return [
        Task("prove", prove_seconds, rounds.prove),
        Task("watch", watch_seconds, watch.look),
        Task("check", DAILY_SECONDS, rounds.check),
        Task("forget", DAILY_SECONDS, rounds.forget),
    ]


def _tell_unnamed(
    engine: Engine, chains: Chains, directive_key: SigningKey, ledger_key: SigningKey
) -> None:
    """A key that the policy does not name signs nothing; until then agents go by what they know."""
    with reading(engine) as connection:
        policy = chains.read(connection).current
    named = {"directive": policy.directive_keys, "ledger": policy.ledger_keys}
    for what, key in (("directive", directive_key), ("ledger", ledger_key)):
        try:
            keys.require_named(what, key, named[what])
        except RefusedError as error:
            _LOG.warning("a key that nobody knows", reason=str(error))


def _require_file(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
