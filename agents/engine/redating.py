"""Dating again what was seen by a clock that turned out to be wrong.

First-seen is as good as the agent's clock. When the enforcer's time shows how wrong a stretch of
it was, what was seen in it is dated anew with the window moved to the true time: the one case in
which software may move an anchor later (docs/rules.md, Dating).
"""

from collections.abc import Iterator

from agents.engine.catalogue import Catalogue
from agents.engine.clock import Clock
from agents.engine.dating import Dater, Sight
from agents.engine.indexing import Indexer, dates_of
from agents.engine.outbox import Outbox
from agents.stores import Store
from retention.anchor import Window
from retention.calendar import Instant
from retention.errors import UnreadableError

STEP_ITEMS = 200

_DOUBTED = """
SELECT number, path, name, seen, offset FROM items
  JOIN periods ON periods.id = period JOIN directories ON directories.id = directory
 WHERE period <> 0 AND offset <> 0 AND number > ? ORDER BY number LIMIT ?
"""

_LAST_SCAN = """
SELECT max(began - coalesce(offset, 0)) FROM scans LEFT JOIN periods ON periods.id = period
 WHERE began - coalesce(offset, 0) <= ?
"""


def redate(
    *,
    catalogue: Catalogue,
    store: Store,
    dater: Dater,
    indexer: Indexer,
    outbox: Outbox,
    clock: Clock,
) -> Iterator[None]:
    """Date again, step by step, every item seen by a clock now known to have been wrong."""
    after = 0
    while rows := catalogue.rows(_DOUBTED, (after, STEP_ITEMS)):
        for number, path, name, seen, offset in rows:
            after = number
            true_seen = Instant(seen - offset)
            began = catalogue.value(_LAST_SCAN, (true_seen,))
            window = None if began is None else Window(Instant(began), true_seen)
            try:
                found = store.find(path, name)
                if found is None:
                    continue
                recording = dater.date(path, found, Sight(true_seen, window, 0, offset))
            except UnreadableError:
                continue  # the next consultation brings us here again
            if recording is None:
                continue
            with catalogue.transaction() as db:
                indexer.redate(db, number, dates_of(recording))
                db.execute(
                    "UPDATE items SET seen = ?, period = 0 WHERE number = ?", (true_seen, number)
                )
                now = clock.wall()
                outbox.append(db, now, [indexer.changed(db, number, now)])
        yield
