"""Where the time goes: parts of the product, timed from outside, by what they are for."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Seconds that one thread spent in named parts; a part inside another is taken off that one."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inside: list[str] = []
        self._since = 0.0
        self._thread = threading.get_ident()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the block as this part."""
        self._turn(name)
        try:
            yield
        finally:
            self._turn(None)

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Count every call of this method of this object as a part."""
        real: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return real(*args, **named)
            with self.part(name):
                return real(*args, **named)

        setattr(owner, method, timed)

    def _turn(self, name: str | None) -> None:
        now = time.perf_counter()
        if self._inside:
            self.seconds[self._inside[-1]] += now - self._since  # type: ignore[assignment] # seconds add up as counts do
        self._since = now
        if name is None:
            self._inside.pop()
        else:
            self._inside.append(name)
