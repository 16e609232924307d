"""What the enforcer does by itself, round after round: prove, and forget what it may not keep."""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog
from nacl.signing import SigningKey
from sqlalchemy import Engine

from enforcer import intake, prove
from enforcer.clock import Clock
from enforcer.index.engine import reading, scrub, writing
from enforcer.index.policies import Chains
from enforcer.index.tree import Head

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rounds:
    """The enforcer's own tasks. `heads` is the directory of published checkpoints."""

    engine: Engine
    chains: Chains
    clock: Clock
    ledger_key: SigningKey
    heads: Path

    def prove(self) -> None:
        """Make certificates of what was erased, beat, and publish a head over all of it."""
        while certified := self._certify():
            _LOG.info("certified", count=certified)
        with writing(self.engine) as connection:
            prove.heartbeat(connection, self.clock())
        with writing(self.engine) as connection:
            origin = self.chains.read(connection).current.ledger_origin
            head = prove.publish(connection, origin=origin, key=self.ledger_key, now=self.clock())
        if head is not None:
            self._show(head)

    def forget(self) -> None:
        """Destroy old salts, drop what is known of past epochs, and overwrite what that leaves."""
        now = self.clock()
        with reading(self.engine) as connection:
            chain = self.chains.read(connection)
        with writing(self.engine) as connection:
            shredded = prove.shred(connection, now)
            intake.forget_prior(connection, chain=chain, now=now)
        scrub(self.engine)
        _LOG.info("forgot", count=shredded)

    def _certify(self) -> int:
        with writing(self.engine) as connection:
            chain = self.chains.read(connection)
            return prove.certify(connection, chain, self.clock(), os.urandom)

    def _show(self, head: Head) -> None:
        """Publish a head after its commit; one that is there already stays."""
        path = self.heads / f"{head.size:012}.note"
        if path.exists():
            return
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(head.note, encoding="utf-8")
        unfinished.rename(path)
        _LOG.info("published", size=head.size)
