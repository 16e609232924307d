"""Where a store lies, before there is one: a tree of directories, or whatever else is composed."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from agents.engine.finding.watch import Watch, Watcher
from agents.stores import Store
from agents.stores.files.mounts import is_shared
from agents.stores.files.private import enrol
from agents.stores.tree.survey import SUITABLE, survey
from agents.stores.tree.tree import Tree
from retention.checkup import Fact, amiss
from retention.errors import ConfigError, RetentionError


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

    def survey(self, store: str, shortest: int) -> list[Fact]:
        """What `doctor` tells of it. `shortest`: days of the shortest period of what lies in it."""

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """Where on this machine it writes, if it does; what must lie on one mount is together."""


def surveyed(look: Callable[[], list[Fact]]) -> list[Fact]:
    """What a place's `survey` tells; where it cannot look, why, as one thing among others."""
    try:
        return look()
    except RetentionError as error:
        return [
            amiss(
                "storage",
                str(error),
                why="While that is so nothing in it is erased, and no scan is complete.",
                remedy="See to it, or to what the settings say of it.",
            )
        ]


class TreePlace:
    """A `Place` in a directory. `anywhere`: for trials, also where inodes are not stable."""

    def __init__(self, root: str, private: str | None, *, anywhere: bool) -> None:
        self._root = root
        self._private = None if private is None else os.fsencode(private)
        self._suitable = SUITABLE | {"tmpfs", "overlay"} if anywhere else SUITABLE

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

    def watch(self) -> Watch | None:
        """See `Place.watch`."""
        return None if is_shared(self._root) else Watch(Path(self._root))

    def survey(self, store: str, shortest: int) -> list[Fact]:  # noqa: ARG002 - no tree keeps anything
        """See `Place.survey`."""
        root = os.fsencode(self._root)
        return survey(root, store, private=self._private, suitable=self._suitable)

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        private = () if self._private is None else (Path(os.fsdecode(self._private)),)
        return [(Path(self._root), *private)]
