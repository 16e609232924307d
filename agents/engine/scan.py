"""The scan: the truth about what is on the store. Watcher events are only hints.

A scan walks the store in small steps, so that the daemon can do other work between them, and
compares each directory with the catalogue. What is new settles and is dated; what is in the
catalogue and was not found by a *complete* scan is gone (docs/rules.md, The way of a file).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from agents.engine.catalogue import Catalogue
from agents.engine.clock import Clock, TrustedTime
from agents.engine.dating import Dater, Recording, Sight
from agents.engine.indexing import Indexer
from agents.engine.outbox import Outbox
from agents.stores import Found, Generation, Store
from retention.anchor import Window
from retention.calendar import Instant
from retention.errors import GoneError, UnreadableError
from retention.media import may_be_media
from retention.report import AnyEntry, Scanned

#: Files looked at in one step, and written in one transaction.
STEP_FILES = 500
#: A file that has not changed for this long has been written to its end.
SETTLE_SECONDS = 2


_Ready = tuple[bytes, Found, Sight]  # a file of this directory, seen so, that has settled


class _Known(NamedTuple):
    number: int
    generation: Generation
    links: int


@dataclass(slots=True)
class _Progress:
    """What a running scan has seen."""

    began: Instant
    files: int = 0
    unreadable: int = 0
    visited: set[int] = field(default_factory=set)
    doubtful: list[int] = field(default_factory=list)  # directories where items were not met


class Scanner:
    """Keeps the catalogue true to one store."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        outbox: Outbox,
        dater: Dater,
        indexer: Indexer,
        clock: Clock,
        time: TrustedTime,
        settle_seconds: int = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._outbox = outbox
        self._dater = dater
        self._indexer = indexer
        self._clock = clock
        self._time = time
        self._settle_seconds = settle_seconds
        self._ready: list[_Ready] = []
        self._settling: dict[tuple[bytes, bytes], tuple[Generation, int, Sight]] = {}
        self.marks: set[tuple[bytes, bytes]] = set()  # incident markers met, for who reads them
        self.newly_held: list[int] = []

    @property
    def settling(self) -> bool:
        """Whether files wait to be dated until they stop growing."""
        return bool(self._settling or self._ready)

    def run(self) -> Iterator[None]:
        """One scan of everything, step by step. Raises `StoreUnreachableError`, changing nothing."""
        self._store.check()
        progress = _Progress(began=self._clock.wall())
        sight = self._sight()

        def unread(_path: bytes, _why: str) -> None:
            progress.unreadable += 1

        for directory in self._store.directories(unread):
            place = self._indexer.directory(directory)
            progress.visited.add(place)
            met = 0
            for step in _steps(self._store.listing(directory, unread), STEP_FILES):
                met += self._look(directory, place, step, sight)
                progress.files += len(step)
                yield
            if met < self._catalogue.value(
                "SELECT count(*) FROM items WHERE directory = ?", (place,)
            ):
                progress.doubtful.append(place)
        yield from self._settle_pending()
        self._store.check()
        if not progress.unreadable:
            yield from self._find_gone(progress)
        self._finish(progress)

    def hint(self, directory: bytes, name: bytes, *, closed: bool) -> None:
        """A watcher saw this file: it is dated at the next `settle`.

        `closed`: its writer closed it or moved it here, so it need not settle.
        """
        try:
            found = self._store.find(directory, name)
        except UnreadableError:
            return  # the scan will report it
        if found is None:
            return
        sight = self._sight()
        place = self._indexer.directory(directory)
        known = self._known(place, [name]).get(name)
        if known is None or known.generation != found.generation:
            if closed and may_be_media(name):
                self._settling.pop((directory, name), None)
                self._ready.append((directory, found, sight))
            else:
                self._look(directory, place, [found], sight)

    def settle(self) -> None:
        """Date what was hinted at or has stopped growing; call every second or so."""
        for _ in self._settle_pending():
            pass

    def _look(self, directory: bytes, place: int, step: Sequence[Found], sight: Sight) -> int:
        """Compare files with the catalogue. Gives how many of its items were met."""
        known = self._known(place, [found.name for found in step])
        met = {name for name, item in known.items() if item.number}
        fresh = []
        for found in step:
            item = known.get(found.name)
            if item is not None and item.generation == found.generation:
                if item.links != found.links:
                    self._relink(item.number, found.links)
            elif not may_be_media(found.name):
                self._notice_mark(directory, found.name)
            elif self._has_settled(found):
                fresh.append((directory, found, sight))
            else:
                self._wait(directory, found, sight)
        met |= self._date_and_enter(fresh)
        return len(met)

    def _known(self, place: int, names: Sequence[bytes]) -> dict[bytes, _Known]:
        """Items and other files the catalogue has under these names; others have number 0."""
        marks = ",".join("?" * len(names))
        where = f"WHERE directory = ? AND name IN ({marks})"
        rows = self._catalogue.rows(
            f"SELECT name, number, inode, size, mtime_ns, links FROM items {where} UNION ALL"  # noqa: S608 - question marks
            f" SELECT name, 0, inode, size, mtime_ns, 1 FROM others {where}",
            (place, *names, place, *names),
        )
        return {
            name: _Known(number, Generation(*rest), links) for name, number, *rest, links in rows
        }

    def _date_and_enter(self, fresh: Iterable[_Ready]) -> set[bytes]:
        """Date files and make items of the recordings among them, whose names it gives."""
        recordings: list[Recording] = []
        for directory, found, sight in fresh:
            try:
                recording = self._dater.date(directory, found, sight)
            except GoneError:
                continue
            except UnreadableError:
                self._wait(directory, found, sight)
                continue
            if recording is None:
                self._set_aside(directory, found)
            else:
                recordings.append(recording)
        if recordings:
            self.newly_held += self._indexer.enter(recordings, self._clock.wall())
        return {recording.name for recording in recordings}

    def _has_settled(self, found: Found) -> bool:
        """Whether its mtime lies far enough back; one in the future tells nothing."""
        age = self._clock.wall() * 10**9 - found.generation.mtime_ns
        return age > self._settle_seconds * 10**9

    def _wait(self, directory: bytes, found: Found, sight: Sight) -> None:
        key = (directory, found.name)
        if key not in self._settling or self._settling[key][0] != found.generation:
            since = sight if key not in self._settling else self._settling[key][2]
            self._settling[key] = (found.generation, self._clock.boottime(), since)

    def _settle_pending(self) -> Iterator[None]:
        for (directory, name), (generation, since, sight) in list(self._settling.items()):
            if self._clock.boottime() - since < self._settle_seconds:
                continue
            try:
                found = self._store.find(directory, name)
            except UnreadableError:
                continue
            if found is not None and found.generation != generation:
                self._wait(directory, found, sight)
                continue
            del self._settling[directory, name]
            if found is not None:
                self._ready.append((directory, found, sight))
        while self._ready:
            step, self._ready = self._ready[:STEP_FILES], self._ready[STEP_FILES:]
            self._date_and_enter(step)
            yield

    def _find_gone(self, progress: _Progress) -> Iterator[None]:
        """Look once more for each item that was not met; what really is not there is gone."""
        places = self._catalogue.rows("SELECT DISTINCT directory FROM items")
        unvisited = [place for (place,) in places if place not in progress.visited]
        for place in [*progress.doubtful, *unvisited]:
            path = self._catalogue.value("SELECT path FROM directories WHERE id = ?", (place,))
            after = 0
            while rows := self._catalogue.rows(
                "SELECT number, name, holds FROM items WHERE directory = ? AND number > ?"
                " ORDER BY number LIMIT ?",
                (place, after, STEP_FILES),
            ):
                after = rows[-1][0]
                self._book_gone(
                    [n for n, name, holds in rows if self._is_gone(path, name, n, holds)]
                )
                yield
        self._forget_others()

    def _is_gone(self, path: bytes, name: bytes, number: int, holds: int) -> bool:
        try:
            if self._store.find(path, name) is not None:
                return False
            if holds and self._store.kept(number) is not None:
                self._store.restore(number, path, name)  # somebody removed it; its bytes are ours
                return False
        except UnreadableError:
            return False
        return True

    def _book_gone(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        now = self._clock.wall()
        entries: list[AnyEntry] = []
        with self._catalogue.transaction() as db:
            self._indexer.gone(db, numbers, now, entries)
            self._outbox.append(db, now, entries)

    def _finish(self, progress: _Progress) -> None:
        now = self._clock.wall()
        period = self._time.period()
        with self._catalogue.transaction() as db:
            if not progress.unreadable:
                db.execute(
                    "INSERT INTO scans (began, ended, period) VALUES (?, ?, ?)",
                    (progress.began, now, period),
                )
            entry = Scanned(now, progress.began, progress.files, progress.unreadable)
            self._outbox.append(db, now, [entry])

    def _sight(self) -> Sight:
        """How what is seen now was seen: since the last complete scan, by this boot's clock."""
        now = self._clock.wall()
        last = self._catalogue.value("SELECT max(began) FROM scans")
        window = None if last is None else Window(Instant(min(last, now)), now)
        return Sight(now, window, self._time.period())

    def _relink(self, number: int, links: int) -> None:
        with self._catalogue.transaction() as db:
            db.execute("UPDATE items SET links = ? WHERE number = ?", (links, number))

    def _set_aside(self, directory: bytes, found: Found) -> None:
        """Remember a file that is no recording, so that no scan reads it again."""
        place = self._indexer.directory(directory)
        with self._catalogue.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO others VALUES (?, ?, ?, ?, ?)",
                (place, found.name, *found.generation),
            )

    def _forget_others(self) -> None:
        with self._catalogue.transaction() as db:
            db.execute("DELETE FROM others WHERE directory NOT IN (SELECT id FROM directories)")

    def _notice_mark(self, directory: bytes, name: bytes) -> None:
        self.marks.add((directory, name))


def _steps(found: Iterator[Found], size: int) -> Iterator[Sequence[Found]]:
    while step := list(islice(found, size)):
        yield step
