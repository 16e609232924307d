"""`enforcer person ...`: who may do what. A change of people is the next policy version."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec
from nacl.signing import SigningKey

from enforcer import keys
from enforcer.cli import passphrase, show, signing
from enforcer.cli.client import client
from enforcer.cli.typed import check_name, parse_public_key, parse_roles
from enforcer.cli.verbs import Verbs
from retention.envelope import key_id
from retention.errors import ConfigError
from retention.people import Person, Role


class Made(msgspec.Struct, frozen=True):
    """Where a new key is, and its public half in hex."""

    file: str
    public: str


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `person`."""
    verbs = Verbs(parser)
    verbs.asking("list", list_people, "everybody of the present policy")
    added = verbs.asking(
        "add", add, "add a person, or give one other roles or another key: two owners sign it"
    )
    added.add_argument("name", metavar="NAME", help="short, without personal data in it")
    added.add_argument("--roles", metavar="ROLE,...", help="out of: " + ", ".join(Role))
    added.add_argument("--key", metavar="HEX", help="the public key that `person key` printed")
    added.add_argument("--remove", action="store_true", help="the person may do nothing any more")
    signing.declare(added, reason=False)
    made = verbs.offline("key", make_key, "make a key file, and print its public key")
    made.add_argument("name", metavar="NAME", help="as in `person add`")
    made.add_argument("--out", type=Path, metavar="FILE", help="where to [NAME.key]")
    passphrase.declare(made)
    show.declare(made)


def list_people(arguments: Namespace) -> int:
    """A line for each."""
    people = signing.chain(client(arguments)).current.people
    if arguments.json:
        show.as_json(people)
        return 0
    show.table(
        ("PERSON", "ROLES", "KEY"),
        ((person.id, ",".join(person.roles), key_id(person.public_key)) for person in people),
    )
    return 0


def add(arguments: Namespace) -> int:
    """The draft of the next version, with the first owner's signature."""
    me = client(arguments)
    chain = signing.chain(me)
    people = _changed(chain.current.people, arguments)
    return signing.propose_next(me, chain, arguments, people=people)


def make_key(arguments: Namespace) -> int:
    """A key that never leaves the person's own machine."""
    check_name(arguments.name)
    secret = passphrase.given(arguments.passphrase_file)
    if secret is None:
        secret = passphrase.asked(arguments.name, new=True)
    key = SigningKey.generate()
    path = arguments.out or Path(f"{arguments.name}.key")
    keys.write_sealed(path, keys.seal(arguments.name, key, secret))
    public = bytes(key.verify_key).hex()
    if arguments.json:
        show.as_json(Made(str(path), public))
    else:
        print(public)
    return 0


def _changed(people: tuple[Person, ...], arguments: Namespace) -> tuple[Person, ...]:
    name = check_name(arguments.name)
    known = next((person for person in people if person.id == name), None)
    others = tuple(person for person in people if person.id != name)
    if arguments.remove:
        if known is None:
            raise ConfigError(f"nobody is called {name!r}")
        return others
    if known is None and not (arguments.roles and arguments.key):
        raise ConfigError(f"{name} is new: give --roles and --key")
    person = known or Person(name, (), b"")
    if arguments.roles:
        person = msgspec.structs.replace(person, roles=parse_roles(arguments.roles, name))
    if arguments.key:
        person = msgspec.structs.replace(person, public_key=parse_public_key(arguments.key))
    return (*others, person)
