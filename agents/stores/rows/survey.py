"""What `doctor` asks of a file of call-detail records before it is trusted with a promise."""

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.stores.files.beneath import Root
from agents.stores.files.deleters import DELETERS
from agents.stores.rows.parts import parts_in
from agents.stores.tree.survey import SUITABLE
from agents.stores.tree.survey import survey as survey_tree
from retention.checkup import Fact, amiss, fine
from retention.errors import ConfigError

#: What no file of rows has: it is neither linked nor watched, and no marker lies beside a row.
_OF_RECORDINGS = frozenset({"hard links", "watches", "incident marks"})

_HELD = (
    "What is held is copied into the private directory: one that somebody else removes is given back "
    "as a part of its own."
)
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
    facts = [fact for fact in facts if fact.subject not in _OF_RECORDINGS]
    return [*facts, *_of_files(root, live), fine("held rows", _HELD), fine("residuals", _RESIDUALS)]


def _of_files(root: bytes, live: bytes) -> Iterator[Fact]:
    try:
        opened = Root(root)
    except OSError as error:
        raise ConfigError(
            f"{os.fsdecode(root)} cannot be opened as a directory: {error.strerror}."
        ) from error
    try:
        parts = parts_in(opened.fd, live)
        for _, why in parts.shut:
            yield amiss(
                "parts",
                why,
                why="The rows in it can be neither seen nor erased, so nothing here is called gone.",
                remedy="Make it readable, unpacked, and let nobody pack the parts (docs/rows.md).",
            )
        if parts.files:
            yield _lease(opened.fd, parts.files[0].name)
        else:
            yield fine("parts", "There is no file of rows yet.")
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
            return amiss(
                "writers of rows",
                "A program keeps this file open.",
                why="While it does, nothing in the file goes, and that is told as failed.",
                remedy="Let it open the file for each record, or reopen it when it is renamed.",
            )
        return amiss(
            "writers of rows",
            "The agent cannot know whether a program writes to this file.",
            why="So it erases nothing in it.",
            remedy="Run it as the file's owner, or give it CAP_LEASE.",
        )
    finally:
        os.close(file)
    return fine("writers of rows", "Nobody keeps this file open between two records.")
