"""An S3 server in this process's memory, for what takes thousands of requests.

It knows as much of S3 as the agent asks for, and passes the same contract suite as the real server
(tests/stores). Its time is whoever's clock it is given, and each request to it can be cut off:

- early: it never arrives;
- middle: half of it is carried out (of a deletion, half of the versions), and no answer comes;
- late: it is carried out, and no answer comes.

`moto` cannot take its place: it has the real time, forgets the older versions where none are to be kept
any more, and takes some fifty times as long for a head. What only that one shows is asked of it.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from fake_s3_client import FakeClient

from agents.stores.bucket.trouble import NoAnswerError, S3Error
from agents.stores.bucket.wire import Answer, Wire
from agents.stores.bucket.wire import Place as At

NULL = "null"
When = Literal["early", "middle", "late"]
Fault = Callable[[int], When | None]
"""Asked, by the number of a request, whether it is cut off."""


@dataclass(eq=False)
class Version:
    """One version of a key, or a delete marker (then there is no body)."""

    id: str
    modified: float
    body: bytes | None
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    held: bool = False

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'


@dataclass(eq=False)
class Upload:
    """One that was begun and not completed."""

    id: str
    key: str
    begun: float


class FakeBucket:
    """Versions of each key, the newest first."""

    def __init__(self, clock: Callable[[], float], *, versioning: str, lock: bool) -> None:
        self.clock = clock
        self._numbers = itertools.count(1)
        self.versioning = "Enabled" if lock else versioning
        self.lock = lock
        self.keys: dict[str, list[Version]] = {}
        self.uploads: list[Upload] = []

    def put(self, key: str, body: bytes | None, metadata: dict[str, str] | None = None) -> Version:
        """Write a version, or a marker, as versioning has it."""
        id_ = f"v{next(self._numbers):06}" if self.versioning == "Enabled" else NULL
        versions = self.keys.setdefault(key, [])
        if id_ == NULL:
            versions[:] = [each for each in versions if each.id != NULL]
        versions.insert(0, Version(id_, self.clock(), body, metadata or {}))
        return versions[0]

    def delete(self, key: str, id_: str | None = None) -> None:
        """Delete a version by its id, or what its key shows. `S3Error` where a hold is on it."""
        if id_ is None and self.versioning:
            self.put(key, None)
            return
        versions = self.keys.get(key, [])
        meant = [each for each in versions if each.id == (id_ or NULL)]
        if any(each.held for each in meant):
            raise S3Error("AccessDenied", 403)
        versions[:] = [each for each in versions if each not in meant]
        if not versions:
            self.keys.pop(key, None)

    def find(self, key: str, id_: str | None = None) -> Version:
        """A version that has a body; `S3Error` if there is none."""
        for each in self.keys.get(key, ()):
            if id_ is None or each.id == id_:
                if each.body is None:
                    raise S3Error("MethodNotAllowed" if id_ else "NoSuchKey", 405 if id_ else 404)
                return each
        raise S3Error("NoSuchVersion" if id_ else "NoSuchKey", 404)

    def all(self, prefix: str = "") -> Iterator[tuple[str, Version]]:
        """Every version and marker below a prefix, in the order of a listing."""
        for key in sorted(self.keys, key=str.encode):
            if key.startswith(prefix):
                for each in list(self.keys[key]):
                    yield key, each

    def begin(self, key: str) -> Upload:
        """Begin an upload."""
        upload = Upload(f"u{next(self._numbers):06}", key, self.clock())
        self.uploads.append(upload)
        return upload


class FakeS3:
    """The server, in the place of a `Gateway`: makes buckets, wires and clients."""

    endpoint = "http://in-this-process"
    refuses = ""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.buckets: dict[str, FakeBucket] = {}
        self.asked: list[str] = []
        self.fault: Fault | None = None
        self.death: BaseException | None = None  # what befalls the asker, rather than no answer

    def bucket(self, *, versioning: str = "", lock: bool = False) -> str:
        name = f"bucket-{len(self.buckets) + 1}"
        self.buckets[name] = FakeBucket(self._now, versioning=versioning, lock=lock)
        return name

    def wire(self, bucket: str, *, endpoint: str = "", timeout: float = 60) -> "FakeWire":
        del endpoint, timeout
        return FakeWire(self, bucket)

    def client(self) -> FakeClient:
        return FakeClient(self.buckets)

    @property
    def shared(self) -> FakeClient:
        return self.client()

    def copied(self) -> "FakeS3":
        """Another server with the same buckets."""
        twin = FakeS3(self.clock)
        for name, bucket in self.buckets.items():
            twin.buckets[name] = deepcopy(bucket)
            twin.buckets[name].clock = twin._now
        return twin

    def _now(self) -> float:
        return self.clock()

    def answer(
        self, bucket: str, method: str, key: str, *, query: str, headers: Any, body: bytes
    ) -> Answer:
        """One request on its way, whole or cut off."""
        line = f"{method} /{bucket}/{key}?{query}"
        self.asked.append(line)
        fault = self.fault(len(self.asked)) if self.fault else None
        if fault == "early":
            raise self.death or NoAnswerError("ConnectionResetError")
        request = Request(self, bucket, key, dict(parse_qsl(query, keep_blank_values=True)))
        try:
            return request.answer(method, headers, body, half=fault == "middle")
        finally:
            if fault is not None:  # nor is a refusal heard
                raise self.death or NoAnswerError("IncompleteRead")


class FakeWire(Wire):
    """The agent's own wire but for the network; it asks in order, so that a run can be repeated."""

    def __init__(self, server: FakeS3, bucket: str) -> None:
        self.place = At(server.endpoint, bucket, "us-east-1")
        self._server = server
        self._sleep = lambda _seconds: None
        self._crew = None
        self._idle = []

    def each(self, act: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        return map(act, things)

    def _asked(  # type: ignore[override]
        self, method: str, key: str, query: str, headers: Any, body: bytes, *, fresh: bool
    ) -> Answer:
        del fresh
        return self._server.answer(
            self.place.bucket, method, key, query=query, headers=headers, body=body
        )


class Request:
    """One request that arrived."""

    def __init__(self, server: FakeS3, bucket: str, key: str, query: dict[str, str]) -> None:
        if bucket not in server.buckets:
            raise S3Error("NoSuchBucket", 404)
        self._bucket = server.buckets[bucket]
        self._now = datetime.fromtimestamp(server.clock(), UTC)
        self._key = key
        self._query = query

    def answer(self, method: str, headers: Any, body: bytes, *, half: bool) -> Answer:
        if not self._key:
            return self._of_bucket(method, body, half=half)
        if method == "GET" and "uploadId" in self._query:
            raise S3Error("NoSuchUpload", 404)  # it takes no parts, so it lists none
        if "tagging" in self._query:
            return self._tagging(method, body)
        if "legal-hold" in self._query:
            self._version.held = b"ON" in body
            return self._said()
        if method == "PUT":
            self._bucket.put(self._key, body)
            return self._said()
        if method == "DELETE":
            return self._deleted()
        return self._read(method, headers)

    @property
    def _version(self) -> Version:
        return self._bucket.find(self._key, self._query.get("versionId"))

    def _of_bucket(self, method: str, body: bytes, *, half: bool) -> Answer:
        if "versions" in self._query:
            return self._said(self._versions())
        if "uploads" in self._query:
            return self._said(self._uploads())
        if "delete" in self._query and method == "POST":
            return self._said(self._delete_all(body, half=half))
        if "object-lock" in self._query and self._bucket.lock:
            return self._said("<ObjectLockConfiguration/>")
        raise S3Error("ObjectLockConfigurationNotFoundError", 404)

    def _said(self, text: str = "", data: bytes = b"", **headers: str) -> Answer:
        told = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        told["date"] = format_datetime(self._now, usegmt=True)
        return Answer(200, told, text.encode() or data)

    def _read(self, method: str, headers: Any) -> Answer:
        version = self._version
        body = version.body or b""
        if headers.get("If-Match", version.etag) != version.etag:
            raise S3Error("PreconditionFailed", 412)
        told = {f"x-amz-meta-{name}": value for name, value in version.metadata.items()}
        if version.id != NULL:
            told["x-amz-version-id"] = version.id
        if version.tags:
            told["x-amz-tagging-count"] = str(len(version.tags))
        if version.held:
            told["x-amz-object-lock-legal-hold"] = "ON"
        told |= {"ETag": version.etag, "Content-Length": str(len(body))}
        modified = datetime.fromtimestamp(version.modified, UTC)
        told["Last-Modified"] = format_datetime(modified, usegmt=True)
        if "Range" in headers:
            first, last = headers["Range"].removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return self._said("", b"" if method == "HEAD" else body, **told)

    def _tagging(self, method: str, body: bytes) -> Answer:
        version = self._version
        if method == "GET":
            tags = "".join(
                f"<Tag><Key>{escape(k)}</Key><Value>{escape(v)}</Value></Tag>"
                for k, v in version.tags.items()
            )
            return self._said(f"<Tagging><TagSet>{tags}</TagSet></Tagging>")
        version.tags = {tag[0].text or "": tag[1].text or "" for tag in ET.fromstring(body)[0]}
        return self._said()

    def _deleted(self) -> Answer:
        if upload := self._query.get("uploadId"):
            meant = [each for each in self._bucket.uploads if each.id == upload]
            if not meant:
                raise S3Error("NoSuchUpload", 404)
            self._bucket.uploads.remove(meant[0])
        else:
            self._bucket.delete(self._key, self._query.get("versionId"))
        return self._said()

    def _delete_all(self, body: bytes, *, half: bool) -> str:
        wanted = [
            (each[0].text or "", each[1].text or "")
            for each in ET.fromstring(body)
            if each.tag == "Object"
        ]
        told = ""
        for key, id_ in wanted[: len(wanted) // 2] if half else wanted:
            name = f"<Key>{escape(key)}</Key><VersionId>{id_}</VersionId>"
            try:
                self._bucket.delete(key, id_)
                told += f"<Deleted>{name}</Deleted>"
            except S3Error as error:
                told += f"<Error>{name}<Code>{error.code}</Code></Error>"
        return f"<DeleteResult>{told}</DeleteResult>"

    def _versions(self) -> str:
        most, delimiter = int(self._query["max-keys"]), self._query.get("delimiter", "")
        rows: list[str] = []
        last: tuple[str, str] | None = None
        folded = ""
        for key, each in self._after_the_mark(delimiter):
            inside = key.removeprefix(self._query["prefix"])
            fold = delimiter and delimiter in inside
            if fold and folded and key.startswith(folded):
                continue
            if len(rows) == most:
                mark = f"<NextKeyMarker>{_url(last[0])}</NextKeyMarker>" if last else ""
                mark += f"<NextVersionIdMarker>{last[1]}</NextVersionIdMarker>" if last else ""
                return _listing("ListVersionsResult", rows, f"true</IsTruncated>{mark}<Told>")
            if fold:
                folded = self._query["prefix"] + inside.split(delimiter)[0] + delimiter
                rows.append(f"<CommonPrefixes><Prefix>{_url(folded)}</Prefix></CommonPrefixes>")
                last = folded, ""
            else:
                rows.append(_row(key, each))
                last = key, each.id
        return _listing("ListVersionsResult", rows, "false</IsTruncated><Told>")

    def _after_the_mark(self, delimiter: str) -> Iterator[tuple[str, Version]]:
        key_mark = self._query.get("key-marker", "")
        id_mark = self._query.get("version-id-marker", "")
        passed = False
        for key, each in self._bucket.all(self._query["prefix"]):
            if key.encode() < key_mark.encode():
                continue
            if key_mark and delimiter and key_mark.endswith(delimiter) and key.startswith(key_mark):
                continue
            if key == key_mark and not passed:
                passed = bool(id_mark) and each.id == id_mark
                continue
            yield key, each

    def _uploads(self) -> str:
        rows = [
            f"<Upload><Key>{_url(each.key)}</Key><UploadId>{each.id}</UploadId>"
            f"<Initiated>{datetime.fromtimestamp(int(each.begun), UTC).isoformat()}</Initiated></Upload>"
            for each in self._bucket.uploads
            if each.key.startswith(self._query["prefix"])
        ]
        return _listing("ListMultipartUploadsResult", rows, "false</IsTruncated><Told>")


def _row(key: str, each: Version) -> str:
    kind = "DeleteMarker" if each.body is None else "Version"
    told = f"<Key>{_url(key)}</Key><VersionId>{each.id}</VersionId>"
    if each.body is not None:
        told += f"<Size>{len(each.body)}</Size><ETag>{escape(each.etag)}</ETag>"
    return f"<{kind}>{told}</{kind}>"


def _listing(name: str, rows: list[str], told: str) -> str:
    about = f"<EncodingType>url</EncodingType><IsTruncated>{told}</Told>"
    return f"<{name}>{about}{''.join(rows)}</{name}>"


def _url(text: str) -> str:
    return quote(text, safe="/~")
