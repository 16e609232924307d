"""What the enforcer does by itself, round after round: prove, check, and forget what it may."""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog
from nacl.signing import SigningKey
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine

from enforcer import heads, intake, keys, prove
from enforcer.clock import Clock
from enforcer.govern import shedding
from enforcer.index import tree
from enforcer.index.engine import reading, scrub, writing
from enforcer.index.policies import Chains
from retention.errors import VerificationError
from retention.ledger import verifiers
from retention.policy import Chain

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rounds:
    """The enforcer's own tasks. `directory` is where heads are published."""

    engine: Engine
    chains: Chains
    clock: Clock
    ledger_key: SigningKey
    directory: Path
    verified: Gauge

    def remember(self) -> None:
        """At the start: if we were restored, let every agent first say what it knows."""
        chain = self._chain()
        try:
            with reading(self.engine) as connection:
                heads.require_memory(connection, chain, self.directory)
        except VerificationError as error:
            _LOG.warning("restored from a backup", reason=str(error))
            with writing(self.engine) as connection:
                intake.await_all(connection)

    def prove(self) -> None:
        """Make certificates of what was erased, beat, and publish a head over all of it."""
        chain = self._chain()
        keys.require_named("ledger", self.ledger_key, chain.current.ledger_keys)
        with reading(self.engine) as connection:
            heads.require_memory(connection, chain, self.directory)
        while certified := self._certify(chain):
            _LOG.info("certified", count=certified)
        with writing(self.engine) as connection:
            prove.heartbeat(connection, self.clock())
        origin = chain.current.ledger_origin
        with writing(self.engine) as connection:
            prove.publish(connection, origin=origin, key=self.ledger_key, now=self.clock())
        with writing(self.engine) as connection:  # after its commit, and one enforcer at a time
            head = tree.last_head(connection)
            if head is not None:
                heads.show(self.directory, head)

    def check(self) -> None:
        """Hash the whole ledger again, and say when that last went well."""
        chain = self._chain()
        with reading(self.engine) as connection:
            prove.check(connection, verifiers(chain))
        self.verified.set(self.clock())

    def forget(self) -> None:
        """Drop what only the past needed: salts, past epochs, items named by people's decisions.

        What that leaves in the database file is overwritten.
        """
        chain, now = self._chain(), self.clock()
        with writing(self.engine) as connection:
            shredded = prove.shred(connection, now)
            intake.forget_prior(connection, chain=chain, now=now)
            shedding.shed(connection, chain, now)
        scrub(self.engine)
        _LOG.info("forgot", count=shredded)

    def _chain(self) -> Chain:
        with reading(self.engine) as connection:
            return self.chains.read(connection)

    def _certify(self, chain: Chain) -> int:
        with writing(self.engine) as connection:
            return prove.certify(connection, chain, self.clock(), os.urandom)


#: Name, labels and sentence (docs/metrics.md).
VERIFIED = (
    "retention_ledger_verify_last_success_timestamp_seconds",
    ("verifier",),
    "When the whole ledger was last hashed again and found as published; 0: not since we started.",
)


def verified_gauge(registry: CollectorRegistry) -> Gauge:
    """When the ledger was last found whole; the enforcer is one verifier, auditors are others."""
    name, labels, sentence = VERIFIED
    return Gauge(name, sentence, labels, registry=registry).labels("enforcer")
