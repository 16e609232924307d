"""The real enforcer's steps in a process of their own, on a real index, at the end of a wire.

Terminal and enforcer are two machines; here they are two processes. What lies between them, HTTP
and TLS, is a pipe: `bench/intake.py` measures the wire.
"""

import multiprocessing
import os
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from world import COMMISSIONED, GROUP, LEDGER_KEY, Centre

from bench.stopwatch import Stopwatch
from enforcer import intake, prove
from enforcer.index.engine import open_index, writing
from enforcer.index.tables import stores
from retention import report
from retention.calendar import Instant
from retention.policy import Chain
from retention.report import GENESIS
from retention.wire import Applied, Hello, Welcome


@dataclass
class Enforced(Centre):
    """A `Centre` that gives directives itself and passes on what an agent reports."""

    pipe: "Connection[Any, Any]" = field(init=False)  # since `open`
    process: multiprocessing.process.BaseProcess = field(init=False)

    def open(self, index: Path) -> None:
        """Start the enforcer on this index, made for our one store if it is new."""
        spawning = multiprocessing.get_context("spawn")
        self.pipe, far_end = spawning.Pipe()
        chain = self.chain
        self.process = spawning.Process(
            target=_serve, args=(far_end, index, self.store, chain, self.true.now), daemon=True
        )
        self.process.start()
        self._ask("ready")

    def close(self) -> None:
        """End the enforcer."""
        self.pipe.send(("end", ()))
        self.process.join()

    def hello(self, hello: Hello) -> Welcome:
        """See `Uplink`."""
        welcome: Welcome = self._ask("hello", hello)
        self.epoch = welcome.epoch
        return welcome

    def push(self, *, epoch: int, first: int, packed: bytes) -> Applied:
        """See `Uplink`."""
        applied: Applied = self._ask("push", epoch, first, packed)
        return applied

    def settle(self) -> tuple[int, Counter[str], float]:
        """Wait until all is certified: how many items, the seconds of its parts, its CPU seconds."""
        settled: tuple[int, Counter[str], float] = self._ask("settle")
        return settled

    def _ask(self, what: str, *args: object) -> Any:
        self.pipe.send((what, args))
        return self.pipe.recv()


class _Steps:
    """The enforcer: intake when it is spoken to, certificates while nobody speaks."""

    def __init__(self, index: Path, store: str, chain: Chain, now: Instant) -> None:
        fresh = not index.exists()
        self._engine = open_index(f"sqlite:///{index}")
        self._store, self._chain, self._now = store, chain, now
        self._watch = Stopwatch()
        self._certified = 0
        self._cpu = _cpu()
        self.dirty = False
        if fresh:
            with writing(self._engine) as connection:
                connection.execute(insert(stores).values(_row(store)))

    def ready(self) -> None:
        """It has started, and its CPU seconds count from here."""
        self._cpu = _cpu()

    def hello(self, hello: Hello) -> Welcome:
        return intake.hello(
            self._engine, store=self._store, said=hello, chain=self._chain, now=self._now
        )

    def push(self, epoch: int, first: int, packed: bytes) -> Applied:
        self.dirty = True
        with self._watch.part("enforcer: intake"):
            return intake.apply(
                self._engine,
                store=self._store,
                epoch=epoch,
                first=first,
                lines=report.unpack(packed),
                chain=self._chain,
                now=self._now,
            )

    def certify(self) -> None:
        """Certificates of what was erased so far, and a signed head over them."""
        with self._watch.part("enforcer: certificates"), writing(self._engine) as connection:
            count = prove.certify(connection, self._chain, self._now, os.urandom)
            origin = self._chain.current.ledger_origin
            prove.publish(connection, origin=origin, key=LEDGER_KEY, now=self._now)
        self._certified += count
        self.dirty = count > 0

    def settle(self) -> tuple[int, Counter[str], float]:
        while self.dirty:
            self.certify()
        return self._certified, self._watch.seconds, _cpu() - self._cpu


def _serve(pipe: Connection, index: Path, store: str, chain: Chain, now: Instant) -> None:
    steps = _Steps(index, store, chain, now)
    while True:
        if steps.dirty and not pipe.poll():
            steps.certify()
            continue
        what, args = pipe.recv()
        if what == "end":
            return
        pipe.send(getattr(steps, what)(*args))


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system


def _row(store: str) -> dict[str, object]:
    return {
        "id": store,
        "site": "Brivibas 12",
        "store_group": GROUP,
        "zone": "Europe/Riga",
        "region": "EEA",
        "processor": "controller",
        "kind": "terminal",
        "state": "active",
        "commissioned_at": COMMISSIONED,
        "digest": GENESIS,
    }
