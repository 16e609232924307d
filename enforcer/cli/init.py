"""`enforcer init DIR`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from enforcer import founding
from enforcer.cli import passphrase, show
from enforcer.cli.typed import check_name, parse_roles, read_text
from enforcer.clock import wall_clock
from enforcer.founding import Founder, Plan
from enforcer.govern import drafts
from enforcer.settings import parse_address
from retention.people import Role


class Founded(msgspec.Struct, frozen=True):
    """Where an enforcer was made, and the pin of its first policy in hex."""

    directory: str
    pin: str


def declare(parser: ArgumentParser) -> None:
    """Add the options of `init`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="is made, or is empty")
    parser.add_argument(
        "--person",
        action="append",
        required=True,
        metavar="NAME:ROLE,...",
        help="once for each; two owners at least; roles: " + ", ".join(Role),
    )
    parser.add_argument(
        "--host",
        action="append",
        metavar="NAME",
        help="how agents and people reach the enforcer; once for each name or address [localhost]",
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8443",
        metavar="ADDRESS:PORT",
        help="where the enforcer answers [%(default)s]",
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="for what changes: index and heads [DIR above]"
    )
    parser.add_argument(
        "--index",
        metavar="URL",
        help="an empty PostgreSQL database: postgresql+psycopg://USER@HOST/DATABASE [a file]",
    )
    parser.add_argument("--origin", help="name of the ledger [HOST/ledger]")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="classes and sources [those of the notice]"
    )
    passphrase.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Found an enforcer, and say how to go on."""
    parse_address(arguments.listen)
    hosts = tuple(arguments.host or ["localhost", "127.0.0.1"])
    common = passphrase.given(arguments.passphrase_file)
    plan = Plan(
        founders=[_founder(text, common) for text in arguments.person],
        hosts=hosts,
        listen=arguments.listen,
        origin=arguments.origin or f"{hosts[0]}/ledger",
        policy=drafts.built_in() if arguments.policy is None else read_text(arguments.policy),
        state=arguments.state,
        index=arguments.index,
    )
    pin = founding.found(arguments.directory, plan, wall_clock())
    if arguments.json:
        show.as_json(Founded(str(arguments.directory), pin))
        return 0
    first = plan.founders[0].id
    print(f"Policy version 1 has the pin {pin}.")
    print(f"Start it:     enforcer serve --config {arguments.directory}/enforcer.toml")
    print(f"Then, as {first}: enforcer status --as {arguments.directory}/people/{first}.toml")
    print(
        f"Hand each person their two files of {arguments.directory}/people, and remove them there; "
        f"keep {arguments.directory}/tls/authority.key off this machine."
    )
    return 0


def _founder(text: str, common: str | None) -> Founder:
    name, _, listed = text.partition(":")
    check_name(name)
    secret = passphrase.asked(name, new=True) if common is None else common
    return Founder(name, parse_roles(listed, name), secret)
