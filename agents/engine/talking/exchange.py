"""Talking with the enforcer: greet, report, consult. Losing any of it loses nothing.

Each is safe to repeat. Reports go up in order and are applied once; a directive is a state; a
greeting settles where both stand after either side lost something (docs/rules.md, Coming back).
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec.structs import replace

from agents.engine.clock import Clock, TrustedTime
from agents.engine.finding.evidence import Evidence
from agents.engine.memory.catalogue import Catalogue
from agents.engine.memory.outbox import Outbox, Segment
from agents.engine.obeying.chain import PolicyChain
from agents.engine.obeying.directives import Obedience
from agents.engine.talking.epoch import begin_epoch
from agents.engine.talking.uplink import FrozenError, GapError, RetiredError, Uplink
from agents.engine.talking.witness import check_head
from agents.engine.turns import Turns
from retention import acts, directive, envelope
from retention.acts import Retirement
from retention.calendar import Instant
from retention.errors import MalformedError, RefusedError, SignatureError, VerificationError
from retention.wire import Applied, Fetched, Hello, Welcome

NONCE_BYTES = 16


#: Where log entries and SQLite still tell numbers (`retention.report`).
_BEYOND = 2**53

#: More epochs than an agent can have missed. Who directs after a hijacker takes up where that one left off.
_MOST_MISSED = 1_000

#: What an agent says that has nothing, or nothing of use, to go on from.
_LOST = partial(Hello, epoch=None, number=0, digest=bytes(32))


class Exchange:
    """One store's side of the conversation. Threads take turns."""

    def __init__(
        self,
        *,
        uplink: Uplink,
        catalogue: Catalogue,
        outbox: Outbox,
        obedience: Obedience,
        evidence: Evidence,
        chain: PolicyChain,
        time: TrustedTime,
        clock: Clock,
        turns: Turns,
    ) -> None:
        self._uplink = uplink
        self._catalogue = catalogue
        self._outbox = outbox
        self._obedience = obedience
        self._evidence = evidence
        self._chain = chain
        self._time = time
        self._clock = clock
        self._turns = turns
        self._turn = threading.Lock()
        self._greeted = False
        self.ledger_refused = ""  # why the ledger's head was refused: it may have been forked
        self.policy_refused = ""  # why a policy was refused: it may have been forged
        # Why the last directive was: it is old, or may have been forged.
        self.directive_refused = ""

    @property
    def retired(self) -> str:
        """By which act two people took the store out of service; kept, since nobody tells a box that is cut off."""
        act: str = self._catalogue.value("SELECT retired FROM agent")
        return act

    def greet(self) -> None:
        """Settle the epoch and how far the log is known; call at start and after a refusal."""
        with self._talking():
            self._greet()

    def greet_once(self) -> None:
        """Greet, unless where both stand is settled."""
        if not self._greeted:
            with self._talking():
                self._greet_once()

    def report(self) -> int:
        """Upload what the enforcer does not have yet. Gives the number of entries it took."""
        taken = 0
        with self._talking():
            self._greet_once()
            while (segment := self._outbox.pending()) is not None:
                try:
                    applied = self._push(segment)
                except GapError:
                    self._greet()
                    segment = self._outbox.pending()
                    if segment is None:
                        break
                    applied = self._push(segment)
                self._acknowledge(applied.applied, applied.digest)
                taken += segment.last - segment.first + 1
            self._outbox.forget(self._time.latest())
        return taken

    def consult(self) -> None:
        """Fetch time, policies, ledger head and directive, and put in force what verifies."""
        with self._talking():
            self._greet_once()
            try:
                fetched, now = self._hear()
            except RefusedError:
                self._greet()  # it was restored, perhaps, and first has to hear what we know
                fetched, now = self._hear()
            self._retire("")
            self.ledger_refused = self._refusal(
                lambda: check_head(
                    self._catalogue,
                    self._chain(),
                    fetched.checkpoint,
                    fetched.consistency,
                    fetched.succession or None,
                    now=now,
                )
            )
            try:
                self._obedience.install(fetched.directive)
            except (MalformedError, SignatureError, VerificationError) as error:
                self.directive_refused = str(error)
                self._greeted = False  # for another epoch, perhaps: ask where we stand
                raise
            self.directive_refused = ""

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """One thread's turn. Whatever it asks, it may hear that the store was retired."""
        with self._turn:
            try:
                yield
            except RetiredError as error:
                act = self._retirement(error)
                self._retire(act.id)
                raise RefusedError(
                    f"two people retired this store: its bytes are {act.how}. Nobody hears this agent any "
                    "more; what is still here goes in its last hour, and what is held stays"
                ) from error

    def _retire(self, act: str) -> None:
        if act != self.retired:
            with self._catalogue.transaction() as db:
                db.execute("UPDATE agent SET retired = ?", (act,))

    def _retirement(self, told: RetiredError) -> Retirement:
        """The act that the enforcer shows, if two people signed it of this store; else raises."""
        if told.retirement is not None:
            act = acts.approved(told.retirement, self._chain().current)
            store = self._catalogue.value("SELECT store FROM agent")
            if isinstance(act, Retirement) and act.store == store:
                return act
        raise VerificationError(
            "the enforcer says that this store was retired, and shows no act by which two people did so"
        ) from told

    def _hear(self) -> tuple[Fetched, Instant]:
        """What there is to know. The time of it is kept, and so are newer policies."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        fetched = self._uplink.fetch(
            epoch=self._epoch(),
            nonce=nonce,
            policy=self._chain().current.version,
            ledger=self._catalogue.value("SELECT ledger_size FROM agent"),
        )
        self.policy_refused = self._refusal(lambda: self._chain.extend(fetched.policies))
        keys = self._chain().current.directive_keys
        store = self._catalogue.value("SELECT store FROM agent")
        now = directive.accept_time(fetched.time, keys, store=store, nonce=nonce)
        self._time.authenticated(now)
        return fetched, now

    def _push(self, segment: Segment) -> Applied:
        try:
            return self._uplink.push(
                epoch=self._epoch(), first=segment.first, packed=segment.packed
            )
        except FrozenError as error:
            self._freeze(str(error))
            raise

    @staticmethod
    def _refusal(step: Callable[[], object]) -> str:
        """Take a step of a consultation; if what it takes is refused, why.

        The rest still counts: a directive can only hold back or agree.
        """
        try:
            step()
        except (MalformedError, SignatureError, VerificationError) as error:
            return str(error)
        return ""

    def _greet_once(self) -> None:
        if not self._greeted:
            self._greet()

    def _greet(self) -> None:
        number, digest = self._outbox.end()
        epoch = self._epoch() or None
        known = self._catalogue.value("SELECT directive FROM agent")
        welcome = self._hello(
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
        elif not epoch <= welcome.epoch <= epoch + _MOST_MISSED:
            raise VerificationError(f"epoch {welcome.epoch} does not follow on {epoch}")
        elif welcome.epoch > epoch:
            self._begin(welcome)
        elif not self._goes_on_from(welcome):
            anew = self._hello(_LOST(booted=self._clock.boot()))
            # Ours to number: one that is restored to this epoch's beginning takes up what we say next.
            welcome = replace(anew, epoch=max(anew.epoch, epoch + 1))
            self._begin(welcome)
        self._acknowledge(welcome.applied, welcome.digest)
        # Once: who has told us what to do has told us all of it, and a liar would have what is here
        # dated as he likes.
        if welcome.prior and self._catalogue.value("SELECT directive FROM agent") is None:
            self._fetch_prior()
        self._greeted = True

    def _goes_on_from(self, welcome: Welcome) -> bool:
        """Whether our log continues what the enforcer has of it.

        Not if one of us remembers more than the other can send; nor if it has other entries than
        ours, which came from a second box, or from this one before an older state of it came back.
        """
        number, _ = self._outbox.end()
        ours = self._outbox.digest_at(welcome.applied)
        reaches = welcome.applied <= number and self._outbox.reaches(welcome.applied)
        return reaches and ours in {None, welcome.digest}

    def _hello(self, hello: Hello) -> Welcome:
        try:
            welcome = self._uplink.hello(hello)
        except FrozenError as error:
            self._freeze(str(error))
            raise
        if not 0 < welcome.epoch < _BEYOND or not 0 <= welcome.applied < _BEYOND:
            raise MalformedError("the enforcer's welcome names an epoch or an entry that cannot be")
        return welcome

    def _begin(self, welcome: Welcome) -> None:
        """Begin the epoch that the enforcer gave, with no batch of a sweep under way."""
        with self._turns.deciding():
            begin_epoch(self._catalogue, welcome)

    def _adopt(self, welcome: Welcome) -> None:
        with self._catalogue.transaction() as db:
            db.execute(
                "UPDATE agent SET epoch = ?, store_group = ?", (welcome.epoch, welcome.group)
            )
            db.execute("UPDATE scans SET epoch = ?", (welcome.epoch,))

    def _acknowledge(self, applied: int, digest: bytes) -> None:
        if not self._outbox.acknowledge(applied, digest):
            self._freeze("the enforcer has another log under this store's name")
            raise VerificationError("the enforcer's log of this store is not ours")

    def _fetch_prior(self) -> None:
        """Hear what earlier epochs knew; the time first, for no date of the future is believed."""
        self._hear()
        after = 0
        while (page := self._uplink.prior(after)).items or page.undated:
            with self._turns.deciding():  # what it dates may come to be held
                self._evidence.learn(page)
            last = max([i.number for i in page.items] + [i.number for i in page.undated or ()])
            if last <= after:
                raise MalformedError("the enforcer's pages of earlier evidence go round in circles")
            after = last

    def _freeze(self, why: str) -> None:
        with self._catalogue.transaction() as db:
            db.execute("UPDATE agent SET frozen = ? WHERE frozen = ''", (why,))

    def _epoch(self) -> int:
        return int(self._catalogue.value("SELECT epoch FROM agent"))
