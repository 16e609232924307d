"""Incidents marked where the recordings are: held at once, for a person to confirm.

Three kinds (docs/markers.md): a sidecar `NAME.incident` or an extended attribute `user.incident`
holds that recording; an event file of the locker software, JSON with `at`, `before`, `after`,
covers all sources of the site. Markers of one event are grouped into one hold. A marker that lies
beside a recording counts until it is erased: the sweep asks once more just before (I2).
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from agents.engine.holding.holds import Holds
from agents.engine.memory.catalogue import Catalogue
from agents.engine.obeying.directives import Obedience
from agents.stores import Mark, Store
from retention.calendar import Instant, parse_instant
from retention.errors import MalformedError
from retention.hold import StoreHold

#: Events of the same moment, to this many seconds, are one incident.
GROUP_SECONDS = 60
#: An event file is a few lines; more is not one.
MAX_EVENT_BYTES = 16 * 1024


# A marker at any part of a call is the call's.
_MARKED = """
SELECT word, item.anchor, item.before, item.after, item.seen, item.fingerprint FROM items
  JOIN directories ON directories.id = items.directory
  LEFT JOIN parts ON parts.number = items.number
  JOIN items AS item ON item.number = coalesce(parts.item, items.number)
  JOIN words ON words.id = item.source
 WHERE path = ? AND items.name = ?
"""


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
        store: Store,
        holds: Holds,
        obedience: Obedience,
        events: Path | None,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._holds = holds
        self._obedience = obedience
        self._events = events
        self._refused: set[str] = set()

    def binding(self, directory: bytes, contents: Mapping[bytes, bytes]) -> dict[bytes, Mark]:
        """Which of these files (name -> its item's fingerprint) have a marker that two people did not release.

        Raises what `Store.marked` raises.
        """
        marked = self._store.marked(directory, list(contents))
        released = {n for n in marked if self._holds.released(self._of_file(contents[n]))}
        return {name: mark for name, mark in marked.items() if name not in released}

    def take(self, marked: Mapping[tuple[bytes, bytes], Mark]) -> None:
        """Hold marked recordings (directory, name) and what their sources recorded meanwhile."""
        for (directory, name), mark in marked.items():
            self._hold_file(directory, name, mark)

    def read(self) -> Iterator[str]:
        """Look for event files; one that cannot be read is told once, and changes nothing."""
        if self._events is None:
            return
        for path in sorted(self._events.glob("*.json")):
            if path.name not in self._refused:
                try:
                    self._read_event(path)
                except OSError as error:
                    self._refused.add(path.name)
                    yield f"an event file cannot be read: {error.strerror}"  # whose name stays here
                except MalformedError as error:
                    self._refused.add(path.name)
                    yield str(error)

    def _hold_file(self, directory: bytes, name: bytes, mark: Mark) -> None:
        row = self._catalogue.one(_MARKED, (directory, name))
        if row is None:
            return  # not indexed yet; it will be asked again when it is
        source, anchor, before, after, seen, fingerprint = row
        begins = seen if anchor is None else anchor - before
        ends = seen if anchor is None else anchor + after
        hold = StoreHold(self._of_file(fingerprint), Instant(begins), Instant(ends), (source,))
        self._obedience.mark(hold, mark)

    def _of_file(self, fingerprint: bytes) -> str:
        """The id of a file's own marker: the same wherever it is moved, and in every epoch."""
        store: str = self._catalogue.value("SELECT store FROM agent")
        return _name("file", store.encode() + fingerprint)

    def _read_event(self, path: Path) -> None:
        with path.open("rb") as file:
            event = _decoded(file.read(MAX_EVENT_BYTES))
        at = parse_instant(event.at)
        begins, ends = Instant(at - max(event.before, 0)), Instant(at + max(event.after, 0))
        store = self._catalogue.value("SELECT store FROM agent")
        hold = StoreHold(_name("event", f"{store}-{at // GROUP_SECONDS}".encode()), begins, ends)
        self._obedience.mark(hold, "event")


def _decoded(data: bytes) -> _Event:
    try:
        return msgspec.json.decode(data, type=_Event)
    except msgspec.MsgspecError as error:
        raise MalformedError(f"not an event file: {error}") from error


def _name(kind: str, identity: bytes) -> str:
    return f"marker-{kind}-{sha256(identity).hexdigest()[:12]}"
