"""Walking a tree that others change meanwhile, or have built to hurt."""

import os
from collections.abc import Callable, Iterator

from agents.stores import Found, Generation, Unread
from agents.stores.files.beneath import ForeignError, Root
from agents.stores.files.trouble import sentence_of

DEEPEST = 128
"""Levels below the root that are walked; each costs two descriptors. What is deeper is `unread`."""


class _Level:
    """A directory being walked: read as far as its next subdirectory, never read whole."""

    __slots__ = ("_close_entries", "_fd", "directory", "entries")

    def __init__(self, directory: bytes, fd: int) -> None:
        """Take the open directory over; an entry asks it for what the listing did not say."""
        self.directory = directory
        self._fd = fd
        entries = os.scandir(fd)
        self.entries: Iterator[os.DirEntry[str]] = entries
        self._close_entries = entries.close

    def close(self) -> None:
        """Give both descriptors back."""
        self._close_entries()
        os.close(self._fd)


def walk(enter: Callable[[], Root], unread: Unread) -> Iterator[bytes]:
    """Yield directories as `Store.directories` says. `enter` gives the root before each one."""
    levels: list[_Level] = []
    try:
        directory: bytes | None = b""
        while directory is not None or levels:
            root = enter()
            if directory is None:
                levels.pop().close()
            elif level := _entered(root, directory, len(levels), unread):
                levels.append(level)
                yield directory
            directory = _next_below(levels[-1], unread) if levels else None
    finally:
        for level in levels:
            level.close()


def regular_files(root: Root, directory: bytes, unread: Unread) -> Iterator[Found]:
    """Yield files as `Store.listing` says."""
    try:
        level = _opened(root, directory)
    except FileNotFoundError:
        return
    except OSError as error:
        unread(directory, sentence_of(error))
        return
    try:
        for entry in level.entries:
            if entry.is_file(follow_symlinks=False) and (found := _found(entry, directory, unread)):
                yield found
    except OSError as error:
        unread(directory, sentence_of(error))
    finally:
        level.close()


def _entered(root: Root, directory: bytes, depth: int, unread: Unread) -> _Level | None:
    if depth > DEEPEST:
        unread(directory, f"It lies more than {DEEPEST} levels deep.")
        return None
    try:
        return _opened(root, directory)
    except (FileNotFoundError, ForeignError):  # gone; or mounted, which `survey` tells
        return None
    except OSError as error:
        unread(directory, sentence_of(error))
        return None


def _opened(root: Root, directory: bytes) -> _Level:
    fd = root.descend(directory)
    try:
        return _Level(directory, fd)
    except OSError:
        os.close(fd)
        raise


def _next_below(level: _Level, unread: Unread) -> bytes | None:
    try:
        for entry in level.entries:
            if entry.is_dir(follow_symlinks=False):
                return _joined(level.directory, entry)
    except OSError as error:
        unread(level.directory, sentence_of(error))
    return None


def _found(entry: os.DirEntry[str], directory: bytes, unread: Unread) -> Found | None:
    try:
        state = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        unread(_joined(directory, entry), sentence_of(error))
        return None
    generation = Generation(state.st_ino, state.st_size, state.st_mtime_ns)
    return Found(os.fsencode(entry.name), generation, state.st_nlink)


def _joined(directory: bytes, entry: os.DirEntry[str]) -> bytes:
    name = os.fsencode(entry.name)
    return directory + b"/" + name if directory else name
