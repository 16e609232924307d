"""Requests to one bucket, signed, repeated where that is safe, and many at once.

Over `http.client` and botocore's signer, because a sweep makes ten thousand small requests: a boto3
call takes 1 to 2 ms of a core, one of these a tenth of that (docs/architecture.md, Choices). The
only checksum ever sent is Content-MD5, and that with bodies alone: every server there is takes it.
"""

import base64
import hashlib
import http.client
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple, Self, TypeVar
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from agents.stores.bucket.access import Access
from agents.stores.bucket.trouble import NoAnswerError, S3Error, code_in

AT_ONCE = 8
"""Requests under way together. More make neither a small server nor Python faster."""

TRIES = 4
FIRST_WAIT_SECONDS = 0.2

_PASSING = frozenset({429, 500, 502, 503, 504})
_PASSING_CODES = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"})
_EMPTY: Mapping[str, str] = {}

_T = TypeVar("_T")
_R = TypeVar("_R")


class Answer(NamedTuple):
    """What came back, complete. Names of headers are taken as the server spells them or not."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Place(NamedTuple):
    """Where a bucket is. `endpoint` is `http(s)://host[:port]`; `ca_file` is PEM or the system's."""

    endpoint: str
    bucket: str
    region: str
    ca_file: str | None = None


class Wire:
    """Speaks to one bucket. Any thread may ask."""

    def __init__(
        self,
        place: Place,
        access: Access,
        *,
        timeout: float = 60,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = place
        self._access = access
        self._timeout = timeout
        self._sleep = sleep
        self._url = urlsplit(place.endpoint)
        self._idle: list[http.client.HTTPConnection] = []
        self._crew: ThreadPoolExecutor | None = None
        self._tls = (
            ssl.create_default_context(cafile=place.ca_file)
            if self._url.scheme == "https"
            else None
        )

    def ask(
        self,
        method: str,
        key: str = "",
        query: str = "",
        *,
        headers: Mapping[str, str] = _EMPTY,
        body: bytes = b"",
        once: bool = False,
    ) -> Answer:
        """Ask something of the bucket, or of the object `key`; `query` is encoded and in order.

        `once`: what is not to be done twice, as no request by name alone is. Raises `S3Error` for
        what the server refuses and `NoAnswerError` where nothing, or not all of it, came back:
        then it may have been carried out or not.
        """
        wait = FIRST_WAIT_SECONDS
        for left in reversed(range(1 if once else TRIES)):
            try:
                return self._asked(method, key, query, headers, body, fresh=once)
            except (S3Error, NoAnswerError) as error:
                if not left or not _may_pass(error):
                    raise
            self._sleep(wait)
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def each(self, act: Callable[[_T], _R], things: Iterable[_T]) -> Iterator[_R]:
        """`act` on each of the things, `AT_ONCE` together; results in order, errors as they come."""
        if self._crew is None:
            self._crew = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bucket")
        return self._crew.map(act, things)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections. Asking again opens new ones."""
        if self._crew is not None:
            self._crew.shutdown()
            self._crew = None
        self._hang_up()

    def _hang_up(self) -> None:
        with suppress(IndexError):  # other threads take and give meanwhile
            while True:
                self._idle.pop().close()

    def _asked(
        self,
        method: str,
        key: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        fresh: bool,
    ) -> Answer:
        path = quote(f"/{self.place.bucket}/{key}" if key else f"/{self.place.bucket}", safe="/~")
        target = f"{path}?{query}" if query else path
        signed = self._signed(method, target, headers, body)
        # One that was idle may just have been closed: then nobody knows whether a request arrived.
        connection = (None if fresh else self._taken()) or self._connection()
        try:
            connection.request(method, target, body or None, signed)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._hang_up()  # what was idle as long is as likely to be gone
            raise NoAnswerError(type(error).__name__) from error
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        if answer.status >= 300:
            raise S3Error(code_in(answer.body) or str(answer.status), answer.status)
        return answer

    def _taken(self) -> http.client.HTTPConnection | None:
        """An idle connection, if there is one."""
        with suppress(IndexError):
            return self._idle.pop()
        return None

    def _signed(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        said = dict(headers)
        if body:
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            said["Content-MD5"] = base64.b64encode(md5).decode()
        request = AWSRequest(method, self.place.endpoint + target, headers=said, data=body or None)
        S3SigV4Auth(self._access.keys(), "s3", self.place.region).add_auth(request)
        return dict(request.headers.items())

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)


def _may_pass(error: S3Error | NoAnswerError) -> bool:
    if isinstance(error, NoAnswerError):
        return True
    return error.status in _PASSING or error.code in _PASSING_CODES


def encoded(**words: str | int) -> str:
    """A query as it is signed: words in order, everything quoted. `_` in a word stands for `-`."""
    parts = sorted((word.strip("_").replace("_", "-"), str(value)) for word, value in words.items())
    return "&".join(f"{quote(word, safe='~')}={quote(value, safe='~')}" for word, value in parts)
