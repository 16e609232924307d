"""Look at a storage itself and say what is really there (docs/rules.md, Proof).

Every file is dated anew from what it carries, by the same rules as the agent's but without what
the agent saw; neither its catalogue nor the enforcer's index is asked. Only the signed policy and
the signed list of exceptions are believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from auditor.calls import Calls
from auditor.findings import Report
from auditor.walk import Listed, OpenFile, walk
from retention.anchor import date_recording
from retention.bundle import Counted, Rescanned
from retention.calendar import DAY, Instant, civil_date
from retention.classes import RecordClass
from retention.errors import GoneError, MalformedError, UnreadableError
from retention.exceptions import FROM_BACKUP, Exceptions, Reason, Recogniser
from retention.fingerprint import fingerprint
from retention.media import MediaKind
from retention.policy import UNREGISTERED, Chain, Source
from retention.probes import NamePattern, Probed, probe

PRIVATE = b".retention"
"""The agent's own directory in the root: second names of held files, and what is on its way out."""

LIST_GOOD_FOR_SECONDS = DAY
"""After that a list of exceptions says nothing of today any more."""


_UNREAD_TOLD = 3


class Standing(StrEnum):
    """What the storage's own evidence says of a file."""

    IN_TIME = "in_time"
    EXCEPTED = "excepted"  # past its time or undated, and the list of exceptions names it
    KEPT = "kept"  # a second name of something that the list names
    OVERDUE = "overdue"  # past the operator's own target
    PAST_LIMIT = "past_limit"
    UNDATED = "undated"


class Judged(NamedTuple):
    """One recording. `note` says where its date was found, or why the list names it."""

    path: bytes
    source: str
    record_class: str
    civil: date | None
    standing: Standing
    size: int
    note: str


class Batch(NamedTuple):
    """What is counted together; `civil` is None for what has no date."""

    record_class: str
    civil: date | None
    standing: Standing


@dataclass(slots=True)
class Tally:
    """Files and bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one file more."""
        self.files += 1
        self.bytes += size


class _Place(NamedTuple):
    """What the policy says of a directory."""

    source: Source | None
    record_class: RecordClass
    patterns: tuple[NamePattern, ...]

    def below(self, path: bytes) -> bytes:
        """The path below the source's directory."""
        prefix = self.source.directory.encode() + b"/" if self.source else b"/"
        return path.removeprefix(prefix)


class _Register:
    """Which source and class a directory belongs to: the longest registered one that holds it."""

    def __init__(self, chain: Chain, group: str) -> None:
        policy = chain.current
        self._rest = _Place(None, chain.strictest(group), ())
        self._places: dict[bytes, _Place] = {}
        for source in policy.sources_of(group):
            record_class = policy.record_class(source.record_class)
            assert record_class is not None, "Policy.check saw to it"
            pattern = source.name_pattern
            patterns = (NamePattern.parse(pattern),) if pattern else ()
            self._places[source.directory.encode()] = _Place(source, record_class, patterns)

    def place(self, directory: bytes) -> _Place:
        """The place of a directory; what is in no register goes by the group's strictest class."""
        while directory not in self._places:
            if not directory:
                return self._rest
            directory = directory.rpartition(b"/")[0]
        return self._places[directory]


