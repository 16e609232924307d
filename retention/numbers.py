"""Telephone numbers: one spelling of each, and what of it may leave an agent.

A number leaves the machine that it was found on only as HMAC(key, E.164 number) with the key's id
(docs/rules.md, Numbers). There are only some 10^8 numbers in a country, so a hash without a key
would be no secret; the key lies in a file, outside every database, and can be exchanged.
"""

import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from retention.bounds import MAX_NAME, Mark, Word
from retention.errors import ConfigError, MalformedError

COUNTRY = "371"
"""Where a number without its country's code is from: Latvia (ITU-T E.164)."""
NATIONAL = 8
"""Digits of such a number."""

MAC_BYTES = 16
KEY_BYTES = 32
LONGEST, SHORTEST = 15, 7
"""Digits of a number with its country's code. What has fewer is an extension, and nobody's outside."""

_ADDRESS = re.compile(r"<([^<>]*)>\s*$")
_SCHEME = re.compile(r"(?i)^(?:sips?|tel):")
_SIGNS = str.maketrans("", "", " \t\u00a0-./()")
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Keyed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, order=True):
    """A number as it travels: the id of a key, and what that key makes of the number."""

    key: Word
    mac: Mark


class NumberKey(NamedTuple):
    """A key and what it is called."""

    id: str
    secret: bytes


def e164(text: str) -> str | None:
    """A number in the one spelling of E.164, as `+37120000001`; None if this is none.

    Takes what people and exchanges write: `2000 00 01`, `00371 20000001`, `"Anna" <+371...>`,
    `sip:+371...@host`. A withheld number, a name and an extension are no numbers.
    """
    address = _ADDRESS.search(text)
    written = _SCHEME.sub("", (address[1] if address else text).strip())
    digits = written.partition("@")[0].partition(";")[0].translate(_SIGNS)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+"):
        digits = _with_country(digits)
    number = digits.removeprefix("+")
    if not (number.isascii() and number.isdecimal() and SHORTEST <= len(number) <= LONGEST):
        return None
    return None if number.startswith("0") else "+" + number


def keyed(number: str, keys: Iterable[NumberKey]) -> tuple[Keyed, ...]:
    """A number, spelled as `e164` does, under each key."""
    return tuple(
        Keyed(key.id, hmac.digest(key.secret, number.encode(), "sha256")[:MAC_BYTES])
        for key in keys
    )


def parse_keys(text: str) -> tuple[NumberKey, ...]:
    """The keys of a key file: on each line an id and 64 hexadecimal digits. `ConfigError`."""
    keys: list[NumberKey] = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split("#", 1)[0].split()
        if parts:
            keys.append(_parse_key(parts, number))
    if not keys:
        raise ConfigError("the file of number keys has no key")
    if len({key.id for key in keys}) < len(keys):
        raise ConfigError("two number keys have the same id")
    return tuple(keys)


def asked(text: str, keys: Iterable[NumberKey]) -> tuple[Keyed, ...]:
    """What a person typed, under every key in use; the number itself goes no further.

    `MalformedError`, which does not say it again, if it is no number.
    """
    number = e164(text)
    if number is None:
        raise MalformedError("that is no telephone number; write it as +371 20000000")
    return keyed(number, keys)


def _with_country(digits: str) -> str:
    """Written without a plus sign: a Latvian number, or one with its country's code; "" if too short."""
    if len(digits) == NATIONAL:
        return f"+{COUNTRY}{digits}"
    return "+" + digits if len(digits) > NATIONAL else ""


def _parse_key(parts: list[str], line: int) -> NumberKey:
    if len(parts) != 2 or not _KEY_ID.fullmatch(parts[0]) or len(parts[0]) > MAX_NAME:
        raise ConfigError(f"number keys, line {line}: write an id and 64 hexadecimal digits")
    try:
        secret = bytes.fromhex(parts[1])
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ConfigError(f"number keys, line {line}: a key is 64 hexadecimal digits")
    return NumberKey(parts[0], secret)
