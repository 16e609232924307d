"""The verbs of a noun: each a parser of its own."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from enforcer.cli import client, show


class Verbs:
    """Adds verbs to a noun's parser."""

    def __init__(self, noun: ArgumentParser) -> None:
        self._parsers = noun.add_subparsers(required=True, metavar="VERB")

    def offline(self, name: str, run: Callable[[Namespace], int], what: str) -> ArgumentParser:
        """A verb that asks nobody."""
        parser: ArgumentParser = self._parsers.add_parser(name, help=what, description=what)
        parser.set_defaults(run=run)
        return parser

    def asking(self, name: str, run: Callable[[Namespace], int], what: str) -> ArgumentParser:
        """A verb that asks the enforcer in a person's name, and prints facts."""
        parser = self.offline(name, run, what)
        client.declare(parser)
        show.declare(parser)
        return parser
