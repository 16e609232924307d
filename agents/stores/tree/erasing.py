"""Erasing files of a tree: look, take aside where others may write, unlink, look again, flush.

Life of one file:

1. Its directory is opened component by component (`beneath`).
2. The private name it may still have in `held/` goes, lest the bytes outlive their erasure. Then
   it is looked at: a regular file of the generation wanted, with no name that nobody wants erased.
3. Where only root and the agent can write, it is unlinked. Elsewhere a recorder may put another
   file under the name at any moment, so it is first renamed into `quarantine/`, where nobody else
   reaches it, and looked at again; if it is another file it is put back, over nothing.
4. When all of a directory is done, one listing shows that none of it is there any more.
5. The directory is flushed; after a batch of many directories, the file system.

Between 2 and 3 root can still exchange a file: processes of root are trusted not to.
"""

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial
from itertools import islice
from stat import S_ISREG

from agents.stores import Batch, Erased, Generation, Wanted
from agents.stores.files.beneath import Root, others_write
from agents.stores.files.kernel import rename_unless_taken, sync_file_system
from agents.stores.files.private import Private, returned_name
from agents.stores.files.trouble import outcome_of, sentence_of
from retention.outcome import Outcome

FEW_DIRECTORIES = 8
"""The directories of a batch are flushed one by one up to this many; beyond, the file system is."""
LISTED_BESIDES = 4096
"""Entries of a directory that are listed besides 16 per erased file, to see that these are gone."""

_CHANGED = "Its name leads to another file, or to another content, than was due."
_LINKED = "Other hard links keep its bytes."
_STILL_THERE = "Its bytes are still in the directory, under this name or another."
_STILL_PRIVATE = "Its bytes are still in the private directory."
_ASIDE = "Another file was taken aside in its place and cannot be put back: it stays aside."
_INTERRUPTED = "It was found gone after an interruption."

_Act = Callable[[Wanted], Erased | None]
_Remove = Callable[[int, Wanted], Erased]


def is_generation(seen: os.stat_result, generation: Generation) -> bool:
    """Whether this is the regular file that was meant."""
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns) == generation and S_ISREG(seen.st_mode)


def _erased(number: int) -> Erased:
    return Erased(number, Outcome.ERASED_VERIFIED, "")


def _absent(number: int) -> Erased:
    return Erased(number, Outcome.ALREADY_ABSENT, "")


def _changed(number: int) -> Erased:
    return Erased(number, Outcome.REFUSED_CHANGED, _CHANGED)


