"""The wire between a real agent and the real enforcer, in one process and as bad as a wire can be.

The agent's own HTTP client speaks, the enforcer's own handlers answer; only the socket between
them is missing. What becomes of each message is said beforehand, so that a run can be repeated.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum

from agents.engine.talking.uplink import HttpUplink
from retention import codec
from retention.wire import Fetched

Answer = tuple[int, bytes]
Answering = Callable[[str, str, str, bytes], Answer]
"""Method, path with query, authorisation, body -> status, body."""


class Fate(Enum):
    """What becomes of one request and its answer."""

    ARRIVES = "arrives"
    LOST = "lost before it arrived"
    ANSWER_LOST = "answered, and the answer lost"
    DOUBLED = "arrives twice"
    LATE = "a report that arrives when nobody waits for the answer any more"
    STALE = "answered with a directive that was served before"


class Wire(HttpUplink):
    """An `Uplink`. `fates` are those of the next messages; behind the last of them all arrive."""

    def __init__(self, answering: Answering, authorisation: Callable[[], str | None]) -> None:
        super().__init__("http://localhost:8443", ca_file=None, authorisation=authorisation)
        self._answering = answering
        self.fates: deque[Fate] = deque()
        self.cut = False
        self.twist: Callable[[Fetched], Fetched] | None = None  # what a liar makes of an answer
        self._on_the_way: list[tuple[str, str, str, bytes]] = []
        self._served: list[Fetched] = []

    def heal(self) -> None:
        """From now on everything arrives."""
        self.fates.clear()
        self.cut = False

    def deliver_late(self) -> None:
        """What was on the way arrives; nobody hears the answers."""
        late, self._on_the_way = self._on_the_way, []
        for message in late:
            self._answering(*message)

    def _request(self, method: str, path: str, body: bytes) -> Answer:
        fate = self.fates.popleft() if self.fates else Fate.ARRIVES
        message = (method, path, f"Bearer {self._authorisation()}", body)
        if self.cut or fate is Fate.LOST:
            raise TimeoutError("nobody answers")
        if fate is Fate.LATE:
            if path.startswith("/agent/v1/log"):  # a greeting that is late would freeze the store
                self._on_the_way.append(message)
            raise TimeoutError("nobody answers in time")
        status, data = self._answering(*message)
        if fate is Fate.DOUBLED:
            status, data = self._answering(*message)
        if fate is Fate.ANSWER_LOST:
            raise TimeoutError("the answer was lost")
        return status, self._remembered(data, stale=fate is Fate.STALE) if _is_fetch(
            path, status
        ) else data

    def _remembered(self, data: bytes, *, stale: bool) -> bytes:
        """Keep what was served; with `stale`, put the oldest directive known in its place."""
        fetched = codec.decode(data, Fetched)
        if self.twist is not None:
            fetched = self.twist(fetched)
            data = codec.encode(fetched)
        self._served = [*self._served, fetched][-5:]
        if not stale:
            return data
        old = self._served[0]
        return codec.encode(
            Fetched(
                time=fetched.time,
                directive=old.directive,
                policies=fetched.policies,
                checkpoint=old.checkpoint,
                consistency=old.consistency,
                succession=old.succession,
            )
        )


def _is_fetch(path: str, status: int) -> bool:
    return path.startswith("/agent/v1/directive") and status == 200
