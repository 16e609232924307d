"""The store that is a tree of directories on a local file system (docs/rules.md, Erasing)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from stat import S_ISREG

from agents.stores import Batch, Erased, Found, Generation, Mark, Unread
from agents.stores.files.beneath import must_be_component
from agents.stores.files.entrance import Entrance
from agents.stores.files.opening import OpenFile, open_file
from agents.stores.files.trouble import sentence_of
from agents.stores.files.walking import regular_files, walk
from agents.stores.tree.erasing import Erasure
from agents.stores.tree.keeping import Keeping
from agents.stores.tree.marking import marks_in
from agents.stores.tree.planting import plant
from retention.errors import GoneError, UnreadableError, UnwritableError


class Tree:
    """A `Store`. Opened at first use; whoever stops using it closes it."""

    def __init__(
        self, root: bytes, store: str, *, epoch: int, private: bytes | None = None
    ) -> None:
        """Remember where it is.

        `root` is the absolute path of a directory, `store` the id it was enrolled as, `private`
        the absolute path of its private directory when that is not `.retention` in the root.
        """
        self._way = Entrance(root, store, epoch=epoch, private=private)

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
        return regular_files(root, directory, unread)

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`."""
        must_be_component(name)
        root, _ = self._way.enter()
        try:
            with root.open(directory) as fd:
                state = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error
        if not S_ISREG(state.st_mode):
            return None
        generation = Generation(state.st_ino, state.st_size, state.st_mtime_ns)
        return Found(name, generation, state.st_nlink)

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
        afresh: bool = True,  # noqa: ARG002 - to look is cheap
    ) -> dict[bytes, Mark]:
        """See `Store.marked`."""
        for name in names:
            must_be_component(name)
        root, _ = self._way.enter()
        try:
            with root.open(directory) as fd:
                return marks_in(fd, names)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error

    def open(self, directory: bytes, name: bytes) -> OpenFile:
        """See `Store.open`."""
        must_be_component(name)
        root, _ = self._way.enter()
        try:
            fd = root.descend(directory)
        except FileNotFoundError as error:
            raise GoneError("Its directory is gone.") from error
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error
        try:
            return open_file(name, fd)
        finally:
            os.close(fd)

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        root, private = self._way.enter_for(batch)
        results = Erasure(root, private).erase(batch)
        private.keep_reserve()
        return results

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        return Erasure(*self._way.enter_for(batch)).recover(batch)

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`."""
        return Keeping(*self._way.enter_for(batch)).protect(batch)

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""
        Keeping(*self._way.enter()).unprotect(numbers)

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        _, private = self._way.enter()
        return iter(sorted(private.kept))

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`."""
        return Keeping(*self._way.enter()).kept(number)

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """See `Store.restore`."""
        return Keeping(*self._way.enter()).restore(number, directory, name)

    def plant(self, directory: bytes, name: bytes, data: bytes) -> None:
        """Write a new file as a recorder would, into a directory that is made if it is not there.

        `UnwritableError` if that cannot be done, also where something of that name is there.
        """
        must_be_component(name)
        self.check()
        root, _ = self._way.enter()
        try:
            plant(root, directory, name, data)
        except OSError as error:
            raise UnwritableError(sentence_of(error)) from error

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        Keeping(*self._way.enter()).reclaim()

    def claim(self, state: int) -> None:  # noqa: ARG002 - a lock tells two agents apart
        """See `Store.claim`."""
        self._way.claim()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""
        self._way.begin(epoch)

    def close(self) -> None:
        """See `Store.close`."""
        self._way.close()
