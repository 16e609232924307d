"""Two readings of the time: the wall clock for dating and alarms, a lower bound for erasing.

Erasing believes min(wall clock, last authenticated time + own running time since). Power-off
counts zero, so whatever any clock says, nothing is erased before it is due by the true time
(I13). A jump of the wall clock against the boot clock pauses erasing until it is explained.
"""

import time
from pathlib import Path
from typing import Protocol

from agents.engine.catalogue import Catalogue
from retention.calendar import Instant

#: A wall clock this many seconds off is wrong; less is what networks and crystals do.
WRONG_SECONDS = 120


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


class TrustedTime:
    """The lower bound, kept in the catalogue across restarts, and whether the wall clock is trusted."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._zero = self._wall_at_boot()
        self.trusted = True
        self.offset = 0  # wall clock minus the enforcer's time, as of the last answer

    def lower_bound(self) -> Instant | None:
        """An instant that has certainly passed; None until the enforcer's time was ever known."""
        row = self._catalogue.one("SELECT bound, boot, boottime FROM clock")
        if row is None:
            return None
        bound, boot, since = row
        ran = self._clock.boottime() - (since if boot == self._clock.boot() else 0)
        return Instant(min(self._clock.wall(), bound + max(ran, 0)))

    def authenticated(self, now: Instant) -> int:
        """The enforcer said what time it is. Gives by how many seconds the wall clock is ahead.

        The bound never goes back: of two authenticated times the later one, run on, holds.
        """
        known = self._bound_alone()
        self._store(now if known is None else Instant(max(now, known)))
        self._judge(now - self._clock.boottime())
        self.offset = self._clock.wall() - now
        self._zero = self._wall_at_boot()
        self.trusted = abs(self.offset) <= WRONG_SECONDS
        return self.offset

    def tick(self) -> bool:
        """Keep the running time, and look for a jump; call once a minute. Gives `trusted`."""
        bound = self._bound_alone()
        if bound is not None:
            self._store(bound)
        zero = self._wall_at_boot()
        if abs(zero - self._zero) > WRONG_SECONDS and not self._clock.synchronised():
            self.trusted = False
        self._zero = zero
        return self.trusted

    def period(self) -> int:
        """The catalogue's number of the present stretch of the wall clock; 0 if it is known right."""
        zero, boot = self._wall_at_boot(), self._clock.boot()
        row = self._catalogue.one(
            "SELECT id, offset FROM periods WHERE boot = ? AND abs(zero - ?) <= ?",
            (boot, zero, WRONG_SECONDS),
        )
        if row is None:
            with self._catalogue.transaction() as db:
                db.execute("INSERT INTO periods (boot, zero) VALUES (?, ?)", (boot, zero))
            return self.period()
        return 0 if row[1] == 0 else int(row[0])

    def _judge(self, true_zero: int) -> None:
        """Now that the true time is known, say how wrong each stretch of this boot was."""
        self.period()
        with self._catalogue.transaction() as db:
            db.execute(
                "UPDATE periods SET offset = CASE WHEN abs(zero - ?1) <= ?2 THEN 0 ELSE zero - ?1 END"
                " WHERE boot = ?3",
                (true_zero, WRONG_SECONDS, self._clock.boot()),
            )
            db.execute(
                "UPDATE items SET period = 0 WHERE period IN"
                " (SELECT id FROM periods WHERE offset = 0)"
            )

    def _bound_alone(self) -> Instant | None:
        """The bound without the wall clock's say, so that a slow wall clock does not hold it back."""
        row = self._catalogue.one("SELECT bound, boot, boottime FROM clock")
        if row is None:
            return None
        ran = self._clock.boottime() - (row[2] if row[1] == self._clock.boot() else 0)
        return Instant(row[0] + max(ran, 0))

    def _store(self, bound: Instant) -> None:
        with self._catalogue.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?)",
                (bound, self._clock.boot(), self._clock.boottime()),
            )

    def _wall_at_boot(self) -> int:
        return self._clock.wall() - self._clock.boottime()
