"""Where a passphrase comes from: a file, the environment, or a person."""

import os
import sys
from argparse import ArgumentParser
from getpass import getpass
from pathlib import Path

from retention.errors import ConfigError

VARIABLE = "RETENTION_PASSPHRASE"


def declare(parser: ArgumentParser) -> None:
    """Add the option for a file."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"read the passphrase from here, not from ${VARIABLE} or the keyboard",
    )


def given(file: Path | None) -> str | None:
    """The passphrase of the file or the environment, None if somebody must be asked."""
    if file is None:
        return os.environ.get(VARIABLE)
    try:
        return file.read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def asked(person: str, *, new: bool) -> str:
    """The passphrase that somebody types, twice if it is a new one."""
    if not sys.stdin.isatty():
        raise ConfigError(f"no passphrase for {person}: set {VARIABLE} or use --passphrase-file")
    typed = getpass(f"{'New passphrase' if new else 'Passphrase'} of {person}: ")
    if new and getpass("Once more: ") != typed:
        raise ConfigError("the two passphrases differ")
    return typed
