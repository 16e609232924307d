"""`auditor verify`: a bundle, checked without a network."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from auditor.cli import options as given
from auditor.cli.showing import CONCLUSIONS, print_findings, print_json, summary
from auditor.findings import Verdict
from auditor.verify import verify
from retention import bundle, codec
from retention.witness import Watched


def declare(parser: ArgumentParser) -> None:
    """Add the options of `verify`."""
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="the file from the operator")
    given.add_pin(parser, required=False)
    parser.add_argument(
        "--head",
        metavar="SIZE:ROOT",
        type=given.seen,
        action="append",
        default=[],
        help="a checkpoint of the ledger that a witness saw: entries, and the root in hex; once for each",
    )
    parser.add_argument(
        "--witness",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what a server recorded, as `auditor witness --save` kept it; once for each",
    )
    given.add_json(parser)


def run(options: Namespace) -> Verdict:
    """Check, and say what was found."""
    members = given.members_of(options.bundle)
    own = [_watched(path) for path in options.witness]
    report = verify(members, pin=options.pin, seen=options.head, own=own)
    unchecked = bundle.not_checked(members)
    if options.json:
        print_json(summary(report) | {"not_checked": unchecked})
        return report.verdict
    print_findings(report)
    for text in unchecked:
        print(f"not checked: {text}")
    print(CONCLUSIONS[report.verdict])
    return report.verdict


def _watched(path: Path) -> Watched:
    return codec.decode(given.lines_of(path).rstrip(b"\n"), Watched)
