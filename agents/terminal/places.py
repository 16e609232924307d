"""Where the store of the settings lies: a tree of directories, or a bucket where one is set."""

import os
from pathlib import Path
from typing import Protocol

from agents.engine.watch import Watch, Watcher
from agents.stores import Store
from agents.stores.private import enrol
from agents.stores.tree import Tree
from agents.terminal.settings import Settings
from retention.errors import ConfigError


class Place(Protocol):
    """What a composition needs of a kind of store before there is one."""

    def look(self) -> None:
        """`ConfigError` if nothing is there that could be enrolled."""

    def enrol(self, store: str) -> None:
        """Write who this store is into it; `ConfigError` or `RefusedError` if it cannot be."""

    def open(self, store: str, epoch: int) -> Store:
        """The store, ready; it reaches for the storage at its first use."""

    def watch(self) -> Watcher | None:
        """Who hints at what comes and changes; None: nobody, the scan alone finds it."""


class TreePlace:
    """A `Place` in a directory."""

    def __init__(self, root: str, private: str | None) -> None:
        self._root = root
        self._private = None if private is None else os.fsencode(private)

    def look(self) -> None:
        """See `Place.look`."""
        if not Path(self._root).is_dir():
            raise ConfigError(f"there is no directory {self._root} to look after")

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        enrol(os.fsencode(self._root), store, private=self._private)

    def open(self, store: str, epoch: int) -> Tree:
        """See `Place.open`."""
        return Tree(os.fsencode(self._root), store, epoch=epoch, private=self._private)

    def watch(self) -> Watch:
        """See `Place.watch`."""
        return Watch(Path(self._root))


def place_of(settings: Settings) -> Place:
    """The place that these settings name."""
    if settings.bucket is None:
        return TreePlace(settings.root, settings.private)
    # A terminal has no bucket, and no room for what speaks to one.
    from agents.storage.bucket_place import BucketPlace  # noqa: PLC0415

    return BucketPlace(settings.bucket)
