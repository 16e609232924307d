"""Look at a storage itself and say what is really there (docs/rules.md, Proof).

Every file, or version in a bucket, is dated anew from what it carries, by the same rules as the
agent's but without what the agent saw; neither its catalogue nor the enforcer's index is asked. Only
the signed policy and the signed list of exceptions are believed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from auditor.calls import Calls
from auditor.findings import SUCH_AS, Report
from auditor.storage import Content, Listed, Storage, What
from retention.anchor import date_recording
from retention.bundle import Counted, Rescanned
from retention.calendar import Instant, civil_date
from retention.classes import RecordClass
from retention.errors import GoneError, MalformedError, UnreadableError
from retention.exceptions import FROM_BACKUP, GOOD_FOR_SECONDS, Exceptions, Reason, Recogniser
from retention.media import MediaKind
from retention.policy import UNREGISTERED, Chain, Source
from retention.probes import NamePattern, Probed

PRIVATE = b".retention"
"""The agent's own directory in the root: second names of held files, and what is on its way out."""


_UNREAD_TOLD = 3


class Standing(StrEnum):
    """What the storage's own evidence says of a file."""

    IN_TIME = "in_time"
    EXCEPTED = "excepted"  # past its time or undated, and the list of exceptions names it
    KEPT = "kept"  # a second name of something that the list names
    OVERDUE = "overdue"  # past the operator's own target
    PAST_LIMIT = "past_limit"
    UNDATED = "undated"


_LATE = {
    Standing.PAST_LIMIT: "past the limit",
    Standing.OVERDUE: "past the operator's own target",
}
_WORDS = {
    What.RECORDING: "recordings",
    What.UPLOAD: "unfinished uploads",
    What.MARKER: "delete markers without a version",
}


class Judged(NamedTuple):
    """One recording, or what is left of one. `note`: where its date was found, or why the list names it."""

    path: bytes
    source: str
    record_class: str
    civil: date | None
    standing: Standing
    size: int
    note: str
    what: What = What.RECORDING


