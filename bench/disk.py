"""An ext4 file system of one's own: an image, mounted through a loop device.

In memory, nothing hides behind a slow disk, and ratios are the hardest to reach; on a disk, what
is cold really has to be fetched. A copy of the image is an identical tree, to the last block.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import skip

MEMORY = Path("/dev/shm")
DISK = Path("/var/tmp")


class Disk:
    """An image and the place it is mounted at, the same for all copies of it."""

    def __init__(self, image: Path, place: Path) -> None:
        self.image = image
        self.place = place

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount it for the length of the block."""
        _run("mount", "-o", "loop", str(self.image), str(self.place))
        try:
            yield self.place
        finally:
            # Lazily: after an error something may still have files open there.
            _run("umount", "--lazy", str(self.place))

    @contextmanager
    def copy(self, where: Path) -> Iterator["Disk"]:
        """A copy of the image in this directory, gone after the block."""
        image = where / f"{self.image.name}.copy"
        _run("cp", "--sparse=always", str(self.image), str(image))
        try:
            yield Disk(image, self.place)
        finally:
            image.unlink()


@contextmanager
def new_disk(*, megabytes: int, files: int, where: Path = MEMORY) -> Iterator[Disk]:
    """A fresh ext4 with room for so much and so many. Needs root; without it the bench is skipped."""
    if os.geteuid() != 0:
        skip("only root may mount the file system that this is measured on")
    if shutil.disk_usage(where).free < 2 * megabytes * 2**20:
        skip(f"{where} has no room for two images of {megabytes} MB")
    with TemporaryDirectory(prefix="bench-", dir=where) as directory:
        image, place = Path(directory, "image"), Path(directory, "mounted")
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(megabytes * 2**20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(files), str(image))
        yield Disk(image, place)


def warm(root: Path) -> None:
    """Have the kernel know every directory entry and inode below, as after an hour of uptime."""
    subprocess.run(["find", root, "-size", "+1G"], check=True, stdout=subprocess.DEVNULL)


def cool() -> None:
    """Have the kernel forget all files it can, as after a night."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
