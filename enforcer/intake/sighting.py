"""Items come into the catalogue, and change."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import astuple

from enforcer.index import evidence, numbers
from enforcer.index.items import Facts, Known
from enforcer.intake.batch import Batch
from enforcer.intake.register import OTHER_RULE, RULES
from retention.report import Changed, Numbered, Sighted, runs


def sighted(batch: Batch, entries: Sequence[Sighted]) -> None:
    """Enter new items. This is nine tenths of all work: one pass, and no call it can do without."""
    key, file, last = (batch.store, batch.epoch), batch.register.file, batch.last_item
    rows: list[tuple[Any, ...]] = []
    booked: dict[tuple[str, int, str], list[int]] = {}
    for entry in entries:
        item, name, source, anchor, how, span, before, after, seen, size, *rest = astuple(entry)
        fingerprint, state, not_before = rest
        if item <= last:
            batch.contradictions += 1
            continue
        last = item
        record_class, source, civil_of, known = file(name, source)
        if not known:
            batch.unregistered += 1
        civil = civil_of(seen if anchor is None else anchor)
        how = how if how in RULES else OTHER_RULE
        dates = anchor, civil, how, span, before, after, seen
        rows.append(
            (*key, item, record_class, source, *dates, size, fingerprint, not_before, state)
        )
        line = booked.get((record_class, civil, state))
        if line is None:
            booked[record_class, civil, state] = [1, size]
        else:
            line[0] += 1
            line[1] += size
    batch.items.enter(rows)
    for (record_class, civil, state), amount in booked.items():
        batch.books.enter(record_class, civil, state, *amount)
    if batch.has_prior:
        evidence.found_again(batch.connection, *key, batch.last_item + 1, last)
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


def numbered(batch: Batch, entries: Sequence[Numbered]) -> None:
    """Note the numbers of calls. An agent says them right after it sighted the call."""
    told = [(entry.item, number) for entry in entries for number in entry.numbers]
    numbers.enter(batch.connection, batch.store, batch.epoch, told)


def _facts(batch: Batch, entry: Changed, old: Known) -> Facts:
    filed = batch.register.file(entry.record_class, entry.source)
    free = old.base is None
    restricted = old.restricted or entry.state == "restricted"
    kept = "restricted" if restricted else "held"
    return Facts(
        record_class=filed.record_class,
        source=filed.source,
        anchor=entry.anchor,
        civil=filed.civil(entry.seen if entry.anchor is None else entry.anchor),
        how=entry.how if entry.how in RULES else OTHER_RULE,
        span=entry.span,
        before=entry.before,
        after=entry.after,
        seen=entry.seen,
        size=entry.size,
        fingerprint=entry.fingerprint,
        not_before=entry.not_before,
        state=entry.state if free else kept,
        base=None if free else entry.state,
    )
