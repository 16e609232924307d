"""What was moved: a known content whose name leads nowhere any more, while it comes under another.

Not what an open intent names: it may be we who took it away, and what comes then is a copy of it.

Of many items with one content each is looked for once in a batch, all of a directory together, and
not once for each of the others: a recorder that writes the same silence a thousand times would
cost a million looks.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from agents.engine.finding.items import Batch
from agents.engine.finding.recognition import Namesake
from agents.engine.holding import doubts
from agents.engine.memory import wholes
from agents.engine.memory.recording import Recording
from agents.engine.memory.wholes import Member
from agents.stores import Store
from retention.errors import UnreadableError

Named = TypeVar("Named", Namesake, Member)

# It did not go in this batch, and was not given before.
_AS_IT_WAS = """
SELECT 1 FROM items JOIN directories ON id = directory WHERE number = ? AND path = ? AND name = ?
"""


class Moves:
    """Looks on the store whether a file that came is one that was elsewhere before."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def away(self, batch: Batch, recording: Recording, *, alone: bool = False) -> int | None:
        """An item with this content whose name leads nowhere; with `alone`, one that is no call.

        Each is given once: by then it has a name again.
        """
        key = recording.fingerprint, alone
        if key not in batch.away:
            namesakes = batch.recognition.namesakes(recording)
            calls = wholes.among(batch.db, [n.number for n in namesakes]) if alone else set()
            others = [n for n in namesakes if n.number not in calls]
            batch.away[key] = self.missing(batch.db, others)
        while batch.away[key]:
            each = batch.away[key].pop(0)
            if batch.db.execute(_AS_IT_WAS, each).fetchone():
                return each.number
        return None

    def missing(self, db: sqlite3.Connection, known: Sequence[Named]) -> list[Named]:
        """Which of these names lead nowhere any more; where that cannot be known, they still do."""
        known = [each for each in known if not doubts.is_open(db, each.number)]
        names: dict[bytes, list[bytes]] = defaultdict(list)
        for each in known:
            names[each.directory].append(each.name)
        gone = {directory: self._missing(directory, those) for directory, those in names.items()}
        return [each for each in known if each.name in gone[each.directory]]

    def _missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        try:
            return self._store.missing(directory, names)
        except UnreadableError:
            return set()
