"""`enforcer history`: who did what, and who looked at what."""

from argparse import ArgumentParser, Namespace

from enforcer.cli import client as asking
from enforcer.cli import show, signing, words
from enforcer.cli.language import say
from enforcer.govern.forms.documents import Events


def declare(parser: ArgumentParser) -> None:
    """Add the options of `history`."""
    parser.add_argument(
        "subject", metavar="ID", nargs="?", help="a hold, document, store or item [all of late]"
    )
    asking.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """A line for each act or look; of a document also why, held against what was signed."""
    me = asking.client(arguments)
    found = me.get("/v1/history", Events, subject=arguments.subject)
    if arguments.json:
        show.as_json(found)
        return 0
    show.table(
        [*map(say, ("WHEN", "WHO", "DID", "TO")), ""],
        (
            (show.moment(event.at), event.person, event.verb, event.subject, event.detail)
            for event in found.events
        ),
    )
    if found.document is not None:
        for line in words.of_reasons(found.document, signing.chain(me)):
            print(line)
    return 0
