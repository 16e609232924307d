"""The agent's credential, and what it comes from: small files, readable by the agent alone."""

import os
from pathlib import Path

import msgspec

from retention import codec
from retention.errors import ConfigError, MalformedError
from retention.wire import Enrolled


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who this agent is to the enforcer, and the digest of the first policy it agreed on."""

    store: str
    secret: str
    pin: bytes

    @property
    def bearer(self) -> str:
        """As it is presented: STORE.SECRET."""
        return f"{self.store}.{self.secret}"


class Token(msgspec.Struct, frozen=True):
    """What `enforcer store enrol` prints: a one-time code, and the digest to pin."""

    code: str
    pin: bytes

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Read CODE.PIN, the pin in hex; `ConfigError` if it is not that."""
        code, _, pin = text.strip().rpartition(".")
        try:
            digest = bytes.fromhex(pin)
        except ValueError:
            digest = b""
        if not code or len(digest) != 32:
            raise ConfigError(
                "an enrolment token looks like CODE.PIN, as `enforcer store enrol` prints"
            )
        return cls(code, digest)


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token, and what its code was exchanged for: no code can be exchanged twice."""

    token: Token
    enrolled: Enrolled


def exchange(path: Path) -> Exchange | None:
    """The exchange after which enrolling went no further; None if there was none, or it is no more."""
    try:
        return codec.decode(path.read_bytes(), Exchange)
    except (OSError, MalformedError):
        return None


def load(path: Path) -> Credential:
    """The stored credential; `ConfigError` if this agent was never enrolled."""
    try:
        return codec.decode(path.read_bytes(), Credential)
    except FileNotFoundError as error:
        raise ConfigError(
            f"this agent is not enrolled: there is no {path}; run `retention-agent enrol` first"
        ) from error
    except (OSError, MalformedError) as error:
        raise ConfigError(f"cannot read the credential {path}: {error}") from error


def save(path: Path, secret: Credential | Exchange) -> None:
    """Write one of them, durable and for this user's eyes only."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(codec.encode(secret))
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
