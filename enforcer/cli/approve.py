"""`enforcer approve ID`: the second pair of eyes."""

from argparse import ArgumentParser, Namespace

from enforcer.cli import show, signing
from enforcer.cli.client import client
from enforcer.cli.client import declare as declare_client
from enforcer.cli.language import say
from enforcer.govern.forms.documents import Document, Documents


def declare(parser: ArgumentParser) -> None:
    """Add the options of `approve`."""
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="a document [list what waits for somebody]"
    )
    parser.add_argument("--withdraw", action="store_true", help="take the proposal back instead")
    declare_client(parser)
    show.declare(parser)
    signing.declare(parser, reason=False)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """List, sign, or withdraw."""
    me = client(arguments)
    if arguments.id is None:
        return list_open(me.get("/v1/documents", Documents), arguments)
    document = me.get(f"/v1/documents/{arguments.id}", Document)
    if arguments.withdraw:
        from_now_on = me.post(f"/v1/documents/{arguments.id}/withdraw", document, Document)
        return signing.report(from_now_on, arguments)
    return signing.countersign(me, document, arguments)


def list_open(found: Documents, arguments: Namespace) -> int:
    """A line for each."""
    if arguments.json:
        show.as_json(found)
        return 0
    show.table(
        [
            say(head)
            for head in (
                "DOCUMENT",
                "STATE",
                "PROPOSED",
                "SIGNED BY",
                "NEEDS ONE OF",
                "WAITING FOR",
            )
        ],
        (
            (
                each.id,
                say(each.state),
                show.moment(each.proposed_at),
                ",".join(each.signed_by),
                ",".join(each.roles),
                ",".join(each.waiting_for),
            )
            for each in found.documents
        ),
    )
    return 0
