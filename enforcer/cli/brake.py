"""`enforcer brake ...`: sweeps that would erase far more than usual, and wait."""

from argparse import ArgumentParser, Namespace

from enforcer.cli import show, signing
from enforcer.cli.client import client
from enforcer.cli.verbs import Verbs
from enforcer.govern.forms.stores import StoreLines
from retention.acts import BrakeRelease
from retention.calendar import Instant

_HOUR = 3600


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `brake`."""
    verbs = Verbs(parser)
    verbs.asking("show", show_brakes, "which stores wait, and why")
    freed = verbs.asking("release", release, "let one sweep go on: two people")
    freed.add_argument("store", metavar="STORE", help="as `brake show` shows it")
    freed.add_argument("--count", type=int, required=True, help="items that it may erase at most")
    freed.add_argument("--hours", type=int, default=24, help="how long that is good [%(default)s]")
    signing.declare(freed)


def show_brakes(arguments: Namespace) -> int:
    """A line for each; exit code 1 if there is one."""
    found = client(arguments).get("/v1/stores", StoreLines)
    waiting = tuple(line for line in found.stores if line.brake)
    if arguments.json:
        show.as_json(StoreLines(waiting))
    elif waiting:
        show.table(("STORE", "SITE", "WHY"), ((w.id, w.site, w.brake) for w in waiting))
    else:
        print("No brake is engaged.")
    return int(bool(waiting))


def release(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    act = BrakeRelease(
        **signing.drawn_up(me, "brake-release", arguments),
        store=arguments.store,
        count=arguments.count,
        expires=Instant(me.now() + arguments.hours * _HOUR),
    )
    return signing.propose_act(me, act, arguments)
