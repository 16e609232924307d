"""`auditor rescan`: what really lies on a storage."""

import re
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from auditor.calls import Calls, expression_of
from auditor.cli import options as given
from auditor.cli.showing import CONCLUSIONS, clean, print_findings, summary
from auditor.findings import Verdict
from auditor.register import read_exceptions
from auditor.rescan import Judged, Rescan, Standing, printable
from auditor.storage import Storage, What
from auditor.verify import read_chain
from auditor.walk import walk
from retention import bundle
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.exceptions import Exceptions
from retention.policy import Chain

_SHOWN = 6
_BUCKET = "s3://"
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
    declare_bucket(parser)
    declare_origin(parser)
    declare_calls(parser)
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


def declare_bucket(parser: ArgumentParser) -> None:
    """Add how a bucket is reached."""
    bucket = parser.add_argument_group(
        "a bucket",
        "Credentials that may only list and read: AWS_ACCESS_KEY_ID and so on, or a profile.",
    )
    bucket.add_argument("--endpoint", metavar="URL", help="its server [AWS]")
    bucket.add_argument("--region", default="us-east-1", help="where it is [%(default)s]")
    bucket.add_argument("--profile", help="of ~/.aws/credentials, or AWS_SHARED_CREDENTIALS_FILE")


def declare_origin(parser: ArgumentParser) -> None:
    """Add where policy and exceptions come from, whose they are, and when it is."""
    origin = parser.add_mutually_exclusive_group(required=True)
    origin.add_argument("--bundle", type=Path, help="take policy and exceptions out of a bundle")
    origin.add_argument("--policy", type=Path, help="the policy's documents, one on each line")
    parser.add_argument("--exceptions", type=Path, help="the store's signed list of exceptions")
    parser.add_argument("--store", required=True, help="the store's id")
    parser.add_argument("--group", required=True, help="the store's group")
    parser.add_argument(
        "--now", type=given.instant, help="judge as of this time, such as 2026-01-15T14:20:00+02:00"
    )
    given.add_pin(parser, required=True)
    given.add_json(parser)


def declare_calls(parser: ArgumentParser) -> None:
    """Add how it is told which recordings are of one call."""
    parser.add_argument(
        "--call-in-name",
        metavar="EXPRESSION",
        type=_expression,
        help=r"what all recordings of one call have in their names, such as '\d{10}\.\d+'",
    )


def _expression(text: str) -> re.Pattern[bytes] | None:
    """None if it is empty: so a service says that there are no calls."""
    return expression_of(text) if text else None


def run(options: Namespace) -> Verdict:
    """Look, and say what was found."""
    chain, listed = signed(options)
    now = now_of(options)
    rescan = Rescan(
        storage_of(options.root, options),
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


def storage_of(where: str, options: Namespace) -> Storage:
    """What to look at. What speaks to a bucket is loaded where one is named, and nowhere else."""
    if not where.startswith(_BUCKET):
        return partial(walk, where)
    try:
        from auditor.bucket import Bucket, Place, connect  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ConfigError("install botocore to look into a bucket") from error
    place = Place.parse(where)
    client = connect(endpoint=options.endpoint, region=options.region, profile=options.profile)
    return Bucket(client, place, options.store)


def now_of(options: Namespace) -> Instant:
    """As of when to judge."""
    return Instant(int(time.time())) if options.now is None else options.now  # noqa: TID251 # the auditor's composition root: below it, now is an argument


def signed(options: Namespace) -> tuple[Chain, Exceptions | None]:
    """The policy, and the store's list of exceptions if there is one; both verified."""
    if options.bundle:
        members = given.members_of(options.bundle)
        policy, lists = members[bundle.POLICY], members[bundle.EXCEPTIONS]
    else:
        policy, lists = given.lines_of(options.policy), b""
    if options.exceptions:
        lists = given.lines_of(options.exceptions)
    chain = read_chain(policy, options.pin)
    known = read_exceptions(lists, chain)
    listed = known.get(options.store)
    if listed is None and (options.bundle or options.exceptions):
        raise ConfigError(
            f"{options.exceptions or options.bundle} has no list of store {options.store!r}, which "
            f"every store that enrolled has; it has those of {_named(sorted(known))}"
        )
    if listed is not None and listed.group != options.group:
        raise ConfigError(f"store {options.store!r} is of group {listed.group!r}")
    return chain, listed


def _named(stores: Sequence[str]) -> str:
    shown = ", ".join(stores[:_SHOWN]) or "none"
    return shown if len(stores) <= _SHOWN else f"{shown} and {len(stores) - _SHOWN} more"


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
