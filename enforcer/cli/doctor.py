"""`enforcer doctor`: looks at the enforcer's own files, and at the Prometheus server that watches it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from enforcer import checkup
from enforcer.checkup import overseer
from enforcer.cli import configured, show
from enforcer.clock import synchronised, wall_clock
from enforcer.prometheus import looker
from retention.checkup import Fact, exit_code, told, unknown


def declare(parser: ArgumentParser) -> None:
    """Add the options of `doctor`."""
    configured.declare(parser)
    show.declare(parser)
    parser.add_argument(
        "--prometheus", metavar="URL", help="the server that watches us [setting `prometheus`]"
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """A line for each thing looked at; exit code 1 if one is not well, 2 if one is not known."""
    config = configured.path(arguments)
    settings = configured.settings(arguments)
    facts = [
        *checkup.examine(settings, config, wall_clock(), synchronised),
        *_overseen(arguments.prometheus or settings.prometheus),
    ]
    if arguments.json:
        show.as_json([fact._asdict() for fact in facts])
    else:
        print("\n".join(told(facts)))
    return exit_code(facts)


def _overseen(address: str) -> Iterator[Fact]:
    if address:
        yield from overseer.examine(looker(address))
        return
    yield unknown(
        "prometheus",
        "No server is named.",
        why="So nobody knows whether one witnesses the ledger, and warns.",
        remedy="Set `prometheus`, or give --prometheus URL.",
    )
