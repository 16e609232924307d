"""What `doctor` asks of a file of call-detail records before it is trusted with a promise."""

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.stores.beneath import Root
from agents.stores.deleters import DELETERS
from agents.stores.rows.parts import parts_in
from agents.stores.survey import SUITABLE, Fact
from agents.stores.survey import survey as survey_tree
from retention.errors import ConfigError

_RESIDUALS = (
    "What is erased stays in the blocks that the file system has freed, in its snapshots, and in "
    "copies of the file that others made."
)


def survey(
    root: bytes,
    live: bytes,
    store: str,
    *,
    suitable: frozenset[str] = SUITABLE,
    deleters: Mapping[str, tuple[Path, ...]] = DELETERS,
) -> list[Fact]:
    """Look at an enrolled directory of rows without changing it. `ConfigError` if it cannot be opened."""
    facts = survey_tree(root, store, suitable=suitable, deleters=deleters)
    facts = [fact for fact in facts if fact.subject != "hard links"]
    return [*facts, *_of_files(root, live), _residuals()]


def _residuals() -> Fact:
    return Fact("residuals", True, _RESIDUALS)


def _of_files(root: bytes, live: bytes) -> Iterator[Fact]:
    try:
        opened = Root(root)
    except OSError as error:
        raise ConfigError(f"The root cannot be opened as a directory: {error.strerror}.") from error
    try:
        parts = parts_in(opened.fd, live)
        for _, why in parts.shut:
            yield Fact("parts", False, why)
        if parts.files:
            yield _lease(opened.fd, parts.files[0].name)
        else:
            yield Fact("parts", True, "There is no file of rows yet.")
    finally:
        opened.close()


def _lease(fd: int, name: bytes) -> Fact:
    """Whether the kernel will say that nobody writes to a part."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            sentence = "A program keeps this file open: its rows go when it is opened for each."
            return Fact("writers of rows", False, sentence)
        sentence = (
            "The agent cannot know whether a program writes to this file: let it run as the "
            "file's owner, or give it CAP_LEASE."
        )
        return Fact("writers of rows", False, sentence)
    finally:
        os.close(file)
    return Fact("writers of rows", True, "Nobody keeps this file open between two records.")
