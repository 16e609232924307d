"""Beginning anew after the agent's state was lost or turned out to be old.

A new epoch numbers items from one again and reports every file anew. What people decided stays:
holds, acts, tombstones and the lower bound of the time are never forgotten. What we know of files
stays as well, each doubt included, so that an enforcer that makes us begin again dates nothing anew by
it (docs/rules.md, Coming back).
"""

import secrets

from agents.engine.clock import CONFIRMED
from agents.engine.finding.restoring import Stage
from agents.engine.holding import holds
from agents.engine.memory import contents, remembered, wholes
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Role
from retention.anchor import CORRECTED, INHERITED
from retention.report import GENESIS
from retention.wire import Enrolled, Welcome

STORE_KEY_BYTES = 32

#: What belongs to an epoch: everything about single files, and the log.
_OF_THE_EPOCH = (
    "items",
    "calls",
    "parts",
    "item_holds",
    "digests",
    "doubts",
    "item_numbers",
    "evidence",
    "others",
    "arrivals",
    "intents",
    "log",
)

_SETTLED = (
    f"(whole.number IN (SELECT number FROM items WHERE {CONFIRMED})"  # noqa: S608 - constants of ours
    f" OR word IN ('{CORRECTED}', '{INHERITED}'))"
)
# What we remember ourselves, nobody tells us otherwise; of what is in doubt there is no date to remember.
_PRIOR = f"""
INSERT INTO prior (fingerprint, anchor, own, earliest)
SELECT each.fingerprint, min(CASE WHEN {_SETTLED} THEN whole.anchor END), 1,
       min(CASE WHEN {_SETTLED} THEN whole.anchor - whole.unsure * whole.before END)
  FROM items AS each
  LEFT JOIN calls ON calls.item = each.number
  LEFT JOIN parts ON parts.number = each.number
  JOIN items AS whole ON whole.number = coalesce(parts.item, each.number)
  JOIN words ON words.id = whole.how
 WHERE each.size > 0 AND coalesce(parts.role, calls.role, {Role.RECORDING:d}) = {Role.RECORDING:d}
 GROUP BY each.fingerprint
    ON CONFLICT DO UPDATE SET anchor = coalesce(excluded.anchor, anchor), own = 1,
       earliest = coalesce(excluded.earliest, earliest)
"""  # noqa: S608 - constants of ours


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
        db.execute(_PRIOR)
        remembered.keep(db)
        holds.name_what_moved(db)
        contents.forget_living(db)
        for table in _OF_THE_EPOCH:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        db.execute("UPDATE restorations SET stage = ?", (Stage.DECLARED,))
        # A restriction goes on naming what it held, so what was let go of has to be let go again.
        db.execute("DELETE FROM acts WHERE kind = 'lift'")
        db.execute(
            "UPDATE agent SET epoch = ?, next_item = 1, next_part = ?, log_number = 0, log_digest = ?,"
            " log_acknowledged = 0, directive = NULL, directive_version = 0, swept_at = NULL",
            (welcome.epoch, wholes.FIRST_PART, GENESIS),
        )
