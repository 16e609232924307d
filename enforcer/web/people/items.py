"""What people ask about single recordings. Every look is in the history (R25)."""

from datetime import timedelta

from sqlalchemy import Connection

from enforcer.govern import items
from enforcer.govern.forms.form import Done
from enforcer.govern.forms.items import ItemQuery, Restriction
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route
from retention.hold import MAX_REVIEW_DAYS


def find(connection: Connection, asked: Asked) -> Answer:
    """Items of a place and a time."""
    form = asked.form(ItemQuery)
    called = asked.keyed(form.number)
    stores, found = items.find(connection, asked.chain, form, asked.now, called)
    return Answer(found, " ".join(stores), f"{len(found.items)} items")


def show(connection: Connection, asked: Asked) -> Answer:
    """One item."""
    name = _named(asked)
    return Answer(items.show(connection, asked.chain, name), name)


def copies(connection: Connection, asked: Asked) -> Answer:
    """Where the same recording lies besides."""
    name = _named(asked)
    found = items.copies(connection, asked.chain, name)
    return Answer(found, name, f"{len(found.items)} copies")


def restrict(connection: Connection, asked: Asked) -> Answer:
    """Keep, and do not use."""
    form = asked.form(Restriction)
    review_on = asked.today + timedelta(days=MAX_REVIEW_DAYS)
    items.restrict(connection, form, person=asked.person.id, now=asked.now, review_on=review_on)
    return Answer(Done(), form.id, " ".join(form.items))


def _named(asked: Asked) -> str:
    return "/".join(asked.path[part] for part in ("store", "epoch", "number"))


ROUTES = (
    Route("POST", "/v1/items/find", "show", "items", find),
    Route("GET", "/v1/items/{store}/{epoch}/{number}", "show", "items", show),
    Route("GET", "/v1/items/{store}/{epoch}/{number}/copies", "show", "items", copies),
    Route("POST", "/v1/items/restrict", "restrict", "item", restrict),
)
