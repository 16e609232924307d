"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "erasure_tallies",
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("slack", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record_class", "why", "outcome", "slack"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held_items",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "epoch", "number", "hold"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hold_ages",
        sa.Column("age", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("age"),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("case_reference", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("review_on", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "leaves",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("record_class", sa.Text(), nullable=True),
        sa.Column("civil", sa.Integer(), nullable=True),
        sa.Column("seed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("leaves", schema=None) as batch_op:
        batch_op.create_index("leaves_by_batch", ["store", "record_class", "civil"], unique=False)
        batch_op.create_index(
            "leaves_with_seed",
            ["at"],
            unique=False,
            sqlite_where=sa.text("seed IS NOT NULL"),
            postgresql_where=sa.text("seed IS NOT NULL"),
        )

    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "requests",
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce"),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("store_group", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("processor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("frozen", sa.Text(), nullable=False),
        sa.Column("commissioned_at", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("last_item", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("contradictions", sa.BigInteger(), nullable=False),
        sa.Column("unregistered", sa.BigInteger(), nullable=False),
        sa.Column("imbalance", sa.BigInteger(), nullable=False),
        sa.Column("thawed", sa.Integer(), nullable=True),
        sa.Column("directive_version", sa.BigInteger(), nullable=False),
        sa.Column("directive_digest", sa.LargeBinary(), nullable=True),
        sa.Column("acknowledged_version", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=True),
        sa.Column("booted", sa.Text(), nullable=True),
        sa.Column("clock_trusted", sa.Boolean(), nullable=True),
        sa.Column("clock_offset", sa.BigInteger(), nullable=True),
        sa.Column("brake", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("scan_began_at", sa.BigInteger(), nullable=True),
        sa.Column("scan_complete_at", sa.BigInteger(), nullable=True),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "boots",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("booted", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "booted"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "document_stores",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document"],
            ["documents.id"],
        ),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("document", "store"),
    )
    op.create_table(
        "hold_stores",
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=True),
        sa.Column("gone", sa.Text(), nullable=False),
        sa.Column("freed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hold"],
            ["holds.id"],
        ),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("hold", "store"),
    )
    op.create_table(
        "items",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("anchor", sa.BigInteger(), nullable=True),
        sa.Column("civil", sa.Integer(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "epoch", "number"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index("items_by_time", ["store", "anchor"], unique=False)
        batch_op.create_index(
            "items_erased",
            ["store", "record_class", "civil"],
            unique=False,
            sqlite_where=sa.text("state = 'erased'"),
            postgresql_where=sa.text("state = 'erased'"),
        )
        batch_op.create_index(
            "items_excepted",
            ["store", "record_class", "civil"],
            unique=False,
            sqlite_where=sa.text("(state = 'undated' OR not_before > 0)"),
            postgresql_where=sa.text("(state = 'undated' OR not_before > 0)"),
        )

    op.create_table(
        "log_marks",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prior_items",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("civil", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("anchor", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "number"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("prior_items", schema=None) as batch_op:
        batch_op.create_index("prior_items_by_fingerprint", ["store", "fingerprint"], unique=False)

    op.create_table(
        "tallies",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("civil", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "record_class", "civil", "state"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("tallies", schema=None) as batch_op:
        batch_op.create_index(
            "tallies_live",
            ["store", "record_class", "civil"],
            unique=False,
            sqlite_where=sa.text(
                "state IN ('present', 'held', 'restricted', 'undated', 'late', 'blocked')"
            ),
            postgresql_where=sa.text(
                "state IN ('present', 'held', 'restricted', 'undated', 'late', 'blocked')"
            ),
        )

    op.create_table(
        "totals",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["stores.id"],
        ),
        sa.PrimaryKeyConstraint("store", "record_class", "state"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "watched",
        sa.Column("civil", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("civil", "record_class", "state", "reason"),
        sqlite_with_rowid=False,
    )
