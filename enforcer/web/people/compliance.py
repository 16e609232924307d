"""What people ask about the state of things: compliance, what comes, and who did what."""

from sqlalchemy import Connection

from enforcer import comply
from enforcer.comply import Position
from enforcer.govern import approvals, history
from enforcer.govern.forecast import forecast
from enforcer.govern.forms.compliance import ClassStatus, Reason, Status, StoreStatus
from enforcer.govern.forms.documents import Events
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route
from retention.errors import ConfigError

MOST_DAYS = 366
MOST_EVENTS = 1000


def status(connection: Connection, asked: Asked) -> Answer:
    """What can be said of every store and class, and why it is not more."""
    found = comply.positions(connection, asked.chain, asked.now)
    classes = (
        ClassStatus(
            each.record_class,
            each.state,
            each.proven,
            each.total,
            each.since,
            each.not_ok_since,
        )
        for each in comply.standings_since(connection, found)
    )
    return Answer(Status(asked.now, tuple(classes), tuple(_of_store(each) for each in found)))


def ahead(connection: Connection, asked: Asked) -> Answer:
    """What will go within so many days."""
    days = asked.number("days")
    if not 0 <= days <= MOST_DAYS:
        raise ConfigError(f"a forecast reaches up to {MOST_DAYS} days")
    return Answer(forecast(connection, asked.chain, now=asked.now, days=days))


def acts(connection: Connection, asked: Asked) -> Answer:
    """Who did what and who looked at what: all of late, or what happened to one subject."""
    subject = asked.query.get("subject", "")
    if not subject:
        return Answer(Events(tuple(history.newest(connection, MOST_EVENTS))))
    document = approvals.found(connection, asked.chain, subject)
    return Answer(Events(tuple(history.of_subject(connection, subject)), document), subject)


def _of_store(position: Position) -> StoreStatus:
    return StoreStatus(
        store=position.store,
        record_class=position.record_class,
        state=position.state,
        reasons=tuple(Reason(*reason) for reason in position.reasons),
        counts={state: count for state, count in sorted(position.counts.items()) if count},
        overdue=position.overdue,
        past_limit=position.past_limit,
        oldest=position.oldest,
        next_deadline=position.next_deadline,
        valid_until=position.valid_until,
        partly_erased=position.partly_erased,
    )


ROUTES = (
    Route("GET", "/v1/status", "show", "status", status, logged=False),
    Route("GET", "/v1/forecast", "show", "forecast", ahead, logged=False),
    Route("GET", "/v1/history", "show", "history", acts, logged=False),
)
