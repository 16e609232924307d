"""After a crash: every intent gets exactly one outcome before anything else is done (I5)."""

from collections import defaultdict

from agents.engine.clock import Clock
from agents.engine.erasing.receipts import Planned, Receipts
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Generation, Store, Wanted

_INTENDED = """
SELECT each.number, path, each.name, each.inode, each.size, each.mtime_ns, each.links,
       item.source, item.civil, item.record_class, each.fingerprint, item.number
  FROM items AS each JOIN directories ON id = each.directory
  LEFT JOIN parts ON parts.number = each.number
  JOIN items AS item ON item.number = coalesce(parts.item, each.number)
 WHERE each.number BETWEEN ? AND ?
"""


def recover(catalogue: Catalogue, store: Store, receipts: Receipts, clock: Clock) -> int:
    """Settle the intents that were left open. Gives how many items they named.

    What the store had begun is finished; what it had not touched stays, and is decided anew by
    the next sweep. What it cannot tell yet stays open, and so does everything where it raises
    `StoreUnreachableError`.
    """
    wanted: dict[bytes, list[Wanted]] = defaultdict(list)
    planned: dict[int, Planned] = {}
    intents = receipts.open_intents()
    if not intents:
        return 0
    for first, last, why in intents:
        rows = catalogue.rows(_INTENDED, (first, last))
        for number, path, name, inode, size, mtime_ns, links, *facts in rows:
            generation = Generation(inode, size, mtime_ns)
            wanted[path].append(Wanted(number, name, generation, links))
            planned[number] = Planned(number, why, *facts)
    receipts.record(planned, store.recover(wanted), clock.wall())
    return len(planned)
