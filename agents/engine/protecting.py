"""Having the store keep the bytes of held items, and let go of them after their release.

Any thread may say that the holds on an item have changed, the directive's above all; the store is
used by one thread only, which comes here between two steps of its own work. A crash in between
loses nothing: at start every held item and every private name is gone through again.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

from agents.engine.catalogue import Catalogue
from agents.stores import Generation, Store, Wanted
from retention.errors import StoreUnreachableError, UnreadableError


class _Item(NamedTuple):
    number: int
    path: bytes
    name: bytes
    inode: int
    size: int
    mtime_ns: int
    links: int
    holds: int

    @property
    def generation(self) -> Generation:
        return Generation(self.inode, self.size, self.mtime_ns)


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
        items = [item for number in sorted(numbers) if (item := self._item(number)) is not None]
        try:
            safe = self._protect([item for item in items if item.holds])
            self._store.unprotect([i.number for i in items if not i.holds and self._has_name(i)])
        except StoreUnreachableError:
            self.touch(numbers)
            raise
        held = {item.number for item in items if item.holds}
        self.unsafe = (self.unsafe - numbers) | (held - safe)

    def _protect(self, items: Iterable[_Item]) -> set[int]:
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
        return found is not None and found.generation.inode == item.inode

    def _item(self, number: int) -> _Item | None:
        row = self._catalogue.one(
            "SELECT number, path, name, inode, size, mtime_ns, links, holds FROM items"
            " JOIN directories ON id = directory WHERE number = ?",
            (number,),
        )
        return None if row is None else _Item(*row)
