"""What was seen by a machine that was not told the time is found quickly."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "items_latest",
        "items",
        ["store", "record_class"],
        sqlite_where=sa.text("how = 'latest'"),
        postgresql_where=sa.text("how = 'latest'"),
    )
