"""What of the index goes into a bundle: the books, the holds, the acts, each without a person (I8)."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

from sqlalchemy import Column, ColumnElement, Connection, func, or_, select

from enforcer.govern import receipts
from enforcer.index import tree
from enforcer.index.tables import backups as backup_sets
from enforcer.index.tables import (
    documents,
    held_items,
    hold_stores,
    holds,
    items,
    leaves,
    rescans,
    tallies,
)
from retention import acts, codec, envelope, ledger
from retention.bundle import Backup, Book, HoldExtract, ItemAct, Rescanned
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import RefusedError
from retention.hold import Ground, refuse_personal_data
from retention.ledger import Certificate
from retention.policy import Chain
from retention.reasons import is_commitment


def books(connection: Connection, size: int, since: date, through: date) -> Iterator[Book]:
    """Yield double entry, a book for each store, class and civil date; heads end at `size`."""
    uncertified = _uncertified(connection, size)
    found: defaultdict[tuple[str, str, int], dict[str, int]] = defaultdict(dict)
    c = tallies.c
    for store, record_class, civil, state, number in connection.execute(
        select(c.store, c.record_class, c.civil, c.state, c["items"])
        .where(c.civil.between(since.toordinal(), through.toordinal()))
        .order_by(c.store, c.record_class, c.civil, c.state)
    ):
        found[store, record_class, civil][state] = number
    for (store, record_class, civil), states in found.items():
        yield Book(
            store=store,
            record_class=record_class,
            civil=date.fromordinal(civil),
            seen=states.pop("seen", 0),
            states={state: number for state, number in states.items() if number},
            uncertified=uncertified[store, record_class, civil],
        )


def _uncertified(connection: Connection, size: int) -> Counter[tuple[str, str, int]]:
    """Count what was erased and is under no published head yet."""
    c = items.c
    waiting = connection.execute(
        select(c.store, c.record_class, c.civil, func.count())
        .where(tree.ERASED)
        .group_by(c.store, c.record_class, c.civil)
    )
    counted = Counter({(store, name, civil): number for store, name, civil, number in waiting})
    for data in connection.execute(
        select(leaves.c.data).where(leaves.c.position >= size)
    ).scalars():
        leaf = ledger.decode(data)
        if isinstance(leaf, Certificate):
            counted[leaf.store, leaf.record_class, leaf.civil.toordinal()] += leaf.items
    return counted


def holds_of(connection: Connection, began: Instant) -> Iterator[HoldExtract]:
    """Yield the holds that stand, or still hold an item, or were released since the first day."""
    stores = _by_hold(connection, hold_stores.c.hold, func.count())
    effective = _by_hold(connection, hold_stores.c.hold, func.count(hold_stores.c.effective_at))
    held = _by_hold(connection, held_items.c.hold, func.count())
    shown = or_(
        holds.c.released_at.is_(None),
        holds.c.released_at >= began,
        holds.c.id.in_(select(held_items.c.hold)),
    )
    for row in connection.execute(select(holds).where(shown).order_by(holds.c.id)):
        yield HoldExtract(
            id=row.id,
            ground=row.ground,
            clause=Ground(row.ground).clause,
            citation=_harmless(row.citation),
            origin=row.origin,
            placed_at=row.placed_at,
            review_on=date.fromordinal(row.review_on),
            confirmed=row.origin != "marker" or row.confirmed_at is not None,
            released_at=row.released_at,
            stores=stores.get(row.id, 0),
            effective_stores=effective.get(row.id, 0),
            items=held.get(row.id, 0),
        )


def backups(connection: Connection) -> Iterator[Backup]:
    """Yield every registered set of backups."""
    columns = [backup_sets.c[name] for name in Backup.__struct_fields__]
    for row in connection.execute(select(*columns).order_by(backup_sets.c.name)):
        yield Backup(*row)


def rescans_of(connection: Connection, began: Instant) -> Iterator[Rescanned]:
    """Yield the re-scans since the first day that were handed in, by their time."""
    c = rescans.c
    chosen = select(c.report).where(c.at >= began).order_by(c.at, c.digest)
    for report in connection.execute(chosen).scalars():
        yield codec.decode(report, Rescanned)


def _by_hold(
    connection: Connection, hold: Column[str], number: ColumnElement[int]
) -> dict[str, int]:
    return dict(connection.execute(select(hold, number).group_by(hold)).all())


def acts_of(
    connection: Connection, chain: Chain, began: Instant
) -> tuple[list[Envelope], list[ItemAct]]:
    """Part the acts approved since the first day: those to be shown, and receipts for the others.

    Activations are of all times: only the first of a store and class says what was its backlog.
    """
    c = documents.c
    shown: list[Envelope] = []
    behind: list[ItemAct] = []
    for data in connection.execute(
        select(c.envelope)
        .where(
            c.kind.not_in(("policy", "succession")),
            (c.approved_at >= began) | (c.kind == "activation"),
            c.state.in_(("approved", "applied")),
        )
        .order_by(c.approved_at, c.id)
    ).scalars():
        document = envelope.decode(data)
        act = acts.decode(document.payload)
        if isinstance(act, acts.NAME_ITEMS) or not _tells_nobody(act.reason):
            behind.append(receipts.receipt_of(act, document, chain))
        else:
            shown.append(document)
    return shown, [*receipts.kept(connection, began), *behind]


def _tells_nobody(reason: str) -> bool:
    """Whether a reason may be shown: a commitment, or words of an earlier version, signed to be shown."""
    return is_commitment(reason) or bool(_harmless(reason))


def _harmless(text: str) -> str:
    """The text, or nothing if it looks like personal data after all; a plain name does not."""
    try:
        refuse_personal_data([text])
    except RefusedError:
        return ""
    return text
