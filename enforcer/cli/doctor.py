"""`enforcer doctor`: looks at the enforcer's own files, and at the Prometheus server that watches it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

from enforcer import checkup, overseer
from enforcer.checkup import Finding
from enforcer.cli import configured, show
from enforcer.clock import wall_clock
from enforcer.prometheus import looker

_MARKS = {True: "ok", False: "BAD", None: "?"}


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
    settings = configured.settings(arguments)
    address = arguments.prometheus or settings.prometheus
    findings = [*checkup.examine(settings, wall_clock()), *_overseen(address)]
    if arguments.json:
        show.as_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            print(f"{_MARKS[finding.well]:4}{finding.what}: {finding.sentence}")
    return _exit_code(findings)


def _overseen(address: str) -> Iterator[Finding]:
    if address:
        yield from overseer.examine(looker(address))
        return
    sentence = (
        "no server is named, so nobody knows whether one witnesses the ledger and warns: set "
        "`prometheus`, or give --prometheus URL"
    )
    yield Finding("prometheus", None, sentence)


def _exit_code(findings: Iterable[Finding]) -> int:
    seen = {finding.well for finding in findings}
    if False in seen:
        return 1
    return 2 if None in seen else 0
