"""What is true, told by somebody who sees everything: no agent, no enforcer, no clock but the true one.

A file is known here by what really is in it and by what it says of itself. From that follows, in
a world that keeps its promise, when it may go, when it must be gone, and what holds it. Nothing
here asks the product; of it only the calendar's arithmetic is used (`retention.calendar.limits`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
#: Between two sweeps of a healthy store, and until somebody has let go of a brake meanwhile.
SWEPT_WITHIN = 12 * 3600
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
    forgotten: bool = False  # and has a date for who believes what it says
    untold: bool = False  # seen, or come after a scan, in a boot that nobody told the time
    unsure: int = 0  # and so many seconds without power since
    doubted: bool = False  # first seen by a wrong clock: a hold that came before it was right has it at its widest
    late: bool = False
    nearly_late: bool = False  # by clocks that differ by as little as they may
    blocked: bool = False  # another name outside the store keeps its bytes
    asked: bool = False  # two people want it erased, as what it was or as what it is
    erase_by: Instant | None = None  # and the store has heard of it
    corrected: Instant | None = (
        None  # the start that two people gave it, of which the store has heard
    )
    held_by_own: frozenset[str] = frozenset()  # the holds that had come there before that
    doomed: bool = False  # it was erased before
    had: frozenset[int] = frozenset()  # what was in it before it was overwritten
    overwritten: bool = False  # since it was dated: its date says nothing of what is in it now
    not_before: Instant = NEVER
    excused_until: Instant = NEVER
    holds: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)  # what may have held it once may hold it still
    was: str = ""  # its source, of a held file that others removed and the agent gave a name again
    title: str = ""  # what its recorder calls it, where the agent calls it otherwise
    whole: str = ""  # the call that it is a part of: all parts have one content here
    recording: bool = True  # and not something beside one
    begun: bool = False  # an upload that nobody has completed
    replaces: bool = False  # another recording that had this name
    touched: Instant = NEVER  # when the world last did something to it
    met: Instant | None = None  # when the agent, as far as it remembers, first saw it

    @property
    def source(self) -> str:
        directory = self.was or self.path.partition("/")[0]
        return directory if directory in CLASSES else "unregistered"

    @property
    def well_dated(self) -> bool:
        """Whether its name still says its start, by the pattern of its source."""
        name = (self.title or self.path).rpartition("/")[2]
        return self.named and self.source in CLASSES and name[:1].isdigit()

    @property
    def corrects_a_copy(self) -> bool:
        """Whether people gave it a date, and it lies where what has one comes late."""
        return self.corrected is not None and self.source == "copies"

    @property
    def item(self) -> str:
        """What it is one item by: itself, or with others a call."""
        return self.whole or self.path

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
    let_go: Instant | None = None  # and when the store has heard of it
    omitted: bool = False  # by a hijacked enforcer

    def covers(self, file: File) -> bool:
        """Whether what is in the file was recorded then and there, or the file is named.

        When it was is what two people said, for a hold that came after them.
        """
        if file.inode in self.files and file.content in self.contents:
            return True
        begins, ends = file.begins, file.ends
        if file.corrected is not None and self.id not in file.held_by_own:
            begins = ends = file.corrected
        return self._there(file) and begins <= self.ends and ends >= self.begins

    def may_cover(self, file: File) -> bool:
        """Whether anybody who reads the file could think so."""
        vague = file.undated or file.doubted
        if file.content in self.contents or (self._there(file) and vague):
            return True
        unsure = Instant(file.latest + file.unsure)
        moments = [file.begins, file.ends, file.earliest, file.latest, unsure, file.came]
        moments += [moment for moment in file.says if moment]
        return self._there(file) and min(moments) <= self.ends and max(moments) >= self.begins

    def _there(self, file: File) -> bool:
        return self.begins <= self.ends and (not self.sources or file.source in self.sources)


class Observer:
    """Everything there is, and what the promise demands of it."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.away: dict[int, File] = {}  # by inode, what others removed: its bytes may be kept
        self.holds: dict[str, Hold] = {}
        self.active: set[str] = set()  # classes that two people let the store erase
        self.asked: set[int] = set()  # contents that two people want erased, under every name
        self.corrected: dict[int, list[Instant]] = {}  # contents to which two people gave a start
        self.slack = 0  # seconds that clocks have been off without anybody's calling them wrong

    def look(self) -> None:
        """Mark what the holds that people rely on cover by now; once covered, always.

        What has the same content is the same recording, once the agent has met both.
        """
        for hold in self.holds.values():
            if not hold.let_go:
                matched = {file.content for file in self.files.values() if hold.may_cover(file)}
                for file in self.files.values():
                    if file.content in matched:
                        file.perhaps.add(hold.id)
        for hold in self._standing():
            contents = set()
            for file in self.files.values():
                if self._covers(hold, file):
                    file.holds.add(hold.id)
                if hold.id in file.holds and file.met is not None:
                    contents.add(file.content)
            for file in self.files.values():
                if file.met is not None and file.content in contents:
                    file.holds.add(hold.id)

    def release(self, hold: str, now: Instant) -> None:
        """Two people end a hold: what it held has a day of grace."""
        self.holds[hold].released = True
        for file in [*self.files.values(), *self.away.values()]:
            if hold in file.holds:
                file.holds.discard(hold)
                file.not_before = Instant(max(file.not_before, now + GRACE - self.slack))

    def let_go(self, hold: str, now: Instant) -> None:
        """The store has heard of a release: from here on the day of grace runs there."""
        self.holds[hold].let_go = now

    def lose(self, hold: str) -> None:
        """Nobody tells a store that has lost its memory of this hold: nothing can keep it there."""
        self.holds[hold].told = False
        for file in self.files.values():
            file.holds.discard(hold)

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
        if file.record_class not in self.active:
            return "its class was never activated"
        if now < file.not_before and not file.doomed:
            return "its day of grace is not over"
        if file.doomed or file.asked or file.content in self.asked:
            return ""
        if file.undated and now + self.slack >= file.came + UNDATED:
            return ""
        earliest = min([file.earliest, *self.corrected.get(file.content, ())])
        due_at = self.limits_of(file, Instant(earliest - self.slack)).due_at
        return "" if now + self.slack >= due_at else f"it is due in {due_at - now} seconds"

    def must_be_gone_by(
        self, file: File, *, asked: bool = True, promised: bool = False
    ) -> Instant | None:
        """When a file has to be gone; None while something keeps it, or another name of it.

        With `asked` also because two people want it so, and not only because its time is over. With
        `promised` no machine is excused that did not know the time.
        """
        names = self.of_inode(file.inode)
        targets = [self._target(name, asked=asked, promised=promised) for name in names]
        return None if None in targets else max(filter(None, targets))

    def _target(self, file: File, *, asked: bool, promised: bool) -> Instant | None:
        if file.blocked or file.record_class not in self.active or self.may_be_held(file):
            return None
        latest = Instant(self._latest(file, promised=promised) + self.slack)
        own_target = self.limits_of(file, latest).must_be_gone_by
        late = file.late or (self.slack and file.nearly_late) or file.corrects_a_copy
        if file.met is None and (file.undated or late):
            return None
        if file.undated and file.content not in self.corrected:
            week_is_over = Instant(file.met + UNDATED + SWEPT_WITHIN)
            own_target = max(own_target, week_is_over) if file.forgotten else week_is_over
        elif late:
            own_target = Instant(max(own_target, file.met + GRACE + SWEPT_WITHIN))
        if latest < file.latest:  # by its twins: as soon as they are known, and as the last of them
            met = max(twin.met for twin in self.twins(file) if twin.met)
            own_target = Instant(max(own_target, met + GRACE + SWEPT_WITHIN))
        if asked and file.erase_by is not None and file.met is not None:
            own_target = min(
                own_target, Instant(max(file.erase_by, file.not_before) + SWEPT_WITHIN)
            )
        excused_until = max([file.excused_until, *self._graces(file)])
        if excused_until:
            own_target = Instant(max(own_target, excused_until + SWEPT_WITHIN))
        return Instant(own_target + self.slack + (0 if promised else file.unsure))

    def _latest(self, file: File, *, promised: bool) -> Instant:
        """The latest start that an honest reader gives it, who has met its copies too.

        A name by the pattern of its source is as good a date as there is here.
        """
        said = self.corrected.get(file.content, ())
        if file.met is None or said:
            return max([file.latest, *said])
        dated = [twin for twin in self.twins(file) if twin.met and twin.well_dated]
        excused = [twin.latest + (0 if promised else twin.unsure) for twin in dated]
        return Instant(min([file.latest, *excused]))

    def overdue(
        self, now: Instant, *, asked: bool = True, promised: bool = False
    ) -> Iterator[File]:
        """Files that break the promise, or our own target; see `must_be_gone_by`."""
        for file in self.files.values():
            gone_by = self.must_be_gone_by(file, asked=asked, promised=promised)
            if gone_by is not None and gone_by < now:
                yield file

    def may_be_held(self, file: File) -> bool:
        """Whether a hold that the store has not let go could hold it, for somebody who reads the file."""
        return bool(file.holds) or any(
            hold.id in file.perhaps or any(hold.may_cover(twin) for twin in self.twins(file))
            for hold in self.holds.values()
            if not hold.let_go
        )

    def _graces(self, file: File) -> Iterator[Instant]:
        """When the days of grace end of all that may have held it, had it been known already or not."""
        for hold in self.holds.values():
            if hold.let_go and any(hold.may_cover(twin) for twin in self.twins(file)):
                yield Instant(hold.let_go + GRACE)

    def counted(self) -> Mapping[str, int]:
        """Names on the store, by class; all parts of a call are one."""
        items = {file.item: file.record_class for file in self.files.values()}
        return Counter(items.values())

    def of_inode(self, inode: int) -> list[File]:
        """Every name of these bytes."""
        return [file for file in self.files.values() if file.inode == inode]

    def twins(self, file: File) -> list[File]:
        """Every file of the same content, itself among them."""
        return [twin for twin in self.files.values() if twin.content == file.content]

    def _covers(self, hold: Hold, file: File) -> bool:
        """Whether it was recorded then, also for who believes what two people made of its start since."""
        said = self.corrected.get(file.content, ())
        told = (replace(file, begins=each, ends=each) for each in said)
        return all(map(hold.covers, (file, *told)))

    def _standing(self) -> Iterator[Hold]:
        return (hold for hold in self.holds.values() if hold.told and not hold.released)
