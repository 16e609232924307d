"""The scan: the truth about what is on the store. Watcher events are only hints.

A scan walks the store in small steps, so that the daemon can do other work between them, and
compares each directory with the catalogue. What is new settles and is dated; what is in the
catalogue and was not found by a *complete* scan is gone (docs/rules.md, The way of a file).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from agents.engine.clock import KNOWN, MOST_AHEAD, Clock, TrustedTime
from agents.engine.finding import restoring
from agents.engine.finding.dating import Dater, or_earlier
from agents.engine.finding.indexing import Indexer
from agents.engine.finding.restoring import Restorations
from agents.engine.memory import remembered
from agents.engine.memory.catalogue import Catalogue, forget_empty_directories
from agents.engine.memory.outbox import Outbox
from agents.engine.memory.recording import Recording, Sight
from agents.stores import SIDECAR, Found, Generation, Mark, Store
from retention.anchor import Window
from retention.calendar import Instant
from retention.errors import GoneError, UnreadableError
from retention.media import may_be_media
from retention.report import AnyEntry, Scanned

#: Files looked at in one step, and written in one transaction.
STEP_FILES = 500
#: Names of what could not be read, as many as a person needs.
TOLD = 20
#: A file that has not changed for this long has been written to its end.
SETTLE_SECONDS = 2

_KNOWN_THERE = """
SELECT (SELECT count(*) FROM items WHERE directory = ?1)
     + (SELECT count(*) FROM others WHERE directory = ?1)
"""
_LAST_SCAN = f"""
SELECT scans.id, began - coalesce(offset, 0), began - {MOST_AHEAD}, {KNOWN}, period
  FROM scans LEFT JOIN periods ON periods.id = period ORDER BY scans.id DESC LIMIT 1
