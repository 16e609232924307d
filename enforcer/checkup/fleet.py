"""What waits for somebody at the stores and on paper, and would be noticed late."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC

from sqlalchemy import Connection, func, select

from enforcer import comply
from enforcer.index.tables import document_stores, documents, holds, stores
from enforcer.inspection import extracts
from retention.calendar import DAY, Instant, civil_date
from retention.checkup import Fact, amiss, fine, unknown
from retention.policy import Chain

WAITING_DAYS = 7
_NAMED = 5


def examine(connection: Connection, chain: Chain, now: Instant) -> Iterator[Fact]:
    """Stores that are not yet what they should be, papers nobody signs, copies nobody named."""
    yield from _invited(connection, now)
    yield from _heard_after_the_end(connection)
    yield from _observing(connection, chain, now)
    yield from _papers(connection, now)
    yield from _reviews(connection, now)
    yield _backups(connection)


def _invited(connection: Connection, now: Instant) -> Iterator[Fact]:
    c = stores.c
    query = select(c.id).where(c.state == "invited", c.code_expires_at < now).order_by(c.id)
    lapsed = connection.execute(query).scalars().all()
    if lapsed:
        yield amiss(
            "stores invited",
            f"The agents of {_named(lapsed)} never enrolled, and their tokens have ended.",
            why="What is recorded there is in no books, and nothing of it is erased.",
            remedy="`enforcer store credential renew ID` prints a new token; or retire them.",
        )


def _heard_after_the_end(connection: Connection) -> Iterator[Fact]:
    """Of what was wiped or destroyed no agent is left to speak."""
    query = (
        select(stores.c.id)
        .join(document_stores, document_stores.c.store == stores.c.id)
        .join(documents, documents.c.id == document_stores.c.document)
        .where(stores.c.state == "retired", documents.c.kind == "retirement")
        .where(stores.c.last_seen_at > documents.c.approved_at + DAY)
        .order_by(stores.c.id)
    )
    speaking = connection.execute(query).scalars().all()
    if speaking:
        yield amiss(
            "stores retired",
            f"The agents of {_named(speaking)} were heard more than a day after that.",
            why="Their recordings may be there, and the books say that they are not.",
            remedy="Find the box and wipe it. Until then its agent erases what it knows, each in its "
            "last hour.",
        )


def _observing(connection: Connection, chain: Chain, now: Instant) -> Iterator[Fact]:
    """A store that nobody activated erases nothing; that shows when something is late."""
    query = select(stores.c.id).where(stores.c.state == "observe").order_by(stores.c.id)
    observing = connection.execute(query).scalars().all()
    if not observing:
        return
    late: Counter[str] = Counter()
    for position in comply.positions(connection, chain, now):
        late[position.store] += position.overdue + position.past_limit
    overdue = [store for store in observing if late[store]]
    if overdue:
        yield amiss(
            "stores that only observe",
            f"{_named(overdue)} erase nothing, and {sum(late[s] for s in overdue)} items are late.",
            why="Two people have to let a new store erase; until then it breaks the promise.",
            remedy="Look at `enforcer forecast`, then `enforcer store activate`.",
        )
    else:
        said = f"{_named(observing)} erase nothing until two people activate them; nothing is late."
        yield fine("stores that only observe", said)


def _papers(connection: Connection, now: Instant) -> Iterator[Fact]:
    query = select(documents.c.id).where(
        documents.c.state == "proposed", documents.c.proposed_at < now - WAITING_DAYS * DAY
    )
    waiting = connection.execute(query.order_by(documents.c.proposed_at)).scalars().all()
    if waiting:
        yield amiss(
            "papers",
            f"{_named(waiting)} wait for a second person for more than {WAITING_DAYS} days.",
            why="What one person asked for is not done; after 30 days it has to be drawn up anew.",
            remedy="`enforcer approve ID`, or withdraw it.",
        )


def _reviews(connection: Connection, now: Instant) -> Iterator[Fact]:
    today = civil_date(now, UTC).toordinal()
    open_ = (holds.c.released_at.is_(None), holds.c.review_on < today + WAITING_DAYS)
    count = connection.execute(select(func.count()).select_from(holds).where(*open_)).scalar() or 0
    if count:
        yield amiss(
            "reviews",
            f"Of {count} holds the review is overdue, or due within {WAITING_DAYS} days.",
            why="They hold on, without anybody having said why of late.",
            remedy="`enforcer hold list`, then `hold review` or `hold release`.",
        )


def _backups(connection: Connection) -> Fact:
    """What is erased here lives on in copies: a bundle has to say for how long at most."""
    sets = list(extracts.backups(connection))
    if not sets:
        return unknown(
            "backups",
            "Nobody registered a set.",
            why="Every bundle says that backups were not checked.",
            remedy="Name each with `enforcer backup add`, with the longest that anything stays in it.",
        )
    longest = max(sets, key=lambda backup: backup.days)
    said = f"{len(sets)} registered; in {longest.name} copies stay for up to {longest.days} days."
    return fine("backups", said)


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more
