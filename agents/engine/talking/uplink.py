"""The wire to the enforcer: HTTPS with the standard library, one connection kept open.

Says what `retention.wire` says and nothing else. A failure to reach the enforcer is an
`UnreachableError`; an answer that refuses is a `RefusedError`, by kind.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from retention import codec
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import ConfigError, MalformedError, RefusedError, UnreachableError
from retention.wire import Applied, Enrolled, Enrolment, Fetched, Hello, Prior, Problem, Welcome

TIMEOUT_SECONDS = 20
MAX_ANSWER_BYTES = 32 * 1024 * 1024

T = TypeVar("T")


class CredentialRefusedError(RefusedError):
    """401: the enforcer does not know this credential, or revoked it."""


class GapError(RefusedError):
    """409: the log sent does not follow what the enforcer has."""


class FrozenError(RefusedError):
    """423: two boxes speak with this store's identity."""


class RetiredError(RefusedError):
    """410: the store was retired, says the enforcer; `retirement` is what two people signed of that."""

    def __init__(self, sentence: str, retirement: Envelope | None) -> None:
        super().__init__(sentence)
        self.retirement = retirement


_REFUSALS: dict[int, type[RefusedError]] = {
    401: CredentialRefusedError,
    409: GapError,
    423: FrozenError,
}


class Uplink(Protocol):
    """What an agent can ask of the enforcer; see `retention.wire` for each exchange."""

    def enrol(self, enrolment: Enrolment) -> Enrolled:
        """Exchange a one-time code for a credential."""

    def hello(self, hello: Hello) -> Welcome:
        """Say what is known here; hear where the enforcer stands."""

    def prior(self, after: int) -> Prior:
        """A page of what an older epoch knew."""

    def push(self, *, epoch: int, first: int, packed: bytes) -> Applied:
        """Upload log entries, the first of which has number `first`."""

    def fetch(self, *, epoch: int, nonce: bytes, policy: int, ledger: int) -> Fetched:
        """The enforcer's time, directive, policies after `policy`, head extending size `ledger`."""


class HttpUplink:
    """The real wire. `authorisation` gives the credential, STORE.SECRET, when there is one."""

    def __init__(
        self, url: str, *, ca_file: str | None, authorisation: Callable[[], str | None]
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or parts.hostname is None:
            raise ConfigError(
                f"{url!r} is not the address of an enforcer, like https://centre:8443"
            )
        if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ConfigError("an enforcer on another machine is only spoken to over https")
        self._host = parts.hostname
        self._port = parts.port
        self._context = _context(ca_file) if parts.scheme == "https" else None
        self._authorisation = authorisation
        self._connection: http.client.HTTPConnection | None = None

    def enrol(self, enrolment: Enrolment) -> Enrolled:
        """See `Uplink`."""
        return self._post("/agent/v1/enrol", codec.encode(enrolment), Enrolled)

    def hello(self, hello: Hello) -> Welcome:
        """See `Uplink`."""
        return self._post("/agent/v1/hello", codec.encode(hello), Welcome)

    def prior(self, after: int) -> Prior:
        """See `Uplink`."""
        return self._call("GET", f"/agent/v1/prior?after={after}&earliest=1&undated=1", b"", Prior)

    def push(self, *, epoch: int, first: int, packed: bytes) -> Applied:
        """See `Uplink`."""
        return self._post(f"/agent/v1/log?epoch={epoch}&first={first}", packed, Applied)

    def fetch(self, *, epoch: int, nonce: bytes, policy: int, ledger: int) -> Fetched:
        """See `Uplink`."""
        query = urlencode(
            {"epoch": epoch, "nonce": nonce.hex(), "policy": policy, "ledger": ledger}
        )
        return self._call("GET", f"/agent/v1/directive?{query}", b"", Fetched)

    def certificate_ends(self) -> Instant | None:
        """When the certificate ends by which the enforcer is known; None where it shows none.

        `UnreachableError` if it does not answer, or shows one that is not believed.
        """
        try:
            connection = self._connect()
        except OSError as error:
            raise UnreachableError(f"cannot reach the enforcer: {_reason(error)}") from error
        try:
            if not isinstance(connection.sock, ssl.SSLSocket):
                return None
            shown: dict[str, Any] = connection.sock.getpeercert() or {}
        finally:
            connection.close()
        return Instant(int(ssl.cert_time_to_seconds(shown["notAfter"])))

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, path: str, body: bytes, answer: type[T]) -> T:
        return self._call("POST", path, body, answer)

    def _call(self, method: str, path: str, body: bytes, answer: type[T]) -> T:
        status, data = self._exchange(method, path, body)
        if status == http.HTTPStatus.OK:
            return codec.decode(data, answer)
        try:
            said = codec.decode(data, Problem)
        except MalformedError:
            said = Problem(f"the enforcer answered {status}")
        why = said.error
        if status == http.HTTPStatus.GONE:
            raise RetiredError(why, said.retirement or None)
        if status in _REFUSALS:
            raise _REFUSALS[status](why)
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UnreachableError(why)
        raise RefusedError(why)

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """One request; once more on a new connection if the kept one had been closed meanwhile."""
        fresh = self._connection is None
        try:
            return self._request(method, path, body)
        except (
            http.client.RemoteDisconnected,
            BrokenPipeError,
            ConnectionResetError,
            ssl.SSLEOFError,  # it closed a kept connection, and TLS says it in its own words
        ) as error:
            self.close()
            if fresh:
                raise UnreachableError(f"the enforcer hung up: {_reason(error)}") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnreachableError(f"cannot reach the enforcer: {_reason(error)}") from error
        return self._exchange(method, path, body)

    def _request(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        headers = {"Content-Type": "application/octet-stream"}
        credential = self._authorisation()
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        self._connection.request(method, path, body=body or None, headers=headers)
        response = self._connection.getresponse()
        data = response.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            self.close()
            raise UnreachableError("the enforcer's answer is longer than any answer may be")
        return response.status, data

    def _connect(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._context is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=self._context
            )
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _reason(error: Exception) -> str:
    """What went wrong, without the number that the system has for it."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot read the certificate authority {ca_file}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
