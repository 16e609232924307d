"""A small HTTP server that tells of a bucket as MinIO does: one JSON line for each event, spaces between.

No MinIO server can be had where the tests run: this one speaks what its documentation and its client
agree on, and says on request what no server should.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote_plus, urlsplit

Said = bytes | None
"""A chunk of the stream; None ends the connection."""


def event(key: str, version: str = "", name: str = "s3:ObjectCreated:Put") -> bytes:
    """A line as MinIO writes it: the key is encoded, and a bucket without versions has no id."""
    told = {"key": quote_plus(key), "size": 3} | ({"versionId": version} if version else {})
    record = {"eventName": name, "s3": {"bucket": {"name": "b"}, "object": told}}
    return json.dumps({"EventName": name, "Key": f"b/{key}", "Records": [record]}).encode() + b"\n"


class Teller:
    """Listens on loopback. What is to be told is told to whoever connected last."""

    def __init__(self) -> None:
        self._said: deque[Said] = deque()
        self._turn = threading.Condition()
        self._lines = 0
        self.asked: list[dict[str, list[str]]] = []
        self.refusal: tuple[int, str, bytes] | None = None
        self.connected = threading.Semaphore(0)
        handler = type("Handler", (_Handler,), {"teller": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def tell(self, *chunks: Said) -> None:
        with self._turn:
            self._said.extend(chunks)
            self._turn.notify_all()

    def hang_up(self) -> None:
        self.tell(None)

    def line(self) -> Iterator[bytes]:
        """What is to be told on a new line, until it is hung up or there is a newer one."""
        with self._turn:
            self._lines += 1
            mine = self._lines
            self._turn.notify_all()
        self.connected.release()
        while (chunk := self._next(mine)) is not None:
            yield chunk

    def _next(self, line: int) -> Said:
        with self._turn:
            self._turn.wait_for(lambda: self._said or line < self._lines)
            return self._said.popleft() if line == self._lines else None

    def stop(self) -> None:
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    teller: Teller

    def do_GET(self) -> None:
        self.teller.asked.append(parse_qs(urlsplit(self.path).query, keep_blank_values=True))
        if self.teller.refusal is not None:
            status, kind, body = self.teller.refusal
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in self.teller.line():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
