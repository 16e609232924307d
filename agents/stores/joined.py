"""Several places as one store: a call's recordings on a disk, its rows in a CSV and in a database.

The first component of a directory names the place, as in `calls/2026/03`; the rest is the place's
own. One place may have no name: it has all directories that begin with no other's. So one engine,
one catalogue and one delete path see a call with all that belongs to it.

A place that is unreachable keeps the others from nothing. Of what lies in it nothing is known:
it is told as unread, which makes the scan incomplete, so that nothing anywhere is called gone; it
is not erased, and that is `failed`. Only when no place can be reached is the store unreachable.
What lies in a place that is configured no more is `blocked`, and stays in the books.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TypeVar

from agents.stores import Batch, Erased, Found, Generation, Mark, Opened, Store, Unread, Wanted
from agents.stores.files.beneath import components, must_be_component
from retention.errors import StoreUnreachableError, UnreadableError
from retention.outcome import Outcome

MAIN = b""
_HIDDEN = "A joined place has the name of this directory: give that another."
_NO_PLACE = "The place it lies in is not configured any more."

_T = TypeVar("_T")


class Joined:
    """A `Store`. `places` are its parts by their names, each a component of a path, or `MAIN`."""

    def __init__(self, places: Mapping[bytes, Store]) -> None:
        for name in places:
            if name != MAIN:
                must_be_component(name)
        self._places = dict(places)

    @property
    def main(self) -> Store | None:
        """The place without a name, if there is one."""
        return self._places.get(MAIN)

    def check(self) -> None:
        """See `Store.check`. Passes while one place can be reached."""
        first: StoreUnreachableError | None = None
        for store in self._places.values():
            try:
                store.check()
            except StoreUnreachableError as error:
                first = first or error
            else:
                return
        if first is not None:
            raise first

    def directories(self, unread: Unread) -> Iterator[bytes]:
        """See `Store.directories`."""
        self.check()
        yield b""
        for name, store in self._places.items():
            try:
                for directory in store.directories(_within(name, unread)):
                    if name == MAIN and self._name_of(directory) != MAIN:
                        unread(directory, _HIDDEN)
                    elif name != MAIN or directory:
                        yield _below(name, directory)
            except StoreUnreachableError as error:
                self._go_on(name, error, unread)

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """See `Store.listing`."""
        if self._is_nowhere(directory):
            self.check()
            return
        try:
            name, inner = self._parted(directory)
            yield from self._places[name].listing(inner, _within(name, unread))
        except StoreUnreachableError as error:
            self._go_on(directory, error, unread)
        except UnreadableError as error:
            unread(directory, str(error))

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`."""
        must_be_component(name)
        if self._is_nowhere(directory):
            self.check()
            return None
        return self._known(directory, lambda store, inner: store.find(inner, name))

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """See `Store.missing`."""
        for name in names:
            must_be_component(name)
        if self._is_nowhere(directory):
            self.check()
            return set(names)
        return self._known(directory, lambda store, inner: store.missing(inner, names))

    def expect(self, directory: bytes, names: Sequence[bytes]) -> None:
        """See `Store.expect`."""
        if not self._is_nowhere(directory):
            self._known(directory, lambda store, inner: store.expect(inner, names))

    def marked(
        self, directory: bytes, names: Sequence[bytes], *, afresh: bool = True
    ) -> dict[bytes, Mark]:
        """See `Store.marked`."""
        for name in names:
            must_be_component(name)
        if self._is_nowhere(directory):
            self.check()
            return {}
        return self._known(
            directory, lambda store, inner: store.marked(inner, names, afresh=afresh)
        )

    def open(self, directory: bytes, name: bytes) -> Opened:
        """See `Store.open`."""
        must_be_component(name)
        return self._known(directory, lambda store, inner: store.open(inner, name))

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        parted = self._parted_batch(batch)
        self.check()
        results: dict[int, Erased] = {}
        for name, part in parted.items():
            wanted = list(chain.from_iterable(part.values()))
            try:
                told = self._places[name].erase(part)  # raises before anything is touched
            except StoreUnreachableError as error:
                told = [Erased(want.number, Outcome.FAILED, str(error)) for want in wanted]
            results |= {result.number: result for result in told}
        return [
            results.get(want.number) or self._placeless(directory, want)
            for directory, wanted in batch.items()
            for want in wanted
        ]

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`. What lies in a place that is unreachable waits, and nothing else."""
        parted = self._parted_batch(batch)
        self.check()
        results: list[Erased] = []
        for name, part in parted.items():
            try:
                results += self._places[name].recover(part)
            except StoreUnreachableError as error:
                results += [
                    Erased(want.number, Outcome.FAILED, str(error), settled=False)
                    for want in chain.from_iterable(part.values())
                ]
        return results

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`. In a place that is unreachable nothing is protected by now."""
        parted = self._parted_batch(batch)
        self.check()
        safe: set[int] = set()
        for name, part in parted.items():
            protecting = partial(_protect, batch=part)
            safe |= self._reached(self._places[name], protecting) or set()
        return safe

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""
        ended = list(numbers)
        for store in self._places.values():
            self._reached(store, lambda store: store.unprotect(ended))

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        kept = [
            self._reached(s, lambda store: list(store.protected())) for s in self._places.values()
        ]
        return iter(sorted(chain.from_iterable(numbers or () for numbers in kept)))

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`. Whoever asks has seen that its own place can be reached."""
        name = self._keeper(number)
        return None if name is None else self._places[name].kept(number)

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """See `Store.restore`. The root of the whole is the root of the place that keeps it."""
        must_be_component(name)
        keeper = self._keeper(number)
        if keeper is None:
            return False
        if not components(directory):
            return self._places[keeper].restore(number, b"", name)
        place, inner = self._parted(directory)
        return place == keeper and self._places[keeper].restore(number, inner, name)

    def claim(self, state: int) -> None:
        """See `Store.claim`. A place that is another agent's, or unreachable, keeps the rest from nothing."""
        for store in self._places.values():
            with suppress(StoreUnreachableError):
                store.claim(state)
        self.check()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""
        for store in self._places.values():
            store.begin(epoch)

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        for store in self._places.values():
            store.reclaim()

    def close(self) -> None:
        """See `Store.close`."""
        for store in self._places.values():
            store.close()

    def _go_on(self, path: bytes, error: StoreUnreachableError, unread: Unread) -> None:
        """Tell that a place is unreachable; raise if all are."""
        self.check()
        unread(path, str(error))

    def _known(self, directory: bytes, ask: Callable[[Store, bytes], _T]) -> _T:
        """Ask a place. Where it cannot be reached, and others can, that is not known."""
        name, inner = self._parted(directory)
        try:
            return ask(self._places[name], inner)
        except StoreUnreachableError as error:
            self.check()
            raise UnreadableError(str(error)) from error

    def _reached(self, store: Store, ask: Callable[[Store], _T]) -> _T | None:
        """Ask a place; None where it cannot be reached and others can."""
        try:
            return ask(store)
        except StoreUnreachableError:
            self.check()
            return None

    def _parted(self, directory: bytes) -> tuple[bytes, bytes]:
        """The place of a directory and what it is called there. `UnreadableError`: there is none."""
        components(directory)
        name = self._name_of(directory)
        if name not in self._places:
            raise UnreadableError(_NO_PLACE)
        return name, directory if name == MAIN else directory.partition(b"/")[2]

    def _name_of(self, directory: bytes) -> bytes:
        """The place that a directory would be of; with a main one, that of all but the others'."""
        first = directory.partition(b"/")[0]
        return MAIN if MAIN in self._places and first not in self._places else first

    def _is_nowhere(self, directory: bytes) -> bool:
        """Whether this is the root of all places, and of no single one."""
        return not components(directory) and MAIN not in self._places

    def _parted_batch(self, batch: Batch) -> dict[bytes, dict[bytes, list[Wanted]]]:
        """What is wanted in each place. `MalformedError` before anything is touched."""
        parted: dict[bytes, dict[bytes, list[Wanted]]] = {}
        for directory, wanted in batch.items():
            components(directory)
            for want in wanted:
                must_be_component(want.name)
        for directory, wanted in batch.items():
            for want in wanted:
                name: bytes | None = self._name_of(directory)
                inner = directory if name == MAIN else directory.partition(b"/")[2]
                if not directory:
                    name = self._keeper(want.number) or name
                if name in self._places:
                    parted.setdefault(name, {}).setdefault(inner, []).append(want)
        return parted

    def _placeless(self, directory: bytes, want: Wanted) -> Erased:
        if directory:
            return Erased(want.number, Outcome.BLOCKED, _NO_PLACE)
        return Erased(want.number, Outcome.ALREADY_ABSENT, "")

    def _keeper(self, number: int) -> bytes | None:
        """The place that has a private name for this number."""
        for name, store in self._places.items():
            if self._reached(store, lambda store: store.kept(number)) is not None:
                return name
        return None


def _below(name: bytes, directory: bytes) -> bytes:
    if name == MAIN:
        return directory
    return name + b"/" + directory if directory else name


def _within(name: bytes, unread: Unread) -> Unread:
    return lambda path, why: unread(_below(name, path), why)


def _protect(store: Store, batch: Batch) -> set[int]:
    return store.protect(batch)
