"""What a bucket's listing shows, opened: a version, an upload that nobody completed, a delete marker.

A version costs one HEAD, which tells its metadata. Of its bytes the first 128 KiB and the last 64 KiB
are asked for, and that only where nothing else dates it: a recording of 3 GB costs what a small one does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from auditor.storage import What
from retention.calendar import to_instant
from retention.errors import GoneError, StoreUnreachableError, UnreadableError, WithheldError
from retention.fingerprint import END_BYTES, fingerprint_begun, fingerprint_stored
from retention.media import may_be_media
from retention.probes import BytesSource, NamePattern, Probed, probe
from retention.probes.stated import initiated, read_metadata

Row = Mapping[str, Any]
"""One entry of a listing, as botocore gives it."""

_NOTHING = BytesSource(b"")
_HEAD_BYTES = 2 * END_BYTES
_GONE = frozenset({"404", "405", "412", "NoSuchKey", "NoSuchVersion", "PreconditionFailed"})
_SHUT = frozenset({"400", "403", "AccessDenied", "InvalidRequest"})
"""Of one object: by a rule, or a key that only its writer has."""
_SENTENCES = {
    "NoSuchBucket": "the bucket is not there",
    "InvalidAccessKeyId": "the bucket's server does not know these credentials",
    "SignatureDoesNotMatch": "the bucket's server refuses these credentials",
    "ExpiredToken": "these credentials have expired",
    "AccessDenied": "these credentials may not list the bucket, or not all of it",
    "RequestTimeTooSkewed": "the clocks of the server and of this machine are too far apart",
    "PermanentRedirect": "the bucket is in another region: say which with --region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: say which with --region",
}


@contextmanager
def reaching() -> Iterator[None]:
    """A request about the whole bucket: whatever goes wrong, nothing is known (`StoreUnreachableError`)."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        told = _SENTENCES.get(code, f"the bucket's server said {code[:60] or 'no'}")
        raise StoreUnreachableError(told) from error
    except (BotoCoreError, ResponseParserError) as error:
        told = f"the bucket's server does not answer as it should ({type(error).__name__})"
        raise StoreUnreachableError(told) from error


@contextmanager
def reading() -> Iterator[None]:
    """A request about one object: `GoneError`, `UnreadableError`, or what `reaching` raises."""
    try:
        with reaching():
            yield
    except StoreUnreachableError as error:
        cause = error.__cause__
        code = cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else ""
        if code in _GONE:
            raise GoneError("there is no such version any more") from cause
        if _is_withheld(code):
            told = "the server does not give its bytes: it is archived, or its key is not at hand"
            raise WithheldError(told) from cause
        if code in _SHUT:
            raise UnreadableError("the server does not let it be read") from cause
        raise


def _is_withheld(code: str) -> bool:
    """Whether the server has the bytes and gives them to nobody; a server of keys that is busy will."""
    return code == "InvalidObjectState" or (code.startswith("KMS.") and "Throttling" not in code)


class Version:
    """One version of a key, with its head, or with what kept that from being told: a `Listed`."""

    what = What.RECORDING

    def __init__(self, row: Row, prefix: str, client: Any, bucket: str) -> None:
        self.path = path_of(row, prefix)
        self.directory, _, self.name = self.path.rpartition(b"/")
        self.label = self.path + b";" + row["VersionId"].encode()
        asked = {"Bucket": bucket, "Key": row["Key"], "VersionId": row["VersionId"]}
        self._get = partial(client.get_object, **asked)
        self._found: Mapping[str, Any] | UnreadableError
        try:
            with reading():
                self._found = client.head_object(**asked)
        except UnreadableError as error:
            self._found = error

    def open(self) -> "Object":
        """See `Listed`."""
        if isinstance(self._found, UnreadableError):
            raise self._found
        return Object(self._found, self._get)


class Object:
    """What a version is: a `Content`, and a source of bytes. It is open only in name."""

    def __init__(self, head: Mapping[str, Any], get: Callable[..., Mapping[str, Any]]) -> None:
        self._get = get
        self._etag: str = head["ETag"]
        self._parts: dict[int, bytes] = {}
        self._metadata: Mapping[str, str] = head.get("Metadata", {})
        self.size: int = head["ContentLength"]
        self.existed = to_instant(head["LastModified"])

    def probed(self, name: bytes, patterns: Sequence[NamePattern]) -> Probed:
        """What its metadata and its name say, and its bytes where those say too little."""
        stated = tuple(read_metadata(self._metadata))
        return probe(self, name=name, mtime_ns=None, patterns=patterns, stated=stated, sparing=True)

    def fingerprint(self) -> bytes:
        """Of what the server tells of it."""
        return fingerprint_stored(self.size, self._etag)

    def read(self, offset: int, length: int) -> bytes:
        """Read a range, both ends of the object in one request each; `GoneError` if it was replaced."""
        end = min(offset + length, self.size)
        tail = max(self.size - END_BYTES, 0)
        if offset >= end:
            return b""
        if not (end <= _HEAD_BYTES or offset >= tail):
            return self._fetched(offset, end)
        begin, until = (0, min(_HEAD_BYTES, self.size)) if end <= _HEAD_BYTES else (tail, self.size)
        if begin not in self._parts:
            self._parts[begin] = self._fetched(begin, until)
        return self._parts[begin][offset - begin : end - begin]

    def _fetched(self, offset: int, end: int) -> bytes:
        with reading():
            answer = self._get(Range=f"bytes={offset}-{end - 1}", IfMatch=self._etag)
            data: bytes = answer["Body"].read()
            return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open between two requests."""


class _Left:
    """What is left where there is no recording, or none yet: a `Listed` of which nothing can be read."""

    size = 0

    def __init__(self, row: Row, prefix: str, sign: str, existed: datetime) -> None:
        self.path = path_of(row, prefix)
        self.directory, _, self.name = self.path.rpartition(b"/")
        self.label = self.path + b";" + sign.encode()
        self.existed = to_instant(existed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def open(self) -> Self:
        """See `Listed`."""
        if not may_be_media(self.path):
            raise GoneError("its name says that it is no recording")
        return self


class Upload(_Left):
    """An upload that nobody completed: as old as its beginning, whatever its key says."""

    what = What.UPLOAD

    def __init__(self, row: Row, prefix: str) -> None:
        super().__init__(row, prefix, "+" + row["UploadId"], row["Initiated"])
        self._upload: str = row["UploadId"]

    def probed(self, name: bytes, patterns: Sequence[NamePattern]) -> Probed:  # noqa: ARG002 - see above
        """When it was begun."""
        return probe(_NOTHING, name=b"", mtime_ns=None, stated=[initiated(self.existed)])

    def fingerprint(self) -> bytes:
        """Of its id."""
        return fingerprint_begun(self._upload)


class Marker(_Left):
    """A delete marker whose key has no version: its name alone is left, and no list names that."""

    what = What.MARKER

    def __init__(self, row: Row, prefix: str) -> None:
        super().__init__(row, prefix, row["VersionId"], row["LastModified"])

    def probed(self, name: bytes, patterns: Sequence[NamePattern]) -> Probed:
        """What its name says."""
        return probe(_NOTHING, name=name, mtime_ns=None, patterns=patterns)

    def fingerprint(self) -> bytes:
        """None has content: it is like no other."""
        return self.label


def path_of(row: Row, prefix: str) -> bytes:
    """Where an entry's key lies below the store's prefix."""
    key: str = row["Key"]
    return key.removeprefix(prefix).encode("utf-8", "surrogateescape")
