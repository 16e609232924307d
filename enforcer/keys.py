"""Key files: a person's Ed25519 key behind a passphrase, the enforcer's own keys behind file modes.

A person's key is sealed with a key that argon2id (RFC 9106) derives from the passphrase. The
enforcer's directive and ledger keys must be readable at an unattended start: their files are for
its user alone, and one that others could read is refused.
"""

import os
from collections.abc import Collection
from pathlib import Path

import msgspec
from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from retention import codec
from retention.errors import ConfigError, MalformedError, RefusedError
from retention.numbers import NumberKey, parse_keys

MIN_PASSPHRASE = 12
"""Characters. The file may be stolen; what stands between is this and argon2id."""

MEMORY = pwhash.argon2id.MEMLIMIT_MODERATE
OPERATIONS = pwhash.argon2id.OPSLIMIT_MODERATE

_MOST_MEMORY = pwhash.argon2id.MEMLIMIT_SENSITIVE
_MOST_OPERATIONS = pwhash.argon2id.OPSLIMIT_SENSITIVE * 4
_GROUP_READS = 0o040
_OTHERS = 0o077


class SealedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's key file. `memory` in bytes; `sealed` is a SecretBox of the 32 byte seed."""

    person: str
    public_key: bytes
    salt: bytes
    memory: int
    operations: int
    sealed: bytes


def seal(
    person: str,
    key: SigningKey,
    passphrase: str,
    *,
    memory: int = MEMORY,
    operations: int = OPERATIONS,
) -> SealedKey:
    """The key behind this passphrase; `ConfigError` if the passphrase is too short."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise ConfigError(f"a passphrase has at least {MIN_PASSPHRASE} characters")
    salt = os.urandom(pwhash.argon2id.SALTBYTES)
    box = _box(passphrase, salt, memory, operations)
    return SealedKey(
        person=person,
        public_key=bytes(key.verify_key),
        salt=salt,
        memory=memory,
        operations=operations,
        sealed=bytes(box.encrypt(bytes(key))),
    )


def unseal(sealed: SealedKey, passphrase: str) -> SigningKey:
    """The key inside; `ConfigError` if the passphrase is wrong, `MalformedError` if the file is."""
    if sealed.memory > _MOST_MEMORY or sealed.operations > _MOST_OPERATIONS:
        raise MalformedError(
            f"the key file of {sealed.person} asks for more memory than any of ours"
        )
    try:
        box = _box(passphrase, sealed.salt, sealed.memory, sealed.operations)
    except (CryptoError, ValueError) as error:
        raise MalformedError(f"the key file of {sealed.person} is damaged") from error
    try:
        key = SigningKey(box.decrypt(sealed.sealed))
    except (CryptoError, ValueError) as error:
        raise ConfigError(f"wrong passphrase for the key of {sealed.person}") from error
    if bytes(key.verify_key) != sealed.public_key:
        raise MalformedError(f"the key file of {sealed.person} names another public key")
    return key


def read_sealed(path: Path) -> SealedKey:
    """A person's key file; `ConfigError` if it is not there, `MalformedError` if it is not one."""
    return codec.decode(_read(path, "key file"), SealedKey)


def write_sealed(path: Path, sealed: SealedKey) -> None:
    """Write a person's key file; it is never overwritten."""
    write_private(path, codec.encode(sealed))


def read_online(path: Path) -> SigningKey:
    """The enforcer's own key in this file: 64 hex digits, for its user's eyes only."""
    data = _read(path, "key")
    if is_exposed(path.stat()):
        raise ConfigError(f"others may read {path}: run `chmod 600` on it, or make a new key")
    try:
        return SigningKey(bytes.fromhex(data.decode("ascii").strip()))
    except ValueError as error:
        raise MalformedError(f"{path} does not hold an Ed25519 key as 64 hex digits") from error


def require_named(what: str, key: SigningKey, named: Collection[bytes]) -> None:
    """`RefusedError` if the policy does not name this key of ours: nobody would believe what it signs.

    We run all the same, because two owners can only name a new key with our help.
    """
    public_key = bytes(key.verify_key)
    if public_key not in named:
        raise RefusedError(
            f"the policy does not name our {what} key {public_key.hex()}: two owners sign "
            f"`enforcer policy keys --{what} {public_key.hex()}`"
        )


def read_numbers(path: Path) -> tuple[NumberKey, ...]:
    """The keys by which telephone numbers are told, out of a file for its user's eyes only."""
    data = _read(path, "number keys")
    if is_exposed(path.stat()):
        raise ConfigError(f"others may read {path}: run `chmod 600` on it, or make new keys")
    try:
        return parse_keys(data.decode("ascii"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} does not hold number keys") from error


def is_exposed(state: os.stat_result) -> bool:
    """Whether a private file is open to others than its owner, or than whom root hands it to.

    systemd leaves a credential to root and names the service in an access list. The mode then shows
    what the list may grant at most as the group's right (acl(5)): `r--r-----` of root's own group
    says that root let somebody in, and who could read the file to ask this was let in.
    """
    roots = state.st_uid == state.st_gid == 0
    return bool(state.st_mode & (_OTHERS & ~_GROUP_READS if roots else _OTHERS))


def write_online(path: Path) -> SigningKey:
    """A new key of the enforcer's own, written to this file."""
    key = SigningKey.generate()
    write_private(path, bytes(key).hex().encode() + b"\n")
    return key


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read; `ConfigError` if something is there already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already and stays as it is") from error
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _box(passphrase: str, salt: bytes, memory: int, operations: int) -> SecretBox:
    return SecretBox(
        pwhash.argon2id.kdf(
            SecretBox.KEY_SIZE,
            passphrase.encode(),
            salt,
            opslimit=operations,
            memlimit=memory,
        )
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the {what} {path}: {error.strerror}") from error
