"""Recordings that came from a backup."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "quarantines",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["store"], ["stores.id"]),
        sa.PrimaryKeyConstraint("store", "act"),
        sqlite_with_rowid=False,
    )