class Batch(NamedTuple):
    """What is counted together; `civil` is None for what has no date."""

    record_class: str
    civil: date | None
    standing: Standing
    what: What = What.RECORDING


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
    are of one call, `names` whether a finding may name a file. Counts are complete once
    `recordings` has been read to its end.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        chain: Chain,
        group: str,
        exceptions: Exceptions | None,
        now: Instant,
        calls: Calls[Judged] | None = None,
        names: bool = True,
    ) -> None:
        self.counts: dict[Batch, Tally] = {}
        self.kept = Tally()
        self.unregistered = Tally()
        self.others = 0
        self.unread = 0
        self.unread_told: list[str] = []
        self._storage = storage
        self._group = group
        self._chain = chain
        self._register = _Register(chain, group)
        self._exceptions = exceptions
        self._recogniser = Recogniser(exceptions) if exceptions else None
        self._calls = calls
        self._told = _UNREAD_TOLD if names else 0
        self.by_call = 0
        self._now = now
        self._limits = lru_cache(maxsize=4096)(chain.limits_of)

    def recordings(self) -> Iterator[Judged]:
        """Judge every recording in the storage, as it is found, and count it."""
        for listed in self._storage(self._could_not_read):
            try:
                judged = self._look(listed)
            except GoneError:
                continue  # it went meanwhile, or is a link, a pipe, a socket
            except (UnreadableError, MalformedError) as error:
                self._could_not_read(listed.label, str(error))
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
        if not (self.counts or self.others or self.unread):
            report.unknown("storage", "nothing at all lies there: is it the store's root?")
        self._tell_time(report)
        for what, undated in self._files(Standing.UNDATED):
            report.unknown("dates", f"{undated} {what} cannot be dated, and no list names them")
        if self.unread:
            such = f"{SUCH_AS}{'; '.join(self.unread_told)}" if self.unread_told else ""
            report.unknown("reading", f"{self.unread} names could not be read{such}")
        if self.unregistered.files:
            report.ok(
                "sources", f"recordings in no registered directory: {self.unregistered.files}"
            )
        self._tell_list(report)
        return report

    def report(self, number: str, store: str) -> Rescanned:
        """All of it without a single name, to be handed in; `number` is the inspector's own."""
        return Rescanned(
            number=number,
            store=store,
            group=self._group,
            at=self._now,
            policy=self._chain.current.version,
            verdict=self.conclude().verdict.value,
            counts=tuple(self._counted()),
            unregistered=self.unregistered.files,
            unread=self.unread,
        )

    def _counted(self) -> Iterator[Counted]:
        """As a report counts it: what is left of a recording together with recordings."""
        together: dict[tuple[str, date | None, Standing], Tally] = {}
        for (name, civil, standing, _), tally in self.counts.items():
            total = together.setdefault((name, civil, standing), Tally())
            total.files += tally.files
            total.bytes += tally.bytes
        for key in sorted(together, key=lambda each: tuple(map(str, each))):
            name, civil, standing = key
            yield Counted(name, civil, str(standing), together[key].files, together[key].bytes)

    def _tell_time(self, report: Report) -> None:
        past = [(words, *each) for kind, words in _LATE.items() for each in self._files(kind)]
        if not past:
            report.ok("limits", "nothing is past its time without a reason that the list names")
        elif self._exceptions is None:
            total: Counter[str] = Counter()
            for _, what, number in past:
                total[what] += number
            for what, number in total.items():
                report.unknown("limits", f"{number} {what} are past their time; held or not?")
        else:
            report.violated(
                "limits",
                [
                    f"{number} {what} are {words}, and no exception names them"
                    for words, what, number in past
                ],
            )

    def _tell_list(self, report: Report) -> None:
        if self._exceptions is None:
            return
        age = self._now - self._exceptions.at
        if not 0 <= age <= GOOD_FOR_SECONDS:
            report.unknown("exceptions", "the list of exceptions is not of this day")
        else:
            why = Counter(each.reason.replace("_", " ") for each in self._exceptions.items)
            told = ", ".join(f"{number} {reason}" for reason, number in sorted(why.items()))
            report.ok("exceptions", f"the list names {told or 'none'}")
        if self.by_call:
            text = f"of calls that the list names, by what they are called: {self.by_call} recordings more"
            report.ok("calls", text)
        if self._exceptions.from_backup:
            report.unknown("exceptions", FROM_BACKUP)

    def _files(self, standing: Standing) -> list[tuple[str, int]]:
        """What stands so, in words, and how many of it, where there are any."""
        numbers: Counter[What] = Counter()
        for batch, tally in self.counts.items():
            if batch.standing is standing:
                numbers[batch.what] += tally.files
        return [(_WORDS[what], numbers[what]) for what in What if numbers[what]]

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
        """Judge one name; None if it is no recording, False if it waits for others of its call."""
        place = self._register.place(listed.directory)
        with listed.open() as content:
            probed = content.probed(place.below(listed.path), place.patterns)
            if probed.kind is MediaKind.OTHER and listed.what is not What.UPLOAD:
                return None
            return self._judge(listed, place, content, probed)

    def _judge(
        self, listed: Listed, place: _Place, content: Content, probed: Probed
    ) -> "Judged | Literal[False]":
        civil, note = self._date(place, probed, content.existed)
        name = place.record_class.name
        standing = self._standing(name, civil)
        if civil is None and content.existed is not None:
            standing, note = self._bounded(place, content.existed, note)
        source = place.source.id if place.source else UNREGISTERED
        judged = Judged(
            listed.label, source, name, civil, standing, content.size, note, listed.what
        )
        if standing is Standing.IN_TIME and not _is_private(judged):
            return judged
        mark = content.fingerprint()
        reason = self._recogniser.reason(mark) if self._recogniser else None
        if reason is not None:
            if self._calls:
                self._calls.listed(listed.name, mark, reason)
            return _excepted(judged, reason)
        if self._calls is None:
            return judged
        self._calls.wait(judged, listed.name, mark)
        return False

    def _date(
        self, place: _Place, probed: Probed, existed: Instant | None
    ) -> tuple[date | None, str]:
        """The civil date, and how it was found."""
        zone = ZoneInfo(place.record_class.zone)
        commissioned = self._exceptions.commissioned_at if self._exceptions else Instant(0)
        dated = date_recording(
            probed.candidates,
            zone=zone,
            first_seen=self._now,
            commissioned=commissioned,
            existed=existed,
            span=probed.span_seconds or 0,
        )
        civil = None if dated.anchor is None else civil_date(dated.anchor, zone)
        return civil, dated.reason

    def _bounded(self, place: _Place, existed: Instant, note: str) -> tuple[Standing, str]:
        """Of what has no date: it is no younger than the storage's own word, and that may be too old."""
        civil = civil_date(existed, ZoneInfo(place.record_class.zone))
        standing = self._standing(place.record_class.name, civil)
        if standing is Standing.IN_TIME:
            return Standing.UNDATED, note
        return standing, f"{note}, and it has been there since {civil} at the latest"

    def _standing(self, record_class: str, civil: date | None) -> Standing:
        if civil is None:
            return Standing.UNDATED
        limits = self._limits(record_class, civil)
        if limits is None or self._now <= limits.must_be_gone_by:
            return Standing.IN_TIME
        return Standing.OVERDUE if self._now <= limits.outer_bound else Standing.PAST_LIMIT

    def _count(self, judged: Judged) -> None:
        batch = Batch(judged.record_class, judged.civil, judged.standing, judged.what)
        self.counts.setdefault(batch, Tally()).add(judged.size)
        if judged.standing is Standing.KEPT:
            self.kept.add(judged.size)
        elif judged.source == UNREGISTERED:
            self.unregistered.add(judged.size)

    def _could_not_read(self, path: bytes, why: str) -> None:
        self.unread += 1
        if len(self.unread_told) < self._told:
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
