"""What people ask about holds."""

from sqlalchemy import Connection

from enforcer.govern import holds, sheets
from enforcer.govern.forms.holds import Confirmation, HoldLines, Placement, Review
from enforcer.govern.preview import preview
from enforcer.govern.reach import resolve
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route


def place(connection: Connection, asked: Asked) -> Answer:
    """Place it; what is true of it, per store."""
    form = asked.form(Placement)
    person = asked.person.id
    called = asked.keyed(form.number)
    holds.place(
        connection,
        asked.chain,
        form,
        person=person,
        now=asked.now,
        today=asked.today,
        called=called,
    )
    return _sheet(connection, asked, form.id)


def look_ahead(connection: Connection, asked: Asked) -> Answer:
    """What it would cover."""
    form = asked.form(Placement)
    reach = resolve(connection, asked.chain, form, asked.now, asked.keyed(form.number))
    stores = " ".join(store.id for store in reach.stores)
    return Answer(preview(connection, asked.chain, reach), stores)


def register(connection: Connection, asked: Asked) -> Answer:
    """Every hold."""
    return Answer(HoldLines(sheets.register(connection, asked.now, asked.today)))


def show(connection: Connection, asked: Asked) -> Answer:
    """All about one."""
    return _sheet(connection, asked, asked.path["hold"])


def review(connection: Connection, asked: Asked) -> Answer:
    """Keep it, complete it."""
    hold, form = asked.path["hold"], asked.form(Review)
    holds.review(connection, hold, form, today=asked.today)
    return _sheet(connection, asked, hold, f"until {form.review_on}")


def confirm(connection: Connection, asked: Asked) -> Answer:
    """Take on what the locker's software began."""
    hold = asked.path["hold"]
    form = asked.form(Confirmation)
    holds.confirm(connection, hold, form, person=asked.person.id, now=asked.now)
    return _sheet(connection, asked, hold)


def _sheet(connection: Connection, asked: Asked, hold: str, detail: str = "") -> Answer:
    return Answer(sheets.sheet(connection, asked.chain, hold, asked.now), hold, detail)


ROUTES = (
    Route("GET", "/v1/holds", "show", "holds", register, logged=False),
    Route("POST", "/v1/holds", "place", "hold", place),
    Route("POST", "/v1/holds/preview", "preview", "hold", look_ahead),
    Route("GET", "/v1/holds/{hold}", "show", "holds", show, logged=False),
    Route("POST", "/v1/holds/{hold}/review", "review", "hold", review),
    Route("POST", "/v1/holds/{hold}/confirm", "confirm", "hold", confirm),
)
