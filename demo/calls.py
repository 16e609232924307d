"""What an Asterisk leaves at a contact centre in seven and a half months, and what it writes about it.

The sound is a real recording (`tests/media`); names, sidecars and rows are written as MixMonitor,
FreePBX and `Master.csv` have them, with other dates. Nothing in the product knows that it is watched.
"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from demo.scene import MEDIA

DAYS = 228
SECONDS = 34
#: So long ago called the person whose dispute is not settled; by now the call would be gone.
DISPUTED_DAYS = 200
#: So long ago was the call of which the transcript comes only now.
LATE_DAYS = 120

SOURCES = """
[[source]]
id = "monitor"
group = "contact-centre"
directory = "monitor"
record_class = "contact-centre-call"
purpose = "what was said on the telephone"
name_pattern = "*%Y%m%d-%H%M%S-*"
max_delay_seconds = 3600

[[source]]
id = "cdr"
group = "contact-centre"
directory = "cdr"
record_class = "contact-centre-call"
purpose = "who called whom, and when"
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when it began, in the site's zone, and who called."""

    began: datetime
    counter: int

    @property
    def id(self) -> str:
        """As Asterisk calls it."""
        return f"{int(self.began.timestamp())}.{self.counter}"

    @property
    def number(self) -> str:
        """Whose call it was; nobody has such a number."""
        return f"+3712{self.counter:07d}"


class ContactCentre:
    """A tree of recordings and a `Master.csv`. `now` is the moment of the demonstration, aware."""

    def __init__(self, root: Path, cdr: Path, now: datetime) -> None:
        self._root = root
        self._cdr = cdr
        self._now = now
        self._sound = (MEDIA / "calls" / "plain.wav").read_bytes()
        self.calls = tuple(self._moments())
        self.files = 0

    @property
    def disputed(self) -> Call:
        """The call that somebody will ask for."""
        return self._ago(DISPUTED_DAYS)

    def backlog(self) -> int:
        """All calls, as they lie there when the agent is installed. Gives their number."""
        for call in self.calls:
            self._record(call)
        with (self._cdr / "Master.csv").open("w", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows(map(_row, self.calls))
        return len(self.calls)

    def late_transcript(self) -> Path:
        """What was said in a call of four months ago, written down only now."""
        call = self._ago(LATE_DAYS)
        return self._write(call, "", "-transcript.txt", b"(nobody speaks, a tone)", self._now)

    def _moments(self) -> Iterator[Call]:
        for counter, day in enumerate(range(DAYS, -1, -1)):
            hour, minute = 8 + counter % 10, 7 * counter % 60
            moment = self._now - timedelta(days=day)
            moment = moment.replace(hour=hour, minute=minute, second=counter % 60, microsecond=0)
            if moment < self._now - timedelta(minutes=5):
                yield Call(moment, counter)

    def _ago(self, days: int) -> Call:
        return self.calls[DAYS - days]

    def _record(self, call: Call) -> None:
        """Both directions, the mix, a sidecar; of some a transcript, and of some a rating."""
        over = call.began + timedelta(seconds=SECONDS)
        for leg in ("", "rx-", "tx-"):
            self._write(call, leg, ".wav", self._sound + f"{leg}{call.id}".encode(), over)
        told = {"from": call.number, "to": "67000000", "seconds": SECONDS}
        self._write(call, "", ".json", json.dumps(told).encode(), over)
        if call.counter % 2 and call != self._ago(LATE_DAYS):
            self._write(call, "", "-transcript.txt", b"(nobody speaks, a tone)", over)
        if call.counter % 5 == 0:
            self._write(call, "", "-rating.txt", b"5", over)

    def _write(self, call: Call, leg: str, rest: str, data: bytes, moment: datetime) -> Path:
        day = self._root / "monitor" / f"{call.began:%Y/%m/%d}"
        day.mkdir(parents=True, exist_ok=True)
        path = day / f"{leg}{call.began:%Y%m%d-%H%M%S}-{call.id}{rest}"
        path.write_bytes(data)
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        self.files += 1
        return path


def _row(call: Call) -> list[str | int]:
    """Of call-detail records, in Asterisk's order (cdr_csv)."""
    start = f"{call.began:%Y-%m-%d %H:%M:%S}"
    end = f"{call.began + timedelta(seconds=SECONDS):%Y-%m-%d %H:%M:%S}"
    clid = f'"{call.number}" <{call.number}>'
    channels = [f"PJSIP/trunk-{call.counter:08x}", f"PJSIP/101-{call.counter:08x}"]
    spoke: list[str | int] = [start, start, end, SECONDS, SECONDS]
    ended = ["ANSWERED", "DOCUMENTATION", call.id, ""]
    return ["", call.number, "67000000", "in", clid, *channels, "Dial", "PJSIP/101", *spoke, *ended]
