"""Who did what, and who looked at what: permanent, append-only, without personal data."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, or_, select

from enforcer.govern.forms.form import Event
from enforcer.index.tables import history


def record(connection: Connection, event: Event) -> None:
    """Write it down, in the transaction of the act itself."""
    connection.execute(insert(history).values(msgspec.structs.asdict(event)))


def of_subject(connection: Connection, subject: str) -> Sequence[Event]:
    """What was done to this hold, document, item or store, oldest first; and by documents about it."""
    columns = [history.c[name] for name in Event.__struct_fields__]
    about_it = select(history.c.subject).where(
        history.c.verb == "propose", history.c.detail == subject
    )
    wanted = or_(history.c.subject == subject, history.c.subject.in_(about_it))
    rows = connection.execute(select(*columns).where(wanted).order_by(history.c.id))
    return [Event(*row) for row in rows]


def newest(connection: Connection, count: int) -> Sequence[Event]:
    """The last acts of all, newest first."""
    columns = [history.c[name] for name in Event.__struct_fields__]
    rows = connection.execute(select(*columns).order_by(history.c.id.desc()).limit(count))
    return [Event(*row) for row in rows]