class Rescan:
    """One look at a storage.

    `exceptions` is the store's signed list, None if there is none: then what is past its time may
    still be held, and is unknown. `now` is when the auditor looks. `calls` tells which recordings
    are of one call. Counts are complete once `recordings` has been read to its end.
    """

    def __init__(
        self,
        root: str,
        *,
        chain: Chain,
        group: str,
        exceptions: Exceptions | None,
        now: Instant,
        calls: Calls[Judged] | None = None,
    ) -> None:
        self.counts: dict[Batch, Tally] = {}
        self.kept = Tally()
        self.unregistered = Tally()
        self.others = 0
        self.unread = 0
        self.unread_told: list[str] = []
        self._root = root
        self._group = group
        self._chain = chain
        self._register = _Register(chain, group)
        self._exceptions = exceptions
        self._recogniser = Recogniser(exceptions) if exceptions else None
        self._calls = calls
        self.by_call = 0
        self._now = now
        self._limits = lru_cache(maxsize=4096)(chain.limits_of)

    def recordings(self) -> Iterator[Judged]:
        """Judge every recording in the storage, as it is found, and count it."""
        for listed in walk(self._root, self._could_not_read):
            try:
                judged = self._look(listed)
            except GoneError:
                continue  # it went meanwhile, or is a link, a pipe, a socket
            except (UnreadableError, MalformedError) as error:
                self._could_not_read(listed.path, str(error))
                continue
            if judged is None:
                self.others += 1
            elif judged:
                self._count(judged)
                yield judged
        yield from self._of_calls()

    def conclude(self) -> Report:
        """What it all amounts to."""
        report = Report()
        self._tell_time(report)
        if undated := self._files(Standing.UNDATED):
            report.unknown("dates", f"{undated} recordings cannot be dated, and no list names them")
        if self.unread:
            told = "; ".join(self.unread_told)
            report.unknown("reading", f"{self.unread} names could not be read, such as {told}")
        if self.unregistered.files:
            report.ok(
                "sources", f"{self.unregistered.files} recordings lie in no registered directory"
            )
        self._tell_list(report)
        return report

    def report(self, number: str, store: str) -> Rescanned:
        """All of it without a single name, to be handed in; `number` is the inspector's own."""
        counts = sorted(self.counts.items(), key=lambda each: tuple(map(str, each[0])))
        return Rescanned(
            number=number,
            store=store,
            group=self._group,
            at=self._now,
            policy=self._chain.current.version,
            verdict=self.conclude().verdict.value,
            counts=tuple(
                Counted(b.record_class, b.civil, str(b.standing), t.files, t.bytes)
                for b, t in counts
            ),
            unregistered=self.unregistered.files,
            unread=self.unread,
        )

    def _tell_time(self, report: Report) -> None:
        late = self._files(Standing.PAST_LIMIT), self._files(Standing.OVERDUE)
        if not any(late):
            report.ok("limits", "nothing is past its time without a reason that the list names")
        elif self._exceptions is None:
            report.unknown("limits", f"{sum(late)} recordings are past their time; held or not?")
        else:
            words = "past the limit", "past the operator's own target"
            report.violated(
                "limits",
                (
                    f"{number} recordings are {what}, and no exception names them"
                    for number, what in zip(late, words, strict=True)
                    if number
                ),
            )

    def _tell_list(self, report: Report) -> None:
        if self._exceptions is None:
            return
        age = self._now - self._exceptions.at
        if not 0 <= age <= LIST_GOOD_FOR_SECONDS:
            report.unknown("exceptions", "the list of exceptions is not of this day")
        else:
            report.ok("exceptions", f"the list names {len(self._exceptions.items)}")
        if self.by_call:
            told = (
                f"{self.by_call} recordings more are called as parts of calls that the list names"
            )
            report.ok("calls", told)
        if self._exceptions.from_backup:
            report.unknown("exceptions", FROM_BACKUP)

    def _files(self, standing: Standing) -> int:
        return sum(t.files for batch, t in self.counts.items() if batch.standing is standing)

    def _of_calls(self) -> Iterator[Judged]:
        """What waited until it was known of which calls the list names a recording."""
        for judged, reason in self._calls.settle() if self._calls else ():
            settled = judged
            if reason is not None:
                settled = _excepted(judged, reason)
                self.by_call += 1
            self._count(settled)
            yield settled

    def _look(self, listed: Listed) -> "Judged | Literal[False] | None":
        """Judge one file; None if it is no recording, False if it waits for others of its call."""
        place = self._register.place(listed.directory)
        with OpenFile(listed) as file:
            probed = probe(
                file,
                name=place.below(listed.path),
                mtime_ns=file.mtime_ns,
                patterns=place.patterns,
            )
            if probed.kind is MediaKind.OTHER:
                return None
            return self._judge(listed, place, file, probed)

    def _judge(
        self, listed: Listed, place: _Place, file: OpenFile, probed: Probed
    ) -> "Judged | Literal[False]":
        civil, note = self._date(place, probed)
        name = place.record_class.name
        standing = self._standing(name, civil)
        source = place.source.id if place.source else UNREGISTERED
        judged = Judged(listed.path, source, name, civil, standing, file.size, note)
        if standing is Standing.IN_TIME and not _is_private(judged):
            return judged
        mark = fingerprint(file)
        reason = self._recogniser.reason(mark) if self._recogniser else None
        if reason is not None:
            if self._calls:
                self._calls.listed(listed.name, mark, reason)
            return _excepted(judged, reason)
        if self._calls is None:
            return judged
        self._calls.wait(judged, listed.name, mark)
        return False

    def _date(self, place: _Place, probed: Probed) -> tuple[date | None, str]:
        """The civil date, and how it was found."""
        zone = ZoneInfo(place.record_class.zone)
        commissioned = self._exceptions.commissioned_at if self._exceptions else Instant(0)
        dated = date_recording(
            probed.candidates,
            zone=zone,
            first_seen=self._now,
            commissioned=commissioned,
            span=probed.span_seconds or 0,
        )
        civil = None if dated.anchor is None else civil_date(dated.anchor, zone)
        return civil, dated.reason

    def _standing(self, record_class: str, civil: date | None) -> Standing:
        if civil is None:
            return Standing.UNDATED
        limits = self._limits(record_class, civil)
        if limits is None or self._now <= limits.must_be_gone_by:
            return Standing.IN_TIME
        return Standing.OVERDUE if self._now <= limits.outer_bound else Standing.PAST_LIMIT

    def _count(self, judged: Judged) -> None:
        batch = Batch(judged.record_class, judged.civil, judged.standing)
        self.counts.setdefault(batch, Tally()).add(judged.size)
        if judged.standing is Standing.KEPT:
            self.kept.add(judged.size)
        elif judged.source == UNREGISTERED:
            self.unregistered.add(judged.size)

    def _could_not_read(self, path: bytes, why: str) -> None:
        self.unread += 1
        if len(self.unread_told) < _UNREAD_TOLD:
            self.unread_told.append(f"{printable(path)} ({why})")


def _is_private(judged: Judged) -> bool:
    return judged.path.startswith(PRIVATE + b"/")


def _excepted(judged: Judged, reason: Reason) -> Judged:
    standing = Standing.KEPT if _is_private(judged) else Standing.EXCEPTED
    return judged._replace(standing=standing, note=str(reason))


def printable(path: bytes) -> str:
    """A name as text that can neither move a cursor nor forge a line."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
