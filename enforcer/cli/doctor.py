"""`enforcer doctor`: looks at the enforcer's own files."""

from argparse import ArgumentParser, Namespace

from enforcer import checkup
from enforcer.cli import configured, show
from enforcer.clock import wall_clock


def declare(parser: ArgumentParser) -> None:
    """Add the options of `doctor`."""
    configured.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """A line for each thing looked at; exit code 1 if one is not well."""
    findings = list(checkup.examine(configured.settings(arguments), wall_clock()))
    if arguments.json:
        show.as_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            print(f"{'ok' if finding.well else 'BAD':4}{finding.what}: {finding.sentence}")
    return int(not all(finding.well for finding in findings))
