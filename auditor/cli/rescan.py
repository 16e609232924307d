"""`auditor rescan`: what really lies on a storage."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from auditor.calls import Calls
from auditor.cli import looking
from auditor.cli import options as given
from auditor.cli.showing import CONCLUSIONS, clean, print_findings, summary
from auditor.findings import Verdict
from auditor.rescan import Judged, Rescan, Standing, printable
from auditor.storage import What

_SAID = {
    Standing.IN_TIME: "in time",
    Standing.EXCEPTED: "listed",
    Standing.KEPT: "second name",
    Standing.OVERDUE: "past target",
    Standing.PAST_LIMIT: "past limit",
    Standing.UNDATED: "undated",
}
_MEANS = {
    Standing.EXCEPTED: "listed: by its date it should be gone, and the operator's list says why it is not",
    Standing.KEPT: "second name: the agent's own of something listed, the same bytes: no one else can remove the last",
}
_REMARKABLE = (Standing.OVERDUE, Standing.PAST_LIMIT, Standing.UNDATED)


def declare(parser: ArgumentParser) -> None:
    """Add the options of `rescan`."""
    parser.add_argument(
        "root", metavar="ROOT", help="the storage: a directory, or s3://BUCKET/PREFIX"
    )
    looking.declare_bucket(parser)
    looking.declare_origin(parser)
    looking.declare_calls(parser)
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="keep a report for `enforcer bundle --rescan`"
    )
    parser.add_argument(
        "--no-names",
        action="store_true",
        help="say how many, and name no file: for a log, which more people read",
    )
    parser.add_argument(
        "--number",
        default="",
        help="any number of yours: shows that the report was not made before",
    )


def run(options: Namespace) -> Verdict:
    """Look, and say what was found."""
    chain, listed = looking.signed(options)
    now = looking.now_of(options)
    rescan = Rescan(
        looking.storage_of(options.root, options),
        chain=chain,
        group=options.group,
        exceptions=listed,
        now=now,
        calls=Calls(options.call_in_name) if options.call_in_name else None,
        names=not options.no_names,
    )
    remarkable = () if options.no_names else _REMARKABLE
    told = (each for each in rescan.recordings() if each.standing in remarkable)
    verdict = _print_json(rescan, told) if options.json else _print(rescan, told)
    if options.save:
        given.save(options.save, rescan.report(options.number, options.store))
    return verdict


def _print(rescan: Rescan, told: Iterable[Judged]) -> Verdict:
    for each in told:
        when = each.civil or "undated"
        print(f"{_SAID[each.standing]:11}  {when}  {printable(each.path)}  ({clean(each.note)})")
    print(f"{'class':24}  {'date':10}  {'standing':11}  {'files':>9}  {'bytes':>15}")
    for batch, tally in _sorted_counts(rescan):
        what = "" if batch.what is What.RECORDING else f"  {batch.what}s"
        print(
            f"{batch.record_class:24}  {batch.civil or '-'!s:10}  {_SAID[batch.standing]:11}"
            f"  {tally.files:9}  {tally.bytes:15}{what}"
        )
    for standing, means in _MEANS.items():
        if any(batch.standing is standing for batch in rescan.counts):
            print(means)
    print(f"no recordings: {rescan.others} files")
    report = rescan.conclude()
    print_findings(report)
    print(CONCLUSIONS[report.verdict])
    return report.verdict


def _print_json(rescan: Rescan, told: Iterable[Judged]) -> Verdict:
    """Print while looking, so that memory does not grow with what is found."""
    separator = '{"recordings":['
    for each in told:
        document = each._asdict() | {"path": printable(each.path)}
        sys.stdout.write(separator + msgspec.json.encode(document).decode())
        separator = ","
    if separator != ",":
        sys.stdout.write(separator)
    report = rescan.conclude()
    counts = [batch._asdict() | _amount(tally) for batch, tally in _sorted_counts(rescan)]
    rest = {"counts": counts, "kept": _amount(rescan.kept), "others": rescan.others}
    print("]," + msgspec.json.encode(rest | summary(report)).decode()[1:])
    return report.verdict


def _sorted_counts(rescan: Rescan) -> list[tuple[Any, Any]]:
    return sorted(rescan.counts.items(), key=lambda each: tuple(map(str, each[0])))


def _amount(tally: Any) -> dict[str, int]:
    return {"files": tally.files, "bytes": tally.bytes}
