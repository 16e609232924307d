"""Incident markers in a bucket: a sidecar object beside the recording, or a tag on its version.

A listing shows sidecars by itself, so a scan asks for nothing more. How many tags a version has is
told by its head; only where there are any they are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agents.stores import SIDECAR, Mark
from agents.stores.bucket.keeping import read_tags
from agents.stores.bucket.keys import NULL, VersionId
from agents.stores.bucket.listing import PAGE, Entry
from agents.stores.bucket.object import Seen, look
from agents.stores.bucket.ranges import look_up
from agents.stores.bucket.trouble import ABSENT, FORBIDDEN, S3Error, is_of_one, reaching
from agents.stores.bucket.wire import Wire

INCIDENT_TAG = "incident"
"""The tag of an object that belongs to an incident, whatever its value (docs/markers.md)."""

_SUFFIX = SIDECAR.decode()


def newest(wire: Wire, key: str) -> VersionId:
    """The version that a key stands for just now. Raises `S3Error` and `NoAnswerError`."""
    return VersionId(key, wire.ask("HEAD", key).headers.get("x-amz-version-id", NULL))


def may_read_tags(wire: Wire, key: str) -> bool:
    """Whether these keys may, by something that is there: a head tells no count of tags to who may not.

    Raises `StoreUnreachableError`.
    """
    with reaching():
        try:
            read_tags(wire, newest(wire, key))
        except S3Error as error:
            if error.code not in ABSENT | FORBIDDEN:
                raise
            return error.code in ABSENT
    return True


def looked_at(wire: Wire, asked: Sequence[VersionId]) -> dict[VersionId, Seen]:
    """The heads of those versions that are there and may be seen. Raises `S3Error` and `NoAnswerError`."""

    def head(of: VersionId) -> Seen | None:
        try:
            return look(wire, of)
        except S3Error as error:
            if is_of_one(error):  # whoever opens or erases it, is told which
                return None
            raise

    heads = zip(asked, wire.each(head, asked), strict=True)
    return {of: seen for of, seen in heads if seen is not None}


def tagged(wire: Wire, seen: Mapping[VersionId, Seen]) -> set[VersionId]:
    """Which of these versions have the tag of an incident."""

    def is_tagged(of: VersionId) -> bool:
        try:
            return INCIDENT_TAG in read_tags(wire, of)
        except S3Error as error:
            if error.code in ABSENT:
                return False
            raise

    asked = [of for of, head in seen.items() if head.tagged]
    return {of for of, mark in zip(asked, wire.each(is_tagged, asked), strict=True) if mark}


def with_sidecar(wire: Wire, keys: Iterable[str]) -> set[str]:
    """Which of these keys have a sidecar: one whose newest version is no delete marker."""
    sidecars = look_up(wire, {key + _SUFFIX for key in keys})
    return {
        key.removesuffix(_SUFFIX)
        for key, entries in sidecars.items()
        if entries and entries[0].generation is not None
    }


def marks(
    names: Mapping[bytes, VersionId], sidecars: set[str], tags: set[VersionId]
) -> dict[bytes, Mark]:
    """What marks each of these names."""
    found: dict[bytes, Mark] = {name: "tag" for name, of in names.items() if of in tags}
    found |= {name: "sidecar" for name, of in names.items() if of.key in sidecars}
    return found


def noting_sidecars(
    entries: Iterator[Entry],
    note: Callable[[set[str]], None],
    ask: Callable[[set[str]], set[str]],
) -> Iterator[Entry]:
    """Pass entries of a listing on, in order, each when its sidecar would have been met.

    Held back are only those keys that the next ones go on from, so memory stays flat; where one of
    them has versions without end, it is asked which have a sidecar.
    """
    waiting: list[Entry] = []
    last = ""
    for entry in entries:
        key = entry.of.key
        # The first of a key is the newest: where that is a marker, the sidecar was removed.
        if key.endswith(_SUFFIX) and key != last and entry.generation is not None:
            note({key.removesuffix(_SUFFIX)})
        last = key
        while waiting and (waiting[-1].of.key + _SUFFIX).encode() < key.encode():
            yield waiting.pop()
        if len(waiting) == PAGE:
            note(ask({each.of.key for each in waiting}))
            while waiting:
                yield waiting.pop()
        waiting.append(entry)
    yield from reversed(waiting)
