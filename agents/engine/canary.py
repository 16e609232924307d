"""Canaries: one recording of our own a day, to see it go (docs/rules.md, Proof).

A store on which nothing has come due for weeks shows nothing about whether it erases. So where the
policy has a source of class `canary`, the agent writes a file there each day as a recorder would,
with its own date in its name. From then on nothing treats it otherwise than any recording: it is
found, dated, reported, comes due, is erased and certified, or it is overdue.
"""

import os
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agents.engine.clock import Clock, TrustedTime
from agents.engine.memory.catalogue import Catalogue
from retention.calendar import Instant, civil_date, iso
from retention.classes import CANARY
from retention.errors import StoreUnreachableError, UnwritableError
from retention.policy import Chain, Source

Plant = Callable[[bytes, bytes, bytes], None]
"""Write a file into a directory of the store: directory, name, content; `UnwritableError` if not."""

_NONCE_BYTES = 16
_PRESENT = """
SELECT count(*) FROM items JOIN words ON record_class = id WHERE word = ? AND civil = ? AND holds = 0
"""


class Canaries:
    """Plants a canary on each civil day of its class, once the store may erase at all."""

    def __init__(
        self,
        plant: Plant,
        *,
        group: str,
        catalogue: Catalogue,
        clock: Clock,
        time: TrustedTime,
        chain: Callable[[], Chain],
    ) -> None:
        self._plant = plant
        self._group = group
        self._catalogue = catalogue
        self._clock = clock
        self._time = time
        self._chain = chain
        self._planted: date | None = None
        self.failed = False

    def tick(self) -> None:
        """Plant today's, unless it was. With a clock that is in doubt its date would be no honest one."""
        source = self._source()
        if source is None or not self._time.trusted or not self._may_go():
            return
        zone, now = self._zone(), self._clock.wall()
        today = civil_date(now, zone)
        if self._planted == today:
            return
        try:
            if not self._is_there(today):
                self._plant(source.directory.encode(), *_canary(now, zone))
        except (UnwritableError, StoreUnreachableError):
            self.failed = True
            return
        self.failed, self._planted = False, today

    def _source(self) -> Source | None:
        sources = self._chain().current.sources_of(self._group)
        return next((each for each in sources if each.record_class == CANARY), None)

    def _zone(self) -> ZoneInfo:
        record_class = self._chain().current.record_class(CANARY)
        assert record_class is not None, "Policy.check saw to it"
        return ZoneInfo(record_class.zone)

    def _may_go(self) -> bool:
        query = "SELECT count(*) FROM activations WHERE record_class = ?"
        return bool(self._catalogue.value(query, (CANARY,)))

    def _is_there(self, day: date) -> bool:
        """Whether an earlier run of this program planted it, and it is not erased yet."""
        return bool(self._catalogue.value(_PRESENT, (CANARY, day.toordinal())))


def _canary(now: Instant, zone: ZoneInfo) -> tuple[bytes, bytes]:
    """A name that says when, and a JPEG without a picture that no other is the same as."""
    name = f"{datetime.fromtimestamp(now, zone):%Y%m%d-%H%M%S}-canary.jpg".encode()
    text = f"retention canary {iso(now, zone)} {os.urandom(_NONCE_BYTES).hex()}".encode()
    comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text
    return name, b"\xff\xd8" + comment + b"\xff\xd9"
