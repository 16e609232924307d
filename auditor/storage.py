"""What a rescan asks of a storage, be it a tree of directories or a bucket."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

from retention.calendar import Instant
from retention.probes import NamePattern, Probed

Unread = Callable[[bytes, str], None]
"""Told each path below the root that could not be read, and why."""


class What(StrEnum):
    """What was found; a tree has recordings alone."""

    RECORDING = "recording"
    UPLOAD = "upload"  # begun, and neither completed nor aborted
    MARKER = "marker"  # a delete marker of a key that has no version any more


class Content(Protocol):
    """What is found under a name, open to be looked at.

    `existed` is an instant at which the storage had it, where it tells one; `size` is in bytes.
    """

    @property
    def size(self) -> int: ...  # noqa: D102 - see above

    @property
    def existed(self) -> Instant | None: ...  # noqa: D102 - see above

    def probed(self, name: bytes, patterns: Sequence[NamePattern]) -> Probed:
        """What it says of itself. Raises `UnreadableError`, and `GoneError` if it went meanwhile."""

    def fingerprint(self) -> bytes:
        """What a list of exceptions knows it by; raises as `probed` does."""


class Listed(Protocol):
    """What a listing showed. `path` is where it lies below the root, `label` how that is told."""

    @property
    def name(self) -> bytes: ...  # noqa: D102 - see above

    @property
    def directory(self) -> bytes: ...  # noqa: D102 - see above

    @property
    def path(self) -> bytes: ...  # noqa: D102 - see above

    @property
    def label(self) -> bytes: ...  # noqa: D102 - see above

    @property
    def what(self) -> What: ...  # noqa: D102 - see above

    def open(self) -> AbstractContextManager[Content]:
        """Open it. `GoneError` if nothing of ours is there any more, `UnreadableError` if it stays shut."""


Storage = Callable[[Unread], Iterator[Listed]]
"""Lists all there is. `StoreUnreachableError` where nobody knows what there is, or not all of it."""
