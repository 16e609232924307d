"""Held bytes under a second name that other deleters do not reach (docs/rules.md, Holds)."""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from stat import S_ISDIR

from agents.stores import Batch, Generation, Wanted
from agents.stores.files.beneath import Root, must_be_component
from agents.stores.files.kernel import rename_unless_taken, sync_file_system
from agents.stores.files.private import Private, key_of, keys, returned_name
from agents.stores.files.trouble import sentence_of
from agents.stores.tree.erasing import is_generation
from retention.errors import UnreadableError


class Keeping:
    """The private names of held files."""

    def __init__(self, root: Root, private: Private) -> None:
        self._root = root
        self._private = private

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`."""
        return self._private.keep(self._root, batch, lambda _, fd: partial(self._link, fd))

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`. A name that cannot be dropped now, `erase` will drop."""
        self._private.give_up(numbers)

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`."""
        if number not in self._private.kept:
            return None
        try:
            state = self._look(number)
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error
        return Generation(state.st_ino, state.st_size, state.st_mtime_ns)

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """See `Store.restore`."""
        must_be_component(name)
        held = self._private.held
        try:
            with self._root.open(directory) as fd:
                os.link(
                    self._private.key(number),
                    name,
                    src_dir_fd=held,
                    dst_dir_fd=fd,
                    follow_symlinks=False,
                )
                os.fsync(fd)
        except OSError:
            return False
        return True

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        try:
            for place in (self._private.held, self._private.aside):
                for epoch, number in list(keys(place)):
                    if epoch != self._private.epoch:
                        self._let_go(place, epoch, number)
            sync_file_system(self._root.fd)
        except OSError as error:
            raise UnreadableError(sentence_of(error)) from error

    def _link(self, fd: int, want: Wanted) -> bool:
        """Link, then look at what was linked: only that cannot change hands in between."""
        if want.number in self._private.kept:
            return is_generation(self._look(want.number), want.generation)
        key, held = self._private.key(want.number), self._private.held
        os.link(want.name, key, src_dir_fd=fd, dst_dir_fd=held, follow_symlinks=False)
        self._private.kept.add(want.number)
        if is_generation(self._look(want.number), want.generation):
            return True
        self._private.drop(want.number)
        return False

    def _look(self, number: int) -> os.stat_result:
        key, held = self._private.key(number), self._private.held
        return os.stat(key, dir_fd=held, follow_symlinks=False)

    def _let_go(self, place: int, epoch: int, number: int) -> None:
        key = key_of(epoch, number)
        state = os.stat(key, dir_fd=place, follow_symlinks=False)
        if state.st_nlink > 1 and not S_ISDIR(state.st_mode):
            os.unlink(key, dir_fd=place)
            return
        with suppress(FileExistsError):
            rename_unless_taken(place, key, self._root.fd, returned_name(epoch, number))
