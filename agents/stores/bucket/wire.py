"""Requests to one bucket, signed, repeated where that is safe, and many at once.

Over `http.client` and a signer of our own, because a sweep makes ten thousand small requests: a boto3
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
from itertools import chain
from typing import NamedTuple, Self, TypeVar
from urllib.parse import SplitResult, quote, urlsplit

from agents.stores.bucket.access import Access
from agents.stores.bucket.heads import ask_head
from agents.stores.bucket.signing import Signer
from agents.stores.bucket.trouble import NoAnswerError, S3Error, code_in, may_pass

AT_ONCE = 32
"""Requests under way together. With fewer, even a small server spends more time on each."""
_SHARES = 8
"""Each thread's share of many things is cut into so many, so that none waits long for the last."""

TRIES = 4
FIRST_WAIT_SECONDS = 0.2

_EMPTY: Mapping[str, str] = {}

_T = TypeVar("_T")
_R = TypeVar("_R")


class Answer(NamedTuple):
    """What came back, complete. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
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
        wall: Callable[[], float],
        timeout: float = 60,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = place
        self._access = access
        self._wall = wall
        self._timeout = timeout
        self._sleep = sleep
        self._url = urlsplit(place.endpoint)
        self._signer = Signer(_host(self._url), place.region)
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
                if not left or not may_pass(error):
                    raise
            self._sleep(wait)
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def each(self, act: Callable[[_T], _R], things: Iterable[_T]) -> Iterator[_R]:
        """`act` on each of the things, `AT_ONCE` together; results in order, errors as they come."""
        if self._crew is None:
            self._crew = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bucket")
        things = list(things)
        share = max(len(things) // (_SHARES * AT_ONCE), 1)  # to hand one over costs as it does many
        shares = [things[begin : begin + share] for begin in range(0, len(things), share)]
        return chain.from_iterable(
            self._crew.map(lambda some: [act(each) for each in some], shares)
        )

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
            answer, stays = _carried(connection, method, target, signed, body)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._hang_up()  # what was idle as long is as likely to be gone
            raise NoAnswerError(getattr(error, "strerror", None) or type(error).__name__) from error
        if stays:
            self._idle.append(connection)
        else:
            connection.close()
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
        return self._signer.signed(
            method, target, said, body, by=self._access.keys(), at=self._wall()
        )

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)


def _carried(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[Answer, bool]:
    """The answer to a request, and whether its connection stays open after it."""
    if method == "HEAD":
        head = ask_head(connection, target, headers)
        return Answer(head.status, head.headers, b""), head.stays
    connection.request(method, target, body or None, headers)
    response = connection.getresponse()
    told = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, told, response.read()), not response.will_close


def _host(url: SplitResult) -> str:
    """As the header of a request says it: without the port that its scheme has anyway."""
    usual = {"http": ":80", "https": ":443"}[url.scheme]
    return url.netloc.removesuffix(usual)


def encoded(**words: str | int) -> str:
    """A query as it is signed: words in order, everything quoted. `_` in a word stands for `-`."""
    parts = sorted((word.strip("_").replace("_", "-"), str(value)) for word, value in words.items())
    return "&".join(f"{quote(word, safe='~')}={quote(value, safe='~')}" for word, value in parts)
