"""A person's side of the people's API: every request signed with their key, over TLS.

Who somebody is stands in a small TOML file, named by `--as` or `$ENFORCER_AS`: person, key file,
server, the authority to trust, and the policy's pin.
"""

import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from os import environ
from pathlib import Path
from tomllib import TOMLDecodeError, loads
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from nacl.signing import SigningKey

from enforcer import keys
from enforcer.cli import passphrase
from enforcer.clock import Clock, wall_clock
from enforcer.web import signed
from retention import codec
from retention.errors import ConfigError, MalformedError, RefusedError, UnreachableError
from retention.wire import Problem

T = TypeVar("T")

VARIABLE = "ENFORCER_AS"
USUAL = Path("~/.config/retention-enforcer/me.toml")
TIMEOUT_SECONDS = 60

_REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT}


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. Paths are relative to it; `authority` may also be the certificate itself, in PEM."""

    person: str
    key: str
    server: str
    policy_pin: str
    authority: str = ""  # none: those that this machine trusts


class Client:
    """Asks the enforcer in a person's name. `key` is theirs, and signs documents too."""

    def __init__(
        self,
        *,
        person: str,
        key: SigningKey,
        server: str,
        pin: bytes,
        trust: ssl.SSLContext,
        clock: Clock,
    ) -> None:
        self.person = person
        self.key = key
        self.pin = pin
        self.now = clock
        self._server = urlsplit(server)
        self._trust = trust

    def get(self, path: str, answer: type[T], **query: str | int | None) -> T:
        """Look something up; what is None is not asked for."""
        return codec.decode(self._ask("GET", _with_query(path, query), b""), answer)

    def get_bytes(self, path: str, **query: str | int | None) -> bytes:
        """Fetch something that is no document."""
        return self._ask("GET", _with_query(path, query), b"")

    def post(self, path: str, form: msgspec.Struct, answer: type[T]) -> T:
        """Have something done."""
        return codec.decode(self._ask("POST", path, codec.encode(form)), answer)

    def _ask(self, method: str, path: str, body: bytes) -> bytes:
        header = signed.authorization(
            self.key, self.person, method=method, path=path, body=body, now=self.now()
        )
        status, data = self._exchange(method, path, body, {"Authorization": header})
        if status == HTTPStatus.OK:
            return data
        raise _error(status, data)

    def _exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(
                f"{self._server.netloc} is not the enforcer that is trusted: {error.verify_message}"
            ) from error
        except (OSError, HTTPException) as error:
            raise UnreachableError(
                f"the enforcer at {self._server.netloc} does not answer: {error}"
            ) from error
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        host, port = self._server.hostname or "", self._server.port
        if self._server.scheme == "http":  # loopback only: `read_identity` sees to it
            return HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        return HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=self._trust)


def _with_query(path: str, query: Mapping[str, str | int | None]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def declare(parser: ArgumentParser) -> None:
    """Add the options that say who asks."""
    parser.add_argument(
        "--as",
        dest="identity",
        type=Path,
        metavar="FILE",
        help=f"who you are [${VARIABLE}, or {USUAL}]",
    )
    passphrase.declare(parser)


def client(arguments: Namespace, clock: Clock = wall_clock) -> Client:
    """The client of the person that the options name, with their key unlocked."""
    path = arguments.identity or Path(environ.get(VARIABLE) or USUAL.expanduser())
    identity = read_identity(path)
    sealed = keys.read_sealed(path.parent / identity.key)
    if sealed.person != identity.person:
        raise ConfigError(f"{path}: the key is {sealed.person}'s, not {identity.person}'s")
    secret = passphrase.given(arguments.passphrase_file)
    if secret is None:
        secret = passphrase.asked(identity.person, new=False)
    return Client(
        person=identity.person,
        key=keys.unseal(sealed, secret),
        server=identity.server,
        pin=_pin(identity, path),
        trust=_trust(identity, path.parent),
        clock=clock,
    )


def read_identity(path: Path) -> Identity:
    """Who somebody is; `ConfigError` if the file does not say."""
    try:
        identity = msgspec.convert(loads(path.read_text(encoding="utf-8")), Identity)
    except OSError as error:
        raise ConfigError(
            f"who are you? cannot read {path}: {error.strerror}; use --as or set {VARIABLE}"
        ) from error
    except (TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    server = urlsplit(identity.server)
    if server.scheme != "https" and server.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ConfigError(f"{path}: server {identity.server!r} must be an https:// address")
    return identity


def _pin(identity: Identity, path: Path) -> bytes:
    try:
        return bytes.fromhex(identity.policy_pin)
    except ValueError as error:
        raise ConfigError(f"{path}: policy_pin is not written in hex") from error


def _trust(identity: Identity, directory: Path) -> ssl.SSLContext:
    if not identity.authority:
        return ssl.create_default_context()
    if identity.authority.lstrip().startswith("-----BEGIN"):
        return _trusting(identity.authority)
    authority = directory / identity.authority
    try:
        return ssl.create_default_context(cafile=str(authority))
    except OSError as error:
        raise ConfigError(f"cannot read the authority {authority}: {error.strerror}") from error


def _trusting(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("the authority is no certificate in PEM") from error


def _error(status: int, data: bytes) -> Exception:
    try:
        sentence = codec.decode(data, Problem).error
    except MalformedError:
        sentence = f"the enforcer answered with status {status}"
    if status in _REFUSALS:
        return RefusedError(sentence)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnreachableError(sentence)
    return ConfigError(sentence)
