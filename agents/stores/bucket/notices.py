"""What a server tells of a bucket while it happens: MinIO's stream of notifications, one line each.

Hints, and no more: a line may be lost, doubled, late or nonsense, and what it tells is looked up like
anything that a scan meets. Signing and the form of a line are the `minio` package's; the connection
is ours, because the package, left alone, knocks again for ever and at once where a server hangs up,
and where one that knows no such stream answers with a listing.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import minio.error
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider
from minio.datatypes import EventIterable
from minio.error import MinioException
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from agents.stores import SIDECAR
from agents.stores.bucket.access import Access
from agents.stores.bucket.keys import NULL, OWN, directory_and_title, is_path, name_of
from agents.stores.bucket.trouble import NoAnswerError, S3Error, sentence_of
from agents.stores.bucket.wire import Place
from retention.errors import StoreUnreachableError

ASKED = ("s3:ObjectCreated:*",)
"""One word: servers that are asked for several, and have no such stream, call it a wrong signature."""
TOLD = frozenset(
    {
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:Post",
        "s3:ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectCreated:PutTagging",  # it may be an incident's
    }
)
"""What of that is worth a look; legal holds, which are mostly our own, are not."""

CONNECT_SECONDS = 10
SILENCE_SECONDS = 60
"""A server sends a space every few seconds: after this long without one, the line is dead."""
LONGEST_LINE_BYTES = 1 << 20

_NO_STREAM = "This server does not tell what comes."
_NOT_FOR_US = "This server does not let these credentials listen to what comes."
_UNKNOWN_TO_IT = frozenset({"NotImplemented", "MethodNotAllowed", "InvalidArgument"})
_NO_SUCH_THING = frozenset({400, 404, 405, 501})
_GARBAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_BYTES_AT_ONCE = 65_536


class NotOfferedError(Exception):
    """A server that has no notifications, or none for us; the text is a sentence."""


class Notice(NamedTuple):
    """A version that was written or tagged. `marker`: it is one that marks another object."""

    directory: bytes
    name: bytes
    marker: bool


class Notices:
    """One connection to the stream, for one thread; another may `close` it."""

    def __init__(
        self, place: Place, access: Access, prefix: str, *, silence: float = SILENCE_SECONDS
    ) -> None:
        self._place = place
        self._access = access
        self._prefix = prefix
        self._line = _Line(place, silence)

    def listen(self, connected: Callable[[], object]) -> Iterator[Notice]:
        """Connect, call `connected`, and yield what is told until it is closed.

        Raises `NotOfferedError` where that is in vain, and `StoreUnreachableError` where the line
        breaks: what happens until there is a new one, nobody tells.
        """
        self._line.connected = connected
        with _telling(self._line), self._events() as events:
            for event in events:
                yield from self._notices(event)

    def close(self) -> None:
        """End it, also while somebody listens."""
        self._line.close()

    def _events(self) -> EventIterable:
        url = urlsplit(self._place.endpoint)
        try:
            client = Minio(
                url.netloc,
                secure=url.scheme == "https",
                region=self._place.region,
                credentials=_Keys(self._access),
                http_client=self._line,
            )
            return client.listen_bucket_notification(self._place.bucket, self._prefix, "", ASKED)
        except ValueError as reason:  # AWS, or a name that MinIO has not
            raise NotOfferedError(_NO_STREAM) from reason

    def _notices(self, event: Any) -> Iterator[Notice]:
        for record in event["Records"]:
            told = record["s3"]["object"]
            key = unquote_plus(told["key"], errors="strict")
            if record["eventName"] not in TOLD or not key.startswith(self._prefix):
                continue
            directory, title = directory_and_title(key.removeprefix(self._prefix))
            name = name_of(title, told.get("versionId") or NULL)
            if directory.split(b"/")[0] != OWN and is_path(directory) and is_path(name):
                yield Notice(directory, name, title.endswith(SIDECAR))


def offered(place: Place, access: Access, prefix: str) -> bool:
    """Whether this server tells what comes. Raises `StoreUnreachableError`."""
    notices = Notices(place, access, prefix, silence=CONNECT_SECONDS)
    try:
        list(notices.listen(notices.close))
    except NotOfferedError:
        return False
    return True


class _Keys(Provider):
    """The agent's keys of this moment."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def retrieve(self) -> Credentials:
        keys = self._access.keys()
        return Credentials(keys.access_key, keys.secret_key, keys.token)


class _Line(urllib3.PoolManager):
    """A connection that is made once, and is not taken for a stream where it is none."""

    def __init__(self, place: Place, silence: float) -> None:
        tls = ssl.create_default_context(cafile=place.ca_file)
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=silence)
        super().__init__(ssl_context=tls, timeout=timeout, retries=False)
        self.connected: Callable[[], object] = lambda: None
        self.closed = False
        self.status = 0
        self._answer: BaseHTTPResponse | None = None

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override] # noqa: ARG002, FBT001, FBT002 - as its parent has it
        if self._answer is not None:
            raise StoreUnreachableError("What the server tells makes no sense.")
        answer = super().urlopen(method, url, redirect=False, **kw)
        self.status = answer.status
        if answer.status != 200:
            return answer  # which error it is, `minio` tells
        if "xml" in answer.headers.get("Content-Type", ""):
            answer.close()
            raise NotOfferedError(_NO_STREAM)  # it answered another question
        self._answer = answer
        self.connected()
        if self.closed:
            self.close()
        return _Stream(answer)

    def close(self) -> None:
        """Wake whoever reads, for the last time."""
        self.closed = True
        if self._answer is not None:
            with suppress(ValueError, RuntimeError):  # it is over already
                self._answer.shutdown()


class _Stream:
    """The body of an answer that never ends, line by line; as much of a response as `minio` asks for."""

    status = 200
    closed = False

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer
        self._begun = b""

    def readline(self) -> bytes:
        """The next line that says something. Raises `StoreUnreachableError` where there is none."""
        while True:
            line, end, rest = self._begun.partition(b"\n")
            if end:
                self._begun = rest
                if line.strip():
                    return line
                continue
            if len(line) > LONGEST_LINE_BYTES:
                raise StoreUnreachableError("What the server tells has no end.")
            data = self._answer.read1(_BYTES_AT_ONCE)
            if not data:
                raise StoreUnreachableError("The server hung up.")
            self._begun = (line + data).lstrip()  # spaces keep the line alive

    def close(self) -> None:
        self._answer.close()

    def release_conn(self) -> None:
        """It is nobody else's."""


@contextmanager
def _telling(line: _Line) -> Iterator[None]:
    """Whatever ends a stream, in our own words; nothing where we ended it ourselves."""
    try:
        yield
    except (HTTPError, OSError, MinioException, StoreUnreachableError, *_GARBAGE) as trouble:
        if not line.closed:
            raise _meant(trouble, line.status) from trouble
    finally:
        line.clear()


def _meant(trouble: Exception, status: int) -> Exception:
    code = (trouble.code or "") if isinstance(trouble, minio.error.S3Error) else ""
    if isinstance(trouble, StoreUnreachableError):
        return trouble
    if code == "AccessDenied":
        return NotOfferedError(_NOT_FOR_US)
    if code in _UNKNOWN_TO_IT or (status in _NO_SUCH_THING and not code):
        return NotOfferedError(_NO_STREAM)
    if code:
        return StoreUnreachableError(sentence_of(S3Error(code, status)))
    if isinstance(trouble, _GARBAGE):
        return StoreUnreachableError("What the server tells makes no sense.")
    return StoreUnreachableError(sentence_of(NoAnswerError(type(trouble).__name__)))
