"""What is true, told by somebody who sees everything: no agent, no enforcer, no clock but the true one.

A file is known here by what really is in it and by what it says of itself. From that follows, in
a world that keeps its promise, when it may go, when it must be gone, and what holds it. Nothing
here asks the product; of it only the calendar's arithmetic is used (`retention.calendar.limits`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from retention.calendar import DAY, Instant, Limits, Period, civil_date, limits

ZONE = ZoneInfo("Europe/Riga")
PERIODS = {"terminal-image": Period(60, "D"), "contact-centre-call": Period(6, "M")}
#: The registered sources, and the class of what they record; all else has the strictest class.
CLASSES = {
    "front": "terminal-image",
    "copies": "terminal-image",
    "calls": "contact-centre-call",
}
LEAD = 18 * 3600
GRACE = DAY
UNDATED = 7 * DAY
NEVER = Instant(0)


@dataclass(slots=True)
class File:
    """One name on the store, and what is behind it.

    What is in it was recorded in `begins`..`ends`. An honest reader of all it says, who knows
    since when it lies there, starts its period in `earliest`..`latest`. It `came` to the store at
    that true time; `says` are all the starts that it claims, true or not.
    """

    path: str
    inode: int
    content: int
    begins: Instant
    ends: Instant
    earliest: Instant
    latest: Instant
    came: Instant
    says: tuple[Instant, ...] = ()
    named: bool = False  # by its registered source, with the start in the name
    undated: bool = False
    late: bool = False
    blocked: bool = False  # another name outside the store keeps its bytes
    doomed: bool = False  # two people want it erased, or it was erased before
    not_before: Instant = NEVER
    excused_until: Instant = NEVER
    holds: set[str] = field(default_factory=set)
    was: str = ""  # its source, of a held file that others removed and the agent gave a name again
    touched: Instant = NEVER  # when the world last did something to it
    met: Instant | None = None  # when the agent, as far as it remembers, first saw it

    @property
    def source(self) -> str:
        directory = self.was or self.path.partition("/")[0]
        return directory if directory in CLASSES else "unregistered"

    @property
    def record_class(self) -> str:
        return CLASSES.get(self.source, "terminal-image")


@dataclass(slots=True)
class Hold:
    """A hold as people meant it. `told`: people were told that it is effective."""

    id: str
    begins: Instant
    ends: Instant
    sources: tuple[str, ...] = ()
    files: frozenset[int] = frozenset()  # those it names, by inode
    contents: set[int] = field(default_factory=set)  # and what may have been in them
    told: bool = False
    released: bool = False
    let_go: bool = False  # and the store has heard of it

    def covers(self, file: File) -> bool:
        """Whether what is in the file was recorded then and there, or the file is named."""
        if file.inode in self.files and file.content in self.contents:
            return True
        return self._there(file) and file.begins <= self.ends and file.ends >= self.begins

    def may_cover(self, file: File) -> bool:
        """Whether anybody who reads the file could think so."""
        if file.content in self.contents or (self._there(file) and file.undated):
            return True
        begins = min(file.begins, file.earliest, *file.says, file.came)
        ends = max(file.ends, file.latest, *file.says, file.came)
        overlaps = begins - DAY <= self.ends and ends + DAY >= self.begins
        return self._there(file) and overlaps

    def _there(self, file: File) -> bool:
        return self.begins <= self.ends and (not self.sources or file.source in self.sources)


class Observer:
    """Everything there is, and what the promise demands of it."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.away: dict[int, File] = {}  # by inode, what others removed: its bytes may be kept
        self.holds: dict[str, Hold] = {}
        self.active: set[str] = set()  # classes that two people let the store erase
        self.slack = 0  # seconds that clocks have been off without anybody's calling them wrong

    def look(self) -> None:
        """Mark what the holds that people rely on cover by now; once covered, always."""
        for hold in self._standing():
            for file in self.files.values():
                if hold.covers(file):
                    file.holds.add(hold.id)

    def release(self, hold: str, now: Instant) -> None:
        """Two people end a hold: what it held has a day of grace."""
        self.holds[hold].released = True
        for file in [*self.files.values(), *self.away.values()]:
            if hold in file.holds:
                file.holds.discard(hold)
                file.not_before = Instant(max(file.not_before, now + GRACE - self.slack))
        for file in self.files.values():
            if self.holds[hold].may_cover(file):
                self.excuse(file, now + 2 * GRACE)  # until the store has heard of it

    def let_go(self, hold: str, now: Instant) -> None:
        """The store has heard of a release: from here on the day of grace runs there."""
        for file in self.files.values():
            if self.holds[hold].may_cover(file):
                self.excuse(file, now + GRACE)

    def excuse(self, file: File, until: int) -> None:
        """It may be there, old or not, until then."""
        file.excused_until = Instant(max(file.excused_until, until))

    def limits_of(self, file: File, begins: Instant) -> Limits:
        """The limits of a recording of that start in the file's class."""
        period = PERIODS[file.record_class]
        return limits(civil_date(begins, ZONE), period, ZONE, LEAD)

    def why_it_stays(self, file: File, now: Instant) -> str:
        """Why the agent may not erase this file now; "" if it may."""
        if file.holds:
            return f"held by {', '.join(sorted(file.holds))}"
        if file.doomed:
            return ""
        if file.record_class not in self.active:
            return "its class was never activated"
        if now < file.not_before:
            return "its day of grace is not over"
        if file.undated and now + self.slack >= file.came + UNDATED:
            return ""
        due_at = self.limits_of(file, Instant(file.earliest - self.slack)).due_at
        return "" if now + self.slack >= due_at else f"it is due in {due_at - now} seconds"

    def must_be_gone_by(self, file: File) -> Instant | None:
        """When a file has to be gone; None while something keeps it, or another name of it."""
        targets = [self._target(name) for name in self.of_inode(file.inode)]
        return None if None in targets else max(filter(None, targets))

    def _target(self, file: File) -> Instant | None:
        if file.blocked or file.record_class not in self.active or self.may_be_held(file):
            return None
        latest = Instant(file.latest + self.slack)
        own_target = self.limits_of(file, latest).must_be_gone_by
        if file.met is None and (file.undated or file.late):
            return None
        if file.undated:
            own_target = Instant(file.met + UNDATED + GRACE)
        elif file.late:
            own_target = Instant(max(own_target, file.met + 2 * GRACE))
        if file.excused_until:
            own_target = Instant(max(own_target, file.excused_until + GRACE))
        return Instant(own_target + self.slack)

    def overdue(self, now: Instant) -> Iterator[File]:
        """Files that break the promise, or our own target."""
        for file in self.files.values():
            gone_by = self.must_be_gone_by(file)
            if gone_by is not None and gone_by < now:
                yield file

    def may_be_held(self, file: File) -> bool:
        """Whether a hold that was not released could hold it, for somebody who reads the file."""
        return bool(file.holds) or any(
            hold.may_cover(file) for hold in self.holds.values() if not hold.released
        )

    def counted(self) -> Mapping[str, int]:
        """Names on the store, by class."""
        counts: dict[str, int] = {}
        for file in self.files.values():
            counts[file.record_class] = counts.get(file.record_class, 0) + 1
        return counts

    def of_inode(self, inode: int) -> list[File]:
        """Every name of these bytes."""
        return [file for file in self.files.values() if file.inode == inode]

    def _standing(self) -> Iterator[Hold]:
        return (hold for hold in self.holds.values() if hold.told and not hold.released)
