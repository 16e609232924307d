"""Rows beside recordings: a file of call-detail records, a table, and all places joined to one."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from agents.engine.finding.watch import Watcher
from agents.service.places import Place, surveyed
from agents.storage.settings import Csv, SqlTable
from agents.stores import Store
from agents.stores.files.private import enrol
from agents.stores.joined import MAIN, Joined
from agents.stores.rows import sql_rows
from agents.stores.rows.csv_rows import CsvRows
from agents.stores.rows.database import Database, RejectedError
from agents.stores.rows.declared import Declared
from agents.stores.rows.sql_rows import SqlRows
from agents.stores.rows.sqlite import Sqlite
from agents.stores.rows.survey import survey as survey_csv
from agents.stores.rows.tables import Table
from retention.checkup import Fact, amiss, fine
from retention.errors import ConfigError, GoneError, RetentionError, StoreUnreachableError
from retention.probes import Candidate

_SQLITE = "sqlite:"
_SAMPLE = 100


class RowsPlace(Protocol):
    """A `Place` that nobody watches."""

    def look(self) -> None:
        """See `Place.look`."""

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""

    def open(self, store: str, epoch: int) -> Store:
        """See `Place.open`."""

    def survey(self, store: str, shortest: int) -> list[Fact]:
        """See `Place.survey`."""

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""


class CsvPlace:
    """A file of call-detail records."""

    def __init__(self, said: Csv) -> None:
        self._root = os.fsencode(said.root)
        self._declared = Declared(os.fsencode(said.file), said.columns, said.shape, said.delimiter)

    def look(self) -> None:
        """See `Place.look`."""
        if not Path(os.fsdecode(self._root)).is_dir():
            raise ConfigError(f"there is no directory {os.fsdecode(self._root)} of rows")

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        enrol(self._root, store)

    def open(self, store: str, epoch: int) -> CsvRows:
        """See `Place.open`."""
        return CsvRows(self._root, store, self._declared, epoch=epoch)

    def survey(self, store: str, shortest: int) -> list[Fact]:  # noqa: ARG002 - nothing keeps a row longer
        """See `Place.survey`."""
        facts = survey_csv(self._root, self._declared.live, store)
        rows = CsvRows(self._root, store, self._declared, epoch=0)
        with closing(rows), suppress(RetentionError):  # what keeps it from being read is told above
            facts += _times(rows, "`columns`, `delimiter`, `time` and `time_format`")
        return facts

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        return [(Path(os.fsdecode(self._root)),)]


class TablePlace:
    """A table of a database."""

    def __init__(self, said: SqlTable) -> None:
        self._said = said
        self._table = Table(said.table, said.key, said.shape, said.blank)

    def look(self) -> None:
        """See `Place.look`. What is declared is compared with what is there."""
        database = self._connected()
        try:
            SqlRows(database, "", {b"": self._table}).verify()
        except (RejectedError, StoreUnreachableError) as error:
            raise ConfigError(f"{self._said.table}: {error}") from error
        finally:
            database.close()

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        database = self._connected()
        try:
            sql_rows.enrol(database, store)
        finally:
            database.close()

    def open(self, store: str, epoch: int) -> SqlRows:  # noqa: ARG002 - nothing of a row is kept
        """See `Place.open`. A name that does not fit is said now; every scan tells what is not there."""
        opened = SqlRows(self._connected(), store, {b"": self._table})
        with suppress(RejectedError, StoreUnreachableError):
            opened.verify()
        return opened

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        file = self._said.dsn.removeprefix(_SQLITE)
        return [] if file == self._said.dsn else [(Path(file),)]

    def survey(self, store: str, shortest: int) -> list[Fact]:  # noqa: ARG002 - as above
        """See `Place.survey`."""
        database = self._connected()
        try:
            rows = SqlRows(database, store, {b"": self._table})
            rows.check()
            rows.verify()
            facts = [fine("database", "It answers, and is the one that was enrolled.")]
            facts += _times(rows, "`time` and `time_format`")
            return [*facts, *database.survey(self._table.name, blanking=bool(self._table.blank))]
        except RetentionError as error:
            return [
                amiss(
                    "database",
                    str(error),
                    why="While that is so no row of it goes, and no scan is complete.",
                    remedy="Look at `dsn`, at the database, and at what is declared of the table.",
                )
            ]
        finally:
            database.close()

    def _connected(self) -> Database:
        if self._said.dsn.startswith(_SQLITE):
            return Sqlite(Path(self._said.dsn.removeprefix(_SQLITE)))
        # A driver is loaded where one is configured, and nowhere else.
        try:
            from agents.stores.rows.postgres import Postgres  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                "this database needs the package retention-agent-storage, or retention-enforcer[postgres]"
            ) from error
        return Postgres(self._said.dsn)


def _times(rows: CsvRows | SqlRows, declared: str) -> Iterator[Fact]:
    """Whether a time is found where it is declared to be, in the first rows that there are."""
    looked_at = [found.name for found in islice(rows.listing(b"", _tell_nobody), _SAMPLE)]
    dated = 0
    for name in looked_at:
        with suppress(GoneError):
            dated += any(isinstance(said, Candidate) for said in rows.open(b"", name).stated)
    if not looked_at:
        return
    if 2 * dated >= len(looked_at):
        yield fine(
            "times", f"{dated} of {len(looked_at)} rows that were looked at say when it was."
        )
        return
    yield amiss(
        "times",
        f"Only {dated} of {len(looked_at)} rows that were looked at have a time where it is declared.",
        why="The others are without a date, and go a week after they were first seen, however young.",
        remedy=f"Compare {declared} with what is there, before anything is activated.",
    )


def _tell_nobody(path: bytes, why: str) -> None:
    """What cannot be read is another fact's to tell."""


class JoinedPlace:
    """Recordings and their rows: one `Place`, watched where the recordings are."""

    def __init__(self, main: Place, rows: Mapping[str, RowsPlace]) -> None:
        self._main = main
        self._rows = dict(rows)

    def look(self) -> None:
        """See `Place.look`."""
        self._main.look()
        for place in self._rows.values():
            place.look()

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        self._main.enrol(store)
        for place in self._rows.values():
            place.enrol(store)

    def open(self, store: str, epoch: int) -> Joined:
        """See `Place.open`."""
        rows = {name.encode(): place.open(store, epoch) for name, place in self._rows.items()}
        return Joined({MAIN: self._main.open(store, epoch), **rows})

    def watch(self) -> Watcher | None:
        """See `Place.watch`."""
        return self._main.watch()

    def survey(self, store: str, shortest: int) -> list[Fact]:
        """See `Place.survey`."""
        facts = surveyed(partial(self._main.survey, store, shortest))
        for name, place in self._rows.items():
            facts += [
                fact._replace(subject=f"{name}: {fact.subject}")
                for fact in surveyed(partial(place.survey, store, shortest))
            ]
        return facts

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        of_rows = chain.from_iterable(place.roots() for place in self._rows.values())
        return [*self._main.roots(), *of_rows]


def joined(main: Place, csv: Iterable[Csv], tables: Iterable[SqlTable]) -> JoinedPlace:
    """Recordings in `main`, and these rows."""
    rows: dict[str, RowsPlace] = {each.place: CsvPlace(each) for each in csv}
    rows |= {each.place: TablePlace(each) for each in tables}
    return JoinedPlace(main, rows)
