"""Nothing but what is due goes, whatever somebody does to the tree meanwhile (I9).

Each file's content is its own. After each round all contents that are left are counted: what was
called erased is nowhere, and everything else is there exactly once, wherever it was moved.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores.attacker import FILES
from stores.child import ENVIRONMENT, HERE
from stores.place import STORE, wanted

from agents.stores import Wanted
from agents.stores.files.private import enrol
from agents.stores.tree.tree import Tree
from retention.outcome import Outcome

NOBODY = 65534
HEAD_START_SECONDS = 0.003
PASSES = 5
GAMES = 30
MOST_GAMES = 3000  # by then the attacker got in between, and did not always
ON_DIRECTORIES = ["swap_directory_with_link", "swap_directories"]
ON_FILES = ["swap_files", "swap_file_with_link", "swap_file_with_directory"]
CASES = [
    *[(trick, False) for trick in ON_DIRECTORIES],
    *[(trick, True) for trick in ON_DIRECTORIES + ON_FILES],
]


class Arena:
    """A tree the attacker owns, with due files in `d`, others of the same names in `e`."""

    def __init__(self, *, shared: bool) -> None:
        self.outer = Path(tempfile.mkdtemp())
        self.outer.chmod(0o755)
        self.tree, self.outside = self.outer / "tree", self.outer / "outside"
        self._private = os.fsencode(self.outer / "private")
        self._shared = shared
        for directory in (self.tree, self.outside):
            directory.mkdir()
        fill(self.outside, "canary")
        give_away(self.tree)
        enrol(os.fsencode(self.tree), STORE, private=self._private)
        self.store = Tree(os.fsencode(self.tree), STORE, epoch=1, private=self._private)

    def lay_out(self, game: int) -> None:
        for path in self.tree.iterdir():
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        for name, what in (("d", "due"), ("e", "innocent")):
            (self.tree / name).mkdir()
            fill(self.tree / name, f"{what} {game}")
            if self._shared:
                give_away(self.tree / name)

    def due(self) -> list[Wanted]:
        listing = self.store.listing(b"d", lambda *_: None)
        return [wanted(int(found.name), found) for found in sorted(listing)]

    def contents(self) -> Counter[str]:
        return Counter(
            (Path(directory) / name).read_text()
            for directory, _, names in os.walk(self.outer)
            for name in names
            if "private" not in directory and not (Path(directory) / name).is_symlink()
        )

    def aside(self) -> list[str]:
        return [path.name for path in (self.outer / "private/quarantine").iterdir()]

    def close(self) -> None:
        self.store.close()
        shutil.rmtree(self.outer)


def fill(directory: Path, what: str) -> None:
    for number in range(FILES):
        (directory / f"{number:03d}").write_text(f"{what} {number}")


def give_away(path: Path) -> None:
    """To the attacker: another user where there can be one, else anybody."""
    path.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@pytest.fixture
def attacker(arena: Arena, trick: str) -> Iterator[subprocess.Popen[bytes]]:
    """Started and stopped; let it go on for a round."""
    process = subprocess.Popen(
        [sys.executable, HERE / "attacker.py", arena.tree, arena.outside, trick, str(NOBODY)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    stop(process)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def arena(shared: bool) -> Iterator[Arena]:
    arena = Arena(shared=shared)
    yield arena
    arena.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop him, and wait until he has."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


def everything(game: int) -> set[str]:
    kinds = (f"due {game}", f"innocent {game}", "canary")
    return {f"{kind} {number}" for kind in kinds for number in range(FILES)}


@pytest.mark.slow
@pytest.mark.parametrize(("trick", "shared"), CASES)
def test_nothing_else_goes_while_somebody_swaps_names(
    arena: Arena, attacker: subprocess.Popen[bytes]
):
    seen: Counter[Outcome] = Counter()
    for game in range(MOST_GAMES):
        arena.lay_out(game)
        due = arena.due()
        attacker.send_signal(signal.SIGCONT)
        time.sleep(HEAD_START_SECONDS)
        results = [result for _ in range(PASSES) for result in arena.store.erase({b"d": due})]
        stop(attacker)
        erased = {r.number for r in results if r.outcome is Outcome.ERASED_VERIFIED}
        assert arena.contents() == Counter(
            everything(game) - {f"due {game} {number}" for number in erased}
        )
        assert arena.aside() == []
        assert len(list(arena.outside.iterdir())) == FILES
        seen.update(r.outcome for r in results)
        if game >= GAMES and 0 < seen[Outcome.ERASED_VERIFIED] < seen.total():
            break
    assert seen[Outcome.ERASED_VERIFIED] > 0
    assert seen.total() > seen[Outcome.ERASED_VERIFIED], "the attacker never got in between"
