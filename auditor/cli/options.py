"""Options that several commands have, and how their values are read."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import BinaryIO

import msgspec

from auditor.evidence import Seen
from retention import bundle, codec
from retention.calendar import Instant, parse_instant
from retention.errors import ConfigError, RetentionError

_DIGEST_BYTES = 32


def add_pin(parser: ArgumentParser, *, required: bool) -> None:
    """Add `--pin`: from where everything else is checked."""
    parser.add_argument(
        "--pin",
        metavar="HEX",
        type=digest,
        required=required,
        help="SHA-256 of the operator's first policy document, from where the operator published it",
    )


def add_json(parser: ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def day(text: str) -> date:
    """A civil date, as an option's type."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2026-01-15") from error


def opened(path: Path) -> BinaryIO:
    """A file to read; `ConfigError` if it cannot be."""
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def members_of(path: Path) -> dict[str, bytes]:
    """The members of a bundle by name."""
    with opened(path) as file:
        return bundle.read(file)


def lines_of(path: Path) -> bytes:
    """A file of documents, one on each line; the last line's end may be missing."""
    with opened(path) as file:
        data = file.read(bundle.MAX_BYTES)
    return data if data.endswith(b"\n") or not data else data + b"\n"


def save(path: Path, document: msgspec.Struct) -> None:
    """Keep a document on one line of a file; `ConfigError` if it cannot be written."""
    try:
        path.write_bytes(codec.encode(document) + b"\n")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def digest(text: str) -> bytes:
    """A SHA-256 in hex."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _DIGEST_BYTES:
        raise ArgumentTypeError(f"{text[:80]!r} is not a SHA-256 of 64 hex digits")
    return found


def seen(text: str) -> Seen:
    """A head as somebody wrote it down."""
    size, _, root = text.partition(":")
    if not (size.isascii() and size.isdigit() and len(size) < 20):  # below 2**63
        raise ArgumentTypeError(f"{text[:80]!r} is not SIZE:ROOT")
    return Seen(int(size), digest(root))


def instant(text: str) -> Instant:
    """A time with its offset."""
    try:
        return parse_instant(text)
    except RetentionError as error:
        raise ArgumentTypeError(str(error)) from error
