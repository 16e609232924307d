"""A bucket as a `Store`: every version of every key below a prefix is a file of its own.

The directories are those that people see in the keys. What the store keeps for itself lies below
`.retention/`: there, at enrolment, its id is written, so that another bucket, or another store's
prefix, is never taken for this one, and there stands which version each legal hold of ours is on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from agents.stores import Batch, Erased, Found, Generation, Mark, Unread
from agents.stores.bucket.erasing import Asked, Erasure
from agents.stores.bucket.identity import PRIVATE, Identity
from agents.stores.bucket.keeping import Keeping, can_lock
from agents.stores.bucket.keys import (
    OWN,
    VersionId,
    directory_and_title,
    is_path,
    name_of,
    prefix_of,
    version_of,
)
from agents.stores.bucket.listing import Entry, first_page, uploads
from agents.stores.bucket.marking import (
    looked_at,
    marks,
    may_read_tags,
    noting_sidecars,
    tagged,
    with_sidecar,
)
from agents.stores.bucket.object import Object, Seen, Upload, look
from agents.stores.bucket.ranges import look_up, look_up_uploads
from agents.stores.bucket.trouble import reaching, reading
from agents.stores.bucket.wire import Wire
from retention.errors import GoneError, StoreUnreachableError, UnreadableError

_FEW_VERSIONS = 10
"""Of a key; with more, its versions are rather asked for one by one than by a listing of all."""


class Bucket:
    """A `Store`. `connect` makes a wire when the first is needed, and after `close`."""

    def __init__(
        self, connect: Callable[[], Wire], store: str, *, epoch: int = 0, prefix: str = ""
    ) -> None:
        """Remember where it is. `prefix` is empty or ends with `/`."""
        self._connect = connect
        self._store = store
        self._epoch = epoch
        self._prefix = prefix
        self._state = 0  # of who sweeps it; nobody's until it is claimed
        self._connected: tuple[Wire, Identity, Keeping] | None = None
        self._tags_shown = False  # whether tags were shown to these keys
        self._seen: dict[VersionId, Seen] = {}  # heads of what is about to be opened or erased
        self._begun: dict[bytes, list[Entry]] = {}  # unfinished uploads, by directory
        self._sidecars: tuple[bytes, set[str]] = (b"", set())  # met in the directory listed last
        self._below: tuple[bytes, list[bytes]] | None = None  # directories met in it

    def check(self) -> None:
        """See `Store.check`."""
        self._identity.check(self._epoch, self._state)

    def directories(self, unread: Unread) -> Iterator[bytes]:
        """See `Store.directories`."""
        self.check()
        return self._walk(unread)

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """See `Store.listing`."""
        prefix_of(directory)
        return self._listed(directory, unread)

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`. A head, because a listing would go through all versions of its key."""
        of = self._of(directory, name)
        generation = self._begun_generation(of) if of.upload else self._generation(of)
        if generation is None:
            self.check()  # nothing is absent from a bucket that is not ours
            return None
        return Found(name, generation, 1, name.rpartition(b";")[0])

    def missing(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """See `Store.missing`: versions of one key, and neighbours, cost one request together."""
        gone = set(names) - self._there(directory, names)
        if gone:
            self.check()
        return gone

    def expect(self, directory: bytes, names: Sequence[bytes]) -> None:
        """See `Store.expect`: their heads are asked for together."""
        asked = [of for name in names if not (of := self._of(directory, name)).upload]
        with reading():
            self._seen = looked_at(self._wire, asked)

    def marked(
        self, directory: bytes, names: Sequence[bytes], *, afresh: bool = True
    ) -> dict[bytes, Mark]:
        """See `Store.marked`. Afresh, it costs a head per version and a listing of the range."""
        self._must_see_tags()
        asked = {name: self._of(directory, name) for name in names}
        if not afresh and self._sidecars[0] == directory:
            recent = {of: self._seen[of] for of in asked.values() if of in self._seen}
            with reading():
                return marks(asked, self._sidecars[1], tagged(self._wire, recent))
        with reading():
            self._seen = looked_at(self._wire, [of for of in asked.values() if not of.upload])
            sidecars = (
                with_sidecar(self._wire, {of.key for of in asked.values()}) if asked else set()
            )
            found = marks(asked, sidecars, tagged(self._wire, self._seen))
        if len(found) < len(asked):
            self.check()
        return found

    def open(self, directory: bytes, name: bytes) -> Object | Upload:
        """See `Store.open`."""
        of = self._of(directory, name)
        try:
            if of.upload:
                return self._upload(directory, name, of)
            seen = self._seen.get(of)
            if seen is None:
                with reading():
                    seen = look(self._wire, of)
            return Object(self._wire, of, seen)
        except GoneError:
            self.check()
            raise

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        seen, self._seen = self._seen, {}
        asked = self._asked(batch)
        self.check()
        self._keeping.unprotect(self._epoch, [each.want.number for each in asked])
        return Erasure(self._wire, seen=seen).erase(asked)

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        asked = self._asked(batch)
        self.check()
        return Erasure(self._wire).recover(asked)

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`: by a legal hold, where the bucket can lock."""
        asked = self._asked(batch)
        self.check()
        with reaching():
            return self._keeping.protect(self._epoch, asked)

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""
        self._keeping.unprotect(self._epoch, numbers)

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        return self._keeping.protected(self._epoch)

    def kept(self, number: int) -> Generation | None:
        """See `Store.kept`."""
        return self._keeping.kept(self._epoch, number)

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:  # noqa: ARG002 - no need
        """See `Store.restore`: what a legal hold is on never loses its name."""
        return False

    def claim(self, state: int) -> None:
        """See `Store.claim`."""
        self._state = state
        self.check()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""
        self._epoch = epoch

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        self.check()
        self._keeping.reclaim(self._epoch)

    def close(self) -> None:
        """See `Store.close`."""
        if self._connected is not None:
            self._connected[0].close()
            self._connected = None

    def _enter(self) -> tuple[Wire, Identity, Keeping]:
        if self._connected is None:
            wire = self._connect()
            try:
                lockable = can_lock(wire)
            except StoreUnreachableError:
                wire.close()
                raise
            keeping = Keeping(wire, self._prefix, self._store, lockable=lockable)
            self._connected = wire, Identity(wire, self._prefix, self._store), keeping
        return self._connected

    @property
    def _wire(self) -> Wire:
        return self._enter()[0]

    @property
    def _identity(self) -> Identity:
        return self._enter()[1]

    @property
    def _keeping(self) -> Keeping:
        return self._enter()[2]

    def _must_see_tags(self) -> None:
        if not self._tags_shown:
            self._tags_shown = may_read_tags(self._wire, self._identity.key)
        if not self._tags_shown:
            raise UnreadableError("The server does not let the agent see what is tagged.")

    def _of(self, directory: bytes, name: bytes) -> VersionId:
        of = version_of(directory, name)
        return of._replace(key=self._prefix + of.key)

    def _generation(self, of: VersionId) -> Generation | None:
        try:
            with reading():
                return look(self._wire, of).generation
        except GoneError:
            return None

    def _begun_generation(self, of: VersionId) -> Generation | None:
        begun = look_up_uploads(self._wire, [of]).get(of)
        return None if begun is None else begun.generation

    def _there(self, directory: bytes, names: Sequence[bytes]) -> set[bytes]:
        """Which of these a listing shows, or their heads where a few keys have nearly all of them.

        A listing would go through all that these keys have, whenever it is asked about some of it.
        """
        asked = {self._of(directory, name): name for name in names}
        there = {*look_up_uploads(self._wire, [of for of in asked if of.upload])}
        versions = {of for of in asked if not of.upload}
        keys = {of.key for of in versions}
        if len(versions) > _FEW_VERSIONS * len(keys):
            alive = self._wire.each(lambda of: (of, self._generation(of)), versions)
            there |= {of for of, generation in alive if generation is not None}
        else:
            found = look_up(self._wire, keys, versions)
            there |= {e.of for those in found.values() for e in those if e.generation}
        return {asked[of] for of in there if of in asked}

    def _asked(self, batch: Batch) -> list[Asked]:
        return [
            Asked(want, self._of(directory, want.name))
            for directory, wanted in batch.items()
            for want in wanted
        ]

    def _upload(self, directory: bytes, name: bytes, of: VersionId) -> Upload:
        found = self.find(directory, name)
        if found is None:
            raise GoneError("This upload was completed or aborted.")
        return Upload(of, found.generation)

    def _walk(self, unread: Unread) -> Iterator[bytes]:
        """Go through the directories, each before those below it.

        Whoever lists a directory before going on has it listed once: what lies below it was met.
        """
        self._begun = self._uploads(unread)
        waiting, known = [b""], {b""}
        while waiting:
            directory = waiting.pop()
            self._below = None
            yield directory
            if self._below is None or self._below[0] != directory:
                for _ in self._listed(directory, lambda *_: None):
                    pass
            assert self._below is not None, "a listing that ends has met them all"
            for inner in [*self._below[1], *_right_below(directory, self._begun)]:
                if inner in known:
                    continue
                known.add(inner)
                if is_path(inner):
                    waiting.append(inner)
                else:
                    unread(inner, "Its key has a part that no name can have.")
            self.check()

    def _listed(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        below: list[bytes] = []
        sidecars: set[str] = set()
        self._sidecars = directory, sidecars
        entries = self._entries(directory, below)
        for entry in noting_sidecars(entries, sidecars.update, partial(with_sidecar, self._wire)):
            if entry.generation is not None:
                found = self._found(entry, entry.generation)
                if found is None:
                    unread(directory, "A key in it has a part that no name can have.")
                else:
                    yield found
        for entry in self._begun.get(directory, ()):
            if entry.generation is not None and (found := self._found(entry, entry.generation)):
                yield found
        self.check()
        self._below = directory, below

    def _entries(self, directory: bytes, below: list[bytes]) -> Iterator[Entry]:
        """What a directory has, one request per thousand; the directories right below are noted."""
        after: VersionId | None = None
        begins = self._prefix + prefix_of(directory)
        while True:
            page, after = first_page(self._wire, begins, delimiter="/", after=after)
            yield from page.entries
            inside = (key.removeprefix(self._prefix) for key in page.prefixes)
            below += [directory_and_title(key)[0] for key in inside if key != PRIVATE]
            if after is None:
                return

    def _found(self, entry: Entry, generation: Generation) -> Found | None:
        _, title = directory_and_title(entry.of.key.removeprefix(self._prefix))
        name = name_of(title, entry.of.version)
        return Found(name, generation, 1, title) if is_path(name) else None

    def _uploads(self, unread: Unread) -> dict[bytes, list[Entry]]:
        """All unfinished uploads, by directory: few, or somebody's client is broken."""
        found: dict[bytes, list[Entry]] = {}
        for entry in uploads(self._wire, self._prefix):
            directory, _ = directory_and_title(entry.of.key.removeprefix(self._prefix))
            if directory.split(b"/")[0] == OWN:
                continue
            if is_path(directory):
                found.setdefault(directory, []).append(entry)
            else:
                unread(directory, "Its key has a part that no name can have.")
        return found


def _right_below(directory: bytes, begun: Iterable[bytes]) -> Iterator[bytes]:
    """Directories right below this one in which, or below which, something was begun."""
    parent = directory + b"/" if directory else b""
    for path in begun:
        if path != directory and path.startswith(parent):
            yield parent + path[len(parent) :].split(b"/")[0]
