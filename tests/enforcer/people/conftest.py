"""A founded enforcer that serves on this machine, its people, and an agent that does as it is told."""

import json
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from msgspec import structs
from nacl.signing import SigningKey
from sqlalchemy import Engine

from agents.engine.talking.uplink import HttpUplink
from enforcer import compose, keys, log
from enforcer.cli import main
from enforcer.cli.client import Client
from enforcer.clock import Clock, wall_clock
from enforcer.founding import Founder, Plan, found
from enforcer.govern import drafts
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores
from enforcer.settings import Settings, load
from retention import codec, directive, envelope, policy, report
from retention.calendar import Instant, parse_instant
from retention.numbers import Keyed
from retention.people import Role
from retention.report import AnyEntry
from retention.wire import Enrolment, Hello

PASSPHRASE = "correct horse battery"
SOURCES = """
[[source]]
id = "cam-front"
group = "terminal"
directory = "front"
record_class = "terminal-image"
purpose = "people in front of the terminal"

[[source]]
id = "cam-side"
group = "terminal"
directory = "side"
record_class = "terminal-image"
purpose = "people beside the terminal"
"""
PEOPLE = {
    "anna": (Role.OWNER, Role.DPO),
    "ben": (Role.OWNER, Role.APPROVER),
    "olga": (Role.OPERATOR,),
    "hugo": (Role.HANDLER,),
    "aija": (Role.APPROVER,),
    "dana": (Role.DPO,),
    "uldis": (Role.AUDITOR,),
    "ivo": (Role.OWNER,),
}
NOON = parse_instant("2026-06-10T12:00:00+03:00")


class Ticker:
    """A clock that tests turn."""

    def __init__(self, now: Instant) -> None:
        self.now = now

    def __call__(self) -> Instant:
        return self.now

    def forward(self, seconds: int) -> Instant:
        self.now = Instant(self.now + seconds)
        return self.now


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded enforcer nobody uses: tests copy it. Its keys are quick to unlock."""
    directory = tmp_path_factory.mktemp("founded") / "enforcer"
    plan = Plan(
        founders=[Founder(name, roles, PASSPHRASE) for name, roles in PEOPLE.items()],
        hosts=("localhost", "127.0.0.1"),
        listen="127.0.0.1:8443",
        origin="test/ledger",
        policy=drafts.built_in() + SOURCES,
    )
    found(directory, plan, NOON, seal=partial(keys.seal, memory=8 << 20, operations=1))
    return directory


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """An enforcer's directory, as `enforcer init` leaves it."""
    directory = tmp_path / "enforcer"
    shutil.copytree(template, directory)
    return directory


@pytest.fixture
def settings(home: Path) -> Settings:
    return load(home / "enforcer.toml", {})


@pytest.fixture
def clock() -> Ticker:
    """Noon of a summer day; it stands still."""
    return Ticker(NOON)


@dataclass
class Served:
    """A running enforcer and those who speak to it."""

    url: str
    home: Path
    clock: Clock
    built: compose.Enforcer
    uplinks: list[HttpUplink] = field(default_factory=list)
    _keys: dict[str, SigningKey] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        return self.built.engine

    def person(self, name: str) -> Client:
        if name not in self._keys:
            sealed = keys.read_sealed(self.home / "people" / f"{name}.key")
            self._keys[name] = keys.unseal(sealed, PASSPHRASE)
        return Client(
            person=name,
            key=self._keys[name],
            server=self.url,
            pin=self.pin,
            trust=ssl.create_default_context(),
            clock=self.clock,
        )

    @property
    def pin(self) -> bytes:
        return bytes.fromhex(load(self.home / "enforcer.toml", {}).policy_pin)

    def uplink(self, agent: "Agent") -> HttpUplink:
        """A wire for the agent; it is closed when the test ends."""
        made = HttpUplink(self.url, ca_file=None, authorisation=lambda: agent.credential)
        self.uplinks.append(made)
        return made

    def enrol(self, name: str, site: str = "Brīvības 12") -> "Agent":
        """A store whose agent has greeted."""
        new = NewStore(id=name, site=site, group="terminal", commissioned_on=date(2025, 1, 1))
        answer = self.person("olga").post("/v1/stores", NewStores((new,)), Invitations)
        return Agent(self, answer.invitations[0].code)