class Erasure:
    """One batch on its way. The methods that act on one file may raise `OSError`; no other does."""

    def __init__(self, root: Root, private: Private) -> None:
        self._root = root
        self._private = private
        self._aside = private.numbers(private.aside)
        self._touched: set[int] = set()  # of the private directories, those to be flushed
        self._erased_names: Counter[int] = Counter()  # by inode, where one has several names

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        one_by_one = len(batch) <= FEW_DIRECTORIES
        results: list[Erased] = []
        for directory, wanted in batch.items():
            results += self._directory(directory, wanted, flush=one_by_one)
        results = self._privately_verified(results)
        return _durable(results, self._flush_private if one_by_one else self._flush_all)

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        results: list[Erased] = []
        for directory, wanted in batch.items():
            results += self._recover_directory(directory, wanted)
        return _durable(self._privately_verified(results), self._flush_all)

    def _directory(
        self, directory: bytes, wanted: Sequence[Wanted], *, flush: bool
    ) -> list[Erased]:
        try:
            with self._root.open(directory) as fd:
                remove = self._take_aside if others_write(fd) else self._unlink
                results = self._each(wanted, partial(self._attempt, fd, remove))
                results = _verified(fd, wanted, results)
                return _durable(results, partial(os.fsync, fd)) if flush else results
        except FileNotFoundError:
            return self._each(wanted, self._without_directory)
        except OSError as error:
            return [outcome_of(want.number, error) for want in wanted]

    def _each(self, wanted: Iterable[Wanted], act: _Act) -> list[Erased]:
        return [result for want in wanted if (result := self._tried(act, want)) is not None]

    def _tried(self, act: _Act, want: Wanted) -> Erased | None:
        try:
            return self._private.with_room(act, want)
        except OSError as error:
            return outcome_of(want.number, error)

    def _attempt(self, fd: int, remove: _Remove, want: Wanted) -> Erased:
        number, name, generation, _ = want
        if number in self._aside:
            return self._finish(fd, want)
        dropped_last = self._drop(number) == 1
        try:
            seen = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if not is_generation(seen, generation):
                return _erased(number) if dropped_last else _changed(number)
            if self._has_other_names(seen, want):
                return Erased(number, Outcome.BLOCKED, _LINKED)
            result = remove(fd, want)
        except FileNotFoundError:
            return _erased(number) if dropped_last else _absent(number)
        if seen.st_nlink > 1 and result.outcome is Outcome.ERASED_VERIFIED:
            self._erased_names[seen.st_ino] += 1
        return result

    def _unlink(self, fd: int, want: Wanted) -> Erased:
        os.unlink(want.name, dir_fd=fd)
        return _erased(want.number)

    def _take_aside(self, fd: int, want: Wanted) -> Erased:
        key = self._private.key(want.number)
        os.rename(want.name, key, src_dir_fd=fd, dst_dir_fd=self._private.aside)
        self._aside.add(want.number)
        return self._finish(fd, want)

    def _finish(self, fd: int | None, want: Wanted) -> Erased:
        """Erase what was taken aside for this item, or put it back."""
        number, key, aside = want.number, self._private.key(want.number), self._private.aside
        self._touched.add(aside)
        self._drop(number)
        seen = os.stat(key, dir_fd=aside, follow_symlinks=False)
        if not is_generation(seen, want.generation):
            result = _changed(number)
        elif self._has_other_names(seen, want):
            result = Erased(number, Outcome.BLOCKED, _LINKED)
        else:
            os.unlink(key, dir_fd=aside)
            return _erased(number)
        if not self._put_back(fd, want):
            return Erased(number, Outcome.FAILED, _ASIDE)
        return result

    def _put_back(self, fd: int | None, want: Wanted) -> bool:
        """Give a file its name again, else a free one beside it, else one in the root."""
        key = self._private.key(want.number)
        fallback = returned_name(self._private.epoch, want.number)
        beside = [(fd, want.name), (fd, fallback)] if fd is not None else []
        for target, name in (*beside, (self._root.fd, fallback)):
            try:
                rename_unless_taken(self._private.aside, key, target, name)
            except (FileExistsError, FileNotFoundError):  # taken, or the directory was removed
                continue
            return True
        return False

    def _has_other_names(self, seen: os.stat_result, want: Wanted) -> bool:
        return seen.st_nlink > want.links - self._erased_names[seen.st_ino]

    def _without_directory(self, want: Wanted) -> Erased:
        """Erase what somebody else left of it when he removed its directory."""
        if want.number in self._aside:
            return self._finish(None, want)
        return _erased(want.number) if self._drop(want.number) == 1 else _absent(want.number)

    def _recover_directory(self, directory: bytes, wanted: Sequence[Wanted]) -> list[Erased]:
        try:
            with self._root.open(directory) as fd:
                return self._each(wanted, partial(self._recover, fd))
        except FileNotFoundError:
            return self._each(wanted, partial(self._recover, None))
        except OSError as error:
            return [outcome_of(want.number, error) for want in wanted]

    def _recover(self, fd: int | None, want: Wanted) -> Erased | None:
        """Settle one intent; None when erasing had not begun, so that its file is as it was."""
        if want.number in self._aside:
            return self._finish(fd, want)
        if want.number in self._private.kept:  # erasing begins with dropping this name
            return None
        seen = None if fd is None else _look(fd, want.name)
        if seen is None or seen.st_ino != want.generation.inode:
            return Erased(want.number, Outcome.ERASED_VERIFIED, _INTERRUPTED)
        if is_generation(seen, want.generation):
            return None
        return _changed(want.number)

    def _drop(self, number: int) -> int:
        """Remove the private name. How many names its bytes had: of 1 it was the last."""
        links = self._private.drop(number)
        if links:
            self._touched.add(self._private.held)
        return links

    def _privately_verified(self, results: list[Erased]) -> list[Erased]:
        """Look whether a private name is still there, too, where one was removed (I15)."""
        try:
            still = {n for fd in self._touched for n in self._private.numbers(fd)}
        except OSError as error:
            return _not_erased(results, sentence_of(error))
        return _not_erased(results, _STILL_PRIVATE, still) if still else results

    def _flush_private(self) -> None:
        for fd in self._touched:
            os.fsync(fd)

    def _flush_all(self) -> None:
        sync_file_system(self._root.fd)


def _look(fd: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _durable(results: list[Erased], flush: Callable[[], None]) -> list[Erased]:
    """Flush; what cannot be shown to be on disk was not erased (I15)."""
    try:
        flush()
    except OSError as error:
        return _not_erased(results, sentence_of(error))
    return results


def _verified(fd: int, wanted: Sequence[Wanted], results: list[Erased]) -> list[Erased]:
    """Believe no unlink until a listing shows the file gone, under any name (I15)."""
    pairs = zip(wanted, results, strict=True)
    erased = [want for want, result in pairs if result.outcome is Outcome.ERASED_VERIFIED]
    if not erased:
        return results
    try:
        still = _still_in(fd, erased)
    except OSError as error:
        return _not_erased(results, sentence_of(error))
    return _not_erased(results, _STILL_THERE, still) if still else results


def _not_erased(
    results: Iterable[Erased], why: str, numbers: Container[int] | None = None
) -> list[Erased]:
    """Turn `erased_verified` into `failed`, for all or for some numbers: it may be gone all the same."""
    return [
        Erased(result.number, Outcome.FAILED, why, settled=False)
        if result.outcome is Outcome.ERASED_VERIFIED and (not numbers or result.number in numbers)
        else result
        for result in results
    ]


def _still_in(fd: int, erased: Sequence[Wanted]) -> set[int]:
    """Tell which numbers' bytes a directory still has, by one listing of it.

    The listing compares inodes, so it sees a second name too. An inode may serve a new file at
    once: only the same size and time make it the old one. A directory much larger than the batch
    is not listed again for each batch; there each name is looked up.
    """
    inodes = {want.generation.inode for want in erased}
    most = 16 * len(erased) + LISTED_BESIDES
    with os.scandir(fd) as entries:
        listed = islice(entries, most)
        suspects = [os.fsencode(entry.name) for entry in listed if entry.inode() in inodes]
        if next(entries, None) is not None:
            suspects += [want.name for want in erased]
    states = [state for name in suspects if (state := _look(fd, name)) is not None]
    there = {(state.st_ino, state.st_size, state.st_mtime_ns) for state in states}
    return {want.number for want in erased if want.generation in there}
