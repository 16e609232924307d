"""Beginning anew after the agent's state was lost or turned out to be old.

A new epoch numbers items from one again and reports every file anew. What people decided stays:
holds, acts, tombstones and the lower bound of the time are never forgotten (docs/rules.md, Coming
back).
"""

import secrets

from agents.engine.catalogue import Catalogue
from retention.report import GENESIS
from retention.wire import Enrolled, Welcome

STORE_KEY_BYTES = 32

#: What belongs to an epoch: everything about single files, and the log.
_OF_THE_EPOCH = (
    "items",
    "item_holds",
    "evidence",
    "others",
    "scans",
    "arrivals",
    "intents",
    "log",
    "prior",
)


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
    """Forget the files and start the log again under the epoch that the enforcer gave."""
    with catalogue.transaction() as db:
        for table in _OF_THE_EPOCH:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        db.execute(
            "UPDATE agent SET epoch = ?, store_group = ?, next_item = 1, log_number = 0,"
            " log_digest = ?, log_acknowledged = 0, directive = NULL, directive_version = 0,"
            " swept_at = NULL",
            (welcome.epoch, welcome.group, GENESIS),
        )