class Agent:
    """Speaks the agents' API with the real client, and reports what a test makes it."""

    def __init__(self, served: Served, code: str) -> None:
        self.served = served
        self.credential: str | None = None
        self.uplink = served.uplink(self)
        enrolled = self.uplink.enrol(Enrolment(code))
        self.store = enrolled.store
        self.credential = f"{enrolled.store}.{enrolled.secret}"
        self.chain = policy.follow(enrolled.policies, served.pin)
        hello = Hello(epoch=None, number=0, digest=bytes(32), booted=f"boot-of-{self.store}")
        self.epoch = self.uplink.hello(hello).epoch
        self.written = 0

    def report(self, *entries: AnyEntry) -> None:
        lines = [report.encode(entry) for entry in entries]
        self.uplink.push(epoch=self.epoch, first=self.written + 1, packed=report.pack(lines))
        self.written += len(lines)

    def fetch(self) -> directive.Directive:
        fetched = self.uplink.fetch(
            epoch=self.epoch, nonce=os.urandom(16), policy=self.chain.current.version, ledger=0
        )
        for document in fetched.policies:
            self.chain = self.chain.extended(document)
        known = self.chain.current.directive_keys
        return directive.accept(fetched.directive, known, store=self.store, known_version=0)

    def sight(self, *anchors: Instant | None, source: str = "cam-front", **facts: object) -> None:
        """Report a file of ten seconds for each of these starts, with other facts than usual."""
        first = getattr(self, "items", 0) + 1
        self.items = first + len(anchors) - 1
        seen = self.served.clock()
        self.report(
            *(
                structs.replace(
                    report.Sighted(
                        item=number,
                        record_class="terminal-image",
                        source=source,
                        anchor=anchor,
                        how="undated" if anchor is None else "name",
                        span=10,
                        before=0,
                        after=10,
                        seen=seen,
                        size=1000,
                        fingerprint=codec.digest(f"{self.store} {number}".encode()),
                        state="undated" if anchor is None else "present",
                    ),
                    **facts,
                )
                for number, anchor in enumerate(anchors, first)
            )
        )

    def number(self, item: int, *numbers: Keyed) -> None:
        """Report telephone numbers of an item."""
        self.report(report.Numbered(self.served.clock(), item, numbers))

    def scan(self) -> None:
        now = self.served.clock()
        self.report(report.Scanned(at=now, began=now, files=1, unreadable=0))

    def obey(self) -> directive.Directive:
        """Fetch the directive and acknowledge all of it."""
        said = self.fetch()
        known = [envelope_id(sealed) for sealed in said.acts]
        holds = tuple(hold.id for hold in said.holds)
        now = self.served.clock()
        self.report(report.Acknowledged(now, said.version, holds, (), tuple(known)))
        return said


def envelope_id(sealed: envelope.Envelope) -> str:
    from retention import acts  # noqa: PLC0415

    return acts.decode(sealed.payload).id


@pytest.fixture
def serve(home: Path, clock: Ticker) -> Iterator[Callable[..., Served]]:
    """Start an enforcer, by the test's clock or another; its tasks are not running."""
    running: list[tuple[uvicorn.Server, threading.Thread, Served]] = []

    def start(clock: Clock = clock, directory: Path = home) -> Served:
        log.configure("warning")
        built = compose.build(load(directory / "enforcer.toml", {}), clock)
        listener = compose.bound(("127.0.0.1", 0))
        config = uvicorn.Config(built.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running.append((server, thread, Served(url, directory, clock, built)))
        return running[-1][2]

    yield start
    for server, thread, served in running:
        for uplink in served.uplinks:
            uplink.close()
        server.should_exit = True
        thread.join()
        served.engine.dispose()


@pytest.fixture
def served(serve: Callable[[], Served]) -> Served:
    return serve()


@pytest.fixture
def live(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """An enforcer that people's commands reach: it goes by the real clock, as they do."""
    served = serve(wall_clock)
    for name in PEOPLE:
        path = served.home / "people" / f"{name}.toml"
        path.write_text(path.read_text().replace("https://localhost:8443", served.url))
    monkeypatch.setenv("RETENTION_PASSPHRASE", PASSPHRASE)
    return served


class Typed:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def type_(live: Served, capsys: pytest.CaptureFixture[str]) -> Callable[..., Typed]:
    """Type a command as somebody."""

    def typed(person: str, *words: str, asks: bool = True) -> Typed:
        as_whom = ("--as", str(live.home / "people" / f"{person}.toml")) if asks else ()
        try:
            code = main([*words, *as_whom])
        except SystemExit as stopped:
            code = stopped.code
        return Typed(code, *capsys.readouterr())

    return typed
