"""Incidents marked where the recordings are: held at once, for a person to confirm.

Three kinds (docs/markers.md): a sidecar `NAME.incident` or an extended attribute `user.incident`
holds that recording; an event file of the locker software, JSON with `at`, `before`, `after`,
covers all sources of the site. Markers of one event are grouped into one hold.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from agents.engine.catalogue import Catalogue
from agents.engine.obeying import Obedience
from retention.calendar import Instant, parse_instant
from retention.errors import MalformedError
from retention.hold import StoreHold

SIDECAR = b".incident"
ATTRIBUTE = b"user.incident"
#: Events of the same moment, to this many seconds, are one incident.
GROUP_SECONDS = 60
#: An event file is a few lines; more is not one.
MAX_EVENT_BYTES = 16 * 1024


class _Event(msgspec.Struct, frozen=True):
    at: str
    before: int = 0
    after: int = 0
    reason: str = ""


class Markers:
    """Turns markers into holds. `events` is where the locker software drops its event files."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        obedience: Obedience,
        events: Path | None,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._catalogue = catalogue
        self._obedience = obedience
        self._events = events
        self._log = log
        self._refused: set[str] = set()

    def notice(self, directory: bytes, name: bytes) -> bool:
        """Take a file as a sidecar, if it is one; False if it is an ordinary file."""
        if not name.endswith(SIDECAR):
            return False
        self.take([(directory, name)])
        return True

    def take(self, sidecars: Iterable[tuple[bytes, bytes]]) -> None:
        """Hold the recordings that these sidecars stand beside."""
        for directory, name in list(sidecars):
            if name.endswith(SIDECAR):
                self.hold_file(directory, name.removesuffix(SIDECAR), "sidecar")

    def hold_file(self, directory: bytes, name: bytes, kind: str) -> None:
        """Hold one recording, and what its source recorded at the same time."""
        row = self._catalogue.one(
            "SELECT word, anchor, before, after, seen, store, epoch, number FROM items"
            " JOIN directories ON directories.id = directory JOIN words ON words.id = source,"
            " agent WHERE path = ? AND name = ?",
            (directory, name),
        )
        if row is None:
            return  # not indexed yet; the next scan meets the marker again
        source, anchor, before, after, seen, store, epoch, number = row
        begins = seen if anchor is None else anchor - before
        ends = seen if anchor is None else anchor + after
        identity = f"{store}-{epoch}-{number}"
        self._obedience.mark(
            StoreHold(_name(kind, identity), Instant(begins), Instant(ends), (source,)), kind
        )

    def read(self) -> None:
        """Look for event files; one that cannot be read is said once and changes nothing."""
        if self._events is None:
            return
        try:
            paths = sorted(self._events.glob("*.json"))
        except FileNotFoundError:
            return
        for path in paths:
            if path.name not in self._refused:
                self._read_event(path)

    def _read_event(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                event = _decoded(file.read(MAX_EVENT_BYTES))
            at = parse_instant(event.at)
        except (OSError, MalformedError) as error:
            self._refused.add(path.name)
            self._log.warning("event refused", reason=str(error))
            return
        begins, ends = Instant(at - max(event.before, 0)), Instant(at + max(event.after, 0))
        store = self._catalogue.value("SELECT store FROM agent")
        hold = StoreHold(_name("event", f"{store}-{at // GROUP_SECONDS}"), begins, ends)
        self._obedience.mark(hold, "event")


def _decoded(data: bytes) -> _Event:
    try:
        return msgspec.json.decode(data, type=_Event)
    except msgspec.MsgspecError as error:
        raise MalformedError(f"not an event file: {error}") from error


def _name(kind: str, identity: str) -> str:
    return f"marker-{kind}-{sha256(identity.encode()).hexdigest()[:12]}"
