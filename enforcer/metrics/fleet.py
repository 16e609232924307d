"""How the stores and their agents are: what agents report goes on from here, also from behind LTE."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from enforcer.index.tables import stores
from enforcer.metrics.family import Family, Labels, gauge
from enforcer.trouble import APART_SECONDS, NOTES, ahead_of_us
from retention.calendar import Instant
from retention.permit import WAITS, waits_for

_GROUP: Labels = ("store_group",)
_ROLE: Labels = ("role",)
#: What an agent says beside its notes: by a word of ours, so that no stranger's becomes a label.
_PAUSED, _OTHER = "paused", "other"


def fleet(connection: Connection, now: Instant) -> Iterator[Family]:
    """Stores by state, how the worst of them is, and what their agents say."""
    kind = (stores.c.kind, stores.c.state)
    rows = connection.execute(select(*kind, func.count()).group_by(*kind))
    yield gauge(
        "retention_stores",
        "Stores by kind and state.",
        ("kind", "state"),
        {(row[0], row[1]): row[2] for row in rows},
    )
    serving = connection.execute(select(stores).where(stores.c.state != "retired")).all()
    yield from _heard(serving)
    yield from _found(serving)
    yield from _clocks(serving, now)
    yield from _said(serving)


def _heard(serving: Sequence[Row[Any]]) -> Iterator[Family]:
    yield gauge(
        "retention_scan_last_complete_timestamp_seconds",
        "The last complete scan of the worst store; 0: never.",
        _GROUP,
        _worst(serving, "scan_complete_at"),
    )
    yield gauge(
        "retention_agent_last_seen_timestamp_seconds",
        "When the most silent agent was last heard; 0: never.",
        _GROUP,
        _worst(serving, "last_seen_at"),
    )


def _found(serving: Sequence[Row[Any]]) -> Iterator[Family]:
    for name, sentence, column in (
        (
            "retention_uncatalogued_items",
            "Files and directories that the last scan found and could not read.",
            "unreadable",
        ),
        (
            "retention_unregistered_items",
            "Items ever sighted under a class or source that no policy has.",
            "unregistered",
        ),
        (
            "retention_agent_difference_items",
            "By how many items agents' own counts differ from ours; 0, or somebody is wrong.",
            "imbalance",
        ),
    ):
        yield gauge(name, sentence, _GROUP, _summed(serving, column))


def _clocks(serving: Sequence[Row[Any]], now: Instant) -> Iterator[Family]:
    offsets = sorted(row.clock_offset for row in serving if row.clock_offset is not None)
    worst: dict[Labels, float] = {}
    trusted: dict[Labels, float] = {}
    if offsets:
        median = offsets[len(offsets) // 2]
        future = any(ahead_of_us(row.last_seen_at, now) for row in serving)
        worst = {("agent",): max(offsets, key=abs), ("enforcer",): -median}
        trusted = {
            ("agent",): int(all(row.clock_trusted is not False for row in serving)),
            ("enforcer",): int(not future and abs(median) <= APART_SECONDS),
        }
    yield gauge(
        "retention_clock_offset_seconds",
        "By how much the worst agent's clock is ahead of ours, and ours of the median agent's.",
        _ROLE,
        worst,
    )
    yield gauge(
        "retention_clock_trusted",
        "1 if every agent's clock is trusted; and ours, by what most agents say.",
        _ROLE,
        trusted,
    )


def _said(serving: Sequence[Row[Any]]) -> Iterator[Family]:
    waiting = Counter(
        waits_for(row.brake) for row in serving if row.state == "active" and row.brake
    )
    yield gauge(
        "retention_brake_engaged",
        "Activated stores whose sweep waits, by why; unusual: for a person to look.",
        ("reason",),
        {(word,): waiting[word] for word in WAITS},
    )
    said = Counter(word for row in serving for word in _words(row))
    yield gauge(
        "retention_stores_troubled",
        "Stores by what their agent says is amiss; one with two troubles counts for both.",
        ("reason",),
        {(word,): said[word] for word in (*(note for note in NOTES), _PAUSED, _OTHER)},
    )
    own: Counter[Labels] = Counter()
    for row in serving:
        for record_class, state, items in json.loads(row.counts):
            own[record_class, state] += items
    yield gauge(
        "retention_reported_items",
        "Items by the agents' own counts at their last heartbeats, added up.",
        ("class", "state"),
        own,
    )


def _words(row: Row[Any]) -> Iterable[str]:
    """What an agent says is amiss, each word once."""
    words = {note if note in NOTES else _OTHER for note in json.loads(row.notes)}
    return words | {_PAUSED} if row.paused else words


def _worst(serving: Sequence[Row[Any]], column: str) -> Mapping[Labels, float]:
    """The earliest of a column per store group; 0 if a store has none."""
    worst: dict[Labels, float] = {}
    for row in serving:
        key, value = (row.store_group,), getattr(row, column) or 0
        worst[key] = min(value, worst.get(key, value))
    return worst


def _summed(serving: Sequence[Row[Any]], column: str) -> Mapping[Labels, float]:
    """The sum of a column per store group."""
    sums: defaultdict[Labels, float] = defaultdict(float)
    for row in serving:
        sums[(row.store_group,)] += getattr(row, column)
    return sums
