"""What a hold would cover: what is there, what is not, what went already, what comes due when."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from enforcer.govern.forms.holds import Counted
from enforcer.govern.forms.previews import DueOn, Preview, SourcePreview, Span, StorePreview
from enforcer.govern.lookup import StoredRow
from enforcer.govern.moments import Interval
from enforcer.govern.reach import Reach
from enforcer.index.numbers import made_with
from enforcer.index.tables import items, tallies
from retention.calendar import Instant, civil_date
from retention.classes import CANARY
from retention.policy import Chain

GAP_SECONDS = 60
"""A shorter pause between two recordings is none."""

_ENDED = ("erased", "gone_elsewhere", "lost")


class Recording(NamedTuple):
    """An item, as far as a preview goes. `anchor` None: undated."""

    source: str
    record_class: str
    state: str
    civil: int
    anchor: Instant | None
    span: int


def preview(connection: Connection, chain: Chain, reach: Reach) -> Preview:
    """What the stores have of the time in question. Canaries are nobody's recordings."""
    return Preview(
        site=reach.scope.site,
        begins=reach.interval.begins,
        ends=reach.interval.ends,
        stores=tuple(_of_store(connection, chain, reach, store) for store in reach.stores),
    )


def gaps(recordings: Iterable[Recording], interval: Interval) -> Iterator[Span]:
    """The stretches of the interval in which nothing was recording, as far as dates tell."""
    covered = sorted((r.anchor, r.anchor + r.span) for r in recordings if r.anchor is not None)
    reached = interval.begins
    for begins, ends in [*covered, (interval.ends, interval.ends)]:
        if begins - reached >= GAP_SECONDS:
            yield Span(reached, Instant(min(begins, interval.ends)))
        reached = max(reached, Instant(ends))


def _of_store(connection: Connection, chain: Chain, reach: Reach, store: StoredRow) -> StorePreview:
    found = _matching(connection, reach, store.id)
    by_source: dict[str, list[Recording]] = defaultdict(list)
    for name in _expected(chain, reach, store):
        by_source[name] = []
    for recording in found:
        by_source[recording.source].append(recording)
    heard = Interval(
        reach.interval.begins, Instant(min(reach.interval.ends, store.last_seen_at or 0))
    )
    return StorePreview(
        store=store.id,
        site=store.site,
        last_seen_at=store.last_seen_at,
        scanned_at=store.scan_began_at,
        unreported=store.scan_began_at is None or store.scan_began_at <= reach.interval.ends,
        sources=tuple(_of_source(n, by_source[n], reach, heard) for n in sorted(by_source)),
        due=tuple(_due(chain, found)),
        gone=tuple(_gone(connection, reach, store)),
    )


def _of_source(
    name: str, found: Sequence[Recording], reach: Reach, heard: Interval
) -> SourcePreview:
    """Gaps are told of the time until the store was last heard: of what came after nobody knows."""
    return SourcePreview(
        source=name,
        items=len(found),
        held=sum(recording.state == "held" for recording in found),
        undated=sum(recording.anchor is None for recording in found),
        gaps=() if _is_of_single(reach) else tuple(gaps(found, heard)),
    )


def _is_of_single(reach: Reach) -> bool:
    """Whether it is about single recordings: of those between them nobody expects any."""
    return bool(reach.scope.items) or reach.scope.numbers is not UNSET


def _expected(chain: Chain, reach: Reach, store: StoredRow) -> Iterable[str]:
    """The sources that should have recorded: one that did not is a gap too."""
    if _is_of_single(reach):
        return ()
    registered = chain.current.sources_of(store.store_group)
    ours = {source.id for source in registered if source.record_class != CANARY}
    return ours.intersection(reach.scope.sources) if reach.scope.sources else ours


def _matching(connection: Connection, reach: Reach, store: str) -> list[Recording]:
    columns = [items.c[name] for name in Recording._fields]
    query = select(*columns).where(
        items.c.store == store,
        items.c.state != "erased",
        items.c.record_class != CANARY,
        _matches(reach),
    )
    return [Recording(*row) for row in connection.execute(query)]


def _matches(reach: Reach) -> ColumnElement[bool]:
    """`StoreHold.matches` in SQL: at the widest that an item's date allows, undated always."""
    if reach.scope.items:
        return or_(
            *(and_(items.c.epoch == i.epoch, items.c.number == i.number) for i in reach.scope.items)
        )
    begins, ends = reach.interval
    overlaps = or_(
        items.c.anchor.is_(None),
        and_(items.c.anchor - items.c.before <= ends, items.c.anchor + items.c.after >= begins),
    )
    if reach.scope.numbers is not UNSET:
        overlaps = and_(overlaps, made_with(reach.scope.numbers))
    if not reach.scope.sources:
        return overlaps
    return and_(overlaps, items.c.source.in_(reach.scope.sources))


def _due(chain: Chain, found: Iterable[Recording]) -> Iterator[DueOn]:
    """What of it comes due when, were it not held."""
    batches = Counter((r.record_class, r.civil) for r in found if r.anchor is not None)
    due: Counter[Instant] = Counter()
    for (record_class, civil), count in batches.items():
        limits = chain.limits_of(record_class, date.fromordinal(civil))
        if limits is not None:
            due[limits.due_at] += count
    return (DueOn(at, due[at]) for at in sorted(due))


def _gone(connection: Connection, reach: Reach, store: StoredRow) -> Iterator[Counted]:
    """What went already, of the civil dates in question: the hour is not kept of what is gone."""
    if reach.scope.items:
        return
    zone = ZoneInfo(store.zone)
    first, last = (civil_date(at, zone).toordinal() for at in reach.interval)
    rows = connection.execute(
        select(tallies.c.civil, tallies.c["items"]).where(
            tallies.c.store == store.id,
            tallies.c.record_class != CANARY,
            tallies.c.state.in_(_ENDED),
            tallies.c.civil.between(first, last),
        )
    )
    counted: Counter[int] = Counter()
    for civil, number in rows:
        counted[civil] += number
    for civil in sorted(counted):
        yield Counted(date.fromordinal(civil), counted[civil])
