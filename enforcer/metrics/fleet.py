"""How the stores and their agents are."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection, Row, func, select

from enforcer.index.tables import stores
from enforcer.metrics.family import Labels, gauge

_GROUP: Labels = ("store_group",)
_ROLE: Labels = ("role",)


def fleet(connection: Connection) -> Iterator[Metric]:
    """Stores by state, and how the worst of them is."""
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
    yield from _clocks(serving)


def _heard(serving: Sequence[Row[Any]]) -> Iterator[Metric]:
    yield gauge(
        "retention_scan_last_complete_timestamp_seconds",
        "The last complete scan of the worst store.",
        _GROUP,
        _worst(serving, "scan_complete_at"),
    )
    yield gauge(
        "retention_agent_last_seen_timestamp_seconds",
        "When the most silent agent was last heard.",
        _GROUP,
        _worst(serving, "last_seen_at"),
    )
    unregistered: Counter[Labels] = Counter()
    for row in serving:
        unregistered[(row.store_group,)] += row.unregistered
    yield gauge(
        "retention_unregistered_items",
        "Items sighted under a class or source that no policy has.",
        _GROUP,
        unregistered,
    )


def _clocks(serving: Sequence[Row[Any]]) -> Iterator[Metric]:
    offsets = [row.clock_offset for row in serving if row.clock_offset is not None]
    trusted = all(row.clock_trusted is not False for row in serving)
    yield gauge(
        "retention_clock_offset_seconds",
        "By how much the worst agent's clock is ahead.",
        _ROLE,
        {("agent",): max(offsets, key=abs)} if offsets else {},
    )
    yield gauge(
        "retention_clock_trusted",
        "1 if every agent's clock is trusted.",
        _ROLE,
        {("agent",): int(trusted)} if offsets else {},
    )
    yield gauge(
        "retention_brake_engaged",
        "Stores whose sweep waits for a person.",
        ("reason",),
        {("unusual",): sum(bool(row.brake) for row in serving)},
    )


def _worst(serving: Sequence[Row[Any]], column: str) -> Mapping[Labels, float]:
    """The earliest of a column per store group; 0 if a store has none."""
    worst: dict[Labels, float] = {}
    for row in serving:
        key, value = (row.store_group,), getattr(row, column) or 0
        worst[key] = min(value, worst.get(key, value))
    return worst
