"""How early a date can be that an older epoch knew; and dates by clocks in doubt are found quickly."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_UNSURE = sa.text("how IN ('latest', 'doubted')")


def upgrade() -> None:
    """Apply."""
    op.add_column("prior_items", sa.Column("earliest", sa.BigInteger()))
    op.drop_index("items_latest", table_name="items")
    op.create_index(
        "items_unsure",
        "items",
        ["store", "record_class"],
        sqlite_where=_UNSURE,
        postgresql_where=_UNSURE,
    )
