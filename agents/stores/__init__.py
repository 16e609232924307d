"""Where media lies, and the one contract every kind of store keeps.

A store is a forest of directories with files in them. Names are bytes. A *directory* is relative
to the store's root, its components joined by `/`; `b""` is the root itself. A *name* is one
component. Both come out of a catalogue that may be damaged: a component that is empty, `.` or
`..`, or that holds `/` or NUL, raises `MalformedError` before anything is touched (I9). What a
store keeps for itself is not there for any path.

A store acts and tells; it never decides. Whoever calls `erase` has already decided that the files
are due and not held, and has made an intent for each of them durable (I5).

Every method may raise `StoreUnreachableError`. It means that nothing is known: no file was erased
by that call without being told, and no file may be called gone because of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from retention.calendar import Instant
from retention.outcome import Outcome
from retention.probes import Finding
from retention.probes.source import ByteSource

Unread = Callable[[bytes, str], None]
"""Told each path below the root that could not be read, and why, in one sentence. A scan in which
it was called even once is not complete: what it did not find is not known to be gone."""


class Generation(NamedTuple):
    """One content under one name: a file that was rewritten or replaced has another.

    Where a store keeps versions, a rewritten object is another *name*, and the old name still
    leads to the old generation.

    `inode` is the file's inode, or whatever number a store has that two contents never share;
    `size` is in bytes; `mtime_ns` counts nanoseconds since 1970-01-01T00:00:00Z, and is 0 where a
    store has no time that stays the same as long as the content does.
    """

    inode: int
    size: int
    mtime_ns: int


class Role(IntEnum):
    """What a part is to the whole it belongs to: recordings are erased after all else."""

    RECORDING = 0  # a leg of a call, raw or transcoded
    COMPANION = 1  # a sidecar, a transcript, a waveform, a rating
    ROW = 2  # of a table or a file of call-detail records


class Part(NamedTuple):
    """Says that something is part of a whole, as a leg of a call: one date, one hold, one deadline.

    `whole` is the same for all parts of one whole within a store, and for nothing else.
    """

    whole: bytes
    role: Role


class Found(NamedTuple):
    """A regular file as a listing saw it.

    `links` counts all the names its content has: here, elsewhere, and the store's private one.
    `title` is what its recorder called it, where a store needs more than that to tell its
    contents apart: a version of an object is named by its key and its id. Empty: its name.
    `part` is what it is part of, where the store knows, as with rows: then it is a person's datum
    whatever its bytes look like.
    """

    name: bytes
    generation: Generation
    links: int
    title: bytes = b""
    part: Part | None = None

    @property
    def called(self) -> bytes:
        """What its recorder called it: by this it is known for a recording, and dated."""
        return self.title or self.name


SIDECAR = b".incident"
"""What is appended to a recording's name to name the marker file that stands beside it."""

Mark = Literal["sidecar", "attribute", "tag"]
"""How the locker's software marked one recording as an incident's."""


class Wanted(NamedTuple):
    """A file that an intent wants gone.

    `links` counts the names this content may have: those in the catalogue that are not erased yet
    when the call begins and are wanted by this sweep too, this one included. The store's own
    private name for a protected file is not counted.
    """

    number: int
    name: bytes
    generation: Generation
    links: int


class Erased(NamedTuple):
    """What became of one `Wanted`; `detail` is a sentence without names, or empty.

    Not `settled`: it may be gone by now, and nobody could look, or not make it last. Its outcome
    is `failed`, and its intent stays open: `recover` is asked again until it can tell.
    """

    number: int
    outcome: Outcome
    detail: str
    settled: bool = True


Batch = Mapping[bytes, Sequence[Wanted]]
"""What is wanted in each directory. Some thousands of files together; numbers are unique in it."""


class Opened(ByteSource, Protocol):
    """A regular file that was opened for reading; `read` raises `UnreadableError`.

    `WithheldError` among these is for bytes that are there and that the storage gives to nobody just now.
    """

    @property
    def generation(self) -> Generation:
        """Of the very file that is open, whatever has happened to its name since."""

    @property
    def stated(self) -> Sequence[Finding]:
        """What the storage keeps beside the bytes of when it was recorded and for how long.

        User metadata of an object, the time column of a row; nothing with a file.
        """

    @property
    def existed(self) -> Instant | None:
        """When the storage had it already, by its own clock: no date, but a bound of every date.

        LastModified is such a time, and later than the upload where somebody tagged the object.
        None with a file: its mtime is one that its recorder may have meant.
        """

    @property
    def content(self) -> bytes:
        """What the storage itself knows the content by, as long as a fingerprint; empty: by nothing.

        Where it knows it, the bytes are read only for a date that nothing else tells.
        """

    @property
    def unfinished(self) -> bool:
        """Whether its writer never said that it is complete: then it is as old as its beginning."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close the file."""


