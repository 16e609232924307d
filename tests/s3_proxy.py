"""A small HTTP server before a real S3 server: it passes everything on, and fails where it is told to.

Early: the request never arrives. Late: it was carried out, and no answer comes. Middle: half of the
answer. After: the answer, and then the connection is closed without a word. Or it says something else in the server's place, or twists what the server said.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

from waiting import NEVER_SECONDS

When = Literal["early", "middle", "late", "after"]


@dataclass
class Rule:
    """What happens to the next `times` requests whose line has all of `having` in it."""

    having: tuple[str, ...]
    times: int
    when: When | None = None
    status: int = 0
    code: str = ""
    body: bytes | None = None
    twist: Callable[[bytes], bytes] | None = None
    before: Callable[[], object] | None = None


class Proxy:
    """Listens on loopback; `asked` is every request line that came, `sent` what each was answered with."""

    def __init__(self, endpoint: str) -> None:
        self.target = urlsplit(endpoint).netloc
        self.rules: list[Rule] = []
        self.asked: list[str] = []
        self._last: tuple[int, When] | None = None
        self.sent: list[tuple[str, int]] = []  # bytes of the body
        self._turn = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def fail(self, when: When, *having: str, times: int = 1) -> None:
        self.rules.append(Rule(having, times, when=when))

    def fail_from(self, number: int, when: When) -> None:
        """Cut off the request of this number, and have nobody answer from there on."""
        self._last = number, when

    def say(self, status: int, code: str, *having: str, times: int = 1) -> None:
        self.rules.append(Rule(having, times, status=status, code=code))

    def twist(self, twist: Callable[[bytes], bytes], *having: str, times: int = 1) -> None:
        self.rules.append(Rule(having, times, twist=twist))

    def before(self, act: Callable[[], object], *having: str) -> None:
        """Do something just before such a request is passed on."""
        self.rules.append(Rule(having, 1, before=act))

    def rule_for(self, line: str) -> Rule | None:
        with self._turn:
            self.asked.append(line)
            if self._last and len(self.asked) >= self._last[0]:
                is_it = len(self.asked) == self._last[0]
                return Rule((), 1, when=self._last[1] if is_it else "early")
            for rule in self.rules:
                if rule.times and all(part in line for part in rule.having):
                    rule.times -= 1
                    return rule
        return None

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else None
        rule = self.proxy.rule_for(f"{self.command} {self.path}")
        if rule is not None and rule.before is not None:
            rule.before()
        if rule is not None and rule.when == "early":
            self.close_connection = True
            return
        if rule is not None and rule.status:
            text = (
                rule.body
                or f"<Error><Code>{rule.code}</Code><Message>no</Message></Error>".encode()
            )
            self._answer(rule.status, {}, b"" if self.command == "HEAD" else text)
            return
        status, headers, data = self._passed_on(body)
        if rule is not None and rule.twist is not None:
            data = rule.twist(data)
        if rule is None or rule.when is None:
            self._answer(status, headers, data)
            return
        self.close_connection = True
        if rule.when == "after":
            self._answer(status, headers, data)
        if rule.when == "middle":
            self._answer(status, headers, data, cut=len(data) // 2)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - what the server calls

    def _passed_on(self, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.proxy.target, timeout=NEVER_SECONDS)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                connection.putheader(name, value)  # the host too: it was signed
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: dict[str, str], data: bytes, *, cut: int | None = None
    ) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        for name, value in headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.proxy.sent.append((f"{self.command} {self.path}", len(data)))
            self.wfile.write(data if cut is None else data[:cut])

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
