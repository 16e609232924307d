"""`enforcer store ...`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from enforcer import home
from enforcer.cli import show, store_acts
from enforcer.cli.client import Client, client
from enforcer.cli.language import say
from enforcer.cli.typed import LISTED, day, read_text
from enforcer.cli.verbs import Verbs
from enforcer.govern import register
from enforcer.govern.forms.form import Done, Empty
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores, StoreLines
from retention.errors import ConfigError

_HEADS = ("STORE", "SITE", "GROUP", "STATE", "CREDENTIAL", "LAST SEEN", "LAST SCAN", "BRAKE")


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `store`."""
    verbs = Verbs(parser)
    enrol = verbs.asking(
        "enrol", enrol_stores, "add stores; prints the one-time tokens their agents start with"
    )
    enrol.add_argument("id", nargs="?", metavar="ID", help="small letters, digits, hyphens")
    enrol.add_argument(
        "--from",
        dest="csv",
        type=Path,
        metavar="CSV",
        help="all stores of a table, or none of them",
    )
    enrol.add_argument("--site", help='how people call the place: "Brivibas 12"')
    enrol.add_argument("--group", help="of stores; what the policy's sources are written for")
    enrol.add_argument(
        "--commissioned",
        type=day,
        metavar="DATE",
        help="its first day; nothing recorded is older",
    )
    enrol.add_argument("--zone", default="Europe/Riga", help="where it is [%(default)s]")
    enrol.add_argument(
        "--region",
        default="EEA",
        help="where its data are: EEA, or 'US: SCC 2021/914' [%(default)s]",
    )
    enrol.add_argument("--processor", default="controller", help="who keeps it [%(default)s]")
    enrol.add_argument(
        "--kind", default="terminal", choices=register.KINDS, help="what it is [%(default)s]"
    )
    verbs.asking("list", list_stores, "every store and how it is")
    replace = verbs.asking(
        "replace", replace_store, "let a new box be a store: the old one is shut out"
    )
    replace.add_argument("id", metavar="ID", help=LISTED)
    store_acts.declare(verbs)
    credential = Verbs(
        verbs.offline("credential", lambda _: 0, "what an agent shows who it is by: renew, revoke")
    )
    for name, run, what in (
        ("renew", renew, "a code for another credential; the present one works until then"),
        ("revoke", revoke, "shut an agent out, at once"),
    ):
        credential.asking(name, run, what).add_argument("id", metavar="ID", help=LISTED)


def enrol_stores(arguments: Namespace) -> int:
    """One store from options, or all of a CSV file."""
    me = client(arguments)
    stores = _from_csv(arguments.csv, me) if arguments.csv else (_from_options(arguments),)
    return _print(me.post("/v1/stores", NewStores(stores), Invitations), arguments)


def list_stores(arguments: Namespace) -> int:
    """A line for each store."""
    found = client(arguments).get("/v1/stores", StoreLines)
    if arguments.json:
        show.as_json(found)
        return 0
    show.table(
        [say(head) for head in _HEADS],
        (
            (
                line.id,
                line.site,
                line.group,
                "frozen" if line.frozen else line.state,
                line.credential,
                show.moment(line.last_seen_at),
                show.moment(line.scan_complete_at),
                line.brake,
            )
            for line in found.stores
        ),
    )
    return 0


def replace_store(arguments: Namespace) -> int:
    """Revoke, then a new code."""
    me = client(arguments)
    me.post(f"/v1/stores/{arguments.id}/revoke", Empty(), Done)
    return _print(me.post(f"/v1/stores/{arguments.id}/renew", Empty(), Invitations), arguments)


def renew(arguments: Namespace) -> int:
    """A new code."""
    answer = client(arguments).post(f"/v1/stores/{arguments.id}/renew", Empty(), Invitations)
    return _print(answer, arguments)


def revoke(arguments: Namespace) -> int:
    """No credential any more."""
    client(arguments).post(f"/v1/stores/{arguments.id}/revoke", Empty(), Done)
    print(
        f"{arguments.id} is shut out: its agent keeps the holds it knows and erases offline only."
    )
    return 0


def _from_csv(path: Path, me: Client) -> tuple[NewStore, ...]:
    today = home.today(me.now())
    return register.read_csv(read_text(path).splitlines(keepends=True), str(path), today)


def _from_options(arguments: Namespace) -> NewStore:
    for name in ("id", "site", "group", "commissioned"):
        if getattr(arguments, name) is None:
            raise ConfigError(
                f"enrol a store with ID --site --group --commissioned; {name} is missing"
            )
    return NewStore(
        id=arguments.id,
        site=arguments.site,
        group=arguments.group,
        commissioned_on=arguments.commissioned,
        zone=arguments.zone,
        region=arguments.region,
        processor=arguments.processor,
        kind=arguments.kind,
    )


def _print(answer: Invitations, arguments: Namespace) -> int:
    if arguments.json:
        show.as_json(answer)
        return 0
    show.table(
        ("STORE", "TOKEN", "VALID UNTIL"),
        (
            (each.store, f"{each.code}.{answer.pin}", show.moment(each.expires_at))
            for each in answer.invitations
        ),
    )
    print("On its machine: retention-agent enrol --config FILE TOKEN")
    return 0
