"""A bucket as a `Store`: every version of every key below a prefix is a file of its own.

The directories are those that people see in the keys. What the store keeps for itself lies below
`.retention/`: there, at enrolment, its id is written, so that another bucket, or another store's
prefix, is never taken for this one. It holds nothing in the storage itself: what is held here is
held by the agent alone, which does not erase it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from agents.stores import SIDECAR, Batch, Erased, Found, Generation, Mark, Unread
from agents.stores.beneath import components, must_be_component
from agents.stores.bucket.erasing import Erasure
from agents.stores.bucket.keys import (
    OWN,
    VersionId,
    directory_and_title,
    name_of,
    prefix_of,
    version_of,
)
from agents.stores.bucket.listing import Entry, generation_of, pages, versions_of
from agents.stores.bucket.trouble import ABSENT, code_of, reaching, reading
from retention.errors import (
    ConfigError,
    GoneError,
    MalformedError,
    RefusedError,
    StoreUnreachableError,
    UnreadableError,
)
from retention.probes import Finding

PRIVATE = OWN.decode() + "/"
IDENTITY = PRIVATE + "store"
INCIDENT_TAG = "incident"
"""The tag of an object that belongs to an incident, whatever its value (docs/markers.md)."""


class Object:
    """One version, open for reading: an `Opened`. Each read is a request for that range."""

    stated: tuple[Finding, ...] = ()
    mtime_bounds = True

    def __init__(self, client: Any, bucket: str, of: VersionId) -> None:
        self._client = client
        self._meant = _meant(bucket, of)
        with reading():
            seen = client.head_object(**self._meant)
        self._etag = seen["ETag"]
        self.size: int = seen["ContentLength"]
        self.generation: Generation = generation_of(
            of, size=self.size, etag=self._etag, modified=seen["LastModified"]
        )

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the object ends. `GoneError` if it was replaced."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        with reading():
            answer = self._client.get_object(
                **self._meant, Range=f"bytes={offset}-{end - 1}", IfMatch=self._etag
            )
            data: bytes = answer["Body"].read()
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Nothing is open between two reads."""


