"""What people ask about the proof."""

import io
import os
from datetime import UTC, date

import structlog
from sqlalchemy import Connection, insert, select

from enforcer import prove
from enforcer.govern.forms.form import Done
from enforcer.govern.forms.ledger import Checkpoint, Proof, Proofs, Verified
from enforcer.index import tree
from enforcer.index.tables import leaves, rescans
from enforcer.inspection import bundle
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route
from retention import codec
from retention.bundle import Rescanned
from retention.calendar import Instant, start_of_day
from retention.errors import ConfigError, MalformedError, RetentionError
from retention.ledger import verifiers
from retention.witness import Watched, watched

MOST_PROOFS = 1000

_LOG = structlog.get_logger()


def checkpoint(connection: Connection, _asked: Asked) -> Answer:
    """The newest published head."""
    head = tree.last_head(connection)
    return Answer(Checkpoint("" if head is None else head.note))


def verify(connection: Connection, asked: Asked) -> Answer:
    """Hash every leaf again and hold it against every head."""
    head = prove.check(connection, verifiers(asked.chain))
    return Answer(Verified(0 if head is None else head.size, tree.size(connection)))


def proofs(connection: Connection, asked: Asked) -> Answer:
    """The certificates of a store, class and civil date, each proved to be under the newest head."""
    head = tree.last_head(connection)
    if head is None:
        raise ConfigError("the ledger has no published head yet")
    found = connection.execute(
        select(leaves.c.position, leaves.c.data)
        .where(
            leaves.c.store == _word(asked, "store"),
            leaves.c.record_class == _word(asked, "class"),
            leaves.c.civil == _day(asked, "date").toordinal(),
            leaves.c.position < head.size,
        )
        .order_by(leaves.c.position)
        .limit(MOST_PROOFS)
    ).all()
    proved = [
        Proof(position, data, tuple(prove.inclusion(connection, position, head.size)))
        for position, data in found
    ]
    return Answer(Proofs(head.note, tuple(proved)))


def make_bundle(connection: Connection, asked: Asked) -> Answer:
    """The inspector's file."""
    file = io.BytesIO()
    since, through = _day(asked, "since"), _day(asked, "through")
    bundle.make(
        connection,
        file,
        chain=asked.chain,
        key=asked.desk.directive_key,
        since=since,
        through=through,
        now=asked.now,
        random=os.urandom,
        watched=_watched(connection, asked, since),
    )
    return Answer(file.getvalue(), f"bundle {since}..{through}")


def hand_in_rescan(connection: Connection, asked: Asked) -> Answer:
    """Keep an auditor's report for the bundles to come."""
    report = asked.form(Rescanned)
    digest = codec.digest(asked.body)
    known = connection.execute(select(rescans.c.at).where(rescans.c.digest == digest)).scalar()
    if known is None:
        row = {"digest": digest, "at": report.at, "report": asked.body}
        connection.execute(insert(rescans).values(row))
    return Answer(Done(), report.store, f"number {report.number}: {report.verdict}")


def _watched(connection: Connection, asked: Asked, since: date) -> Watched | None:
    """What our Prometheus recorded of the ledger's life; none if it does not answer, and that is said."""
    first = connection.execute(select(leaves.c.at).where(leaves.c.position == 0)).scalar()
    if asked.desk.ask is None or first is None:
        return None
    try:
        began = max(start_of_day(since, UTC), Instant(first))
        return watched(asked.desk.ask, began, asked.now)
    except RetentionError as error:
        _LOG.warning("prometheus not asked", reason=str(error))
        return None


def _day(asked: Asked, name: str) -> date:
    try:
        return date.fromisoformat(_word(asked, name))
    except ValueError as error:
        raise MalformedError(f"{name} is no date such as 2026-01-15") from error


def _word(asked: Asked, name: str) -> str:
    try:
        return asked.query[name]
    except KeyError as error:
        raise MalformedError(f"{name} is missing") from error


ROUTES = (
    Route("GET", "/v1/ledger/checkpoint", "show", "ledger", checkpoint, logged=False),
    Route("GET", "/v1/ledger/verify", "show", "ledger", verify, logged=False),
    Route("GET", "/v1/ledger/proofs", "show", "ledger", proofs, logged=False),
    Route("GET", "/v1/bundle", "export", "bundle", make_bundle, slow=True),
    Route("POST", "/v1/rescans", "hand in", "rescan", hand_in_rescan),
)
