"""Files as a recorder writes them: a time in the name, a JPEG's first bytes, an honest mtime."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from retention.calendar import DAY, Instant

#: Read by the declared name pattern of the sources of tests/world.py, and of the demonstration.
NAME = "%Y%m%d-%H%M%S-{:04}.jpg"
MOTION_NAME = "01-%Y%m%d%H%M%S-{:04}.jpg"
KIBIBYTE = 1024


class Written(NamedTuple):
    """One file as it lies there."""

    name: bytes
    state: os.stat_result


def day(
    directory: Path, noon: Instant, count: int, *, size: int = KIBIBYTE, pattern: str = NAME
) -> Iterator[Written]:
    """Write one day of one camera: `count` different pictures of `size` bytes, minutes apart.

    `noon` is UTC; the names say Riga's winter time, as the recorders there do.
    """
    directory.mkdir(parents=True, exist_ok=True)
    place = os.open(directory, os.O_RDONLY)
    try:
        for at in range(count):
            moment = noon - DAY // 4 + at * (DAY // 2) // count
            local = datetime.fromtimestamp(moment + 2 * 3600, UTC)
            name = f"{local:{pattern}}".format(at).encode()
            yield Written(name, _write(name, place, moment, _picture(size)))
    finally:
        os.close(place)


def _picture(size: int) -> bytes:
    return b"\xff\xd8\xff" + os.urandom(size - 3) if size else b""


def _write(name: bytes, place: int, moment: int, data: bytes) -> os.stat_result:
    file = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=place)
    try:
        os.write(file, data)
        os.utime(file, (moment, moment))
        return os.fstat(file)
    finally:
        os.close(file)
