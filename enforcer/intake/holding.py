"""Items are held and let go; what people placed and decided takes effect on a store."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from enforcer.index import decisions
from enforcer.index.histograms import add_ages
from enforcer.index.scope import Scope
from enforcer.intake.batch import Batch
from retention import codec
from retention.calendar import civil_date
from retention.hold import COMPLETE_WITHIN_SECONDS, RESTRICTION
from retention.report import Acknowledged, Freed, Held, Marked

_CONFIRM_WITHIN = timedelta(seconds=COMPLETE_WITHIN_SECONDS)


def held(batch: Batch, entries: Sequence[Held]) -> None:
    """Have holds hold items. Being held comes before every other state but being restricted."""
    for entry in entries:
        picked, groups = batch.pick(entry.items)
        for group in groups:
            restricted = group.state == "restricted" or entry.hold.startswith(RESTRICTION)
            moved = (group.state, "restricted" if restricted else "held")
            batch.books.move(group.record_class, group.civil, moved, group.amount)
        placed_at = decisions.placed_at(batch.connection, entry.hold)
        add_ages(batch.connection, picked.ages(entry.at if placed_at is None else placed_at))
        picked.hold(entry.hold)


def freed(batch: Batch, entries: Sequence[Freed]) -> None:
    """Take a released hold off: other holds on an item go on, and without one it is what it was."""
    for entry in entries:
        picked = batch.items.pick(entry.items)
        batch.contradictions += picked.named - picked.holding(entry.hold)
        for group in picked.groups():
            items, size = group.amount
            batch.books.add(group.record_class, group.civil, group.state, -items, -size)
        picked.free(entry.hold, entry.not_before)
        for group in picked.groups():
            batch.books.add(group.record_class, group.civil, group.state, *group.amount)
        # Of a restriction a part may be lifted: the store is told of it until nothing is left.
        if not batch.items.any_held_by(entry.hold):
            decisions.let_go(batch.connection, batch.store, [entry.hold], entry.at)


def marked(batch: Batch, entries: Sequence[Marked]) -> None:
    """Register what the locker's own software marked: held already, for a person to confirm."""
    for entry in entries:
        confirm_by = civil_date(entry.at, ZoneInfo(batch.zone)) + _CONFIRM_WITHIN
        scope = Scope(sources=tuple(sorted({batch.register.source(s) for s in entry.sources})))
        new = decisions.NewHold(
            id=entry.hold,
            origin=decisions.MARKER,
            scope=codec.encode(scope),
            begins=entry.begins,
            ends=entry.ends,
            placed_at=entry.at,
            review_on=confirm_by.toordinal(),
        )
        decisions.add_hold(batch.connection, new)
        decisions.bind(batch.connection, batch.store, entry.hold, entry.at)


def acknowledged(batch: Batch, entries: Sequence[Acknowledged]) -> None:
    """Note what is in force on the store from here on: only now is a hold effective (I15)."""
    connection, store = batch.connection, batch.store
    for entry in entries:
        batch.columns["acknowledged_version"] = entry.version
        decisions.take_effect(connection, store, entry.holds, entry.at)
        decisions.came_too_late(connection, store, entry.gone)
        released = decisions.acknowledge(connection, store, entry.acts, entry.at)
        decisions.let_go(connection, store, released, entry.at)
