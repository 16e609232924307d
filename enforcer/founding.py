"""What `enforcer init` makes: a directory with all that one enforcer needs, or nothing at all.

enforcer.toml            settings
enforcer.db              the index, with the first policy in it
keys/directive.key, keys/ledger.key
tls/authority.pem, .key  who vouches for the server; the key belongs off this machine
tls/server.pem, .key
people/NAME.key          a person's key behind a passphrase, to be handed over and removed here
people/NAME.toml         what NAME's command line needs: `enforcer status --as FILE`

What changes (enforcer.db, heads) may lie in a directory of its own, so that a service which may
write there can write nothing else.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

from enforcer import certificates, home, keys
from enforcer.govern import drafts
from enforcer.index import policies
from enforcer.index.engine import file_of, open_index, writing
from retention import codec, envelope
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import ConfigError
from retention.people import TWO_PEOPLE, Person, Role

STATE = ("enforcer.db", "heads")

Seal = Callable[[str, SigningKey, str], keys.SealedKey]


@dataclass(frozen=True, slots=True)
class Founder:
    """A person of the first policy, whose key is made here."""

    id: str
    roles: tuple[Role, ...]
    passphrase: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to found. `hosts` are the names and addresses that agents and people will use."""

    founders: Sequence[Founder]
    hosts: tuple[str, ...]
    listen: str
    origin: str
    policy: str  # TOML, see `govern.drafts`
    state: Path | None = None  # for what changes; None: beside the rest
    index: str | None = None  # URL of a database server's; None: SQLite, with what changes


def found(directory: Path, plan: Plan, now: Instant, *, seal: Seal = keys.seal) -> str:
    """Make the directory; the policy's pin comes back. `ConfigError` if something is there already.

    `seal` puts a person's key behind their passphrase.
    """
    if directory.exists() and any(directory.iterdir()):
        raise ConfigError(f"{directory} is not empty; an enforcer is founded once")
    if plan.index is not None and file_of(plan.index) is not None:
        raise ConfigError("--index names a PostgreSQL database; --state says where a file lies")
    owners = [founder for founder in plan.founders if Role.OWNER in founder.roles]
    if len(owners) < TWO_PEOPLE:
        raise ConfigError("name two owners at least: --person anna:owner,dpo --person ben:owner")
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    try:
        if plan.state is not None:
            _require_empty(plan.state)
        _make_directories(unfinished)
        pin = _fill(unfinished, plan, now, seal)
        if plan.state is not None:
            _move_state(unfinished, plan.state)
        if directory.exists():
            directory.rmdir()
        unfinished.rename(directory)
    except OSError as error:
        raise ConfigError(f"cannot make {directory}: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return pin


def _make_directories(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(mode=0o700, parents=True)
    for name in ("keys", "tls", "people", "heads"):
        (root / name).mkdir(mode=0o700)


def _require_empty(state: Path) -> None:
    for name in STATE:
        if (state / name).exists():
            raise ConfigError(f"{state / name} is there already; an enforcer is founded once")


def _move_state(root: Path, state: Path) -> None:
    """Move what changes to where its service may write. It belongs to whom the directory does."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = state.stat()
    for name in STATE:
        if not (root / name).exists():
            continue  # the index is a database server's
        shutil.move(root / name, state / name)
        if os.geteuid() == 0:
            os.chown(state / name, owner.st_uid, owner.st_gid)


def _fill(root: Path, plan: Plan, now: Instant, seal: Seal) -> str:
    signing = {founder.id: SigningKey.generate() for founder in plan.founders}
    document = _first_policy(root, plan, signing, now)
    pin = codec.digest(document.payload).hex()
    _certify(root, plan, now)
    keys.write_private(root / "enforcer.toml", _settings(plan, pin).encode())
    authority = (root / "tls" / "authority.pem").read_text()
    for founder in plan.founders:
        sealed = seal(founder.id, signing[founder.id], founder.passphrase)
        keys.write_sealed(root / "people" / f"{founder.id}.key", sealed)
        person = _person(founder.id, plan, pin, authority)
        keys.write_private(root / "people" / f"{founder.id}.toml", person)
    _publish(root, plan.index, document)  # last: of a directory that fails nothing is left
    return pin


def _first_policy(
    root: Path, plan: Plan, signing: Mapping[str, SigningKey], now: Instant
) -> Envelope:
    """Version 1, signed by every owner among the founders."""
    people = tuple(
        Person(founder.id, founder.roles, bytes(signing[founder.id].verify_key))
        for founder in plan.founders
    )
    policy = drafts.first_policy(
        drafts.read(plan.policy, drafts.first_owner(people)),
        people=people,
        directive_key=bytes(keys.write_online(root / "keys" / "directive.key").verify_key),
        ledger_origin=plan.origin,
        ledger_key=bytes(keys.write_online(root / "keys" / "ledger.key").verify_key),
        now=now,
        today=home.today(now),
    )
    owners = [signing[person.id] for person in people if Role.OWNER in person.roles]
    return envelope.seal("policy", codec.encode(policy), owners)


def _publish(root: Path, url: str | None, document: Envelope) -> None:
    if url is None:
        index = root / "enforcer.db"
        index.touch(0o600)  # it will hold the ledger's salts
        url = f"sqlite:///{index}"
    engine = open_index(url)
    try:
        with writing(engine) as connection:
            if policies.published(connection):
                raise ConfigError(f"{engine.url} has a policy already; an enforcer is founded once")
            policies.publish(connection, 1, document)
    finally:
        engine.dispose()


def _certify(root: Path, plan: Plan, now: Instant) -> None:
    tls = root / "tls"
    authority = certificates.make_authority(now)
    certificates.write_authority(
        authority, certificate=tls / "authority.pem", key=tls / "authority.key"
    )
    certificates.write_server(
        authority, plan.hosts, now, certificate=tls / "server.pem", key=tls / "server.key"
    )


def _settings(plan: Plan, pin: str) -> str:
    state = "" if plan.state is None else f"{plan.state.resolve()}/"
    index = plan.index or f"sqlite:///{state}enforcer.db"
    return f"""\
# Every setting, with its default: config/enforcer.example.toml.
listen = "{plan.listen}"
index = {json.dumps(index)}
heads = "{state}heads"
policy_pin = "{pin}"
"""


def _person(name: str, plan: Plan, pin: str, authority: str) -> bytes:
    """All that a person takes away beside the key: it names no other file."""
    port = plan.listen.rpartition(":")[2]
    return f"""\
# What {name}'s commands need: enforcer status --as THIS_FILE
person = "{name}"
key = "{name}.key"
server = "https://{plan.hosts[0]}:{port}"
policy_pin = "{pin}"
authority = '''
{authority}'''
""".encode()
