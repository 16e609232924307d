"""Whatever is done between two transactions of a request or a round, the books and the ledger are right."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, func, select

from enforcer.govern.forms.documents import Document, Proposal, Signed
from enforcer.govern.forms.holds import HoldSheet, Placement
from enforcer.index import tally
from enforcer.index.engine import reading, writing
from enforcer.index.policies import publish
from enforcer.index.tables import items, stores, watched
from enforcer.metrics import Facts
from enforcer.tasks.watch import Watch
from retention import acts, codec, envelope, report
from retention.acts import Retirement
from retention.calendar import DAY, Instant, civil_date
from retention.errors import RefusedError
from retention.outcome import Outcome
from retention.reasons import SaltedReason
from retention.wire import Hello

CLOSED = SaltedReason(bytes(32), "case closed")
MINUTE = 60


class Centre:
    """An enforcer that serves, and a store of it for each life."""

    def __init__(self, served) -> None:
        self.served = served
        self.numbers = count(1)
        self.watch = Watch(
            served.engine, served.built.chains, served.clock, ZoneInfo("Europe/Riga")
        )

    def begin(self) -> None:
        self.number = next(self.numbers)
        self.served.clock.forward(MINUTE)
        self.agent = self.served.enrol(f"t-{self.number}")
        old = Instant(self.served.clock.now - 70 * DAY)
        self.agent.sight(old, old, self.served.clock.now)
        self.erase(1)

    def erase(self, item: int) -> None:
        gone = report.Erased(self.served.clock.now, ((item, item),), "due", Outcome.ERASED_VERIFIED)
        self.agent.report(gone)

    def approve(self, act: acts.AnyAct) -> None:
        first, second = (self.served.person(name) for name in ("aija", "dana"))
        sealed = envelope.seal("act", acts.encode(act), [first.key])
        document = first.post("/v1/documents", Proposal(sealed, (CLOSED,)), Document)
        signed = Signed(envelope.seal("act", acts.encode(act), [second.key]))
        second.post(f"/v1/documents/{document.id}/sign", signed, Document)


def says(centre: Centre) -> None:
    centre.erase(2)


def greets(centre: Centre) -> None:
    agent = centre.agent
    hello = Hello(epoch=None, number=0, digest=bytes(32), booted=f"boot-of-{agent.store}")
    agent.epoch, agent.written = agent.uplink.hello(hello).epoch, 0


def asks(centre: Centre) -> None:
    centre.agent.fetch()


def holds(centre: Centre) -> None:
    form = Placement(id=f"hold-{centre.number}", ground="crime", site="brivibas", around="12:00")
    centre.served.person("hugo").post("/v1/holds", form, HoldSheet)


def retires(centre: Centre) -> None:
    act = Retirement(
        id=f"retirement-{centre.number:08}",
        at=centre.served.clock.now,
        reason=CLOSED.commitment,
        store=centre.agent.store,
        how="wiped",
    )
    centre.approve(act)


def publishes(centre: Centre) -> None:
    engine, chains = centre.served.engine, centre.served.built.chains
    with writing(engine) as connection:
        chain, now = chains.read(connection), centre.served.clock.now
        version = chain.current.version + 1
        new = structs.replace(
            chain.current,
            version=version,
            previous=chain.head,
            issued_at=now,
            effective_from=civil_date(Instant(now + 30 * DAY), UTC),
        )
        owners = [centre.served.person(name).key for name in ("anna", "ben")]
        publish(connection, version, envelope.seal("policy", codec.encode(new), owners))


def proves(centre: Centre) -> None:
    centre.served.built.rounds.prove()


def checks(centre: Centre) -> None:
    centre.served.built.rounds.check()


def forgets(centre: Centre) -> None:
    centre.served.built.rounds.forget()


def looks(centre: Centre) -> None:
    centre.watch.look()


def is_scraped(centre: Centre) -> None:
    registry = CollectorRegistry()
    served = centre.served
    registry.register(Facts(served.engine, served.built.chains, served.clock))
    list(registry.collect())


Act = Callable[[Centre], None]
ACTS: tuple[Act, ...] = (
    *(says, greets, asks, holds, retires, publishes),
    *(proves, checks, forgets, looks, is_scraped),
)


OF_ONE_AGENT = frozenset({says, greets, asks})


def _called(act: object) -> str:
    return getattr(act, "__name__", str(act))


class Meanwhile:
    """Has another thread act when the nth transaction is over; counts them."""

    def __init__(self, engine: Engine) -> None:
        self.act: Callable[[], None] = lambda: None
        self.nth = self.passed = 0
        self.error: BaseException | None = None
        event.listen(engine, "checkin", self._over)

    def run(self, first: Callable[[], None], second: Callable[[], None], nth: int) -> int:
        """Gives how many transactions there were."""
        self.act, self.nth, self.passed, self.error = second, nth, 0, None
        _unless_refused(first)
        self.nth = 0
        if self.error is not None:
            raise self.error
        return self.passed

    def _over(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self.nth:
            thread = threading.Thread(target=self._run)
            thread.start()
            thread.join()

    def _run(self) -> None:
        try:
            _unless_refused(self.act)
        except BaseException as error:  # noqa: BLE001 - raised by who waits for it
            self.error = error


def _unless_refused(act: Callable[[], None]) -> None:
    with suppress(
        RefusedError
    ):  # of a store that was retired, by a policy that is the newest no more
        act()


def assert_right(centre: Centre) -> None:
    served = centre.served
    for act in (looks, proves, checks):
        act(centre)
    with reading(served.engine) as connection:
        assert [] == tally.unbalanced(connection)
        assert 0 == connection.execute(select(func.sum(stores.c.contradictions))).scalar_one()
        there = connection.execute(
            select(items.c.store, func.count()).where(items.c.state != "erased").group_by("store")
        )
        counted: dict[str, int] = {}
        for line in tally.live(connection):
            counted[line.store] = counted.get(line.store, 0) + line.items
        assert counted == dict(there.all())
        seconds = func.sum(watched.c.seconds)
        of_a_class = select(seconds).where(watched.c.reason == "").group_by("record_class")
        counts = connection.execute(of_a_class).scalars()
        assert max(counts, default=0) <= MINUTE * (centre.number - 1), "no second counts twice"


def _meet(centre: Centre, meanwhile: Meanwhile, first: Act, second: Act, nth: int) -> int:
    """Gives how many transactions the first had."""
    centre.begin()
    passed = meanwhile.run(partial(first, centre), partial(second, centre), nth)
    assert_right(centre)
    return passed


@pytest.mark.parametrize(("first", "second"), [(says, retires), (holds, publishes)], ids=_called)
def test_nothing_goes_wrong_any_more_when(served, first: Act, second: Act):
    centre, meanwhile = Centre(served), Meanwhile(served.engine)
    for nth in count(1):
        if _meet(centre, meanwhile, first, second, nth) <= nth:
            break


@pytest.mark.slow
@pytest.mark.parametrize("first", ACTS, ids=_called)
def test_what_comes_between_two_transactions_leaves_everything_right(served, first: Act):
    """At one place each, which is the same every time."""
    centre, meanwhile, places = Centre(served), Meanwhile(served.engine), Random(_called(first))
    passed = _meet(centre, meanwhile, first, checks, 0)
    for second in ACTS:
        if not {first, second} <= OF_ONE_AGENT:  # which says one thing after another
            _meet(centre, meanwhile, first, second, places.randint(1, passed))