class Store(Protocol):
    """One place where media lies. Used by one thread at a time; one sweeper per store."""

    def check(self) -> None:
        """`StoreUnreachableError` unless the root is there and is the one that was enrolled.

        Cheap. `directories`, `listing`, `find`, `erase` and `recover` begin with it, so a mount
        that is lost is never mistaken for an empty store.
        """

    def directories(self, unread: Unread) -> Iterator[bytes]:
        """Yield every directory, the root first, each before those below it, none twice.

        Left out: links, what lies on another file system, and the store's private directory.
        A directory that cannot be entered or read, or that lies deeper than a recorder makes
        them, is told to `unread`, and the walk goes on.
        """

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """Yield the regular files of one directory, in no order, read as they are asked for.

        Memory does not grow with the directory. A directory that has gone yields nothing; one
        that cannot be read, over which something is mounted, or in whose place a link stands, is
        told to `unread`, and so is a file in it that cannot be looked at.
        A file that comes or goes meanwhile may be seen or not, as with any listing.
        """

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """Look one regular file up. None, and nothing else, says that it is not there.

        `UnreadableError` when that cannot be known, as behind a link or under a later mount.
        """

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """Look many regular files of a directory up: which of them are not there, as `find` says it."""

    def expect(self, directory: bytes, names: Sequence[bytes]) -> None:
        """Be told that these are about to be opened, one after the other: get ready, or do nothing.

        Changes nothing of what `open` gives; what is wrong with one of them, `open` says.
        """

    def marked(
        self, directory: bytes, names: Sequence[bytes], *, afresh: bool = True
    ) -> dict[bytes, Mark]:
        """Tell which of these files have an incident marker of their own, and of what kind.

        A sidecar `NAME.incident` of any content, an extended attribute `user.incident` of any
        value, or an object's tag. Cheap enough to be asked just before an erasure. Not `afresh`,
        after a listing of the directory, a store may go by what that and opening have shown. A
        directory or a file that is not there has none; `UnreadableError` when it cannot be known.
        """

    def open(self, directory: bytes, name: bytes) -> Opened:
        """Open a regular file without waiting, without following a link, without a new atime.

        `GoneError` when there is no regular file of that name (any more), `UnreadableError` when
        there is one and it cannot be read.
        """

    def erase(self, batch: Batch) -> list[Erased]:
        """Erase each file if it still is the generation wanted, and verify that it is gone.

        Gives one result per `Wanted`, in the order of the batch: `erased_verified`,
        `already_absent`, `refused_changed`, `blocked` or `failed`; one file's trouble does not
        keep the next from being erased. On return every result is durable. The private name that
        `protect` gave an item goes too, also where the public one is another file's by now; if
        it was the last name the bytes had, that is `erased_verified`.

        Idempotent: what an earlier, interrupted call erased is `already_absent`, so after a crash
        ask `recover` first. Raises only before anything was touched; what cannot be looked at
        afterwards is not `settled`.
        """

    def recover(self, batch: Batch) -> list[Erased]:
        """After a crash: finish what `erase` had begun for intents without an outcome.

        A file that had been taken aside is erased, or put back if it is not the generation
        wanted. One that is gone is `erased_verified`: its intent was durable and its absence is
        looked at here. A file that was not touched yet has no result: cancel its intent, or
        erase it by a sweep. One of which nothing can be known yet is not `settled`. Idempotent.
        """

    def protect(self, batch: Batch) -> set[int]:
        """Keep held files' bytes against other deleters, each under a private name.

        Gives the numbers whose bytes, of exactly the generation wanted, will outlive their public
        name; on return that is durable. Idempotent. A number is missing when its file is gone, is
        another generation, or cannot be protected here (a link needs the right to write the
        file): the hold stands all the same, and the caller tells people. A store that can keep
        nothing from other deleters gives none, ever; then `protected` and `kept` know none.
        """

    def unprotect(self, numbers: Iterable[int]) -> None:
        """Drop private names, where there are any. For items whose last hold has ended.

        Bytes with no other name go with it: leave out an item that `kept` knows and `find` does
        not; when that one is due, `erase` removes it with an outcome.
        """

    def protected(self) -> Iterator[int]:
        """Yield every number that has a private name."""

    def kept(self, number: int) -> Generation | None:
        """Tell what the private name of `number` leads to; None if it has none.

        A held file that `find` no longer finds, but whose generation is kept, is not lost:
        somebody removed its public name, and the bytes are all there.
        """

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:
        """Give a kept file a public name again. Never overwrites.

        False: nothing is kept, the directory is not there, or the name is taken.
        """

    def claim(self, state: int) -> None:
        """Be the one agent that erases here, until it is closed or its process ends.

        `StoreUnreachableError`, here and from all that follows, while another agent is that, in the
        same epoch. `state` is the inode of what the caller knows all it does from: a copy of it is
        another. Two with copies of one state would each erase by holds that only the other heard of.
        """

    def begin(self, epoch: int) -> None:
        """From now on numbers are of this epoch; private names of an earlier one wait for `reclaim`."""

    def reclaim(self) -> None:
        """Once in a new epoch, after its first complete scan and when its holds are protected.

        Private names and files taken aside by an earlier epoch belong to numbers nobody knows any
        more. One whose bytes have another name is dropped; one that has not is given the public
        name `returned-<epoch>-<number>` in the root, where the next scan finds it. Idempotent.
        """

    def close(self) -> None:
        """Let go of the root, so that it can be unmounted. Any later call opens it again."""
