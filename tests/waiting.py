"""Waiting until something is so: no test depends on how soon that is."""

import time
from collections.abc import Callable

#: After this it will never be. A machine that does a lot besides takes a minute for what else takes a second.
NEVER_SECONDS = 300


def wait_until(so: Callable[[], object], what: str) -> None:
    """Look ten times a second; `AssertionError` if it never is so."""
    until = time.monotonic() + NEVER_SECONDS
    while not so():
        assert time.monotonic() < until, f"waited {NEVER_SECONDS} s in vain: {what}"
        time.sleep(0.1)
