"""Stands between a client and a PostgreSQL server, on a socket of its own, and cuts connections.

It counts rounds: a connection being made, or all that a client says before it waits for an answer.

- early: the server never hears it;
- middle: it is carried out, and half of the answer comes;
- late: it is carried out, and no answer comes. Of a COMMIT nobody knows then whether it was done.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

When = Literal["early", "middle", "late"]
_NAME = ".s.PGSQL.5432"
_ENDS_A_ROUND = b"QS"  # a simple query, or Sync behind an extended one


class PostgresProxy:
    """Listens in `directory`, and passes on to the server that listens in `server`."""

    def __init__(self, directory: Path, server: str) -> None:
        self.directory = directory
        self._server = f"{server}/{_NAME}"
        self.asked: list[bytes] = []
        self.fault: Callable[[int], When | None] = lambda _: None
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / _NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str) -> str:
        """The same database, through this proxy."""
        return dsn.replace(
            f"host={self._server.removesuffix('/' + _NAME)}", f"host={self.directory}"
        )

    def stop(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError, EOFError):
            server.connect(self._server)
            said = _startup(client)
            while said:
                self.asked.append(said)
                fault = self.fault(len(self.asked))
                if fault == "early":
                    return
                server.sendall(said)
                answer = _answer(server)
                if fault != "late":
                    client.sendall(answer[: len(answer) // 2] if fault else answer)
                if fault:
                    return
                said = _round(client)


def _startup(client: socket.socket) -> bytes:
    head = _exactly(client, 4)
    return head + _exactly(client, struct.unpack("!i", head)[0] - 4)


def _round(client: socket.socket) -> bytes:
    """All messages up to one after which the client waits."""
    said = b""
    while True:
        message = _message(client)
        said += message
        if message[:1] in _ENDS_A_ROUND:
            return said


def _answer(server: socket.socket) -> bytes:
    """All messages up to `ReadyForQuery`; what there is, where the server ends."""
    answer = message = b""
    with suppress(EOFError):
        while message[:1] != b"Z":
            message = _message(server)
            answer += message
    return answer


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
