"""An attacker with write access to a tree: a program that plays one trick until it is stopped.

    python attacker.py TREE OUTSIDE TRICK USER

He only renames, over nothing, and makes links: no trick of his destroys a file. So whatever is
gone in the end, the agent has erased.
"""

import ctypes
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

from agents.stores.files.kernel import rename_unless_taken

FILES = 12
HOT = [2, 6, 10]  # the names he works on; the fewer, the more often he is just in time
_libc = ctypes.CDLL(None)
_HERE = -100  # AT_FDCWD: relative to the working directory


def move(source: Path, target: Path) -> None:
    with suppress(OSError):
        rename_unless_taken(_HERE, os.fsencode(source), _HERE, os.fsencode(target))


def link(name: Path, target: Path, junk: Path) -> None:
    """A link is there for a moment, if the name was free; then it lies among the junk.

    It is not unlinked: by then the name might be a file's again.
    """
    with suppress(OSError):
        name.symlink_to(target)
        move(name, junk / f"junk-{random.getrandbits(64):x}")


def swap_directory_with_link(tree: Path, outside: Path) -> None:
    """The directory of the due files becomes a link to one outside that has the same names."""
    move(tree / "d", tree / "away")
    link(tree / "d", outside, tree)
    move(tree / "away", tree / "d")


def swap_directories(tree: Path, _outside: Path) -> None:
    """Two directories that have the same names change places, and back."""
    for _ in range(2):
        move(tree / "d", tree / "third")
        move(tree / "e", tree / "d")
        move(tree / "third", tree / "e")


def swap_files(tree: Path, _outside: Path) -> None:
    """A file that must not go and one that is due exchange names, in a single step."""
    name = f"{random.choice(HOT):03d}"
    _libc.renameat2(_HERE, os.fsencode(tree / "d" / name), _HERE, os.fsencode(tree / "e" / name), 2)


def swap_file_with_link(tree: Path, outside: Path) -> None:
    """A link to a file outside takes the name of a file that is due."""
    name = f"{random.choice(HOT):03d}"
    due, away = tree / "d" / name, tree / "d" / f"away-{name}"
    move(due, away)
    link(due, outside / name, tree)
    move(away, due)


def swap_file_with_directory(tree: Path, _outside: Path) -> None:
    """A directory full of files that must not go takes the name of a file that is due."""
    name = f"{random.choice(HOT):03d}"
    due, away, innocents = tree / "d" / name, tree / "d" / f"away-{name}", tree / "e"
    move(due, away)
    move(innocents, due)
    move(due, innocents)
    move(away, due)


def become(user: int) -> None:
    """Give root's rights up; only now, because this user may not even read the interpreter."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


if __name__ == "__main__":
    where, beyond, trick, user = sys.argv[1:]
    play = globals()[trick]
    become(int(user))
    print("ready", flush=True)
    while True:
        play(Path(where), Path(beyond))
