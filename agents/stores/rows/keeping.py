"""Keeping held rows of a CSV against whoever rotates, packs or deletes its parts.

A row has no name of its own that a second one could be given: it is copied into the private
directory of its store, as the file `<epoch>.<number>`, and goes from there with the hold or with
the row. Given back, it is a part of its own; the live file is never written.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from agents.stores import Batch, Generation, Wanted
from agents.stores.files.beneath import Root, must_be_component
from agents.stores.files.private import Keep, Private, key_of, keys
from agents.stores.files.trouble import sentence_of
from agents.stores.rows.declared import Declared, digest_named, is_generation, name_of
from agents.stores.rows.filtering import add_part
from agents.stores.rows.row import digest_of, generation_of
from agents.stores.rows.seen import Seen
from retention.errors import UnreadableError

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_BEGUN = b"begun"  # what a crash leaves of a copy is written over by the next


class Keeping:
    """The copies of held rows."""

    def __init__(self, root: Root, private: Private, declared: Declared, rows: Seen) -> None:
        self._root = root
        self._private = private
        self._declared = declared
        self._rows = rows

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`."""
        return self._private.keep(self._root, batch, self._enter)

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`. A copy that cannot be dropped now, `erase` will drop."""
        self._private.give_up(numbers)

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`."""
        if number not in self._private.kept:
            return None
        try:
            return generation_of(self._copy_of(self._private.key(number)))
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """See `Store.restore`. A row has the name of its content, and no other."""
        must_be_component(name)
        if number not in self._private.kept:
            return False
        try:
            content = self._copy_of(self._private.key(number))
            with self._root.open(directory) as fd:
                if name_of(content) != name or self._is_there(directory, fd, content):
                    return False
                add_part(fd, self._declared.live, content)
        except OSError:
            return False
        return True

    def reclaim(self) -> None:
        """See `Store.reclaim`. What no part has any more becomes a part in the root."""
        try:
            with self._root.open(b"") as fd:
                for epoch, number in list(keys(self._private.held)):
                    if epoch != self._private.epoch:
                        self._let_go(fd, key_of(epoch, number))
            os.fsync(self._private.held)
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error

    def _enter(self, directory: bytes, fd: int) -> Keep:
        self._rows.refresh(directory, fd)
        return partial(self._copy, directory, fd)

    def _copy(self, directory: bytes, fd: int, want: Wanted) -> bool:
        if want.number in self._private.kept:
            return self.kept(want.number) == want.generation
        content = self._rows.content(directory, fd, digest_named(want.name))
        if content is None or not is_generation(content, want.generation):
            return False
        held = self._private.held
        with open(os.open(_BEGUN, _WRITE, 0o600, dir_fd=held), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(_BEGUN, self._private.key(want.number), src_dir_fd=held, dst_dir_fd=held)
        self._private.kept.add(want.number)
        return True

    def _copy_of(self, key: bytes) -> bytes:
        with open(os.open(key, _READ, dir_fd=self._private.held), "rb") as file:  # noqa: PTH123 - a descriptor
            return file.read()

    def _is_there(self, directory: bytes, fd: int, content: bytes) -> bool:
        self._rows.refresh(directory, fd)
        return self._rows.content(directory, fd, digest_of(content)) is not None

    def _let_go(self, root: int, key: bytes) -> None:
        content = self._copy_of(key)
        if not self._is_anywhere(content):
            add_part(root, self._declared.live, content)
        os.unlink(key, dir_fd=self._private.held)

    def _is_anywhere(self, content: bytes) -> bool:
        """Whether a part in any directory has this row, as the scan just now has seen them."""
        for directory in self._rows.directories_with(digest_of(content)):
            with suppress(FileNotFoundError), self._root.open(directory) as fd:
                if self._is_there(directory, fd, content):
                    return True
        return False
