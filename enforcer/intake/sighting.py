"""Items come into the catalogue, and change."""

from collections.abc import Sequence
from typing import Any

from enforcer.index import evidence
from enforcer.index.items import Facts, Known
from enforcer.index.tally import SEEN
from enforcer.intake.batch import Batch
from enforcer.intake.register import OTHER_RULE, RULES
from retention.policy import UNREGISTERED
from retention.report import Changed, Sighted, runs


def sighted(batch: Batch, entries: Sequence[Sighted]) -> None:
    """Enter new items. This is nine tenths of all work: one pass, and no call it can do without."""
    store, epoch, file, add = batch.store, batch.epoch, batch.register.file, batch.books.add
    last = batch.last_item
    rows: list[tuple[Any, ...]] = []
    for entry in entries:
        if entry.item <= last:
            batch.contradictions += 1
            continue
        last = entry.item
        filed = file(entry.record_class, entry.source)
        if not filed.known:
            batch.unregistered += 1
        civil = filed.civil(entry.seen if entry.anchor is None else entry.anchor)
        rows.append(
            (
                store,
                epoch,
                last,
                filed.record_class,
                filed.source,
                entry.anchor,
                civil,
                entry.how if entry.how in RULES else OTHER_RULE,
                entry.span,
                entry.before,
                entry.after,
                entry.seen,
                entry.size,
                entry.fingerprint,
                entry.not_before,
                entry.state,
            )
        )
        add(filed.record_class, civil, SEEN, 1, entry.size)
        add(filed.record_class, civil, entry.state, 1, entry.size)
    batch.items.enter(rows)
    if batch.has_prior:
        evidence.found_again(batch.connection, store, epoch, batch.last_item + 1, last)
    batch.last_item = last


def changed(batch: Batch, entries: Sequence[Changed]) -> None:
    """Book items out as they were and in as they are; what was seen moves with them."""
    picked = batch.items.pick(runs(sorted({entry.item for entry in entries})))
    known = picked.known()
    changes: dict[int, Facts] = {}
    for entry in entries:
        old = known.get(entry.item)
        if old is None:
            batch.contradictions += 1
            continue
        new = _facts(batch, entry, old)
        batch.books.enter(old.record_class, old.civil, old.state, -1, -old.size)
        batch.books.enter(new.record_class, new.civil, new.state, 1, new.size)
        changes[entry.item] = new
        known[entry.item] = old._replace(
            record_class=new.record_class,
            civil=new.civil,
            state=new.state,
            size=new.size,
            base=new.base,
        )
    batch.items.change(list(changes.items()))


def _facts(batch: Batch, entry: Changed, old: Known) -> Facts:
    filed = batch.register.file(entry.record_class, UNREGISTERED)
    free = old.base is None
    restricted = old.restricted or entry.state == "restricted"
    kept = "restricted" if restricted else "held"
    return Facts(
        record_class=filed.record_class,
        anchor=entry.anchor,
        civil=filed.civil(old.seen if entry.anchor is None else entry.anchor),
        how=entry.how if entry.how in RULES else OTHER_RULE,
        before=entry.before,
        after=entry.after,
        size=entry.size,
        fingerprint=entry.fingerprint,
        not_before=entry.not_before,
        state=entry.state if free else kept,
        base=None if free else entry.state,
    )
