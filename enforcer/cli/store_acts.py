"""What takes two people with stores: to set them going, to take them out, to say what they are."""

from argparse import ArgumentParser, Namespace

from enforcer import home
from enforcer.cli import signing
from enforcer.cli.client import Client, client
from enforcer.cli.typed import LISTED, day, moment
from enforcer.cli.verbs import Verbs
from enforcer.govern.forms.stores import StoreLines
from retention.acts import ENDS, Activation, Restoration, Retirement, Thaw
from retention.errors import ConfigError


def declare(verbs: Verbs) -> None:
    """Add these verbs to `store`."""
    _declare_activate(
        verbs.asking(
            "activate", activate, "let stores erase, and their backlog go once: two people"
        )
    )
    retired = verbs.asking(
        "retire", retire, "take a store out of service, and say how it ended: two people"
    )
    retired.add_argument("id", metavar="ID", help=LISTED)
    retired.add_argument("--how", choices=ENDS, required=True, help="what became of its bytes")
    signing.declare(retired)
    thawed = verbs.asking(
        "thaw", thaw, "say which of two boxes with one identity is the store: two people"
    )
    thawed.add_argument("id", metavar="ID", help=LISTED)
    thawed.add_argument(
        "--epoch",
        type=int,
        help="of the one that is the store, as `retention-agent status` prints it there"
        " [the one that the enforcer knows]",
    )
    signing.declare(thawed)
    restored = verbs.asking(
        "restored", declare_restored, "say that recordings came from a backup: two people"
    )
    restored.add_argument("id", metavar="ID", help=LISTED)
    restored.add_argument(
        "--since",
        type=moment,
        required=True,
        metavar="TIME",
        help="when the first of them came back: 2026-01-15T03:10:00+02:00",
    )
    signing.declare(restored)


def activate(arguments: Namespace) -> int:
    """The first of two signatures, over one class and a cap by date and count."""
    me = client(arguments)
    today = home.today(me.now())
    act = Activation(
        **signing.drawn_up(me, "activation", arguments),
        stores=_stores(me, arguments),
        record_class=arguments.record_class,
        through_ordinal=(arguments.through or today).toordinal(),
        count=arguments.count,
    )
    return signing.propose_act(me, act, arguments)


def retire(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    act = Retirement(
        **signing.drawn_up(me, "retirement", arguments),
        store=arguments.id,
        how=arguments.how,
    )
    return signing.propose_act(me, act, arguments)


def thaw(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    act = Thaw(
        **signing.drawn_up(me, "thaw", arguments),
        store=arguments.id,
        epoch=_known_epoch(me, arguments.id) if arguments.epoch is None else arguments.epoch,
    )
    return signing.propose_act(me, act, arguments)


def declare_restored(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    act = Restoration(
        **signing.drawn_up(me, "restoration", arguments),
        store=arguments.id,
        since=arguments.since,
    )
    return signing.propose_act(me, act, arguments)


def _declare_activate(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", nargs="*", metavar="ID", help="stores, as `store list` shows them; or --group"
    )
    parser.add_argument("--group", help="every store of this group that observes")
    parser.add_argument(
        "--class", dest="record_class", required=True, metavar="NAME", help="of the recordings"
    )
    parser.add_argument(
        "--count", type=int, required=True, help="items of the backlog that may go at most"
    )
    parser.add_argument(
        "--through",
        type=day,
        metavar="DATE",
        help="recordings of the backlog up to this day [today]",
    )
    signing.declare(parser)


def _stores(me: Client, arguments: Namespace) -> tuple[str, ...]:
    if bool(arguments.id) == bool(arguments.group):
        raise ConfigError("name the stores to activate, or their --group")
    if arguments.id:
        return tuple(arguments.id)
    lines = me.get("/v1/stores", StoreLines).stores
    found = tuple(s.id for s in lines if s.group == arguments.group and s.state == "observe")
    if not found:
        raise ConfigError(f"no store of group {arguments.group!r} waits to be activated")
    return found


def _known_epoch(me: Client, store: str) -> int:
    lines = me.get("/v1/stores", StoreLines).stores
    epoch = next((line.epoch for line in lines if line.id == store), None)
    if epoch is None:
        raise ConfigError(f"no store is called {store!r}")
    return epoch
