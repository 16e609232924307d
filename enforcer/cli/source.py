"""`enforcer source ...`: cameras and queues. A change of sources is the next policy version."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from enforcer.cli import show, signing
from enforcer.cli.client import client
from enforcer.cli.verbs import Verbs
from retention.policy import Source


def declare(parser: ArgumentParser) -> None:
    """Add the verbs of `source`."""
    verbs = Verbs(parser)
    verbs.asking("list", list_sources, "every registered camera and queue")
    added = verbs.asking(
        "add", add, "add a camera or queue, or another entry for one: two owners sign it"
    )
    added.add_argument("id", metavar="ID", help="small letters, digits, hyphens")
    added.add_argument("--group", required=True, help="the stores that have it; may be a pattern")
    added.add_argument("--directory", default="", help="below the store's root [the root itself]")
    added.add_argument(
        "--class", dest="record_class", required=True, metavar="NAME", help="of what it records"
    )
    added.add_argument("--purpose", required=True, help="what it records that for")
    added.add_argument(
        "--name-pattern",
        metavar="PATTERN",
        help="how names tell the time: '*-%%Y%%m%%d%%H%%M%%S.jpg'",
    )
    added.add_argument(
        "--max-delay",
        type=int,
        default=0,
        metavar="SECONDS",
        help="from the end of a recording until its file appears, at most [%(default)s]",
    )
    added.add_argument(
        "--imports",
        action="store_true",
        help="admit copies and restores, which are older than when they came",
    )
    signing.declare(added, reason=False)


def list_sources(arguments: Namespace) -> int:
    """A line for each."""
    sources = signing.chain(client(arguments)).current.sources
    if arguments.json:
        show.as_json(sources)
        return 0
    print_table(sources)
    return 0


def print_table(sources: Iterable[Source]) -> None:
    """A line for each."""
    show.table(
        ("GROUP", "SOURCE", "DIRECTORY", "CLASS", "NAMES", "PURPOSE"),
        (
            (s.group, s.id, s.directory or ".", s.record_class, s.name_pattern or "", s.purpose)
            for s in sources
        ),
    )


def add(arguments: Namespace) -> int:
    """The draft of the next version, with the first owner's signature."""
    me = client(arguments)
    chain = signing.chain(me)
    new = Source(
        id=arguments.id,
        group=arguments.group,
        directory=arguments.directory,
        record_class=arguments.record_class,
        purpose=arguments.purpose,
        name_pattern=arguments.name_pattern,
        max_delay_seconds=arguments.max_delay,
        imports=arguments.imports,
    )
    others = tuple(s for s in chain.current.sources if (s.id, s.group) != (new.id, new.group))
    return signing.propose_next(me, chain, arguments, sources=(*others, new))
