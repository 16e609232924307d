"""Look at rows that were written about calls, and say which of them should be gone.

A row is dated by its declared column and by nothing else. Whether a call is held no row says, and
the signed list names a call by its recording. Where the recordings can be looked at too, it is known
which calls are meant. Of the others the list names at most as many as it names things that were not
met there: what is more than that is a violation, and the rest is unknown.
"""

import csv
import re
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from auditor.findings import Report
from retention.calendar import Instant, civil_date, to_instant
from retention.errors import ConfigError, MalformedError, StoreUnreachableError
from retention.exceptions import GOOD_FOR_SECONDS, Exceptions
from retention.policy import Chain
from retention.probes import NamePattern, ZoneKnowledge

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")

Row = Mapping[str, str]


class Columns(NamedTuple):
    """What is declared of the rows: when the call began, by a clock of a zone, and which it was."""

    time: str
    zone: ZoneInfo
    written: NamePattern
    call: str = ""

    def began(self, row: Row) -> Instant | None:
        """When a row says that its call began; the earlier reading where there are two."""
        text = (row.get(self.time) or "").strip()
        found = self.written.match(text.encode("utf-8", "surrogateescape"))
        try:
            if found is None:
                value = datetime.fromisoformat(text) if _ISO.match(text) else None
            else:
                value = found.value
                if found.zone is ZoneKnowledge.UTC:
                    value = value.astimezone(UTC)
            return None if value is None else self._instant(value)
        except (ValueError, OverflowError):
            return None

    def _instant(self, value: datetime) -> Instant:
        if value.tzinfo is not None:
            return to_instant(value.replace(microsecond=0))
        whole = value.replace(microsecond=0)
        return min(to_instant(whole.replace(tzinfo=self.zone, fold=fold)) for fold in (0, 1))


@dataclass(slots=True)
class Looked:
    """What was found. `late` and `past` count rows, `calls` are those that they are of.

    `excepted` are rows past their time of calls that the list is known to name.
    """

    rows: int = 0
    undated: int = 0
    late: int = 0
    past: int = 0
    excepted: int = 0
    calls: set[int] = field(default_factory=set)
    alone: int = 0  # late rows that name no call
    shut: list[str] = field(default_factory=list)


def look(
    rows: Iterator[Row],
    columns: Columns,
    *,
    chain: Chain,
    record_class: str,
    now: Instant,
    excepted: Container[str] = (),
) -> Looked:
    """Judge every row, one after another. `ConfigError` if the policy has no such class.

    `excepted` are calls of which the list names a recording.
    """
    known = chain.current.record_class(record_class)
    if known is None:
        raise ConfigError(f"the policy has no class {record_class!r}")
    zone, looked = ZoneInfo(known.zone), Looked()
    for row in rows:
        looked.rows += 1
        began = columns.began(row)
        if began is None:
            looked.undated += 1
            continue
        limits = chain.limits_of(record_class, civil_date(began, zone))
        if limits is None or now <= limits.must_be_gone_by:
            continue
        call = (row.get(columns.call) or "").strip() if columns.call else ""
        if call in excepted:
            looked.excepted += 1
            continue
        looked.late += 1
        looked.past += now > limits.outer_bound
        if call:
            looked.calls.add(hash(call))
        else:
            looked.alone += 1
    return looked


def conclude(
    looked: Looked, exceptions: Exceptions | None, now: Instant, *, met: int = 0
) -> Report:
    """What it amounts to. `met` is how many of the list's were met among recordings."""
    report = Report()
    late = len(looked.calls) + looked.alone
    named = max(0, len(exceptions.items) - met) if exceptions is not None else 0
    if not late:
        report.ok("limits", f"none of {looked.rows} rows is past its time")
    elif exceptions is None or late <= named:
        report.unknown(
            "limits",
            f"{looked.late} rows of {late} calls are past their time; the list may name {named} of them",
        )
    else:
        sentence = (
            f"{looked.late} rows of {late} calls are past their time, {looked.past} past the limit, "
            f"and no exception is there for {late - named} of the calls"
        )
        report.violated("limits", [sentence])
    if exceptions is not None and not 0 <= now - exceptions.at <= GOOD_FOR_SECONDS:
        report.unknown("exceptions", "the list of exceptions is not of this day")
    if looked.undated:
        report.unknown("dates", f"{looked.undated} rows have no time that can be read")
    if looked.shut:
        report.unknown("reading", f"{len(looked.shut)} parts cannot be read: {looked.shut[0]}")
    return report


def of_csv(path: Path, names: tuple[str, ...], shut: list[str]) -> Iterator[Row]:
    """The rows of a CSV and of its rotated parts; a first line with the names is a heading."""
    try:
        parts = sorted(p for p in path.parent.iterdir() if _is_part(p.name, path.name))
    except OSError as error:
        raise StoreUnreachableError(f"cannot list {path.parent}: {error.strerror}") from error
    for part in parts:
        if part.suffix in _COMPRESSED or part.is_symlink() or not part.is_file():
            shut.append("a part is compressed, or no regular file")
            continue
        with part.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield from _of_part(file, names)


def _of_part(file: Iterable[str], names: tuple[str, ...]) -> Iterator[Row]:
    """One that is no CSV is a row of which nothing is known."""
    reader = csv.reader(file)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield {}
            continue
        if fields and tuple(fields) != names:
            yield dict(zip(names, fields, strict=False))


def of_table(dsn: str, table: str, columns: Columns) -> Iterator[Row]:
    """The rows of a table, read-only, page by page."""
    names = [name for name in (columns.time, columns.call) if name]
    quoted = ", ".join(f"CAST({_quoted(name)} AS TEXT)" for name in names)
    where = ".".join(map(_quoted, table.split(".", 1)))
    query = f"SELECT {quoted} FROM {where}"  # noqa: S608 - names quoted
    rows = _of_sqlite(dsn, query) if dsn.startswith("sqlite:") else _of_postgres(dsn, query)
    for row in rows:
        yield {name: value or "" for name, value in zip(names, row, strict=True)}


def _of_sqlite(dsn: str, query: str) -> Iterator[tuple[str | None, ...]]:
    path = quote(dsn.removeprefix("sqlite:"))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            yield from db.execute(query)
    except sqlite3.Error as error:
        raise StoreUnreachableError(f"the database cannot be read: {error}") from error


def _of_postgres(dsn: str, query: str) -> Iterator[tuple[str | None, ...]]:
    try:
        import psycopg  # noqa: PLC0415 - where a database is asked, and nowhere else
    except ImportError as error:
        raise ConfigError("install psycopg to look into a PostgreSQL database") from error
    try:
        with (
            psycopg.connect(dsn, options="-c default_transaction_read_only=on") as connection,
            connection.cursor(name="rescan") as cursor,
        ):
            cursor.execute(query.encode())
            yield from cursor
    except psycopg.Error as error:
        raise StoreUnreachableError(f"the database cannot be read: {error}") from error


def pattern(text: str) -> NamePattern:
    """How times are written; `ConfigError` if no date is in it."""
    try:
        return NamePattern.parse(text)
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def _is_part(name: str, live: str) -> bool:
    return name == live or name.startswith((f"{live}.", f"{live}-"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
