"""`enforcer serve`."""

from argparse import ArgumentParser, Namespace

from enforcer import compose
from enforcer.cli import configured


def declare(parser: ArgumentParser) -> None:
    """Add the options of `serve`."""
    configured.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Serve until told to stop."""
    return compose.serve(configured.settings(arguments))
