"""Two readings of the time: the wall clock for dating and alarms, a lower bound for erasing.

Erasing believes min(wall clock, last authenticated time + own running time since). Power-off
counts zero, so whatever any clock says, nothing is erased before it is due by the true time
(I13). A jump of the wall clock against the boot clock pauses erasing until it is explained. An
enforcer that contradicts its own earlier word can hold erasing back, but dates nothing anew.

What was seen by the wall clock is as sure as that clock was. Nothing goes by a date from a stretch
of it that nobody has confirmed (`CONFIRMED`): the machine's time service does so at once, the
enforcer's word for the present boot to the second. Of an earlier boot it shows no more than the
latest that it can have been, all power-off since counted, and so what was seen then goes rather
late than early. So does what a machine saw that was paused since, all its clocks with it.
Against the wall clock it is one word against another, and all is dated by it that this boot has seen; but
for good only when the two agree. An enforcer that tells a wrong time, and the right one later or to the
next boot, makes nothing early by that.
"""

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from agents.engine.clockwatch import WRONG_SECONDS, Watch
from agents.engine.memory.catalogue import Catalogue
from retention.calendar import Instant
from retention.errors import VerificationError

#: To the year 2242: no clock that says more can be told in a log entry (`retention.report`).
LAST_INSTANT = 2**33 - 1


#: In a query on `items`: seen by a stretch of the wall clock that was right, as far as is known, after
#: a scan of which one knows as much.
CONFIRMED = (
    "(period = 0 OR period IN"
    " (SELECT id FROM periods WHERE coalesce(offset, 1 - vouched) = 0 AND back_to = 0))"
)
#: In a query with `periods` joined to what may have none: how wrong that stretch was is known.
KNOWN = "(periods.id IS NULL OR offset IS NOT NULL OR vouched)"
#: There too: by how many seconds that stretch can have been ahead. Of a boot that was never told the time
#: that is more than its offset, by as long as nobody knows when the power was off. Before any word at all it
#: is taken for right: no class is activated yet.
MOST_AHEAD = """
CASE WHEN periods.id IS NULL OR offset = 0 THEN 0 WHEN vouched THEN coalesce(offset, 0)
     WHEN offset IS NULL THEN max(periods.zero - coalesce(floor, periods.zero), 0)
     ELSE max(periods.zero - coalesce(floor, (SELECT commissioned_at FROM agent)), offset) END
"""

