"""Since when a class is in its state."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "standings",
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("not_ok_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("record_class"),
        sqlite_with_rowid=False,
    )
