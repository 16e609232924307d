"""Beginning anew after the agent's state was lost or turned out to be old.

A new epoch numbers items from one again and reports every file anew. What people decided stays:
holds, acts, tombstones and the lower bound of the time are never forgotten. What we know of dates
stays as well, so that an enforcer that makes us begin again dates nothing anew by it (docs/rules.md,
Coming back).
"""

import secrets

from agents.engine.finding.restoring import Stage
from agents.engine.holding import holds
from agents.engine.memory import contents, wholes
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Role
from retention.report import GENESIS
from retention.wire import Enrolled, Welcome

STORE_KEY_BYTES = 32

#: What belongs to an epoch: everything about single files, and the log.
_OF_THE_EPOCH = (
    "items",
    "calls",
    "parts",
    "item_holds",
    "doubts",
    "item_numbers",
    "evidence",
    "others",
    "scans",
    "arrivals",
    "intents",
    "log",
)

#: Acts about items: the new epoch's have to be found first, so these are carried out again.
_ABOUT_ITEMS = ("erasure", "correction", "lift")


def commission(catalogue: Catalogue, enrolled: Enrolled) -> None:
    """Write down who this agent is, once, after enrolment."""
    with catalogue.transaction() as db:
        db.execute(
            "INSERT INTO agent (one, store, store_group, commissioned_at, store_key, log_digest)"
            " VALUES (1, ?, ?, ?, ?, ?)",
            (
                enrolled.store,
                enrolled.group,
                enrolled.commissioned_at,
                secrets.token_bytes(STORE_KEY_BYTES),
                GENESIS,
            ),
        )


def begin_epoch(catalogue: Catalogue, welcome: Welcome) -> None:
    """Forget the files and start the log again under the epoch that the enforcer gave.

    The store keeps the group it was enrolled in: another one could mean shorter periods.
    """
    with catalogue.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO prior (fingerprint, anchor, own)"
            " SELECT each.fingerprint, min(whole.anchor), 1 FROM items AS each"
            " LEFT JOIN calls ON calls.item = each.number"
            " LEFT JOIN parts ON parts.number = each.number"
            " JOIN items AS whole ON whole.number = coalesce(parts.item, each.number)"
            " WHERE whole.anchor IS NOT NULL AND each.size > 0"
            " AND coalesce(parts.role, calls.role, ?1) = ?1 GROUP BY each.fingerprint",
            (Role.RECORDING,),
        )
        holds.name_what_moved(db)
        contents.forget_living(db)
        for table in _OF_THE_EPOCH:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        db.execute("UPDATE restorations SET stage = ?", (Stage.DECLARED,))
        db.executemany("DELETE FROM acts WHERE kind = ?", [(kind,) for kind in _ABOUT_ITEMS])
        db.execute(
            "UPDATE agent SET epoch = ?, next_item = 1, next_part = ?, log_number = 0, log_digest = ?,"
            " log_acknowledged = 0, directive = NULL, directive_version = 0, swept_at = NULL",
            (welcome.epoch, wholes.FIRST_PART, GENESIS),
        )