# Nobody has judged it, or the enforcer alone.
_UNSETTLED = "(offset IS NULL OR NOT agreed)"
# Of each earlier boot, the last one first: what had passed for certain when it began, by the enforcer's word
# if it was told the time, the least of all stretches that are not settled; and how long it ran at least.
_EARLIER_BOOTS = f"""
SELECT boot, min(CASE WHEN {_UNSETTLED} THEN coalesce(zero - offset, floor) END), max(max(
       coalesce((SELECT max(seen) FROM items WHERE period <> 0 AND period = periods.id), zero),
       coalesce((SELECT max(ended) FROM scans WHERE period = periods.id), zero),
       coalesce((SELECT max(until) FROM watched WHERE period = periods.id), zero)) - zero)
  FROM periods WHERE boot <> ? GROUP BY boot ORDER BY min(id) DESC
"""  # noqa: S608 - a constant of ours
# By how much a stretch was ahead of which that is not known, nobody can say, unless it is this one.
_CLOCKS_OF = f"""
SELECT DISTINCT coalesce(offset, 0), {MOST_AHEAD}
  FROM watched LEFT JOIN periods ON periods.id = period
 WHERE since < ?1 AND ?1 <= max(until, CASE WHEN watched.id = ?2 THEN ?3 ELSE until END)
   AND (watched.id = ?2 OR {KNOWN})
"""  # noqa: S608 - constants of ours
_ANY_UNSETTLED = f"SELECT 1 FROM periods WHERE boot <> ? AND {_UNSETTLED} LIMIT 1"  # noqa: S608 - constants
_BEGAN = "SELECT min(zero - offset) FROM periods WHERE boot = ?"
# What seems to have been slow was right, perhaps, and the machine paused since: that early it can be, unless
# more had passed for certain when that boot began. By the enforcer's word alone no stretch of this boot was
# right, and each can be judged again.
_JUDGE = f"""
UPDATE periods SET agreed = ?4,
       floor = CASE WHEN floor <= zero + ?2 AND zero < ?1 - ?2 THEN floor ELSE ?1 END,
       offset = CASE WHEN abs(zero - ?1) <= ?2 THEN 0 ELSE zero - ?1 END
 WHERE boot = ?3 AND (?4 OR {_UNSETTLED} AND abs(zero - ?1) > ?2)
"""  # noqa: S608 - a constant of ours
_JUDGE_BOOT = f"""
UPDATE periods SET agreed = 1,
       offset = CASE WHEN vouched OR abs(zero - ?1) <= ?2 THEN 0 ELSE zero - ?1 END
 WHERE boot = ?3 AND {_UNSETTLED}
"""  # noqa: S608 - a constant of ours
# Unless another thread was faster.
_BEGIN_PERIOD = """
INSERT INTO periods (boot, zero, floor)
SELECT ?1, ?2, ?3 WHERE NOT EXISTS
       (SELECT 1 FROM periods WHERE boot = ?1 AND abs(zero - ?2) <= ?4 AND back_to = 0)
"""
_IN_DOUBT_AGAIN = (
    "UPDATE items SET period = ?1 WHERE period = 0 AND seen BETWEEN ?2 AND ?3",
    "UPDATE scans SET period = ?1 WHERE period = 0 AND began BETWEEN ?2 AND ?3",
    "UPDATE watched SET period = ?1 WHERE period = 0 AND until >= ?2 AND since <= ?3",
)
# Stretches of a boot that were right when it was told the time, and are not right by that any more.
_NO_LONGER_RIGHT = """
SELECT id, zero FROM periods WHERE boot = ? AND offset = 0 AND back_to = 0 AND abs(zero - ?) > ?
"""
_REACHING_BACK = """
INSERT INTO periods (boot, zero, floor, vouched, back_to)
SELECT boot, zero, floor, vouched, ?1 FROM periods
 WHERE boot = ?2 AND abs(zero - ?3) <= ?4 AND back_to = 0
"""


def is_confirmed(db: sqlite3.Connection, period: int) -> bool:
    """Whether nothing is in doubt that was seen by this stretch of the wall clock; see `CONFIRMED`."""
    query = f"SELECT {CONFIRMED} FROM (SELECT ? AS period)"  # noqa: S608 - a constant of ours
    return period == 0 or bool(db.execute(query, (period,)).fetchone()[0])


class Clock(Protocol):
    """What the machine's clocks say. Whole seconds."""

    def wall(self) -> Instant:
        """The wall clock."""

    def boottime(self) -> int:
        """Seconds since boot, suspended time included (CLOCK_BOOTTIME)."""

    def boot(self) -> str:
        """The random id of this boot."""

    def synchronised(self) -> bool:
        """Whether the machine's time service says that the wall clock is right."""


class SystemClock:
    """The real clocks of a Linux machine."""

    def __init__(self, *, proc: Path = Path("/proc"), run: Path = Path("/run")) -> None:
        self._boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        self._synchronised = run / "systemd/timesync/synchronized"

    def wall(self) -> Instant:
        """See `Clock`."""
        return Instant(int(time.time()))  # noqa: TID251 - the one place that reads it

    def boottime(self) -> int:
        """See `Clock`."""
        return int(time.clock_gettime(time.CLOCK_BOOTTIME))

    def boot(self) -> str:
        """See `Clock`."""
        return self._boot

    def synchronised(self) -> bool:
        """See `Clock`."""
        return self._synchronised.exists()


class _Kept(NamedTuple):
    """What the catalogue has of the time, run on to now; see its table `clock`."""

    bound: Instant
    highest: Instant
    heard: str
    told: int


