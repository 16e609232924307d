"""The head of the ledger as others read it: C2SP signed notes and transparency-log checkpoints.

A note (c2sp.org/signed-note) is a text, an empty line, and a line for each signature. A checkpoint
(c2sp.org/tlog-checkpoint) is such a text: whose log, how many leaves, which root. Of the signature
types only Ed25519 (0x01) is known here; lines of any other are somebody else's business.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from retention.errors import MalformedError, SignatureError
from retention.merkle import HASH_SIZE

MAX_SIGNATURES = 100
"""More lines than this are refused unread; the specification asks for at least 16."""

MAX_SIZE = 2**63 - 1
"""Leaves a log can have: what databases and the other languages can count to."""

_ED25519 = b"\x01"
_KEY_BYTES = 32
_KEY_ID_BYTES = 4

_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # half a surrogate is not UTF-8
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE = re.compile(r"— ([^ ]+) ([^ ]+)")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whose signature counts: a key name, by custom a URL without its scheme, and a public key."""

    name: str
    public_key: bytes
    """The 32 bytes of RFC 8032."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != _KEY_BYTES:
            raise MalformedError(f"the key of {self.name} has {len(self.public_key)} bytes, not 32")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+key id+base64 of type and key`; `MalformedError` unless all three agree."""
        name, _, rest = text.partition("+")
        _, _, key = rest.partition("+")
        verifier = cls(name, _from_base64(key)[len(_ED25519) :])
        if str(verifier) != text:
            raise MalformedError(f"{text[:80]!r} is not an Ed25519 key with its own key id")
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_to_base64(_ED25519 + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell this key from others of the same name."""
        named_key = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return sha256(named_key).digest()[:_KEY_ID_BYTES]

    def verify(self, text: str, signature: bytes) -> None:
        """Check a bare Ed25519 signature on a text, or `SignatureError`."""
        try:
            VerifyKey(self.public_key).verify(text.encode(), signature)
        except (BadSignatureError, ValueError) as exc:  # ValueError: not 64 bytes
            raise SignatureError(f"the signature of {self.name} on this note is wrong") from exc


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A promise of a log: these are my first `size` leaves, and this is their root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            _check_characters(line)
            if not line or "\n" in line:
                raise MalformedError("a checkpoint has an empty line, or a line of two")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedError(f"a log cannot have {self.size} leaves")
        if len(self.root) != HASH_SIZE:
            raise MalformedError(f"a root has {len(self.root)} bytes, not {HASH_SIZE}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note as a checkpoint, or `MalformedError`."""
        match text.split("\n"):
            case [origin, size, root, *extensions, ""] if _SIZE.fullmatch(size):
                return cls(origin, int(size), _from_base64(root), tuple(extensions))
            case _:
                raise MalformedError("a checkpoint is three lines or more: origin, size, root")

    def encode(self) -> str:
        """Write it as the text of a note."""
        lines = (self.origin, str(self.size), _to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def sign_note(text: str, name: str, signing_key: SigningKey) -> str:
    """Sign a text, whose last line must end in a newline, under a key name."""
    _check_characters(text)
    if not text.endswith("\n"):
        raise MalformedError("the text of a note ends in a newline")
    signer = Verifier(name, bytes(signing_key.verify_key))
    signature = signer.key_id + signing_key.sign(text.encode()).signature
    return f"{text}\n— {name} {_to_base64(signature)}\n"


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """Give the text of a note that at least one of the verifiers signed.

    Signatures of others are passed over. One by a known key that is wrong is a `SignatureError`
    for the whole note, and so is none by a known key. What is not a note is a `MalformedError`.
    """
    text, signature_lines = _split(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified = False
    for name, key_id, signature in _signatures(signature_lines):
        if verifier := known.get((name, key_id)):
            verifier.verify(text, signature)
            verified = True
    if not verified:
        raise SignatureError("this note is signed by no key that is known here")
    return text


def text_of(note: str) -> str:
    """The text of a note, whoever signed it: for those who have opened it before."""
    return _split(note)[0]


def _split(note: str) -> tuple[str, list[str]]:
    """Cut at the last empty line: texts may have some of their own."""
    _check_characters(note)
    text, separator, signatures = note.rpartition("\n\n")
    *lines, rest = signatures.split("\n")
    if not separator or rest or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise MalformedError("a note is a text, an empty line, and 1 to 100 lines of signatures")
    return f"{text}\n", lines


def _signatures(lines: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """Read each line as key name, key id and signature; a malformed one spoils the note."""
    for line in lines:
        match = _SIGNATURE_LINE.fullmatch(line)
        decoded = _from_base64(match[2]) if match else b""
        if match is None or len(decoded) <= _KEY_ID_BYTES:
            raise MalformedError(f"{line[:80]!r} is not a signature of a note")
        _check_name(match[1])
        yield match[1], decoded[:_KEY_ID_BYTES], decoded[_KEY_ID_BYTES:]


def _check_name(name: str) -> None:
    _check_characters(name)
    if not name or any(character.isspace() or character == "+" for character in name):
        raise MalformedError(f"{name[:80]!r} cannot name a key: it is empty, or has a space or +")


def _check_characters(text: str) -> None:
    if found := _UNPRINTABLE.search(text):
        raise MalformedError(f"{found[0]!r} may not occur in a note")


def _to_base64(data: bytes) -> str:
    return b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    """Decode the one spelling there is (RFC 4648 section 4), so that no other passes for it."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as exc:
        raise MalformedError(f"{text[:80]!r} is not base64") from exc
    if _to_base64(data) != text:
        raise MalformedError(f"{text[:80]!r} is not base64 in its canonical form")
    return data
