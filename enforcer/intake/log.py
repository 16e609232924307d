"""The log of a store: applied in order, each entry once, a whole upload or nothing of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row

from enforcer.index import stores
from enforcer.index.engine import writing
from enforcer.intake import ending, health, holding, sighting
from enforcer.intake.batch import Batch
from retention import report
from retention.calendar import Instant
from retention.errors import MalformedError, RefusedError
from retention.policy import Chain
from retention.report import AnyEntry
from retention.wire import Applied

FORKED = "two boxes speak with this store's identity: their logs differ"

_Apply = Callable[[Batch, Sequence[Any]], None]
_APPLY: Mapping[type[AnyEntry], _Apply] = {
    report.Sighted: sighting.sighted,
    report.Changed: sighting.changed,
    report.Erased: ending.erased,
    report.Gone: ending.gone,
    report.Refused: ending.refused,
    report.Held: holding.held,
    report.Freed: holding.freed,
    report.Marked: holding.marked,
    report.Acknowledged: holding.acknowledged,
    report.Numbered: sighting.numbered,
    report.Scanned: health.scanned,
    report.Heartbeat: health.heartbeat,
}


class GapError(RefusedError):
    """Entries are missing before these, or they are of another epoch: the agent greets anew."""

    def __init__(self, applied: Applied) -> None:
        super().__init__(f"the log is applied up to entry {applied.applied}: send what follows")
        self.applied = applied


class FrozenError(RefusedError):
    """Two boxes speak with one identity; neither is heard until two people say which it is."""


def apply(
    engine: Engine,
    *,
    store: str,
    epoch: int,
    first: int,
    lines: Sequence[bytes],
    chain: Chain,
    now: Instant,
) -> Applied:
    """Apply the lines of a store's log, the first of them entry number `first`; how far it is now.

    Entries that were applied before are compared and skipped. Raises `GapError`, `FrozenError`, or
    `MalformedError` and applies nothing then; what is malformed or forked shows in the store's row.
    """
    try:
        with writing(engine, store=store) as connection:
            row = stores.locked(connection, store)
            stores.change(connection, store, last_seen_at=now)
            applied = _apply(connection, row, _Upload(epoch, first, lines), chain)
    except MalformedError:
        with writing(engine, store=store) as connection:
            stores.change(connection, store, refused=_refusal(first, len(lines)))
        raise
    if applied is None:
        raise FrozenError(FORKED)
    return applied


class _Upload(NamedTuple):
    epoch: int
    first: int
    lines: Sequence[bytes]


def _apply(connection: Connection, row: Row[Any], upload: _Upload, chain: Chain) -> Applied | None:
    """How far the log is applied now; None if the store is frozen from now on."""
    epoch, first, lines = upload
    stands = Applied(row.applied, row.digest)
    if row.frozen:
        raise FrozenError(row.frozen)
    if first < 1 or first > row.applied + 1 or epoch != row.epoch:
        raise GapError(stands)
    known = min(row.applied - first + 1, len(lines))
    if _forks(connection, row.id, first, lines[:known]):
        stores.freeze(connection, row.id, FORKED)
        return None
    fresh = lines[known:]
    if not fresh:
        return stands
    batch = Batch(connection, row, chain)
    _book(batch, map(report.decode, fresh))
    applied = Applied(row.applied + len(fresh), _chained(row.digest, fresh))
    batch.columns |= {"applied": applied.applied, "digest": applied.digest, "refused": ""}
    batch.write()
    stores.mark(connection, row.id, applied.applied, applied.digest)
    return applied


def _book(batch: Batch, entries: Iterable[AnyEntry]) -> None:
    """Apply entries in order, each run of one kind at once."""
    for kind, run in groupby(entries, key=type):
        _APPLY[kind](batch, list(run))


def _forks(connection: Connection, store: str, first: int, again: Sequence[bytes]) -> bool:
    """Whether lines that were sent before, or should have been, are not those that were applied.

    Compared from the first remembered digest on; before that nothing is known to compare with.
    """
    number, digest = first - 1, None
    remembered = stores.marks(connection, store, number, number + len(again))
    for line in again:
        digest = remembered.get(number) if digest is None else digest
        number += 1
        if digest is not None:
            digest = report.chained(digest, line)
            if remembered.get(number, digest) != digest:
                return True
    return False


def _chained(digest: bytes, lines: Iterable[bytes]) -> bytes:
    for line in lines:
        digest = report.chained(digest, line)
    return digest


def _refusal(first: int, count: int) -> str:
    """What the store's row says. The error itself may quote what the agent sent, so it stays out."""
    return f"entries {first} to {first + count - 1} cannot be read"
