"""Since when a class is in its state, noted at each look, and when the last look was."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from enforcer.index.tables import last_look as last_look_at
from enforcer.index.tables import standings
from retention.calendar import Instant


class Since(NamedTuple):
    """A class's state over all stores as it was last seen. `not_ok_since` is None while it is ok."""

    state: str
    since: Instant
    not_ok_since: Instant | None


def known(connection: Connection) -> dict[str, Since]:
    """By class."""
    rows = connection.execute(select(standings))
    return {name: Since(*of_class) for name, *of_class in rows}


def note(connection: Connection, seen: Mapping[str, str], now: Instant) -> None:
    """What is seen of each class now; what is no longer there is forgotten. Needs a write transaction."""
    before = known(connection)
    after = {name: _since(before.get(name), state, now) for name, state in seen.items()}
    if after == before:
        return
    connection.execute(delete(standings))
    if after:
        connection.execute(insert(standings), _rows(after))


def last_look(connection: Connection) -> Instant | None:
    """When any process last looked; None: never."""
    at = connection.execute(select(last_look_at.c.at)).scalar()
    return None if at is None else Instant(at)


def look(connection: Connection, now: Instant) -> None:
    """Somebody looked now. Needs a write transaction."""
    connection.execute(delete(last_look_at))
    connection.execute(insert(last_look_at).values(one=1, at=now))


def _since(before: Since | None, state: str, now: Instant) -> Since:
    if before is not None and before.state == state:
        return before
    bad_before = None if before is None else before.not_ok_since
    return Since(state, now, None if state == "ok" else bad_before or now)


def _rows(found: Mapping[str, Since]) -> list[dict[str, object]]:
    return [{"record_class": name, **each._asdict()} for name, each in found.items()]