class TrustedTime:
    """The lower bound, kept in the catalogue across restarts, and whether the wall clock is trusted."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._turn = threading.Lock()  # of who reads what was kept and keeps it on
        self._watch = Watch(catalogue, clock)
        self._zero = self._wall_at_boot()
        self.offset = 0  # wall clock minus the enforcer's time, jumps since its answer counted in

    @property
    def trusted(self) -> bool:
        """Whether the wall clock is right as far as anybody has said; a jump needs explaining."""
        return abs(self.offset) <= WRONG_SECONDS

    def lower_bound(self) -> Instant | None:
        """An instant that has certainly passed; None until the enforcer's time was ever known."""
        kept = self._kept()
        return None if kept is None else Instant(min(self._clock.wall(), kept.bound))

    def latest(self) -> Instant:
        """The latest that it can be: what is to be waited for from now on counts from here.

        By as much as the wall clock is known to be ahead, it is not; never below what has passed.
        """
        kept = self._kept()
        ahead = 0 if self.trusted else max(self.offset, 0)
        wall = Instant(self._clock.wall() - ahead)
        return wall if kept is None else max(wall, kept.bound)

    def authenticated(self, now: Instant) -> int:
        """The enforcer said what time it is. Gives by how many seconds the wall clock is ahead.

        `VerificationError` for a time that no clock can show.
        """
        if not 0 <= now <= LAST_INSTANT:
            raise VerificationError(f"{now} is no time an enforcer can mean")
        with self._turn:
            return self._heard(now)

    def _heard(self, now: Instant) -> int:
        self._follow_jump()
        kept = self._kept()
        self.offset = self._clock.wall() - now
        told = self._clock.boottime()
        if kept is None:
            self._store(now, now, self._clock.boot(), told)
        elif kept.heard == self._clock.boot() and now > kept.highest + WRONG_SECONDS:
            # Time does not leap while a machine runs; but a paused one's wall clock says so too.
            if not self.trusted:
                self._store(now, *kept[1:])
                return self.offset
            self._paused(Instant(now - told), since=kept.told)
            self._store(now, kept.highest, kept.heard, told)
        else:
            self._store(now, max(now, kept.highest), self._clock.boot(), told)
        if kept is None or now >= kept.highest - WRONG_SECONDS:
            self._judge(now - self._clock.boottime(), 0 if kept is None else now - kept.highest)
        return self.offset

    def tick(self) -> bool:
        """Keep the running time, and look for a jump; call once a minute. Gives `trusted`."""
        with self._turn:
            kept = self._kept()
            if kept is not None:
                self._store(*kept)
            self._follow_jump()
        if self._clock.synchronised():
            self._vouch()
        self._watch.look(self.period())
        return self.trusted

    def clocks_of(self, written: Instant) -> Sequence[tuple[int, int]]:
        """By how many seconds each clock that may have written this was ahead, and can have been.

        None: nobody watched.
        """
        args = (written, self._watch.present(), self._clock.wall())
        return [(ahead, most) for ahead, most in self._catalogue.rows(_CLOCKS_OF, args)]

    def sight_period(self, scan: int = 0) -> int:
        """The number for what is seen now, after a scan of that number that is in doubt; 0: of none.

        Both have to be known before it is certain when it came; then it is dated again.
        """
        number, boot, zero = self.period(), self._clock.boot(), self._wall_at_boot()
        self._watch.begin(number)
        if scan in {0, number}:
            return number
        row = self._catalogue.one(
            "SELECT id FROM periods WHERE boot = ? AND abs(zero - ?) <= ? AND back_to = ?",
            (boot, zero, WRONG_SECONDS, scan),
        )
        if row is None:
            with self._catalogue.transaction() as db:
                db.execute(_REACHING_BACK, (scan, boot, zero, WRONG_SECONDS))
            return self.sight_period(scan)
        return int(row[0])

    def most_ahead(self, period: int) -> int:
        """By how many seconds the clock of a stretch can be ahead, as far as anybody has said by now."""
        query = f"SELECT {MOST_AHEAD} FROM periods WHERE id = ?"  # noqa: S608 - a constant of ours
        return int(self._catalogue.value(query, (period,)) or 0)

    def period(self) -> int:
        """The catalogue's number of the present stretch of the wall clock; 0 if it is known right."""
        zero, boot = self._wall_at_boot(), self._clock.boot()
        row = self._catalogue.one(
            "SELECT id, offset FROM periods WHERE boot = ? AND abs(zero - ?) <= ? AND back_to = 0",
            (boot, zero, WRONG_SECONDS),
        )
        if row is None:
            kept = self._kept()
            floor = None if kept is None else kept.highest - self._clock.boottime()
            with self._catalogue.transaction() as db:
                db.execute(_BEGIN_PERIOD, (boot, zero, floor, WRONG_SECONDS))
            return self.period()
        return 0 if row[1] == 0 else int(row[0])

    def _follow_jump(self) -> None:
        """Count a jump into the offset; the machine's time service explains it, if it is there."""
        zero = self._wall_at_boot()
        if abs(zero - self._zero) > WRONG_SECONDS:
            self.offset = 0 if self._clock.synchronised() else self.offset + zero - self._zero
        self._zero = zero

    def _vouch(self) -> None:
        """The time service says that the wall clock is right; not if it lags what has run since."""
        zero, boot = self._wall_at_boot(), self._clock.boot()
        doubted = self._catalogue.value(
            "SELECT count(*) FROM periods WHERE boot = ?1 AND abs(zero - ?2) <= ?3"
            " AND vouched = 0 AND offset IS NULL AND coalesce(floor, ?2) <= zero + ?3",
            (boot, zero, WRONG_SECONDS),
        )
        if doubted:
            with self._catalogue.transaction() as db:
                db.execute(
                    "UPDATE periods SET vouched = 1 WHERE boot = ? AND abs(zero - ?) <= ?",
                    (boot, zero, WRONG_SECONDS),
                )

    def _paused(self, true_zero: int, *, since: int) -> None:
        """The machine stood still for a time, at some time `since` the last word in this boot.

        What a clock saw in between that was right before is in doubt again, and is dated by when it was set.
        """
        boot, ran = self._clock.boot(), self._clock.boottime()
        for period, zero in self._catalogue.rows(
            _NO_LONGER_RIGHT, (boot, true_zero, WRONG_SECONDS)
        ):
            present, reaching_back = self.period(), self.sight_period(period)
            with self._catalogue.transaction() as db:
                for query in _IN_DOUBT_AGAIN:
                    db.execute(query, (period, zero + since, zero + ran))
                # What was seen since the clock was set came after that, and by mtimes of then.
                db.execute(
                    "UPDATE items SET period = ? WHERE period = ? AND period <> 0",
                    (reaching_back, present),
                )

    def _judge(self, true_zero: int, off: int) -> None:
        """Now that the true time is known, say how wrong each stretch of the wall clock was.

        An earlier boot began at the latest `off` seconds after what was known to have passed:
        that long the power has been off since the enforcer's last word.

        Not where the machine's time service contradicts: one of the two is wrong, and a wrong
        date is worse than a late one is long. Where only the wall clock does, it is judged until
        the two agree: then for good.
        """
        if not self.trusted and self._clock.synchronised():
            return
        self.period()
        with self._catalogue.transaction() as db:
            db.execute(_JUDGE, (true_zero, WRONG_SECONDS, self._clock.boot(), self.trusted))
            if db.execute(_ANY_UNSETTLED, (self._clock.boot(),)).fetchone():
                self._judge_earlier(db, true_zero, max(off, 0))

    def _judge_earlier(self, db: sqlite3.Connection, true_zero: int, off: int) -> None:
        """Judge earlier boots, the last one first: each was over before the next one began.

        So what one saw is never taken for later than a scan of another that saw it again: that
        scan would be taken for one that had missed it, and all its dates for impossible.
        """
        ended = true_zero
        for boot, passed, ran in db.execute(_EARLIER_BOOTS, (self._clock.boot(),)).fetchall():
            latest = ended - ran if passed is None else min(ended - ran, passed + off)
            db.execute(_JUDGE_BOOT, (latest, WRONG_SECONDS, boot))
            [(began,)] = db.execute(_BEGAN, (boot,))
            ended = min(ended, began)

    def _kept(self) -> _Kept | None:
        """What was kept, without the wall clock's say, so that a slow one does not hold it back."""
        row = self._catalogue.one("SELECT bound, highest, boot, boottime, heard, told FROM clock")
        if row is None:
            return None
        bound, highest, boot, since, heard, told = row
        ran = max(self._clock.boottime() - (since if boot == self._clock.boot() else 0), 0)
        return _Kept(Instant(bound + ran), Instant(highest + ran), heard, told)

    def _store(self, bound: Instant, highest: Instant, heard: str, told: int) -> None:
        with self._catalogue.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?, ?, ?)",
                (bound, highest, self._clock.boot(), self._clock.boottime(), heard, told),
            )

    def _wall_at_boot(self) -> int:
        return self._clock.wall() - self._clock.boottime()
