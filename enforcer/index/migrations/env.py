"""Run by Alembic for every command: which connection, and which tables are wanted."""

from alembic import context

from enforcer.index.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
