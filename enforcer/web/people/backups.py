"""What people say of backups: they are not ours to erase in, and a bundle tells of them."""

from sqlalchemy import Connection, delete, insert

from enforcer.govern.forms.backups import Backups, Forgotten
from enforcer.govern.forms.form import Done
from enforcer.index.tables import backups
from enforcer.inspection import extracts
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route
from retention.bundle import Backup
from retention.errors import ConfigError, RefusedError
from retention.hold import refuse_personal_data


def show(connection: Connection, _asked: Asked) -> Answer:
    """Every set."""
    return Answer(Backups(tuple(extracts.backups(connection))))


def register(connection: Connection, asked: Asked) -> Answer:
    """A new set, or another horizon for a known one."""
    backup = asked.form(Backup)
    if not backup.name.isprintable() or backup.name.strip() != backup.name or not backup.name:
        raise RefusedError("a set of backups has a name that can be printed")
    refuse_personal_data([backup.name])
    connection.execute(delete(backups).where(backups.c.name == backup.name))
    row = {"name": backup.name, "of": backup.of, "days": backup.days, "registered_at": asked.now}
    connection.execute(insert(backups).values(row))
    return Answer(Done(), f"backup {backup.name}", f"{backup.of}, {backup.days} days")


def forget(connection: Connection, asked: Asked) -> Answer:
    """A set that is no more."""
    name = asked.form(Forgotten).name
    if not connection.execute(delete(backups).where(backups.c.name == name)).rowcount:
        raise ConfigError(f"no set of backups is called {name!r}")
    return Answer(Done(), f"backup {name}", "is no more")


ROUTES = (
    Route("GET", "/v1/backups", "show", "backups", show, logged=False),
    Route("POST", "/v1/backups", "register", "backup", register),
    Route("POST", "/v1/backups/forget", "register", "backup", forget),
)
