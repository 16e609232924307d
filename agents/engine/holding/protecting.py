"""Having the store keep the bytes of held items, and let go of them after their release.

Any thread may say that the holds on an item have changed, the directive's above all; the store is
used by one thread only, which comes here between two steps of its own work. A crash in between
loses nothing: at start every held item and every private name is gone through again.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agents.engine.memory import wholes
from agents.engine.memory.catalogue import Catalogue
from agents.stores import Generation, Store, Wanted
from retention.errors import StoreUnreachableError, UnreadableError

# With the holds of its call, of which it may be a part.
_FILES = """
SELECT items.number, path, items.name, items.links, item.holds, items.inode, items.size, items.mtime_ns
  FROM items JOIN directories ON id = items.directory LEFT JOIN parts ON parts.number = items.number
  JOIN items AS item ON item.number = coalesce(parts.item, items.number)
"""
_FILE = f"{_FILES} WHERE items.number = ?"
_PARTS = f"{_FILES} WHERE parts.item = ?"


class _Item(NamedTuple):
    number: int
    path: bytes
    name: bytes
    links: int
    holds: int
    generation: Generation


class Protector:
    """Keeps the store's private names true to the holds in the catalogue."""

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue = catalogue
        self._store = store
        self._touched: deque[int] = deque()
        self.unsafe: set[int] = set()  # held, but their bytes cannot be kept from other deleters

    def touch(self, numbers: Iterable[int]) -> None:
        """Note that the holds on these items have changed. Any thread may."""
        self._touched.extend(numbers)

    def go_through_all(self) -> None:
        """Note all items that are held or have a private name: what a crash left, shows there."""
        held = self._catalogue.rows("SELECT number FROM items WHERE holds > 0")
        self.touch(number for (number,) in held)
        self.touch(self._store.protected())

    def settle(self) -> None:
        """Do what the changes ask for. For the thread that uses the store."""
        numbers = {self._touched.popleft() for _ in range(len(self._touched))}
        if not numbers:
            return
        files = {each.number: each for number in sorted(numbers) for each in self._items(number)}
        items = list(files.values())
        try:
            safe = self._protect([item for item in items if item.holds])
            self._store.unprotect([i.number for i in items if not i.holds and self._has_name(i)])
        except StoreUnreachableError:
            self.touch(numbers)
            raise
        held = {item.number for item in items if item.holds}
        self.unsafe = (self.unsafe - numbers - files.keys()) | (held - safe)

    def _protect(self, items: Sequence[_Item]) -> set[int]:
        """Keep these; a recording that came to lead its call is first let have the call's number."""
        safe = self._link(items)
        contents = {item.generation: item.number for item in items if item.number in safe}
        unsafe = [item for item in items if item.number not in safe]
        renumbered = [item for item in unsafe if self._is_anothers(item, contents)]
        self._store.unprotect([item.number for item in renumbered])
        return safe | self._link(renumbered)

    def _is_anothers(self, item: _Item, safe: Mapping[Generation, int]) -> bool:
        """Whether its private name leads to bytes that are safe under another number by now."""
        try:
            kept = self._store.kept(item.number)
        except UnreadableError:
            return False
        return kept is not None and safe.get(kept, item.number) != item.number

    def _link(self, items: Iterable[_Item]) -> set[int]:
        batch: dict[bytes, list[Wanted]] = defaultdict(list)
        for item in items:
            wanted = Wanted(item.number, item.name, item.generation, item.links)
            batch[item.path].append(wanted)
        return self._store.protect(batch) if batch else set()

    def _has_name(self, item: _Item) -> bool:
        """Whether its bytes outlive our private name of them; if not, only a sweep may end them."""
        try:
            found = self._store.find(item.path, item.name)
        except UnreadableError:
            return False
        return found is not None and found.generation.inode == item.generation.inode

    def _items(self, number: int) -> list[_Item]:
        """An item with all its parts; a part alone."""
        rows = self._catalogue.rows(_FILE, (number,))
        if not wholes.is_part(number):
            rows += self._catalogue.rows(_PARTS, (number,))
        return [
            _Item(number, path, name, links, holds, Generation(*generation))
            for number, path, name, links, holds, *generation in rows
        ]
