"""`enforcer item ...`: single recordings, by place and time. Names and paths are on the store."""

import secrets
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

from enforcer.cli import show, signing
from enforcer.cli.client import Client, client
from enforcer.cli.language import say
from enforcer.cli.typed import FROM, TO
from enforcer.cli.verbs import Verbs
from enforcer.govern import naming
from enforcer.govern.forms.form import Done
from enforcer.govern.forms.items import ItemQuery, ItemSheet, ItemSheets, Restriction
from retention.acts import Correction, Erasure, Lift
from retention.calendar import parse_instant
from retention.errors import RefusedError
from retention.hold import RESTRICTION

_HEADS = ("ITEM", "SOURCE", "BEGAN", "DATED BY", "SECONDS", "BYTES", "CLASS", "STATE", "GOES FROM")
#: Said before people sign an erasure, lest they promise somebody more than it does.
_UNREACHED = """\
Copies with the same content go too, on these stores also those that come later. Not reached: what was
encoded anew or cut, copies that come to another store later or lie in another kind of store, backups,
and what was handed out."""


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `item`."""
    verbs = Verbs(parser)
    found = verbs.asking("find", find, "recordings of a place and a time")
    found.add_argument(
        "--site", default="", help='all stores there: "Brivibas 12"; diacritics may be left out'
    )
    found.add_argument("--store", default="", metavar="ID", help="not a whole site")
    found.add_argument("--source", default="", metavar="ID", help="not all cameras and queues")
    found.add_argument(
        "--around", default="", metavar="TIME", help="03:10 is the last 03:10 there was, on site"
    )
    found.add_argument(
        "--number", default="", metavar="NUMBER", help="calls made with it; +371 20000000"
    )
    found.add_argument("--from", dest="since", default="", metavar="TIME", help=FROM)
    found.add_argument("--to", dest="until", default="", metavar="TIME", help=TO)
    verbs.asking("show", show_item, "one recording").add_argument(
        "id", metavar="STORE/EPOCH/NUMBER", help="as `item find` shows it"
    )
    kept = verbs.asking(
        "restrict", restrict, "keep and do not use (GDPR article 18); one person may"
    )
    _declare_items(kept)
    kept.add_argument("--reason", required=True, help=signing.WHO_READS)
    freed = verbs.asking("lift", lift, "end a restriction: two people")
    _declare_items(freed)
    freed.add_argument("--informed", required=True, metavar="TIME", help="when the person was told")
    signing.declare(freed)
    right = verbs.asking(
        "correct", correct, "say that it began at another time, or is of another class: two people"
    )
    _declare_items(right)
    right.add_argument("--anchor", metavar="TIME", help="it began then: 2026-01-15T14:20:00+02:00")
    right.add_argument("--class", dest="record_class", metavar="NAME", help="it is of this class")
    signing.declare(right)
    gone = verbs.asking("erase", erase, "erase before it is due (GDPR article 17): two people")
    _declare_items(gone)
    signing.declare(gone)


def find(arguments: Namespace) -> int:
    """A line for each."""
    form = ItemQuery(
        site=arguments.site,
        store=arguments.store,
        source=arguments.source,
        around=arguments.around,
        since=arguments.since,
        until=arguments.until,
        number=arguments.number,
    )
    found = client(arguments).post("/v1/items/find", form, ItemSheets)
    if arguments.json:
        show.as_json(found)
        return 0
    _print_table(found.items)
    if found.more:
        show.warn("there are more: narrow the time")
    return 0


def show_item(arguments: Namespace) -> int:
    """One recording."""
    found = _item(client(arguments), arguments.id)
    if arguments.json:
        show.as_json(found)
        return 0
    _print_table([found])
    if found.holds:
        print(say("held by {holds}", holds=", ".join(found.holds)))
    if found.due_at is not None:
        said = "goes from {due} on; own target {target}; limit {limit}"
        due, target = show.moment(found.due_at), show.moment(found.must_be_gone_by)
        print(say(said, due=due, target=target, limit=show.moment(found.outer_bound)))
    return 0


def restrict(arguments: Namespace) -> int:
    """At once, by one person."""
    name = RESTRICTION + secrets.token_hex(4)
    me = client(arguments)
    everywhere = tuple(item.id for item in _with_copies(me, arguments.id))
    me.post("/v1/items/restrict", Restriction(name, everywhere, arguments.reason), Done)
    said = "{name} is on its way to the stores: kept from when they acknowledge it, and not used."
    print(say(said, name=name))
    print(say("It is on {items}.", items=", ".join(everywhere)))
    return 0


def lift(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    named = {str(naming.parse(name)) for name in arguments.id}
    found = _with_copies(me, arguments.id)
    restricted = [item for item in found if item.id in named or item.state == "restricted"]
    act = Lift(
        **signing.drawn_up(me, "lift", arguments),
        items=tuple(item.reference for item in restricted),
        subject_informed_at=parse_instant(arguments.informed),
    )
    return signing.propose_act(me, act, arguments)


def correct(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    # Where a copy lies says its own class, but when it was recorded is the same everywhere.
    alone = arguments.record_class is not None
    found = [_item(me, name) for name in arguments.id] if alone else _with_copies(me, arguments.id)
    act = Correction(
        **signing.drawn_up(me, "correction", arguments),
        items=tuple(item.reference for item in found),
        anchor=None if arguments.anchor is None else parse_instant(arguments.anchor),
        record_class=arguments.record_class,
    )
    return signing.propose_act(me, act, arguments)


def erase(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    everywhere = _with_copies(me, arguments.id)
    act = Erasure(
        **signing.drawn_up(me, "erasure", arguments),
        items=tuple(item.reference for item in everywhere),
    )
    show.warn(_UNREACHED)
    return signing.propose_act(me, act, arguments)


def _declare_items(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", nargs="+", metavar="STORE/EPOCH/NUMBER", help="as `item find` shows it"
    )


def _with_copies(me: Client, names: Sequence[str]) -> list[ItemSheet]:
    """These items, and all that the centre knows to be the same recordings."""
    found = {item.id: item for item in (_item(me, name) for name in names)}
    for name in tuple(found):
        copies = me.get(f"/v1/items/{name}/copies", ItemSheets)
        if copies.more:
            raise RefusedError(f"{name} has more copies than one document can name")
        found |= {copy.id: copy for copy in copies.items}
    return list(found.values())


def _item(me: Client, name: str) -> ItemSheet:
    return me.get(f"/v1/items/{naming.parse(name)}", ItemSheet)


def _print_table(found: Iterable[ItemSheet]) -> None:
    show.table(
        [say(head) for head in _HEADS],
        (
            (
                item.id,
                item.source,
                say("undated") if item.anchor is None else show.moment(item.anchor),
                item.how,
                str(item.span),
                str(item.size),
                item.record_class,
                say(item.state),
                _goes_from(item),
            )
            for item in found
        ),
    )


def _goes_from(item: ItemSheet) -> str:
    if item.due_at is None and item.anchor is None:
        return say("a week after it was seen")
    return show.moment(item.due_at)
