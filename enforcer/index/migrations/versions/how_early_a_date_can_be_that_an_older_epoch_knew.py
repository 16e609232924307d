"""How early a date can be that an older epoch knew, if it was the latest."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply."""
    op.add_column("prior_items", sa.Column("earliest", sa.BigInteger()))
