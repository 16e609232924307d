"""Holds: placed by one person, reviewed, confirmed; released by two (`enforcer.govern.approvals`).

Placing says per store what is true: effective only where the store's agent acknowledged it (I15).
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, insert, select, update

from enforcer.govern.forms.holds import Confirmation, Placement, Review
from enforcer.govern.lookup import StoredRow
from enforcer.govern.reach import Reach, resolve
from enforcer.index.tables import hold_stores, holds
from retention import codec
from retention.calendar import Instant, Period
from retention.errors import ConfigError, RefusedError
from retention.hold import MAX_REVIEW_DAYS, Ground, refuse_personal_data
from retention.numbers import Keyed
from retention.policy import Chain

#: Where nobody says: early enough that a forgotten hold is looked at again.
USUAL_REVIEW_DAYS = 30
#: GDPR article 12(3): a request is answered within a month of receipt, whatever day that is.
ANSWER_WITHIN = Period(1, "M")
ACCESS = "GDPR articles 15 and 18"


def place(
    connection: Connection,
    chain: Chain,
    form: Placement,
    *,
    person: str,
    now: Instant,
    today: date,
    called: Sequence[Keyed] = (),
) -> None:
    """Place a hold; a form with an id that is there already places nothing more.

    `called` is the form's telephone number under every key in use, if it names one.
    """
    if connection.execute(select(holds.c.id).where(holds.c.id == form.id)).scalar():
        return
    refuse_personal_data((form.case, form.citation))
    _check_id(form.id)
    ground, citation, review_on = _grounds(form, today)
    reach = resolve(connection, chain, form, now, called)
    connection.execute(
        insert(holds).values(
            id=form.id,
            ground=ground,
            case_reference=form.case,
            citation=citation,
            owner=person,
            origin="request" if form.requested_on else "person",
            scope=codec.encode(reach.scope),
            begins=reach.interval.begins,
            ends=reach.interval.ends,
            placed_at=now,
            review_on=review_on.toordinal(),
        )
    )
    _bind(connection, form.id, reach)


def review(connection: Connection, hold: str, form: Review, *, today: date) -> None:
    """Keep it for longer, on the record; and complete what was not known at night."""
    row = find(connection, hold)
    refuse_personal_data((form.case, form.citation))
    _check_review(form.review_on, today)
    connection.execute(
        update(holds)
        .where(holds.c.id == hold)
        .values(
            review_on=form.review_on.toordinal(),
            case_reference=form.case or row.case_reference,
            citation=form.citation or row.citation,
        )
    )


def confirm(
    connection: Connection, hold: str, form: Confirmation, *, person: str, now: Instant
) -> None:
    """Take on a hold that the locker's software began: it has an owner and a ground from now on."""
    row = find(connection, hold)
    if row.owner:
        raise RefusedError(f"hold {hold} is {row.owner}'s already: nobody has to confirm it")
    refuse_personal_data((form.case, form.citation))
    ground = parse_ground(form.ground)
    _check_citation(ground, form.citation)
    connection.execute(
        update(holds)
        .where(holds.c.id == hold)
        .values(
            owner=person,
            ground=ground,
            case_reference=form.case,
            citation=form.citation,
            confirmed_at=now,
        )
    )


def find(connection: Connection, hold: str) -> StoredRow:
    """The hold of this id that still holds; `RefusedError` if it was released, `ConfigError` if none."""
    row = connection.execute(select(holds).where(holds.c.id == hold)).one_or_none()
    if row is None:
        raise ConfigError(f"no hold is called {hold!r}")
    if row.released_at is not None:
        raise RefusedError(f"hold {hold} was released")
    return row


def parse_ground(word: str) -> Ground:
    """A ground of the closed list, by its word."""
    try:
        return Ground(word)
    except ValueError as error:
        known = ", ".join(f"{ground} (clause {ground.clause})" for ground in Ground)
        raise ConfigError(
            f"{word!r} is no ground to hold; there are {known}, and no other"
        ) from error


def _grounds(form: Placement, today: date) -> tuple[Ground, str, date]:
    """Ground, citation and review: a request for access has its own (docs/rules.md, Holds)."""
    if form.requested_on is not None:
        if form.requested_on > today:
            raise ConfigError(f"the request of {form.requested_on} is in the future")
        return Ground.STATUTE, form.citation or ACCESS, ANSWER_WITHIN.after(form.requested_on)
    ground = parse_ground(form.ground)
    _check_citation(ground, form.citation)
    review_on = form.review_on or today + timedelta(days=USUAL_REVIEW_DAYS)
    _check_review(review_on, today)
    return ground, form.citation, review_on


def _check_citation(ground: Ground, citation: str) -> None:
    if ground is Ground.STATUTE and not citation.strip():
        raise ConfigError("to hold under another statute, cite it: --citation 'act, article'")


def _check_review(review_on: date, today: date) -> None:
    if not today <= review_on <= today + timedelta(days=MAX_REVIEW_DAYS):
        raise RefusedError(
            f"a hold is reviewed within {MAX_REVIEW_DAYS} days, and not in the past: {review_on}"
        )


def _check_id(hold: str) -> None:
    if not (hold.startswith("hold-") and hold[5:].isalnum() and len(hold) <= 32):
        raise ConfigError(f"{hold[:40]!r} cannot name a hold")


def _bind(connection: Connection, hold: str, reach: Reach) -> None:
    """Carry it to each store that may have something; its agent makes it effective."""
    bound = [{"hold": hold, "store": row.id} for row in reach.stores if row.state != "retired"]
    if not bound:
        raise RefusedError("every store of this scope is retired: there is nothing left to hold")
    connection.execute(insert(hold_stores), bound)
