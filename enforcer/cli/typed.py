"""What people type or write: names, roles, files."""

from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path

from retention.calendar import Instant, parse_instant
from retention.envelope import PUBLIC_KEY_BYTES
from retention.errors import ConfigError, MalformedError
from retention.people import Role

FROM = "not before: 03:10 or 2026-01-15T03:10, on site"
TO = "not after: 03:40 or 2026-01-15T03:40, on site"
LISTED = "as `store list` shows it"


def read_text(path: Path) -> str:
    """A file that a person wrote; `ConfigError` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: it is no text in UTF-8") from error


def day(text: str) -> date:
    """A civil date, as an option's type."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2026-01-15") from error


def moment(text: str) -> Instant:
    """A time with its offset, as an option's type."""
    try:
        return parse_instant(text)
    except MalformedError as error:
        raise ArgumentTypeError(
            f"{text!r} is no time: write it with its offset, as 2026-01-15T03:10:00+02:00"
        ) from error


def parse_roles(listed: str, name: str) -> tuple[Role, ...]:
    """Roles, separated by commas; `ConfigError` if one is none."""
    try:
        return tuple(sorted({Role(role.strip()) for role in listed.split(",")}))
    except ValueError as error:
        known = ", ".join(Role)
        raise ConfigError(f"{name}: the roles {listed!r} are not all of: {known}") from error


def check_name(name: str) -> str:
    """A name that can stand in a register for ever; else `ConfigError`."""
    if not (name.isascii() and name.replace("-", "").isalnum() and name == name.lower()):
        raise ConfigError(f"{name!r} cannot name a person: use small letters, digits and hyphens")
    return name


def parse_head(text: str) -> tuple[int, bytes]:
    """SIZE:ROOT, as witnesses write down a ledger's head; else `ConfigError`."""
    size, _, root = text.partition(":")
    try:
        return int(size), bytes.fromhex(root)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no head: write SIZE:ROOT, the root in hex") from error


def parse_public_key(text: str) -> bytes:
    """An Ed25519 public key in hex; else `ConfigError`."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != PUBLIC_KEY_BYTES:
        raise ConfigError(f"{text!r} is no public key: 64 hex digits, as `person key` prints them")
    return key
