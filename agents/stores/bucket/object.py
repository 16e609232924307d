"""One version of an object, open for reading: an `Opened`.

To open it costs one HEAD, which tells its date where the recorder stated one, how many tags it has,
and what locks it. Its bytes are asked for only when somebody reads them: a recording with a stated
or a declared date costs nothing more. Then a request each brings the first and the last 64 KiB, and
one both where the object is no larger.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from agents.stores import Generation
from agents.stores.bucket.keys import VersionId
from agents.stores.bucket.listing import generation_of
from agents.stores.bucket.trouble import NoAnswerError, reading
from agents.stores.bucket.wire import Wire, encoded
from agents.stores.files.opening import NothingOpen
from retention.calendar import Instant, to_instant
from retention.fingerprint import END_BYTES, fingerprint_begun, fingerprint_stored
from retention.probes.stated import initiated, read_metadata

_KEPT = frozenset({"content-length", "date", "etag", "last-modified"})
_META = "x-amz-meta-"


class Seen(NamedTuple):
    """What a HEAD told of one version."""

    generation: Generation
    etag: str
    headers: Mapping[str, str]

    @property
    def asked_at(self) -> datetime:
        """When it was told, by the server's clock: what its locks are measured by."""
        return parsedate_to_datetime(self.headers["date"])

    @property
    def tagged(self) -> bool:
        """Whether it may have tags: AWS, MinIO and Ceph count them in a header, if there are any."""
        return self.headers.get("x-amz-tagging-count", "0") != "0"

    @property
    def held(self) -> bool:
        """Whether a legal hold is on it, whosever."""
        return self.headers.get("x-amz-object-lock-legal-hold", "").upper() == "ON"

    @property
    def locked_until(self) -> datetime | None:
        """Until when a retention date of the bucket keeps it; None if none does."""
        text = self.headers.get("x-amz-object-lock-retain-until-date")
        return None if text is None else datetime.fromisoformat(text)


def look(wire: Wire, of: VersionId) -> Seen:
    """Ask for one version's head. Raises `S3Error` and `NoAnswerError`, also for what is no object's."""
    answer = wire.ask("HEAD", of.key, encoded(versionId=of.version))
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in _KEPT or name.startswith("x-amz-")
    }
    if not headers.keys() >= _KEPT or not headers["content-length"].isdecimal():
        raise NoAnswerError("no head of an object")
    made = generation_of(of, size=int(headers["content-length"]), etag=headers["etag"])
    return Seen(made, headers["etag"], headers)


class Object(NothingOpen):
    """One version. It stays open only in name: each read is a request."""

    unfinished = False

    def __init__(self, wire: Wire, of: VersionId, seen: Seen) -> None:
        self._wire = wire
        self._of = of
        self._etag = seen.etag
        self._parts: dict[int, bytes] = {}
        self.size = seen.generation.size
        self.generation = seen.generation
        self.stated = tuple(read_metadata(_metadata(seen.headers)))
        modified = parsedate_to_datetime(seen.headers["last-modified"])
        self.existed: Instant | None = to_instant(modified)

    @property
    def content(self) -> bytes:
        """What its content is known by: size and ETag, which is the MD5 of what came in one piece."""
        return fingerprint_stored(self.size, self._etag)

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the object ends. `GoneError` if it was replaced."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        begin = self._part(offset, end)
        if begin is None:
            return self._fetched(offset, end)
        if begin not in self._parts:
            self._parts[begin] = self._fetched(begin, self._ends(begin))
        return self._parts[begin][offset - begin : end - begin]

    def _part(self, offset: int, end: int) -> int | None:
        """Where the one of both ends begins in which this range lies."""
        tail = max(self.size - END_BYTES, 0)
        if end <= self._ends(0):
            return 0
        return tail if offset >= tail else None

    def _ends(self, begin: int) -> int:
        """Where that one ends."""
        return self.size if begin or self.size <= 2 * END_BYTES else END_BYTES

    def _fetched(self, offset: int, end: int) -> bytes:
        wanted = {"Range": f"bytes={offset}-{end - 1}", "If-Match": self._etag}
        with reading():
            query = encoded(versionId=self._of.version)
            return self._wire.ask("GET", self._of.key, query, headers=wanted).body


class Upload(NothingOpen):
    """An upload that nobody completed: nothing of it can be read, and it is as old as its beginning."""

    unfinished = True
    size = 0

    def __init__(self, of: VersionId, generation: Generation) -> None:
        self.generation = generation
        self.content = fingerprint_begun(of.upload)
        self.existed: Instant | None = Instant(generation.mtime_ns // 10**9)
        self.stated = (initiated(self.existed),)

    def read(self, offset: int, length: int) -> bytes:  # noqa: ARG002 - there is nothing to read
        """No bytes."""
        return b""


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)
    }
