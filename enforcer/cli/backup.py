"""`enforcer backup ...`: copies that somebody keeps, and for how long at most."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import get_args, get_type_hints

from enforcer.cli import show
from enforcer.cli.client import client
from enforcer.cli.verbs import Verbs
from enforcer.govern.forms.backups import Backups, Forgotten
from enforcer.govern.forms.form import Done
from retention.bundle import Backup

MAX_DAYS = 36_525
_OF = get_args(get_type_hints(Backup)["of"])


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `backup`."""
    verbs = Verbs(parser)
    verbs.asking("list", list_backups, "every registered set")
    added = verbs.asking("add", add, "register a set, or another longest time for one")
    added.add_argument("name", metavar="NAME", help="what you call the set")
    added.add_argument("--of", required=True, choices=_OF, help="what is copied")
    added.add_argument(
        "--days", required=True, type=_days, help="the longest that anything stays in it"
    )
    removed = verbs.asking("remove", remove, "a set that is no more")
    removed.add_argument("name", metavar="NAME", help="as `backup list` shows it")


def list_backups(arguments: Namespace) -> int:
    """A line for each."""
    found = client(arguments).get("/v1/backups", Backups)
    if arguments.json:
        show.as_json(found.backups)
        return 0
    show.table(("NAME", "OF", "DAYS"), ((b.name, b.of, str(b.days)) for b in found.backups))
    return 0


def add(arguments: Namespace) -> int:
    """Register."""
    backup = Backup(arguments.name, arguments.of, arguments.days)
    client(arguments).post("/v1/backups", backup, Done)
    return _tell(
        f"{backup.name} is registered: copies stay for up to {backup.days} days.", arguments
    )


def remove(arguments: Namespace) -> int:
    """Forget."""
    client(arguments).post("/v1/backups/forget", Forgotten(arguments.name), Done)
    return _tell(f"{arguments.name} is registered no more.", arguments)


def _tell(said: str, arguments: Namespace) -> int:
    if arguments.json:
        show.as_json(Done())
    else:
        print(said)
    return 0


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_DAYS):
        raise ArgumentTypeError(f"{text!r} is no number of days from 1 to {MAX_DAYS}")
    return int(text)
