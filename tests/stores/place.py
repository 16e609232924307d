"""What the contract suite needs of a kind of store, besides the store itself.

A new kind of store writes one `Place` (about thirty lines) and adds it to the fixture of
`conftest.py`; the whole of test_store_contract.py then runs on it.
"""

import os
import shutil
from pathlib import Path
from typing import Protocol

from agents.stores import Found, Store, Wanted
from agents.stores.private import enrol
from agents.stores.tree import Tree

STORE = "t-0001"


class Place(Protocol):
    """Where a store's media lies, seen by everybody else who uses it."""

    store: Store

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        """Write a file, as a recorder does; a second time gives another generation."""

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        """Read a file; None if there is none."""

    def remove(self, directory: bytes, name: bytes) -> None:
        """Remove a file, as somebody else's clean-up does."""

    def again(self, epoch: int = 1) -> Store:
        """The same store, as an agent started anew opens it."""

    def lose(self) -> None:
        """Make the whole place unreachable, so that it looks empty."""


class TreePlace:
    """A tree of directories. `shared`: others may write in all of them."""

    def __init__(self, path: Path, *, shared: bool) -> None:
        self.shared = shared
        self._mode = 0o777 if shared else 0o755
        self.path = path
        path.mkdir()
        path.chmod(self._mode)
        enrol(os.fsencode(path), STORE)
        self._opened: list[Tree] = []
        self.store = self.again()

    def put(self, directory: bytes, name: bytes, data: bytes) -> None:
        here = self.path
        for part in filter(None, directory.split(b"/")):
            here /= os.fsdecode(part)
            here.mkdir(exist_ok=True)
            here.chmod(self._mode)
        self._file(directory, name).write_bytes(data)

    def get(self, directory: bytes, name: bytes) -> bytes | None:
        try:
            return self._file(directory, name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def remove(self, directory: bytes, name: bytes) -> None:
        self._file(directory, name).unlink()

    def again(self, epoch: int = 1) -> Tree:
        self._opened.append(Tree(os.fsencode(self.path), STORE, epoch=epoch))
        return self._opened[-1]

    def lose(self) -> None:
        self.path.rename(self.path.with_name("elsewhere"))
        self.path.mkdir()

    def close(self) -> None:
        for store in self._opened:
            store.close()
        shutil.rmtree(self.path.parent)

    def _file(self, directory: bytes, name: bytes) -> Path:
        return self.path / os.fsdecode(directory) / os.fsdecode(name)


def wanted(number: int, found: Found | None) -> Wanted:
    """What an intent says of a file just found."""
    assert found is not None
    return Wanted(number, found.name, found.generation, found.links)


def want(place: Place, number: int, directory: bytes, name: bytes) -> Wanted:
    return wanted(number, place.store.find(directory, name))


def quarantine(place: TreePlace) -> set[str]:
    return {path.name for path in (place.path / ".retention/quarantine").iterdir()}


def begin(place: TreePlace, due: Wanted, directory: str) -> Path:
    """Leave a file where a crash leaves it that comes after the rename."""
    aside = place.path / ".retention/quarantine" / f"1.{due.number}"
    (place.path / directory / os.fsdecode(due.name)).rename(aside)
    return aside
