"""The invariants, asked of the real parts from outside; what the files may do is `Life`'s to see.

Each function names the invariant it stands for (I1, I2 and I13 are asked where a file goes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from enforcer import comply
from enforcer.comply import State
from enforcer.index import tables, tally
from retention import ledger

if TYPE_CHECKING:
    from model.life import Life

ALWAYS_ALLOWED = 5


def check(life: Life) -> None:
    """What must be true at every moment."""
    assert life.box.store.unintended == 0, "erased without an intent (I5)"
    _contained(life)
    _braked(life)
    if life.office.running:
        _never_green_in_vain(life)
        _balanced(life)
        _true_words(life)


def check_promptness(life: Life) -> None:
    """I3: where everything can be reached, what has to go goes in time."""
    now = life.true.now
    assert not life.errors, life.errors
    late = [(f.path, life.observer.must_be_gone_by(f)) for f in life.observer.overdue(now)]
    assert [] == late, f"still there at {now} (I3)"


def check_at_rest(life: Life) -> None:
    """What must be true besides, when everything can be reached and nothing is under way."""
    assert [] == life.box.rows("SELECT * FROM intents"), "an intent without outcome (I5)"
    _same_holds(life)
    _same_items(life)
    _same_counts(life)
    _certified_once(life)
    _not_unknown(life)


def _contained(life: Life) -> None:
    """I9: what lies outside the root is as it was."""
    assert life.box.ground.is_contained()


def _braked(life: Life) -> None:
    """I12: no sweep goes past the brake, whatever happened to its store."""
    assert len(life.erased_now) <= life.allowed, "more at once than the brake lets go"


def _never_green_in_vain(life: Life) -> None:
    """I4: ok only where somebody who sees everything finds nothing wrong."""
    overdue = list(life.observer.overdue(life.true.now, asked=False, promised=True))
    if not overdue:
        return
    with life.office.reading() as connection:
        [began] = connection.execute(select(tables.stores.c.scan_began_at)).scalars()
        scanned = life.scans.get(began, 0)
        known = [file for file in overdue if file.touched < scanned]
        if not known:
            return  # and the state is not worth its price
        chain = life.office.chains.read(connection)
        positions = comply.positions(connection, chain, life.office.now)
    green = {p.record_class for p in positions if p.state is State.OK}
    for file in known:
        assert file.record_class not in green, f"{file.path} is overdue, and all is green"


def _balanced(life: Life) -> None:
    """I14: each class and day of the enforcer's books balances."""
    with life.office.reading() as connection:
        assert [] == tally.unbalanced(connection)
        [contradictions] = connection.execute(select(tables.stores.c.contradictions)).scalars()
    assert contradictions == 0, "the log contradicts the index"


def _true_words(life: Life) -> None:
    """I15: a hold called effective is in force in the agent's own, durable memory."""
    with life.office.reading() as connection:
        [epoch] = connection.execute(select(tables.stores.c.epoch)).scalars()
        effective = connection.execute(
            select(tables.hold_stores.c.hold)
            .join(tables.holds, tables.holds.c.id == tables.hold_stores.c.hold)
            .where(
                tables.hold_stores.c.effective_at.is_not(None),
                tables.hold_stores.c.freed_at.is_(None),
                tables.holds.c.released_at.is_(None),
            )
        ).scalars()
        told = set(effective)
    if life.memory_doubtful or life.box.rows("SELECT epoch FROM agent") != [(epoch,)]:
        return
    known = {hold for (hold,) in life.box.rows("SELECT id FROM holds WHERE released_at IS NULL")}
    assert set() == told - known, "called effective, and it is not (I15)"


def _same_holds(life: Life) -> None:
    """I2, I6: what people released, and both have heard of, holds nothing any more."""
    agents = {hold for (hold,) in life.box.rows("SELECT id FROM holds WHERE released_at IS NULL")}
    with life.office.reading() as connection:
        query = select(tables.holds.c.id).where(tables.holds.c.released_at.is_not(None))
        released = set(connection.execute(query).scalars())
    assert set() == agents & released, "released, and in force"


def _same_items(life: Life) -> None:
    """I6: however messages came, the enforcer knows what the agent knows, and nothing else."""
    agents = life.box.rows(
        "SELECT number, c.word, s.word, anchor, civil, seen,"
        " size + (SELECT coalesce(sum(size), 0) FROM items AS each JOIN parts USING (number)"
        "          WHERE item = items.number),"
        " fingerprint, not_before, holds"
        " FROM items JOIN words AS c ON c.id = record_class JOIN words AS s ON s.id = source"
        " WHERE holds >= 0 ORDER BY number"
    )
    c, h = tables.items.c, tables.held_items.c
    held = (
        select(func.count())
        .where(h.store == c.store, h.epoch == c.epoch, h.number == c.number)
        .correlate(tables.items)
        .scalar_subquery()
    )
    with life.office.reading() as connection:
        [epoch] = connection.execute(select(tables.stores.c.epoch)).scalars()
        rows = connection.execute(
            select(
                c.number,
                c.record_class,
                c.source,
                c.anchor,
                c.civil,
                c.seen,
                c.size,
                c.fingerprint,
                c.not_before,
                held,
            )
            .where(c.epoch == epoch, c.state != "erased")
            .order_by(c.number)
        ).all()
    assert agents == [tuple(row) for row in rows], (agents, rows)


def _same_counts(life: Life) -> None:
    """I14: what is on the disk, what the agent counts and what the enforcer counts is the same."""
    agents: dict[str, int] = {}
    for name, _, number in life.box.agent.counts():
        agents[name] = agents.get(name, 0) + number
    books: dict[str, int] = {}
    with life.office.reading() as connection:
        for total in tally.sums(connection):
            if total.state in tally.LIVE and total.items:
                books[total.record_class] = books.get(total.record_class, 0) + total.items
    assert life.observer.counted() == agents == books


def _certified_once(life: Life) -> None:
    """I6, I14: every erasure that was reported is in exactly one certificate."""
    with life.office.reading() as connection:
        erased = sum(t.items for t in tally.sums(connection) if t.state == "erased")
        waiting = connection.execute(
            select(func.count()).where(tables.items.c.state == "erased")
        ).scalar_one()
        chosen = select(tables.leaves.c.data).where(tables.leaves.c.kind == "certificate")
        leaves = [ledger.decode(data) for data in connection.execute(chosen).scalars()]
    assert (sum(leaf.items for leaf in leaves), 0) == (erased, waiting)
    if not life.memory_lost:
        alone = [file for file in life.disk.erased if not file.whole]
        calls = {file.whole for file in life.disk.erased if file.whole}
        assert erased >= len(alone) + len(calls) - life.disk.taken_back


def _not_unknown(life: Life) -> None:
    """What can be known is known: no store stays unknown that is healthy, reachable and active."""
    with life.office.reading() as connection:
        chain = life.office.chains.read(connection)
        positions = comply.positions(connection, chain, life.office.now)
    for position in positions:
        words = {reason.word for reason in position.reasons if reason.state is State.UNKNOWN}
        excusable = set() if life.observer.active else {"not_activated", "brake"}
        if life.activations_lost:  # until two people sign again
            excusable.add("not_activated")
        if any(file.untold for file in life.observer.files.values()):
            excusable.add("time_unknown")
        assert words <= excusable, f"{position.record_class}: {words}"
