"""What `enforcer doctor` looks at: the enforcer's own files, for what is wrong or soon will be."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from enforcer import certificates, extracts, heads, keys
from enforcer.index.engine import open_index, reading
from enforcer.index.policies import Chains
from enforcer.settings import Settings
from retention.calendar import DAY, Instant
from retention.errors import ConfigError, RetentionError
from retention.people import MAY_SIGN, TWO_PEOPLE
from retention.policy import Chain, Policy

RENEW_WITHIN_DAYS = 60
FREE_BYTES = 1 << 30


class Finding(NamedTuple):
    """One thing looked at. `well` False: somebody has to do something; None: nobody knows."""

    what: str
    well: bool | None
    sentence: str


def examine(settings: Settings, now: Instant) -> Iterator[Finding]:
    """Everything that can be seen without asking a running enforcer."""
    yield _tried("certificate", lambda: _certificate(settings.tls_certificate, now))
    yield _tried("its key", lambda: _private(settings.tls_key))
    if settings.number_keys is not None:
        numbers = settings.number_keys
        yield _tried("number keys", lambda: _private(numbers))
    yield _tried("published heads", lambda: _directory(settings.heads))
    try:
        chain = _remembered(settings)
    except RetentionError as error:
        yield Finding("index, policy and ledger", False, str(error))
        return
    policy = chain.current
    yield Finding(
        "index, policy and ledger", True, f"policy version {policy.version}, verified from its pin"
    )
    yield _tried("directive key", lambda: _named(settings.directive_key, policy.directive_keys))
    yield _tried("ledger key", lambda: _named(settings.ledger_key, policy.ledger_keys))
    yield from _people(policy)
    yield _backups(settings)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except RetentionError as error:
        return Finding(what, False, str(error))


def _certificate(path: Path, now: Instant) -> str:
    days = (certificates.expires_at(path) - now) // DAY
    if days < RENEW_WITHIN_DAYS:
        raise ConfigError(
            f"{path} ends in {days} days, and agents will not speak to us after that: make another "
            "with `enforcer certificate`"
        )
    return f"good for {days} days"


def _private(path: Path) -> str:
    try:
        exposed = keys.is_exposed(path.stat())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if exposed:
        raise ConfigError(f"others may read {path}: run `chmod 600` on it")
    return "for our eyes only"


def _directory(path: Path) -> str:
    if not path.is_dir():
        raise ConfigError(f"there is no directory {path} to publish heads in")
    free = shutil.disk_usage(path).free
    if free < FREE_BYTES:
        raise ConfigError(f"only {free >> 20} MiB are free below {path}")
    return f"{free >> 30} GiB are free"


def _remembered(settings: Settings) -> Chain:
    """The chain of policies; raises if it does not verify, or if we once published more than we know."""
    engine = open_index(settings.index)
    try:
        with reading(engine) as connection:
            chain = Chains(bytes.fromhex(settings.policy_pin)).read(connection)
            heads.require_memory(connection, chain, settings.heads)
            return chain
    finally:
        engine.dispose()


def _backups(settings: Settings) -> Finding:
    """What is erased here lives on in copies: a bundle has to say for how long at most."""
    engine = open_index(settings.index)
    try:
        with reading(engine) as connection:
            sets = list(extracts.backups(connection))
    finally:
        engine.dispose()
    if not sets:
        sentence = (
            "nobody registered a set, so every bundle says that backups were not checked: name each "
            "with `enforcer backup add`"
        )
        return Finding("backups", None, sentence)
    longest = max(sets, key=lambda backup: backup.days)
    said = f"{len(sets)} registered; in {longest.name} copies stay for up to {longest.days} days"
    return Finding("backups", True, said)


def _named(path: Path, known: tuple[bytes, ...]) -> str:
    public_key = bytes(keys.read_online(path).verify_key)
    if public_key not in known:
        raise ConfigError(
            f"the policy does not name {path}, nobody believes what it signs; its public key is "
            f"{public_key.hex()}"
        )
    return "the policy names it"


def _people(policy: Policy) -> Iterator[Finding]:
    """Two people for everything that takes two; one more, so that nobody's holiday stops it."""
    for kind, roles in sorted(MAY_SIGN.items()):
        able = [person.id for person in policy.people if roles.intersection(person.roles)]
        said = f"{', '.join(able) or 'nobody'} may sign it"
        article = "an" if kind[0] in "aeiou" else "a"
        yield Finding(f"two people for {article} {kind}", len(able) >= TWO_PEOPLE, said)
