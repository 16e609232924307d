"""Talking with the enforcer: greet, report, consult. Losing any of it loses nothing.

Each is safe to repeat. Reports go up in order and are applied once; a directive is a state; a
greeting settles where both stand after either side lost something (docs/rules.md, Coming back).
"""

import secrets
import threading

from agents.engine.catalogue import Catalogue
from agents.engine.chain import PolicyChain
from agents.engine.clock import Clock, TrustedTime
from agents.engine.epoch import begin_epoch
from agents.engine.obeying import Obedience
from agents.engine.outbox import Outbox
from agents.engine.uplink import FrozenError, GapError, Uplink
from agents.engine.witness import check_head
from agents.stores import Store
from retention import directive, envelope
from retention.errors import RetentionError, VerificationError
from retention.wire import Hello, Welcome

NONCE_BYTES = 16


class Exchange:
    """One store's side of the conversation. Threads take turns."""

    def __init__(
        self,
        *,
        uplink: Uplink,
        catalogue: Catalogue,
        outbox: Outbox,
        obedience: Obedience,
        chain: PolicyChain,
        time: TrustedTime,
        clock: Clock,
        store: Store,
    ) -> None:
        self._uplink = uplink
        self._catalogue = catalogue
        self._outbox = outbox
        self._obedience = obedience
        self._chain = chain
        self._time = time
        self._clock = clock
        self._store = store
        self._turn = threading.Lock()
        self._greeted = False
        self.ledger_refused = ""  # why the ledger's head was refused: it may have been forked
        self.new_epoch = False

    def greet(self) -> None:
        """Settle the epoch and how far the log is known; call at start and after a refusal."""
        with self._turn:
            self._greet()

    def report(self) -> int:
        """Upload what the enforcer does not have yet. Gives the number of entries it took."""
        taken = 0
        with self._turn:
            self._greet_once()
            while (segment := self._outbox.pending()) is not None:
                try:
                    applied = self._uplink.push(
                        epoch=self._epoch(), first=segment.first, packed=segment.packed
                    )
                except GapError:
                    self._greet()
                    continue
                except FrozenError as error:
                    self._freeze(str(error))
                    raise
                self._acknowledge(applied.applied, applied.digest)
                taken += segment.last - segment.first + 1
        return taken

    def consult(self) -> None:
        """Fetch time, policies, ledger head and directive, and put in force what verifies."""
        with self._turn:
            self._greet_once()
            nonce = secrets.token_bytes(NONCE_BYTES)
            fetched = self._uplink.fetch(
                epoch=self._epoch(),
                nonce=nonce,
                policy=self._chain().current.version,
                ledger=self._catalogue.value("SELECT ledger_size FROM agent"),
            )
            self._chain.extend(fetched.policies)
            policy = self._chain().current
            store = self._catalogue.value("SELECT store FROM agent")
            now = directive.accept_time(
                fetched.time, policy.directive_keys, store=store, nonce=nonce
            )
            self._time.authenticated(now)
            try:
                check_head(self._catalogue, policy, fetched.checkpoint, fetched.consistency)
                self.ledger_refused = ""
            except RetentionError as error:
                self.ledger_refused = str(
                    error
                )  # the directive still counts: it can only hold back
            self._obedience.install(fetched.directive)

    def _greet_once(self) -> None:
        if not self._greeted:
            self._greet()

    def _greet(self) -> None:
        number, digest = self._outbox.end()
        epoch = self._epoch() or None
        known = self._catalogue.value("SELECT directive FROM agent")
        welcome = self._uplink.hello(
            Hello(
                epoch=epoch,
                number=number,
                digest=digest,
                booted=self._clock.boot(),
                directive=None if known is None else envelope.decode(known),
            )
        )
        if epoch is None:
            self._adopt(welcome)
            self._store.begin(welcome.epoch)
        elif welcome.epoch != epoch or welcome.applied > number:
            # The enforcer knows more of this log than we do: our memory is older than our word.
            welcome = self._lost()
            begin_epoch(self._catalogue, welcome)
            self._store.begin(welcome.epoch)
            self.new_epoch = True
        self._acknowledge(welcome.applied, welcome.digest)
        if welcome.prior:
            self._fetch_prior()
        self._greeted = True

    def _lost(self) -> Welcome:
        """Say that our state was lost, and be given a new epoch."""
        hello = Hello(epoch=None, number=0, digest=bytes(32), booted=self._clock.boot())
        return self._uplink.hello(hello)

    def _adopt(self, welcome: Welcome) -> None:
        with self._catalogue.transaction() as db:
            db.execute(
                "UPDATE agent SET epoch = ?, store_group = ?", (welcome.epoch, welcome.group)
            )

    def _acknowledge(self, applied: int, digest: bytes) -> None:
        if not self._outbox.acknowledge(applied, digest):
            self._freeze("the enforcer has another log under this store's name")
            raise VerificationError("the enforcer's log of this store is not ours")

    def _fetch_prior(self) -> None:
        after = 0
        while items := self._uplink.prior(after).items:
            with self._catalogue.transaction() as db:
                db.executemany(
                    "INSERT INTO prior (fingerprint, source, anchor, seen) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET anchor = min(anchor, excluded.anchor)",
                    [(item.fingerprint, item.source, item.anchor, item.seen) for item in items],
                )
            after = items[-1].number

    def _freeze(self, why: str) -> None:
        with self._catalogue.transaction() as db:
            db.execute("UPDATE agent SET frozen = ? WHERE frozen = ''", (why,))

    def _epoch(self) -> int:
        return int(self._catalogue.value("SELECT epoch FROM agent"))
