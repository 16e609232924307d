"""What room the file system has that a directory lies on: bytes, inodes, and in which pieces."""

import os
from collections.abc import Iterator
from pathlib import Path

from retention.checkup import Fact, amiss, fine

LEAST_INODES = 1_000
_PAGE = 4096
_MIB = 1 << 20


def room(path: Path, subject: str, *, least: int, why: str) -> Iterator[Fact]:
    """Whether so many bytes and some inodes are free; `why` says what comes of it where they are not."""
    state = os.statvfs(path)
    free = state.f_bavail * state.f_frsize
    if free < least:
        yield amiss(
            subject,
            f"Only {free // _MIB} MiB are free where {path} lies; {least // _MIB} are needed.",
            why=why,
            remedy="Make room there, or give it a larger disk.",
        )
    elif state.f_files and state.f_favail < LEAST_INODES:  # btrfs counts none
        yield amiss(
            subject,
            f"Only {state.f_favail} inodes are free where {path} lies.",
            why=why,
            remedy="Remove small files there, or make the file system anew with more inodes.",
        )
    else:
        yield fine(subject, f"{free // _MIB} MiB are free{_pieces(state.f_frsize)}.")


def _pieces(block: int) -> str:
    if block >= _PAGE:
        return ""
    return (
        f", in blocks of {block} bytes: a catalogue, which is written in pages of {_PAGE}, is"
        " slower there"
    )
