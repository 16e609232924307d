"""The store whose items are rows of CSV files, such as Asterisk's `cdr-csv/Master.csv`.

Each directory below the root may have one such CSV: its live file and its rotated parts. A row is
named by a hash of its content, so it stays what it is wherever it is moved to, and two rows that
are alike are one item: what is decided of one is decided of the other.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from agents.stores import Batch, Erased, Found, Generation, Mark, Unread, Wanted
from agents.stores.files.beneath import components, must_be_component
from agents.stores.files.entrance import Entrance
from agents.stores.files.trouble import outcome_of, sentence_of
from agents.stores.files.walking import walk
from agents.stores.rows.declared import Declared, digest_named
from agents.stores.rows.erasing import Erasure
from agents.stores.rows.keeping import Keeping
from agents.stores.rows.row import OpenRow
from agents.stores.rows.seen import Seen
from retention.errors import GoneError, UnreadableError
from retention.outcome import Outcome

_MOVED = "A part of the file changed while it was read."


class CsvRows:
    """A `Store`. Opened at first use; whoever stops using it closes it."""

    def __init__(self, root: bytes, store: str, declared: Declared, *, epoch: int) -> None:
        """Remember where it is: `root` is the absolute path of a directory enrolled as `store`."""
        self._declared = declared
        self._way = Entrance(root, store, epoch=epoch)
        self._rows = self._unseen()

    def check(self) -> None:
        """See `Store.check`."""
        self._way.check()

    def directories(self, unread: Unread) -> Iterator[bytes]:
        """See `Store.directories`."""
        self.check()
        return walk(lambda: self._way.enter()[0], unread)

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """See `Store.listing`."""
        root, _ = self._way.enter()
        try:
            with root.open(directory) as fd:
                yield from self._listed(directory, fd, unread)
        except FileNotFoundError:
            self._rows.forget(directory)
            self._way.check()
        except UnreadableError as error:
            unread(directory, str(error))
        except OSError as error:
            unread(directory, sentence_of(error))

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`. A part that cannot be read may have it."""
        content = self._content(directory, name)
        return None if content is None else self._declared.found(content)

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """See `Store.missing`."""
        return {name for name in names if self.find(directory, name) is None}

    def expect(self, directory: bytes, names: Sequence[bytes]) -> None:
        """See `Store.expect`."""

    def marked(
        self,
        directory: bytes,
        names: Sequence[bytes],
        *,
        afresh: bool = True,  # noqa: ARG002 - there is nothing to look at
    ) -> dict[bytes, Mark]:
        """See `Store.marked`. Nobody marks a row."""
        for name in (*components(directory), *names):
            must_be_component(name)
        self.check()
        return {}

    def open(self, directory: bytes, name: bytes) -> OpenRow:
        """See `Store.open`."""
        content = self._content(directory, name)
        if content is None:
            raise GoneError("There is no such row.")
        return self._declared.opened(content)

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        return self._each(batch, Erasure.erase)

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        return self._each(batch, Erasure.recover)

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`: by a private copy of each row."""
        self._way.enter_for(batch)
        return self._keeping().protect(batch)

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""
        self._keeping().unprotect(numbers)

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        _, private = self._way.enter()
        return iter(sorted(private.kept))

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`."""
        return self._keeping().kept(number)

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """See `Store.restore`."""
        return self._keeping().restore(number, directory, name)

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        self.check()
        self._keeping().reclaim()

    def claim(self, state: int) -> None:  # noqa: ARG002 - a lock tells two agents apart
        """See `Store.claim`."""
        self._way.claim()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""
        self._way.begin(epoch)

    def close(self) -> None:
        """See `Store.close`."""
        self._way.close()
        self._rows.close()
        self._rows = self._unseen()

    def _keeping(self) -> Keeping:
        return Keeping(*self._way.enter(), self._declared, self._rows)

    def _unseen(self) -> Seen:
        return Seen(self._declared.live, self._declared.columns, self._declared.delimiter)

    def _listed(self, directory: bytes, fd: int, unread: Unread) -> Iterator[Found]:
        for name, why in self._rows.refresh(directory, fd).shut:
            unread(directory + b"/" + name if directory else name, why)
        for content in self._rows.each(directory, fd):
            if content is None:
                unread(directory, _MOVED)
                return
            yield self._declared.found(content)

    def _content(self, directory: bytes, name: bytes) -> bytes | None:
        """The row of this name; None if there is none. `UnreadableError` if that is not known."""
        must_be_component(name)
        digest = digest_named(name)
        shut: list[tuple[bytes, str]] = []
        root, _ = self._way.enter()
        try:
            with root.open(directory) as fd:
                content = self._rows.content(directory, fd, digest)
                if content is None:
                    shut = self._rows.refresh(directory, fd).shut
                    content = self._rows.content(directory, fd, digest)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error
        if content is None and shut:
            raise UnreadableError(shut[0][1])
        return content

    def _each(
        self, batch: Batch, act: Callable[[Erasure, bytes, int, Sequence[Wanted]], list[Erased]]
    ) -> list[Erased]:
        root, private = self._way.enter_for(batch)
        erasure = Erasure(self._declared, self._rows, private)
        results: list[Erased] = []
        for directory, wanted in batch.items():
            try:
                with root.open(directory) as fd:
                    results += act(erasure, directory, fd, wanted)
            except FileNotFoundError:
                results += act(erasure, directory, -1, wanted)
            except UnreadableError as error:
                results += [Erased(want.number, Outcome.FAILED, str(error)) for want in wanted]
            except OSError as error:
                results += [outcome_of(want.number, error) for want in wanted]
        return results