"""  # noqa: S608 - a constant of ours


_Ready = tuple[bytes, Found, Sight]  # a file of this directory, seen so, that has settled


class _Known(NamedTuple):
    number: int
    generation: Generation
    links: int


@dataclass(slots=True)
class _Progress:
    """What a running scan has seen."""

    began: Instant
    boottime: int
    period: int
    epoch: int
    restored: frozenset[str]  # restorations that were declared when it began
    files: int = 0
    unreadable: int = 0
    visited: set[int] = field(default_factory=set)
    doubtful: list[int] = field(default_factory=list)  # directories where something was not met


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
        restorations: Restorations,
        settle_seconds: int = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._outbox = outbox
        self._dater = dater
        self._indexer = indexer
        self._clock = clock
        self._time = time
        self._restorations = restorations
        self._settle_seconds = settle_seconds
        self._ready: list[_Ready] = []
        self._settling: dict[tuple[bytes, bytes], tuple[Generation, int, Sight]] = {}
        self._unreadable = 0  # files that could not be dated or looked for, since the agent started
        self.marked: dict[tuple[bytes, bytes], Mark] = {}  # recordings met with an incident marker
        self.newly_held: list[int] = []
        #: Of what could not be read some, and why: for a person at the machine, and for no log (I8).
        self.unread: list[tuple[bytes, str]] = []
        self.complete = False  # whether the last scan was

    @property
    def settling(self) -> bool:
        """Whether files wait to be dated until they stop growing."""
        return bool(self._settling or self._ready)

    def run(self) -> Iterator[None]:
        """One scan of everything, step by step. Raises `StoreUnreachableError`, changing nothing."""
        self.complete = False
        self._store.check()
        progress = _Progress(
            began=self._clock.wall(),
            boottime=self._clock.boottime(),
            period=self._time.period(),
            epoch=self._epoch(),
            restored=self._restorations.declared(),
        )
        before = self._unreadable
        self.unread.clear()

        def unread(path: bytes, why: str) -> None:
            progress.unreadable += 1
            self._could_not_read(path, why)

        for directory in self._store.directories(unread):
            met = 0
            for step in _steps(self._store.listing(directory, unread), STEP_FILES):
                # Now and not when the scan began: it may last for hours, and files come meanwhile.
                met += self._look(directory, step, self._sight())
                progress.files += len(step)
                yield
            place = self._indexer.place_of(directory)
            if place is not None:
                progress.visited.add(place)
                if met < self._catalogue.value(_KNOWN_THERE, (place,)):
                    progress.doubtful.append(place)
        yield from self._settle_pending()
        self._store.check()
        readable = not progress.unreadable and self._unreadable == before
        if readable and progress.epoch == self._epoch():
            yield from self._find_gone(progress)
        progress.unreadable += self._unreadable - before
        self._finish(progress)

    def hint(self, directory: bytes, name: bytes, *, closed: bool) -> None:
        """A watcher saw this file: it is dated at the next `settle`.

        `closed`: its writer closed it or moved it here, so it need not settle. A marker's file
        hints at the recording it stands beside.
        """
        if name.endswith(SIDECAR) and name != SIDECAR:
            name, closed = name.removesuffix(SIDECAR), False
        try:
            found = self._store.find(directory, name)
        except UnreadableError:
            return  # the scan will report it
        if found is None:
            return
        sight = self._sight()
        known = self._known(directory, [name]).get(name)
        changed = known is None or known.generation != found.generation
        if changed and closed and _may_be_ours(found):
            self._settling.pop((directory, name), None)
            self._ready.append((directory, found, sight))
        else:
            self._look(directory, [found], sight, afresh=True)

    def settle(self) -> None:
        """Date what was hinted at or has stopped growing; call every second or so."""
        for _ in self._settle_pending():
            pass

    def _look(
        self, directory: bytes, step: Sequence[Found], sight: Sight, *, afresh: bool = False
    ) -> int:
        """Compare files with the catalogue. Gives how many of those it has there were met.

        `afresh`: outside of a listing, so that their markers have to be asked for.
        """
        known = self._known(directory, [found.name for found in step])
        met = set(known)
        fresh = []
        for found in step:
            item = known.get(found.name)
            if item is not None and item.generation == found.generation:
                if item.links != found.links:
                    self._relink(item.number, found.links)
            elif not _may_be_ours(found):
                continue
            elif self._has_settled(found):
                fresh.append((directory, found, sight))
            else:
                self._wait(directory, found, sight)
        items = [name for name, item in known.items() if item.number]
        self._notice_marks(directory, items, afresh=afresh)
        met |= self._date_and_enter(fresh)
        return len(met)

    def _known(self, directory: bytes, names: Sequence[bytes]) -> dict[bytes, _Known]:
        """Items and other files the catalogue has under these names; others have number 0."""
        place = self._indexer.place_of(directory)
        if place is None:
            return {}
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
        """Date files and enter them into the catalogue; gives the names of those that it now has."""
        recordings: list[Recording] = []
        entered: set[bytes] = set()
        fresh = list(fresh)
        self._expect(fresh)
        for directory, found, sight in fresh:
            try:
                recording = self._dater.date(directory, found, sight)
            except GoneError:
                continue
            except UnreadableError as error:
                self._unreadable += 1
                self._could_not_read(directory + b"/" + found.name, str(error))
                self._wait(directory, found, sight)
                continue
            entered.add(found.name)
            if recording is None:
                self._indexer.set_aside(directory, found, self._clock.wall())
            else:
                recordings.append(recording)
        if recordings:
            self.newly_held += self._indexer.enter(recordings, self._clock.wall())
            for directory, names in _by_directory(recordings).items():
                self._notice_marks(directory, names)
        return entered

    def _expect(self, fresh: Iterable[_Ready]) -> None:
        """Tell the store what will be opened next."""
        names: dict[bytes, list[bytes]] = defaultdict(list)
        for directory, found, _ in fresh:
            names[directory].append(found.name)
        for directory, those in names.items():
            self._store.expect(directory, those)

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
        """Look once more for whatever was not met; what really is not there is gone."""
        places = self._catalogue.rows("SELECT id FROM directories")
        unvisited = [place for (place,) in places if place not in progress.visited]
        for place in [*progress.doubtful, *unvisited]:
            path = self._catalogue.value("SELECT path FROM directories WHERE id = ?", (place,))
            if path is None:
                continue  # a sweep took the last of it meanwhile
            for rows in self._pages("items", place):
                missing = self._missing(path, rows)
                self._book_gone([n for n, name in missing if self._is_gone(path, name, n)])
                yield
            for rows in self._pages("others", place):
                self._forget_others([n for n, _ in self._missing(path, rows)])
                yield

    def _pages(self, table: str, place: int) -> Iterator[list[tuple[int, bytes]]]:
        """What the catalogue has in a directory, by number and name, some hundred at a time."""
        query = (
            f"SELECT number, name FROM {table} WHERE directory = ? AND number > ?"  # noqa: S608 - one of two
            " ORDER BY number LIMIT ?"
        )
        after = 0
        while rows := self._catalogue.rows(query, (place, after, STEP_FILES)):
            after = rows[-1][0]
            yield [(number, name) for number, name in rows]

    def _could_not_read(self, path: bytes, why: str) -> None:
        if len(self.unread) < TOLD and (path, why) not in self.unread:
            self.unread.append((path, why))

    def _missing(self, path: bytes, known: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Which of these lead nowhere any more."""
        try:
            missing = self._store.missing(path, [name for _, name in known])
        except UnreadableError:
            self._unreadable += len(known)
            return []
        return [(number, name) for number, name in known if name in missing]

    def _is_gone(self, path: bytes, name: bytes, number: int) -> bool:
        """Whether our own name leads to its bytes no more either.

        What we meant to erase ourselves, `recover` tells.
        """
        if self._is_intended(number):
            return False
        try:
            if self._store.kept(number) is None:
                return True
        except UnreadableError:
            return False
        self._store.restore(number, path, name)  # somebody removed it; its bytes are ours
        return False

    def _is_intended(self, number: int) -> bool:
        query = "SELECT 1 FROM intents WHERE ? BETWEEN first AND last"
        return self._catalogue.one(query, (number,)) is not None

    def _book_gone(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        now = self._clock.wall()
        entries: list[AnyEntry] = []
        with self._catalogue.transaction() as db:
            self._indexer.items.gone(db, numbers, now, entries)
            self._outbox.append(db, now, entries)

    def _finish(self, progress: _Progress) -> None:
        now = self._clock.wall()
        # Whatever became of the wall clock meanwhile: both by the one that it began by.
        ended = progress.began + self._clock.boottime() - progress.boottime
        self.complete = not progress.unreadable
        with self._catalogue.transaction() as db:
            if progress.epoch != self._epoch():
                self.complete = False
                return  # its first half was seen by an epoch that is over
            if self.complete:
                db.execute(
                    "INSERT INTO scans (began, ended, period, epoch) VALUES (?, ?, ?, ?)",
                    (progress.began, ended, progress.period, progress.epoch),
                )
                remembered.forget(db)
                restoring.scanned(db, progress.restored)
            forget_empty_directories(db)
            entry = Scanned(now, progress.began, progress.files, progress.unreadable)
            self._outbox.append(db, now, [entry])

    def _sight(self) -> Sight:
        """How what is seen now was seen: since the last complete scan, by this boot's clock."""
        now = self._clock.wall()
        restored = bool(self._restorations.declared())
        last = self._catalogue.one(_LAST_SCAN)
        scan, began, earliest, known, doubted = last or (0, None, None, True, 0)
        window = None if began is None else Window(began, now)
        period = self._time.sight_period(0 if known else doubted)
        sight = Sight(now, window, period, restored=restored, scan=scan)
        seen = Instant(now - self._time.most_ahead(period))
        return or_earlier(sight, seen, earliest, Instant(now - self._clock.boottime()))

    def _epoch(self) -> int:
        epoch: int = self._catalogue.value("SELECT epoch FROM agent")
        return epoch

    def _relink(self, number: int, links: int) -> None:
        with self._catalogue.transaction() as db:
            db.execute("UPDATE items SET links = ? WHERE number = ?", (links, number))

    def _forget_others(self, numbers: Sequence[int]) -> None:
        with self._catalogue.transaction() as db:
            db.executemany("DELETE FROM others WHERE number = ?", [(n,) for n in numbers])

    def _notice_marks(
        self, directory: bytes, names: Sequence[bytes], *, afresh: bool = False
    ) -> None:
        """Remember which of these recordings have an incident marker, for who holds them."""
        with suppress(UnreadableError):  # the scan has told it
            marked = self._store.marked(directory, names, afresh=afresh)
            self.marked |= {(directory, name): mark for name, mark in marked.items()}


def _may_be_ours(found: Found) -> bool:
    """Whether it is worth a look at its bytes; a part of a whole is ours whatever they are."""
    return found.part is not None or may_be_media(found.called)


def _by_directory(recordings: Iterable[Recording]) -> dict[bytes, list[bytes]]:
    names: dict[bytes, list[bytes]] = defaultdict(list)
    for recording in recordings:
        names[recording.directory].append(recording.name)
    return names


def _steps(found: Iterator[Found], size: int) -> Iterator[Sequence[Found]]:
    while step := list(islice(found, size)):
        yield step
