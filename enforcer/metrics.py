"""The enforcer's facts as Prometheus metrics: read at scrape, out of one consistent state.

Nothing is counted in code: what is in the database is in the metric, after a restart as before.
Labels are classes, store groups, states, reasons and grounds, never an item, a path or a second
(I8; docs/metrics.md).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, func, select

from enforcer import comply
from enforcer.comply import Position, State
from enforcer.index import tally
from enforcer.index.engine import reading
from enforcer.index.histograms import ENDLESS
from enforcer.index.policies import Chains
from enforcer.index.tables import (
    checkpoints,
    erasure_tallies,
    held_items,
    hold_ages,
    hold_stores,
    holds,
    stores,
)
from retention.calendar import Instant, civil_date, start_of_day
from retention.policy import Chain

#: The root of the ledger as six words of 48 bits (the last of 16): exact in a float64.
WORD_BITS = 48
WORDS = 6

_HOME = ZoneInfo("Europe/Riga")


class Facts(Collector):
    """Collects everything the index knows, as of one transaction."""

    def __init__(self, engine: Engine, chains: Chains, clock: Callable[[], Instant]) -> None:
        self._engine = engine
        self._chains = chains
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """One scrape."""
        now = self._clock()
        with reading(self._engine) as connection:
            chain = self._chains.read(connection)
            found = comply.positions(connection, chain, now)
            yield from _compliance(found)
            yield from _items(connection, found)
            yield from _deadlines(found, chain, now)
            yield from _erasures(connection)
            yield from _stores(connection)
            yield from _holds(connection, now)
            yield from _ledger(connection)


def _compliance(found: Sequence[Position]) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "retention_compliance_state",
        "1 for the strict state of a class: ok only if every store is proven to be.",
        labels=["class", "state"],
    )
    proven = GaugeMetricFamily(
        "retention_stores_proven", "Stores whose state is ok.", labels=["class"]
    )
    total = GaugeMetricFamily(
        "retention_stores_total", "Stores that have this class.", labels=["class"]
    )
    for standing in comply.standings(found):
        for each in State:
            state.add_metric([standing.record_class, each], int(each is standing.state))
        proven.add_metric([standing.record_class], standing.proven)
        total.add_metric([standing.record_class], standing.total)
    return iter((state, proven, total))


def _items(connection: Connection, found: Sequence[Position]) -> Iterator[Metric]:
    items = GaugeMetricFamily(
        "retention_items",
        "Items by their exclusive state; all but seen add up to seen.",
        labels=["class", "state"],
    )
    size = GaugeMetricFamily(
        "retention_bytes", "Bytes of the items of a state.", labels=["class", "state"]
    )
    counts: Counter[tuple[str, str]] = Counter()
    for position in found:
        for state, count in position.counts.items():
            if state != "imbalance":
                counts[position.record_class, state] += count
    for key, count in sorted(counts.items()):
        items.add_metric(list(key), count)
    amounts: Counter[tuple[str, str]] = Counter()
    for total in tally.sums(connection):
        amounts[total.record_class, total.state] += total.bytes
    for key, amount in sorted(amounts.items()):
        size.add_metric(list(key), amount)
    imbalance = GaugeMetricFamily(
        "retention_imbalance_items", "Items by which the books do not balance.", labels=["class"]
    )
    for name, difference in sorted(_summed(found, lambda p: p.counts.get("imbalance", 0)).items()):
        imbalance.add_metric([name], difference)
    return iter((items, size, imbalance, *_ended(counts)))


def _ended(counts: Counter[tuple[str, str]]) -> Iterator[Metric]:
    """What ended without us; a class without such items has an explicit 0."""
    names = sorted({name for name, _ in counts})
    for state, sentence in (
        ("lost", "Held items that somebody else removed."),
        ("gone_elsewhere", "Items that somebody else removed."),
    ):
        metric = CounterMetricFamily(f"retention_{state}_items", sentence, labels=["class"])
        for name in names:
            metric.add_metric([name], counts[name, state])
        yield metric


def _deadlines(found: Sequence[Position], chain: Chain, now: Instant) -> Iterator[Metric]:
    overdue = GaugeMetricFamily(
        "retention_overdue_items",
        "Unheld items past our own target.",
        labels=["class", "store_group"],
    )
    past = GaugeMetricFamily(
        "retention_past_limit_items",
        "Unheld items past the limit: the promise is broken.",
        labels=["class", "store_group"],
    )
    late: Counter[tuple[str, str]] = Counter()
    broken: Counter[tuple[str, str]] = Counter()
    for position in found:
        key = (position.record_class, position.store_group)
        late[key] += position.overdue
        broken[key] += position.past_limit
    for key in late:
        overdue.add_metric(list(key), late[key])
        past.add_metric(list(key), broken[key])
    oldest = GaugeMetricFamily(
        "retention_oldest_unheld_anchor_timestamp_seconds",
        "Start of the civil day of the oldest unheld item.",
        labels=["class"],
    )
    deadline = GaugeMetricFamily(
        "retention_next_deadline_timestamp_seconds",
        "The first own target that still lies ahead.",
        labels=["class"],
    )
    limit = GaugeMetricFamily(
        "retention_limit_seconds",
        "From the start of today to the limit of what is recorded today.",
        labels=["class"],
    )
    for name in sorted({p.record_class for p in found}):
        of_class = [p for p in found if p.record_class == name]
        days = [p.oldest for p in of_class if p.oldest is not None]
        if days:
            oldest.add_metric([name], _midnight(min(days)))
        deadlines = [p.next_deadline for p in of_class if p.next_deadline is not None]
        if deadlines:
            deadline.add_metric([name], min(deadlines))
        limits = chain.limits_of(name, civil_date(now, _HOME))
        if limits is not None:
            limit.add_metric([name], limits.outer_bound - _midnight(limits.civil_date))
    return iter((overdue, past, oldest, deadline, limit))


def _erasures(connection: Connection) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "retention_erasures", "Intents by how they ended.", labels=["class", "reason", "outcome"]
    )
    counts: Counter[tuple[str, str, str]] = Counter()
    slack: dict[str, Counter[int]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for row in connection.execute(select(erasure_tallies)).mappings():
        counts[row["record_class"], row["why"], row["outcome"]] += row["items"]
        if row["why"]:
            slack[row["record_class"]][row["slack"]] += row["items"]
            seconds[row["record_class"]] += row["seconds"]
    for key, count in sorted(counts.items()):
        total.add_metric(list(key), count)
    histogram = HistogramMetricFamily(
        "retention_erasure_slack_seconds",
        "From erasing to the own target; negative: late.",
        labels=["class"],
    )
    for name, buckets in sorted(slack.items()):
        histogram.add_metric([name], _cumulative(buckets), seconds[name])
    return iter((total, histogram))


def _cumulative(buckets: Counter[int]) -> list[tuple[str, float]]:
    """Prometheus wants each bucket to hold those below it too, and a last one for all."""
    running = 0
    cumulative: list[tuple[str, float]] = []
    for bound in sorted(buckets):
        running += buckets[bound]
        if bound < ENDLESS:
            cumulative.append((str(float(bound)), running))
    return [*cumulative, ("+Inf", running)]


def _stores(connection: Connection) -> Iterator[Metric]:
    kinds = GaugeMetricFamily(
        "retention_stores", "Stores by kind and state.", labels=["kind", "state"]
    )
    query = select(stores.c.kind, stores.c.state, func.count()).group_by(
        stores.c.kind, stores.c.state
    )
    for kind, state, count in connection.execute(query):
        kinds.add_metric([kind, state], count)
    yield kinds
    serving = list(connection.execute(select(stores).where(stores.c.state != "retired")))
    for column, name, sentence in (
        ("scan_complete_at", "scan_last_complete", "The last complete scan of the worst store."),
        ("last_seen_at", "agent_last_seen", "When the most silent agent was last heard."),
    ):
        metric = GaugeMetricFamily(
            f"retention_{name}_timestamp_seconds", sentence, labels=["store_group"]
        )
        for group, worst in _worst(serving, column).items():
            metric.add_metric([group], worst)
        yield metric
    yield from _clocks(serving)


def _clocks(serving: Sequence[Any]) -> Iterator[Metric]:
    offset = GaugeMetricFamily(
        "retention_clock_offset_seconds",
        "By how much the worst agent's clock is ahead.",
        labels=["role"],
    )
    trusted = GaugeMetricFamily(
        "retention_clock_trusted", "1 if every agent's clock is trusted.", labels=["role"]
    )
    offsets = [row.clock_offset for row in serving if row.clock_offset is not None]
    if offsets:
        offset.add_metric(["agent"], max(offsets, key=abs))
        trusted.add_metric(["agent"], int(all(row.clock_trusted is not False for row in serving)))
    brakes = GaugeMetricFamily(
        "retention_brake_engaged", "Stores whose sweep waits for a person.", labels=["reason"]
    )
    brakes.add_metric(["unusual"], sum(bool(row.brake) for row in serving))
    return iter((offset, trusted, brakes))


def _holds(connection: Connection, now: Instant) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "retention_holds", "Holds by ground and state.", labels=["ground", "state"]
    )
    counts: Counter[tuple[str, str]] = Counter()
    overdue = 0
    today = civil_date(now, _HOME).toordinal()
    for row in connection.execute(select(holds)):
        state = "released" if row.released_at is not None else "standing"
        if state == "standing" and row.origin == "marker" and row.confirmed_at is None:
            state = "unconfirmed"
        counts[row.ground, state] += 1
        overdue += state != "released" and row.review_on < today
    for key, count in sorted(counts.items()):
        by_state.add_metric(list(key), count)
    yield by_state
    yield GaugeMetricFamily(
        "retention_hold_review_overdue", "Holds whose review is overdue.", value=overdue
    )
    yield GaugeMetricFamily(
        "retention_hold_pending_stores",
        "Stores on which some hold is not effective yet.",
        value=_pending(connection),
    )
    yield from _held(connection)


def _pending(connection: Connection) -> int:
    query = select(func.count(func.distinct(hold_stores.c.store))).where(
        hold_stores.c.effective_at.is_(None), hold_stores.c.freed_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def _held(connection: Connection) -> Iterator[Metric]:
    held = GaugeMetricFamily(
        "retention_hold_items",
        "Items held, by ground; an item may have several.",
        labels=["ground"],
    )
    query = (
        select(holds.c.ground, func.count())
        .join(held_items, held_items.c.hold == holds.c.id)
        .group_by(holds.c.ground)
    )
    for ground, count in connection.execute(query):
        held.add_metric([ground], count)
    buckets: Counter[int] = Counter()
    seconds = 0
    for age, count, sum_ in connection.execute(select(hold_ages)):
        buckets[age] += count
        seconds += sum_
    ages = HistogramMetricFamily(
        "retention_hold_item_age_at_placement_seconds",
        "How old items were when they were held.",
    )
    ages.add_metric([], _cumulative(buckets), seconds)
    return iter((held, ages))


def _ledger(connection: Connection) -> Iterator[Metric]:
    """The head, so that whoever scrapes us becomes its witness."""
    head = connection.execute(
        select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)
    ).one_or_none()
    if head is None:
        return
    yield GaugeMetricFamily("retention_ledger_tree_size", "Leaves of the ledger.", value=head.size)
    yield GaugeMetricFamily(
        "retention_ledger_head_timestamp_seconds", "When the head was signed.", value=head.at
    )
    words = GaugeMetricFamily(
        "retention_ledger_head_word",
        "The head's root in six words of 48 bits, the last of 16.",
        labels=["i"],
    )
    for index, word in enumerate(root_words(head.root)):
        words.add_metric([str(index)], word)
    yield words


def root_words(root: bytes) -> list[int]:
    """A 32-byte root as six integers below 2^48, most significant first."""
    size = WORD_BITS // 8
    return [int.from_bytes(root[at : at + size]) for at in range(0, len(root), size)]


def _worst(serving: Sequence[Any], column: str) -> dict[str, int]:
    """The earliest of a column per store group; 0 if a store has none."""
    worst: dict[str, int] = {}
    for row in serving:
        value = getattr(row, column) or 0
        worst[row.store_group] = min(worst.get(row.store_group, value), value)
    return worst


def _summed(found: Iterable[Position], value: Callable[[Position], int]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for position in found:
        sums[position.record_class] += value(position)
    return sums


def _midnight(day: date) -> Instant:
    return start_of_day(day, _HOME)
