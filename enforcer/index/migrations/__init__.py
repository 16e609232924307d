"""How the index's tables became what they are: one revision per change, applied in order.

A released revision never changes. Tests hold the sum of all revisions against `tables.py`; a
changed table gets its revision from `python -m enforcer.index.migrations`.
"""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from retention.errors import ConfigError


def configuration(connection: Connection) -> Config:
    """What Alembic needs to work on this connection, within the caller's transaction."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "enforcer.index:migrations")
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(slug)s")  # a name that Python can import
    return config


def is_current(connection: Connection) -> bool:
    """Whether the tables are up to date. `ConfigError` if a newer version of the enforcer wrote them."""
    scripts = ScriptDirectory.from_config(configuration(connection))
    stands_at = MigrationContext.configure(connection).get_current_revision()
    if stands_at == scripts.get_current_head():
        return True
    if stands_at not in {None, *(each.revision for each in scripts.walk_revisions())}:
        raise ConfigError(
            f"a newer version of the enforcer wrote this index (revision {stands_at}): "
            "run that version, or go back to a backup from before"
        )
    return False


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date, or do nothing if they are. `ConfigError` as `is_current`."""
    if not is_current(connection):
        command.upgrade(configuration(connection), "head")
