"""How many items there are of each class and state: the agent's own side of the double entry (I14)."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents.engine.memory.catalogue import Catalogue
from retention.decide import State

STATE_WORDS: Mapping[State, Any] = {
    State.PRESENT: "present",
    State.UNDATED: "undated",
    State.LATE: "late",
    State.RESTRICTED: "restricted",
}
"""What log entries and counts call a state that no hold hides (`retention.report`)."""

# Out of indexes alone: all that is not held, less what is not simply present, and what is held.
# To go through a million rows for it would be most of what an idle agent does.
_COUNTS = """
SELECT word, shown, sum(items) AS items FROM (
    SELECT record_class, 0 AS shown, count(*) AS items
      FROM items INDEXED BY items_due WHERE holds = 0 GROUP BY record_class
    UNION ALL SELECT record_class, 0, -count(*)
      FROM items INDEXED BY items_special WHERE state <> 0 AND holds = 0 GROUP BY record_class
    UNION ALL SELECT record_class, state, count(*)
      FROM items INDEXED BY items_special WHERE state <> 0 AND holds = 0 GROUP BY record_class, state
    UNION ALL SELECT record_class, -1, count(*)
      FROM items INDEXED BY items_held WHERE holds > 0 GROUP BY record_class
) JOIN words ON id = record_class GROUP BY word, shown HAVING sum(items) > 0 ORDER BY word, shown
"""


def counts(catalogue: Catalogue) -> Iterator[tuple[str, str, int]]:
    """Items by (class, state); a held item counts as held, whatever else it is."""
    for name, shown, items in catalogue.rows(_COUNTS):
        yield name, "held" if shown < 0 else STATE_WORDS[State(shown)], items
