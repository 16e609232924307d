"""`auditor rows`: which rows about calls should be gone."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from auditor.cli.rescan import declare_origin, now_of, signed
from auditor.cli.showing import CONCLUSIONS, print_findings, summary
from auditor.findings import Verdict
from auditor.rows import Columns, Looked, Row, conclude, look, of_csv, of_table, pattern
from retention.errors import ConfigError


def declare(parser: ArgumentParser) -> None:
    """Add the options of `rows`."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--csv", type=Path, metavar="FILE", help="the live file; its parts lie beside"
    )
    where.add_argument("--dsn", help="sqlite:PATH, or what libpq takes; a role that may only read")
    parser.add_argument("--columns", default="", metavar="A,B,...", help="of a CSV, in their order")
    parser.add_argument("--table", default="", help="of a database")
    parser.add_argument("--time", required=True, metavar="COLUMN", help="when the call began")
    parser.add_argument(
        "--zone", required=True, help="of the clock that wrote it: Europe/Riga, UTC"
    )
    parser.add_argument("--format", default="%Y-%m-%d %H:%M:%S", help="how it is written")
    parser.add_argument("--call", default="", metavar="COLUMN", help="the call's id")
    parser.add_argument("--class", dest="record_class", required=True, metavar="NAME")
    declare_origin(parser)


def run(options: Namespace) -> Verdict:
    """Look, and say what was found; no row is shown."""
    chain, listed = signed(options)
    now, columns = now_of(options), _columns(options)
    shut: list[str] = []
    rows = _rows(options, columns, shut)
    looked = look(rows, columns, chain=chain, record_class=options.record_class, now=now)
    looked.shut = shut
    report = conclude(looked, listed, now)
    if options.json:
        print(msgspec.json.encode(_counts(looked) | summary(report)).decode())
        return report.verdict
    print(f"{looked.rows} rows; {looked.late} past their time, {looked.past} past the limit")
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
        "undated": looked.undated,
        "calls": len(looked.calls) + looked.alone,
    }
