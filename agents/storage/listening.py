"""The watcher of a bucket: has its server tell what comes, where that server does.

It hints, like any watcher; the scan is the truth. So a line that breaks is made anew, later and later
while it keeps breaking, and each new one asks for a scan, for what was told to nobody. A server that
tells nothing is said to be so, once, and scanned.
"""

import logging
import threading
import time
from collections.abc import Callable

from agents.engine.finding.watch import Hint, Hints
from agents.stores.bucket.notices import Notices, NotOfferedError
from retention.errors import StoreUnreachableError

TASK = "listen"
FIRST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 300
STEADY_SECONDS = 300
"""A line that held for this long was no attempt: the next one is made soon."""
_END_SECONDS = 5


class Listener(Hints):
    """A `Watcher`. `connect` makes one line to the server, that is used once."""

    def __init__(
        self,
        connect: Callable[[], Notices],
        log: logging.Logger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._connect = connect
        self._log = log
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._line: Notices | None = None
        self._done = False  # there is nothing to hear, which is no failure
        # A daemon: what it waits for is on the other side of a network.
        self._thread = threading.Thread(target=self._run, name=TASK, daemon=True)

    def start(self) -> None:
        """See `Watcher.start`."""
        self._thread.start()

    def stop(self) -> None:
        """See `Watcher.stop`."""
        self._stopping.set()
        if self._line is not None:
            self._line.close()
        if self._thread.ident is not None:
            self._thread.join(_END_SECONDS)

    def alive(self) -> bool:
        """Whether it listens, or was told that nobody tells anything."""
        return self._done or self._thread.is_alive()

    def _run(self) -> None:
        wait = FIRST_WAIT_SECONDS
        try:
            while not self._stopping.is_set():
                began = self._monotonic()
                try:
                    self._hear()
                except StoreUnreachableError as error:
                    self._log.warning("unreachable", extra={"task": TASK, "reason": str(error)})
                if self._monotonic() - began > STEADY_SECONDS:
                    wait = FIRST_WAIT_SECONDS
                self._stopping.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        except NotOfferedError as error:
            self._log.warning("no notifications", extra={"task": TASK, "reason": str(error)})
            self._done = True
        except Exception:  # noqa: BLE001 - the task's one broad handler: it ends, and is seen dead
            self._log.exception("failed", extra={"task": TASK})

    def _hear(self) -> None:
        self._line = self._connect()
        if self._stopping.is_set():
            return  # whoever stopped us may not have seen this line
        for notice in self._line.listen(self.overflow):
            if notice.marker:
                self.overflow()  # which recordings it stands beside, a scan sees
            else:
                self.add(Hint(notice.directory, notice.name, closed=True))
