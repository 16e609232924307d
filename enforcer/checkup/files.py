"""The enforcer's own files: keys and who may read them, certificates and their end, room."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from enforcer import certificates, keys
from enforcer.index.engine import file_of
from enforcer.settings import Settings
from retention.calendar import DAY, Instant
from retention.checkup import Fact, amiss, fine, in_words
from retention.errors import ConfigError, RetentionError
from retention.policy import Policy

RENEW_WITHIN_DAYS = 60
RENEW_AUTHORITY_WITHIN_DAYS = 400
"""Every agent and every person has to be given a new one before the old one ends."""
FREE_BYTES = 1 << 30
_MIB = 1 << 20
_NO_AGENT = "After that no agent and no person speaks to the enforcer: no hold arrives."
_OPEN_KEY = "Whoever has read it can speak in the enforcer's name."


def examine(settings: Settings, config: Path, now: Instant) -> Iterator[Fact]:
    """What can be seen of the files alone."""
    yield _exposed(
        "settings", config, why="They say where the index is, and may hold its password."
    )
    yield _certificate(settings.tls_certificate, now)
    yield _exposed("its key", settings.tls_key, why=_OPEN_KEY)
    yield from _authority(settings.tls_certificate.parent, now)
    yield from _people(config.parent / "people")
    if settings.number_keys is not None:
        why = "By it anybody finds the number that a hash in the index stands for."
        yield _exposed("number keys", settings.number_keys, why=why)
    yield _heads(settings.heads)


def signing_keys(settings: Settings, policy: Policy) -> Iterator[Fact]:
    """The enforcer's own keys, and whether the policy names them."""
    for what, path, known in (
        ("directive key", settings.directive_key, policy.directive_keys),
        ("ledger key", settings.ledger_key, policy.ledger_keys),
    ):
        yield _tried(
            what,
            lambda path=path, known=known: _named(path, known),  # type: ignore[misc]
            why="Nobody believes what is signed by a key that the policy does not name.",
            remedy="Put the right file back, or have two owners sign a policy that names the new key.",
        )


def room_of_index(connection: Connection, url: str) -> Fact:
    """Whether the index can grow, and be written anew each night."""
    file = file_of(url)
    if file is None:
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
        said = (
            f"PostgreSQL answers, with {(size or 0) // _MIB} MiB; its disk is for its own doctor."
        )
        return fine("index", said)
    if keys.is_exposed(file.stat()):
        return amiss(
            "index",
            f"Others may read {file}.",
            why="It holds the salts of the ledger and the cases of holds.",
            remedy=f"Run `chmod 600 {file}`.",
        )
    size, free = file.stat().st_size, shutil.disk_usage(file.parent).free
    # Once a day it is written anew, beside itself and into its log: nothing erased stays behind.
    if free < max(FREE_BYTES, 2 * size):
        return amiss(
            "index",
            f"It has {size // _MIB} MiB, and only {free // _MIB} MiB are free beside it.",
            why="A full disk stops intake and proof, and each night's clean-up needs twice its size.",
            remedy="Make room there, or move it to a larger disk.",
        )
    return fine("index", f"SQLite, {size // _MIB} MiB, and {free // _MIB} MiB are free beside it.")


def _certificate(path: Path, now: Instant) -> Fact:
    remedy = "Make another with `enforcer certificate`, and start the enforcer again."
    try:
        days = (certificates.expires_at(path) - now) // DAY
    except RetentionError as error:
        return amiss("certificate", in_words(error), why=_NO_AGENT, remedy=remedy)
    if days < RENEW_WITHIN_DAYS:
        return amiss("certificate", f"It ends in {days} days.", why=_NO_AGENT, remedy=remedy)
    return fine("certificate", f"It is good for {days} days.")


def _authority(directory: Path, now: Instant) -> Iterator[Fact]:
    """Who vouches for the server: its key lies elsewhere, and its own end is seen in time."""
    key, certificate = directory / "authority.key", directory / "authority.pem"
    if key.exists():
        yield amiss(
            "authority's key",
            f"{key} lies beside the server.",
            why="Whoever breaks in here can make a server that every agent believes.",
            remedy="Take it off this machine, and bring it back for `enforcer certificate`.",
        )
    if certificate.exists():
        days = (certificates.expires_at(certificate) - now) // DAY
        if days < RENEW_AUTHORITY_WITHIN_DAYS:
            yield amiss(
                "authority",
                f"It ends in {days} days.",
                why=_NO_AGENT,
                remedy="Make a new one, and give its certificate to every agent and person before that.",
            )


def _people(directory: Path) -> Iterator[Fact]:
    left = sorted(path.stem for path in directory.glob("*.key"))
    if left:
        yield amiss(
            "people's keys",
            f"Keys of {', '.join(left)} lie in {directory}.",
            why="Their passphrases alone keep whoever runs this machine from being two people.",
            remedy="Let each person take their two files away, and remove them here.",
        )


def _heads(path: Path) -> Fact:
    why = "Heads that nobody else has can be taken back, and a restored index goes unnoticed."
    if not path.is_dir():
        remedy = "Make it, for the enforcer's user, or correct `heads` in the settings."
        return amiss("published heads", f"There is no directory {path}.", why=why, remedy=remedy)
    free = shutil.disk_usage(path).free
    if free < FREE_BYTES:
        sentence = f"Only {free // _MIB} MiB are free in {path}."
        return amiss("published heads", sentence, why=why, remedy="Make room there.")
    return fine("published heads", "There is room for them; see that they are copied elsewhere.")


def _exposed(what: str, path: Path, *, why: str) -> Fact:
    def look() -> str:
        try:
            exposed = keys.is_exposed(path.stat())
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        if exposed:
            raise ConfigError(f"others may read {path}")
        return "For our eyes only."

    remedy = f"Run `chmod 600 {path}`; a key that others have read is made anew."
    return _tried(what, look, why=why, remedy=remedy)


def _named(path: Path, known: tuple[bytes, ...]) -> str:
    public_key = bytes(keys.read_online(path).verify_key)
    if public_key not in known:
        raise ConfigError(
            f"the policy does not name {path}, whose public key is {public_key.hex()}"
        )
    return "The policy names it."


def _tried(what: str, look: Callable[[], str], *, why: str, remedy: str) -> Fact:
    try:
        return fine(what, look())
    except RetentionError as error:
        return amiss(what, in_words(error), why=why, remedy=remedy)
