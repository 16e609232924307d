"""`enforcer hold ...`. At night: `enforcer hold place crime --site "Brivibas 12" --around 03:10`."""

import secrets
import sys
from argparse import ArgumentParser, Namespace

from enforcer.cli import holdings, signing, waiting
from enforcer.cli.client import client
from enforcer.cli.typed import FROM, TO, day
from enforcer.cli.verbs import Verbs
from enforcer.govern.forms.holds import Confirmation, HoldLines, HoldSheet, Placement, Review
from enforcer.govern.forms.previews import Preview
from retention.acts import Release
from retention.errors import ConfigError
from retention.hold import MAX_REVIEW_DAYS, Ground

_NUMBER = "only calls made with it, of all stores if none is said; +371 20000000"
_GROUNDS = ", ".join(f"{ground} (clause {ground.clause})" for ground in Ground)


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `hold`."""
    verbs = Verbs(parser)
    _declare_place(verbs.asking("place", place, "keep what an incident needs; one person may"))
    _declare_scope(
        verbs.asking("preview", preview, "say what a hold would cover, and what is missing")
    )
    listed = verbs.asking("list", list_holds, "every hold that stands")
    listed.add_argument("--all", action="store_true", help="the released ones too")
    _declare_id(verbs.asking("show", show_hold, "all about one hold"))
    again = verbs.asking("review", review, "keep a hold, and complete what was not known at night")
    _declare_id(again)
    _declare_review(again, "--until", required=True)
    _declare_case(again)
    taken = verbs.asking(
        "confirm", confirm, "take on a hold that the locker's software asked for by a marker"
    )
    _declare_id(taken)
    taken.add_argument("ground", metavar="GROUND", help=_GROUNDS)
    _declare_case(taken)
    freed = verbs.asking("release", release, "end a hold: proposed by one, approved by another")
    _declare_id(freed)
    signing.declare(freed)


def place(arguments: Namespace) -> int:
    """Place it, then wait for the stores that can answer now."""
    form = _placement(arguments, f"hold-{secrets.token_hex(4)}", _ground(arguments))
    me = client(arguments)
    sheet = me.post("/v1/holds", form, HoldSheet)
    if not arguments.no_wait:
        sheet = waiting.acknowledged(me, sheet)
    return holdings.print_sheet(sheet, as_json=arguments.json)


def preview(arguments: Namespace) -> int:
    """Look ahead; nothing is placed."""
    form = _placement(arguments, "hold-preview", "")
    found = client(arguments).post("/v1/holds/preview", form, Preview)
    return holdings.print_preview(found, as_json=arguments.json)


def list_holds(arguments: Namespace) -> int:
    """A line for each."""
    found = client(arguments).get("/v1/holds", HoldLines)
    lines = tuple(line for line in found.holds if arguments.all or line.released_at is None)
    return holdings.print_register(HoldLines(lines), as_json=arguments.json)


def show_hold(arguments: Namespace) -> int:
    """One sheet."""
    sheet = client(arguments).get(f"/v1/holds/{arguments.id}", HoldSheet)
    return holdings.print_sheet(sheet, as_json=arguments.json)


def review(arguments: Namespace) -> int:
    """Another date, and what was missing."""
    form = Review(arguments.review_on, arguments.case, arguments.citation)
    sheet = client(arguments).post(f"/v1/holds/{arguments.id}/review", form, HoldSheet)
    return holdings.print_sheet(sheet, as_json=arguments.json)


def confirm(arguments: Namespace) -> int:
    """An owner and a ground."""
    form = Confirmation(arguments.ground, arguments.case, arguments.citation)
    sheet = client(arguments).post(f"/v1/holds/{arguments.id}/confirm", form, HoldSheet)
    return holdings.print_sheet(sheet, as_json=arguments.json)


def release(arguments: Namespace) -> int:
    """The first of two signatures."""
    me = client(arguments)
    act = Release(
        **signing.drawn_up(me, "release", arguments),
        hold=arguments.id,
    )
    return signing.propose_act(me, act, arguments)


def _declare_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as `hold list` shows it")


def _declare_place(parser: ArgumentParser) -> None:
    parser.add_argument("ground", nargs="?", metavar="GROUND", help=_GROUNDS)
    _declare_scope(parser)
    _declare_case(parser)
    _declare_review(parser, "--review", required=False)
    parser.add_argument(
        "--for-request",
        type=day,
        metavar="DATE",
        help="a person asked for access on that day: kept until answered, a month later",
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the stores")


def _declare_scope(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--site", default="", help='all stores there: "Brivibas 12"; diacritics may be left out'
    )
    parser.add_argument(
        "--store", action="append", default=[], metavar="ID", help="not a whole site; once for each"
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="ID",
        help="not all cameras and queues; once for each",
    )
    parser.add_argument(
        "--item",
        action="append",
        default=[],
        metavar="STORE/EPOCH/NUMBER",
        help="one recording, as `item find` shows it; once for each",
    )
    parser.add_argument(
        "--around", default="", metavar="TIME", help="03:10 is the last 03:10 there was, on site"
    )
    parser.add_argument("--number", default="", metavar="NUMBER", help=_NUMBER)
    parser.add_argument("--from", dest="since", default="", metavar="TIME", help=FROM)
    parser.add_argument("--to", dest="until", default="", metavar="TIME", help=TO)


def _declare_case(parser: ArgumentParser) -> None:
    parser.add_argument("--case", default="", help="the case's reference; due within 72 hours")
    parser.add_argument(
        "--citation", default="", help="act and article, or the authority's reference"
    )


def _declare_review(parser: ArgumentParser, option: str, *, required: bool) -> None:
    parser.add_argument(
        option,
        dest="review_on",
        type=day,
        required=required,
        metavar="DATE",
        help=f"when it is looked at again, within {MAX_REVIEW_DAYS} days",
    )


def _placement(arguments: Namespace, hold: str, ground: str) -> Placement:
    return Placement(
        id=hold,
        ground=ground,
        site=arguments.site,
        stores=tuple(arguments.store),
        sources=tuple(arguments.source),
        items=tuple(arguments.item),
        around=arguments.around,
        since=arguments.since,
        until=arguments.until,
        number=arguments.number,
        case=getattr(arguments, "case", ""),
        citation=getattr(arguments, "citation", ""),
        requested_on=getattr(arguments, "for_request", None),
        review_on=getattr(arguments, "review_on", None),
    )


def _ground(arguments: Namespace) -> str:
    """The word given, or what somebody answers: the one thing besides the scope that is asked."""
    if arguments.ground or arguments.for_request:
        return arguments.ground or Ground.STATUTE
    if not sys.stdin.isatty():
        raise ConfigError(f"on which ground: {_GROUNDS}?")
    sys.stderr.write(f"On which ground: {_GROUNDS}? ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()
