"""What auditors brought us: they ask us nothing, so only what was handed in is known."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from enforcer.index.tables import rescans
from enforcer.metrics.family import Family, number


def audits(connection: Connection) -> Iterator[Family]:
    """When a storage was last looked at without us; no series while it never was."""
    yield number(
        "retention_rescan_last_timestamp_seconds",
        "When the newest re-scan of a storage was made that an auditor handed in.",
        connection.execute(select(func.max(rescans.c.at))).scalar(),
    )
