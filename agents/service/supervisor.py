"""Tells systemd that every loop turns (sd_notify(3)): its watchdog is tied to that and nothing else.

The enforcer has the like of it: the two share nothing that touches a socket.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock


class Supervisor:
    """Sends one notice whenever each of the loops has turned since the one before.

    `address` is systemd's NOTIFY_SOCKET; without one nobody is told.
    """

    def __init__(self, address: str | None, loops: Iterable[str]) -> None:
        self._address = address
        self._loops = frozenset(loops)
        self._turned: set[str] = set()
        self._lock = Lock()

    def turned(self, loop: str) -> None:
        """One loop came round, whether its turn went well or not."""
        with self._lock:
            self._turned.add(loop)
            if self._address is None or not self._loops <= self._turned:
                return
            self._turned.clear()
        # A notice that is lost is followed by others; without any, systemd starts us again.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notice:
            notice.connect(self._address.replace("@", "\0", 1))
            notice.send(b"READY=1\nWATCHDOG=1")
