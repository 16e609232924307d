"""Erasing takes turns with deciding what may not be erased, and deciding goes first.

A plain lock is not fair: a sweep that lets go of it between two batches has it again before the
thread that waits for it wakes up, and a hold would come too late for thousands of items more (I2).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """One batch of a sweep, or one decision, at a time."""

    def __init__(self) -> None:
        self._door = threading.Lock()  # kept by whoever waits to decide
        self._turn = threading.Lock()

    @contextmanager
    def erasing(self) -> Iterator[None]:
        """A batch, from its plan to its outcomes; begins when nobody waits to decide."""
        with self._door:
            pass
        with self._turn:
            yield

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """No batch is under way."""
        with self._door, self._turn:
            yield
