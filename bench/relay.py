"""A relay between the agent and the enforcer that counts what passes: bytes, segments, connections."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

#: Headers of a segment: IPv4 without options, TCP with time stamps.
HEADER_BYTES = 20 + 32
_CHUNK = 1 << 16
#: struct tcp_info of linux/tcp.h: segs_out and segs_in.
_SEGMENTS = struct.Struct("=136xII")


@dataclass(frozen=True, slots=True)
class Passed:
    """What passed on the agent's side of the relay."""

    up: int  # bytes inside TCP, TLS among them
    down: int
    segments: int  # of both directions
    connections: int

    @property
    def on_the_wire(self) -> int:
        """All bytes of both directions, headers of TCP and IP included."""
        return self.up + self.down + HEADER_BYTES * self.segments

    def since(self, before: "Passed") -> "Passed":
        """What passed after another count."""
        return Passed(
            self.up - before.up,
            self.down - before.down,
            self.segments - before.segments,
            self.connections - before.connections,
        )


class Relay:
    """Listens at `port` on loopback, and passes everything on to `to` and back."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._up = self._down = self._closed_segments = self._connections = 0
        self._open: dict[socket.socket, int] = {}
        self.port: int = self._listener.getsockname()[1]
        self.to = 0

    def passed(self) -> Passed:
        """What passed until now."""
        with self._lock:
            segments = self._closed_segments + sum(map(_segments, self._open))
            return Passed(self._up, self._down, segments, self._connections)

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        """Relay for the length of the block; what is open then is left to its two ends."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._connections += 1
                    self._open[near] = 2  # directions
                for way in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(near, *way), daemon=True).start()

    def _pass(self, near: socket.socket, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._lock:
                    if source is near:
                        self._up += len(data)
                    else:
                        self._down += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        with self._lock:
            self._open[near] -= 1
            if not self._open[near]:
                self._closed_segments += _segments(near)
                del self._open[near]
                near.close()


def _segments(end: socket.socket) -> int:
    info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS.size)
    return sum(_SEGMENTS.unpack(info))
