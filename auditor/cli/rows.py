"""`auditor rows`: which rows about calls should be gone."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from auditor.calls import Calls
from auditor.cli import looking
from auditor.cli.showing import CONCLUSIONS, print_findings, summary
from auditor.findings import Verdict
from auditor.rescan import Judged, Rescan
from auditor.rows import Columns, Looked, Row, conclude, look, of_csv, of_table, pattern
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.exceptions import Exceptions
from retention.policy import Chain

_ASTERISK = (
    "accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,"
    "billsec,disposition,amaflags,uniqueid,userfield"
)
"""The columns of its `Master.csv`."""
_NO_CALL = re.compile(rb"(?!)")


def declare(parser: ArgumentParser) -> None:
    """Add the options of `rows`."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--csv", type=Path, metavar="FILE", help="the live file; its parts lie beside"
    )
    where.add_argument("--dsn", help="sqlite:PATH, or what libpq takes; a role that may only read")
    parser.add_argument(
        "--columns",
        default=_ASTERISK,
        metavar="A,B,...",
        help="all columns of a CSV, in their order [Asterisk's]",
    )
    parser.add_argument("--table", default="", metavar="NAME", help="of a database")
    parser.add_argument(
        "--time", required=True, metavar="COLUMN", help="the column of when the call began"
    )
    parser.add_argument(
        "--zone", required=True, help="of the clock that wrote it: Europe/Riga, UTC"
    )
    parser.add_argument(
        "--format", default="%Y-%m-%d %H:%M:%S", help="how the time is written [%(default)s]"
    )
    parser.add_argument("--call", default="", metavar="COLUMN", help="the column of the call's id")
    parser.add_argument(
        "--class",
        dest="record_class",
        required=True,
        metavar="NAME",
        help="of the calls, as the policy calls it",
    )
    parser.add_argument(
        "--recordings",
        metavar="ROOT",
        help="the calls' own storage, a directory or s3://BUCKET/PREFIX: what the list names there is"
        " no late call here",
    )
    looking.declare_bucket(parser)
    looking.declare_calls(parser)
    looking.declare_origin(parser)


def run(options: Namespace) -> Verdict:
    """Look, and say what was found; no row is shown."""
    chain, listed = looking.signed(options)
    now, columns = looking.now_of(options), _columns(options)
    shut: list[str] = []
    rows = _rows(options, columns, shut)
    calls = _calls(options, chain, listed, now)
    looked = look(
        rows,
        columns,
        chain=chain,
        record_class=options.record_class,
        now=now,
        excepted={call.decode(errors="surrogateescape") for call in calls.named},
    )
    looked.shut = shut
    report = conclude(looked, listed, now, met=len(calls.met))
    if options.json:
        print(msgspec.json.encode(_counts(looked) | summary(report)).decode())
        return report.verdict
    print(
        f"{looked.rows} rows; {looked.late} past their time, {looked.past} past the limit,"
        f" {looked.excepted} of calls that the list names"
    )
    print_findings(report)
    print(CONCLUSIONS[report.verdict])
    return report.verdict


def _rows(options: Namespace, columns: Columns, shut: list[str]) -> Iterator[Row]:
    if options.csv is not None:
        names = tuple(filter(None, options.columns.split(",")))
        for name in filter(None, (columns.time, columns.call)):
            if name not in names:
                raise ConfigError(f"among --columns there is no {name!r}")
        return of_csv(options.csv, names, shut)
    if not options.table:
        raise ConfigError("say which --table of the database")
    return of_table(options.dsn, options.table, columns)


def _calls(
    options: Namespace, chain: Chain, listed: Exceptions | None, now: Instant
) -> Calls[Judged]:
    """Calls of which the list names a recording; none, if nobody said where their recordings lie."""
    calls: Calls[Judged] = Calls(options.call_in_name or _NO_CALL)
    if options.recordings is None and options.call_in_name is None:
        return calls
    if options.recordings is None or options.call_in_name is None or not options.call:
        raise ConfigError("--recordings, --call-in-name and --call go together")
    rescan = Rescan(
        looking.storage_of(options.recordings, options),
        chain=chain,
        group=options.group,
        exceptions=listed,
        now=now,
        calls=calls,
    )
    for _ in rescan.recordings():
        pass
    return calls


def _columns(options: Namespace) -> Columns:
    try:
        zone = ZoneInfo(options.zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{options.zone!r} is no time zone") from error
    return Columns(options.time, zone, pattern(options.format), options.call)


def _counts(looked: Looked) -> dict[str, int]:
    return {
        "rows": looked.rows,
        "late": looked.late,
        "past_limit": looked.past,
        "excepted": looked.excepted,
        "undated": looked.undated,
        "calls": len(looked.calls) + looked.alone,
    }
