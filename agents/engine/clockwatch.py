"""Since when somebody has watched the wall clock: an mtime is as good as the clock that wrote it.

A clock that was wrong for a while and is right again has left mtimes that look like any other, in
a past by now. So it is written down when the agent looked at the wall clock without a pause, and
by which stretch of it; what was written while nobody looked, nobody can date by its mtime.
"""

from typing import TYPE_CHECKING

from agents.engine.memory.catalogue import Catalogue

if TYPE_CHECKING:
    from agents.engine.clock import Clock

#: Nobody sets a clock wrong and right again between two looks that are no further apart.
PAUSE_SECONDS = 600
#: A wall clock this many seconds off is wrong; less is what networks and crystals do.
WRONG_SECONDS = 120

_LAST_SPELL = "SELECT id, zero, until - zero FROM watched WHERE boot = ? ORDER BY id DESC LIMIT 1"


class Watch:
    """Looks at the wall clock, once a minute."""

    def __init__(self, catalogue: Catalogue, clock: "Clock") -> None:
        self._catalogue = catalogue
        self._clock = clock
        # watched.id of the present one (0: there is none yet), what the wall clock said at boot when that
        # began, and the last look, in seconds since boot. An agent that is started again goes on with it.
        left = catalogue.one(_LAST_SPELL, (clock.boot(),))
        self._spell, self._zero, self._looked = left or (0, 0, 0)

    def look(self, period: int) -> None:
        """Note for good that the wall clock is being looked at, in this stretch of it."""
        self.begin(period)
        self._looked = self._clock.boottime()
        with self._catalogue.transaction() as db:
            db.execute(
                "UPDATE watched SET until = ? WHERE id = ?", (self._clock.wall(), self._spell)
            )

    def begin(self, period: int) -> None:
        """Look at the wall clock from now on, or since the boot if that was just now."""
        if self.present():
            return
        now, boottime = self._clock.wall(), self._clock.boottime()
        since = now - boottime - 1 if boottime <= PAUSE_SECONDS else now
        with self._catalogue.transaction() as db:
            [(spell,)] = db.execute(
                "INSERT INTO watched (period, since, until, boot, zero) VALUES (?, ?, ?, ?, ?) RETURNING id",
                (period, since, now, self._clock.boot(), now - boottime),
            ).fetchall()
        self._spell, self._zero, self._looked = spell, now - boottime, boottime

    def present(self) -> int:
        """`watched.id` of the present spell, if it goes on: no jump since, and no pause; else 0."""
        boottime = self._clock.boottime()
        jumped = abs(self._clock.wall() - boottime - self._zero) > WRONG_SECONDS
        return 0 if jumped or boottime - self._looked > PAUSE_SECONDS else self._spell
