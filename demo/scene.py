"""What a camera leaves on a terminal in 75 days, out of real recordings with other dates.

Every file here was written by a real recorder (`tests/media`); only its dates are overwritten, and
its name and mtime with them. Nothing in the product knows that it is watched.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from demo.stamp import stamp_jpeg, stamp_mkv, stamp_mp4

MEDIA = Path(__file__).parent.parent / "tests" / "media"
DAYS = 75
SOURCES = """
[[source]]
id = "front"
group = "terminals"
directory = "front"
record_class = "terminal-image"
purpose = "people in front of the terminal"
name_pattern = "*-%Y%m%d%H%M%S-*"
max_delay_seconds = 60

[[source]]
id = "copies"
group = "terminals"
directory = "copies"
record_class = "terminal-image"
purpose = "pictures that were copied from another disk"
name_pattern = "*-%Y%m%d%H%M%S-*"
imports = true
"""
#: Recordings of one day: enough to make a table, few enough to look at.
HOURS = (7, 9, 11, 13, 16, 18, 21)


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened at the terminal that somebody will ask for."""

    begins: datetime
    ends: datetime


class Scene:
    """A terminal's tree. `now` is the moment of the demonstration, aware, in the site's zone."""

    def __init__(self, root: Path, now: datetime) -> None:
        self._root = root
        self._now = now
        self._picture = (MEDIA / "motion" / "01-20261122192637-05.jpg").read_bytes()
        self._plain = (MEDIA / "edge" / "no-exif.jpg").read_bytes()
        self._mp4 = _first(MEDIA / "ffmpeg", "cam1-*.mp4")
        self._mkv = _first(MEDIA / "ffmpeg", "cam1-*.mkv")
        morning = now.replace(hour=11, minute=0, second=0, microsecond=0)
        happened = morning - timedelta(days=65)
        self.incident = Incident(happened - timedelta(minutes=2), happened + timedelta(minutes=8))

    def backlog(self) -> int:
        """75 days of two cameras, as they lie there when the agent is installed. Gives the count."""
        count = 0
        for moment, kind in zip(self._moments(), cycle(("jpg", "jpg", "mp4", "jpg", "mkv"))):
            self._record(moment, kind)
            count += 1
        self._undated()
        self._hard_linked()
        self._unregistered()
        return count + 4

    def late_arrival(self) -> Path:
        """A picture of 70 days ago, copied here only now."""
        moment = self._now - timedelta(days=70)
        return self._write(
            f"copies/01-{moment:%Y%m%d%H%M%S}-late.jpg", stamp_jpeg(self._picture, moment), moment
        )

    def broken_clock(self) -> list[Path]:
        """Two pictures taken just now, by cameras that believe in 1970 and in 2037."""
        return [
            self._write(f"front/broken-clock-{year}.jpg", data, self._now)
            for year in ("1970", "2037")
            for data in [(MEDIA / "edge" / f"year-{year}.jpg").read_bytes()]
        ]

    def spare(self, directory: Path) -> Path:
        """A picture taken just now that is not on the terminal yet, for whoever wants to drop one."""
        name = f"01-{self._now:%Y%m%d%H%M%S}-99.jpg"
        path = directory / name
        path.write_bytes(stamp_jpeg(self._picture, self._now) + self._unique(name))
        return path

    def _moments(self) -> Iterator[datetime]:
        for day in range(DAYS, -1, -1):
            date = self._now - timedelta(days=day)
            for hour in HOURS:
                moment = date.replace(hour=hour, minute=(7 * day + hour) % 60, second=day % 60)
                if moment < self._now - timedelta(minutes=1):
                    yield moment
            yield from self._at_incident(day)

    def _at_incident(self, day: int) -> Iterator[datetime]:
        """Three pictures while it happened."""
        if (self._now - self.incident.begins).days == day:
            for minutes in (1, 3, 5):
                yield self.incident.begins + timedelta(minutes=minutes)

    def _record(self, moment: datetime, kind: str) -> Path:
        stamped = {
            "jpg": lambda: stamp_jpeg(self._picture, moment),
            "mp4": lambda: stamp_mp4(self._mp4, moment),
            "mkv": lambda: stamp_mkv(self._mkv, moment),
        }[kind]()
        name = f"front/{moment:%Y-%m-%d}/01-{moment:%Y%m%d%H%M%S}-05.{kind}"
        return self._write(name, stamped + self._unique(name), moment)

    def _undated(self) -> None:
        """A picture whose name, bytes and mtime tell nothing."""
        self._write("copies/picture.jpg", self._plain, datetime.fromtimestamp(0, self._now.tzinfo))

    def _hard_linked(self) -> None:
        """One picture under two names: its bytes are gone only when both are."""
        moment = self._now.replace(hour=10) - timedelta(days=68)
        name = f"front/{moment:%Y-%m-%d}/01-{moment:%Y%m%d%H%M%S}-first.jpg"
        first = self._write(name, stamp_jpeg(self._picture, moment) + b"linked", moment)
        first.with_name(first.name.replace("first", "second")).hardlink_to(first)

    def _unregistered(self) -> None:
        """A picture of a camera that is in no register: it gets the strictest class."""
        moment = self._now - timedelta(days=3)
        self._write(
            f"garage/01-{moment:%Y%m%d%H%M%S}-05.jpg",
            stamp_jpeg(self._picture, moment) + b"garage",
            moment,
        )

    def _write(self, name: str, data: bytes, moment: datetime) -> Path:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        return path

    @staticmethod
    def _unique(name: str) -> bytes:
        """Bytes behind the end of the recording: no two pictures of a real camera are the same."""
        return b"\0" + name.encode()


def _first(directory: Path, pattern: str) -> bytes:
    return min(directory.glob(pattern)).read_bytes()