class Bucket:
    """A `Store`. `connect` makes a client when the first is needed, and after `close`."""

    def __init__(
        self, connect: Callable[[], Any], bucket: str, store: str, *, prefix: str = ""
    ) -> None:
        """Remember where it is. `prefix` is empty or ends with `/`."""
        self._connect = connect
        self._bucket = bucket
        self._store = store
        self._prefix = prefix
        self._connected: Any = None

    def check(self) -> None:
        """See `Store.check`."""
        found = read_identity(self._client, self._bucket, self._prefix)
        if found is None:
            raise StoreUnreachableError("This bucket was never enrolled, or was emptied since.")
        if found != self._store:
            raise StoreUnreachableError(f"This bucket is enrolled as another store: {found!r}.")

    def directories(self, unread: Unread) -> Iterator[bytes]:
        """See `Store.directories`."""
        self.check()
        return self._walk(unread)

    def listing(self, directory: bytes, unread: Unread) -> Iterator[Found]:
        """See `Store.listing`."""
        return self._listed(directory, prefix_of(directory), unread)

    def find(self, directory: bytes, name: bytes) -> Found | None:
        """See `Store.find`."""
        of = self._of(directory, name)
        for entry in versions_of(self._client, self._bucket, of.key):
            if entry.of == of and entry.generation is not None:
                return Found(name, entry.generation, 1, name.rpartition(b";")[0])
        self.check()  # nothing is absent from a bucket that is not ours
        return None

    def marked(self, directory: bytes, names: Sequence[bytes]) -> dict[bytes, Mark]:
        """See `Store.marked`."""
        asked = {name: self._of(directory, name) for name in names}
        marks: dict[bytes, Mark] = {}
        for name, of in asked.items():
            if self._is_there(of.key + SIDECAR.decode()):
                marks[name] = "sidecar"
            elif self._has_tag(of):
                marks[name] = "tag"
        if len(marks) < len(asked):
            self.check()
        return marks

    def open(self, directory: bytes, name: bytes) -> Object:
        """See `Store.open`."""
        try:
            return Object(self._client, self._bucket, self._of(directory, name))
        except GoneError:
            self.check()
            raise

    def erase(self, batch: Batch) -> list[Erased]:
        """See `Store.erase`."""
        return self._act(batch, Erasure.erase)

    def recover(self, batch: Batch) -> list[Erased]:
        """See `Store.recover`."""
        return self._act(batch, Erasure.recover)

    def protect(self, batch: Batch) -> set[int]:
        """See `Store.protect`. Nothing is kept from other deleters here."""
        Erasure(self._client, self._bucket, self._prefix).asked(batch)
        self.check()
        return set()

    def unprotect(self, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""

    def protected(self) -> Iterator[int]:
        """See `Store.protected`."""
        return iter(())

    def kept(self, number: int) -> Generation | None:  # noqa: ARG002 - nothing is kept
        """See `Store.kept`."""
        return None

    def restore(self, number: int, directory: bytes, name: bytes) -> bool:  # noqa: ARG002 - nothing is kept
        """See `Store.restore`."""
        return False

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""

    def reclaim(self) -> None:
        """See `Store.reclaim`."""
        self.check()

    def close(self) -> None:
        """See `Store.close`."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    @property
    def _client(self) -> Any:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def _of(self, directory: bytes, name: bytes) -> VersionId:
        of = version_of(directory, name)
        return of._replace(key=self._prefix + of.key)

    def _act(
        self, batch: Batch, act: Callable[[Erasure, Sequence[Any]], list[Erased]]
    ) -> list[Erased]:
        erasure = Erasure(self._client, self._bucket, self._prefix)
        asked = erasure.asked(batch)
        self.check()
        return act(erasure, asked)

    def _walk(self, unread: Unread) -> Iterator[bytes]:
        """Go through the directories, each before those below it, one request per thousand keys."""
        waiting = [b""]
        while waiting:
            directory = waiting.pop()
            yield directory
            begins = self._prefix + prefix_of(directory)
            for page in pages(self._client, self._bucket, begins, delimiter="/"):
                for below in page.prefixes:
                    key = below.removeprefix(self._prefix)
                    if key == PRIVATE:
                        continue
                    inner, _ = directory_and_title(key)
                    if _is_path(inner):
                        waiting.append(inner)
                    else:
                        unread(inner, "Its key has a part that no name can have.")
            self.check()

    def _listed(self, directory: bytes, begins: str, unread: Unread) -> Iterator[Found]:
        for page in pages(self._client, self._bucket, self._prefix + begins, delimiter="/"):
            for of, generation in page.entries:
                if generation is not None:
                    found = self._found(Entry(of, generation), generation)
                    if found is None:
                        unread(directory, "A key in it has a part that no name can have.")
                    else:
                        yield found
        self.check()

    def _found(self, entry: Entry, generation: Generation) -> Found | None:
        _, title = directory_and_title(entry.of.key.removeprefix(self._prefix))
        name = name_of(title, entry.of.version)
        return Found(name, generation, 1, title) if _is_path(name) else None

    def _is_there(self, key: str) -> bool:
        try:
            with reading():
                self._client.head_object(Bucket=self._bucket, Key=key)
        except GoneError:
            return False
        return True

    def _has_tag(self, of: VersionId) -> bool:
        try:
            with reading():
                answer = self._client.get_object_tagging(**_meant(self._bucket, of))
        except GoneError:
            return False
        return any(tag["Key"] == INCIDENT_TAG for tag in answer["TagSet"])


def enrol(client: Any, bucket: str, store: str, *, prefix: str = "") -> None:
    """Write who this store is into its bucket; done twice, it changes nothing.

    `ConfigError` when the bucket cannot be used, `RefusedError` when it already is another store
    or its prefix lies in one.
    """
    try:
        for inside in _enclosing(prefix):
            found = read_identity(client, bucket, inside)
            if found is not None and (found != store or inside != prefix):
                raise RefusedError(f"This bucket is already enrolled as another store: {found!r}.")
        if found is None:
            with reaching():
                client.put_object(Bucket=bucket, Key=prefix + IDENTITY, Body=store.encode())
    except (StoreUnreachableError, UnreadableError) as error:
        raise ConfigError(str(error)) from error


def read_identity(client: Any, bucket: str, prefix: str) -> str | None:
    """The id of the store that lies at this prefix; None if it was never enrolled."""
    try:
        with reaching():
            return _read(client, bucket, prefix + IDENTITY)
    except GoneError:
        return None


def _read(client: Any, bucket: str, key: str) -> str:
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in ABSENT:
            raise GoneError("It is not there.") from error
        raise
    text: bytes = answer["Body"].read(4096)
    return text.decode("utf-8", "replace")


def _enclosing(prefix: str) -> list[str]:
    """The prefixes that a store at this one would lie in, itself last."""
    parts = prefix.split("/")[:-1]
    return ["/".join([*parts[:depth], ""]) for depth in range(len(parts) + 1)]


def _meant(bucket: str, of: VersionId) -> dict[str, str]:
    """Name a version to the server; the one called `null` too, lest the newest be meant."""
    return {"Bucket": bucket, "Key": of.key, "VersionId": of.version}


def _is_path(path: bytes) -> bool:
    try:
        for part in components(path):
            must_be_component(part)
    except MalformedError:
        return False
    return True
