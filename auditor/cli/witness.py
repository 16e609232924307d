"""`auditor witness`: what a Prometheus server recorded of the ledger, against a bundle."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, timedelta
from pathlib import Path

from auditor.cli import options as given
from auditor.cli.showing import CONCLUSIONS, print_findings, print_json, summary
from auditor.findings import Report, Verdict
from auditor.prometheus import asker
from auditor.verify import Opened, open_bundle
from auditor.witness import check_witness
from retention import bundle
from retention.calendar import Instant, start_of_day
from retention.errors import ConfigError
from retention.witness import JOB, watched


def declare(parser: ArgumentParser) -> None:
    """Add the options of `witness`."""
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="the file from the operator")
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        required=True,
        help="the server, such as http://prometheus.example:9090",
    )
    parser.add_argument(
        "--job", default=JOB, help="what the enforcer is called there [%(default)s]"
    )
    parser.add_argument(
        "--from",
        dest="since",
        type=given.day,
        metavar="DATE",
        help="ask from this day on [the bundle's first day]",
    )
    parser.add_argument(
        "--to",
        dest="through",
        type=given.day,
        metavar="DATE",
        help="ask up to this day [when the bundle was made]",
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="keep what was recorded, for `verify --witness`"
    )
    given.add_pin(parser, required=False)
    given.add_json(parser)


def run(options: Namespace) -> Verdict:
    """Ask the server, compare, and say what was found."""
    members = given.members_of(options.bundle)
    report = Report(later=bundle.is_later(members[bundle.MANIFEST]))
    opened = open_bundle(report, members, options.pin)
    if opened is not None and opened.evidence is not None:
        since, until = _range(options, opened)
        seen = watched(asker(options.prometheus), since, until, job=options.job)
        if options.save:
            given.save(options.save, seen)
        check_witness(report, seen, opened.evidence, opened.chain, opened.manifest)
    if options.json:
        print_json(summary(report))
        return report.verdict
    print_findings(report)
    print(CONCLUSIONS[report.verdict])
    return report.verdict


def _range(options: Namespace, opened: Opened) -> tuple[Instant, Instant]:
    """From the first day, or the ledger's beginning, up to the bundle: later it says nothing."""
    assert opened.evidence is not None
    since = start_of_day(options.since or opened.manifest.since, UTC)
    began = opened.evidence.began_at
    since = max(since, began) if began is not None else since
    until = opened.manifest.made_at
    if options.through:
        until = min(until, start_of_day(options.through + timedelta(days=1), UTC))
    if since >= until:
        raise ConfigError("the bundle is of no time in that range")
    return since, until
