"""Telephone numbers of calls, keyed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "item_numbers",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "mac", "store", "epoch", "number"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("item_numbers", schema=None) as batch_op:
        batch_op.create_index("item_numbers_by_item", ["store", "epoch", "number"], unique=False)
