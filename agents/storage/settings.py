"""The settings of an agent on a storage; `config/storage.example.toml` explains each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from agents.service.settings import Service, must_be_absolute, understood
from agents.storage.recorders import (
    BUILT_IN,
    Pattern,
    Recorders,
    expression_of,
    pattern,
    time_pattern,
)
from agents.stores import Role
from agents.stores.rows.shape import ASTERISK, DEFAULT_TIME, Shape, shape
from retention.errors import ConfigError
from retention.probes.sidecar import Sidecar


class Directory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tree of directories in which calls lie."""

    root: str
    private: str | None = None  # on the file system of root; None: .retention below root
    any_file_system: bool = False  # for trials: also where inodes are not stable


class Bucket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a bucket is and who the agent is to it. Times are whole seconds."""

    endpoint: str  # https://s3.example:9000
    name: str
    prefix: str = ""  # empty: all of the bucket; else it ends with /
    region: str = "us-east-1"
    credentials: str | None = None  # a file like ~/.aws/credentials; None: environment or role
    profile: str | None = None  # of that file
    ca_file: str | None = None  # PEM; None: the system's authorities
    timeout: int = 60  # of one answer

    def check(self, where: Path) -> None:
        """`ConfigError` where it cannot be meant so."""
        if not self.endpoint.startswith(("http://", "https://")):
            raise ConfigError(f"{where}: bucket.endpoint begins with https:// or http://")
        if self.prefix and (self.prefix.startswith("/") or not self.prefix.endswith("/")):
            raise ConfigError(f"{where}: bucket.prefix does not begin with / and ends with one")
        if not self.name or "/" in self.name:
            raise ConfigError(f"{where}: bucket.name is the name of a bucket")
        if self.timeout < 1:
            raise ConfigError(f"{where}: bucket.timeout must be at least 1 second")


class Start(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a sidecar says when its call began: in a field of JSON, or in a line of text."""

    field: str = ""
    format: str = ""  # of the field; empty: ISO 8601, or seconds or milliseconds since 1970
    seconds: str = ""  # the field that says how long the call took
    line: str = ""


class Files(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one kind of file of a call is called, shown by examples, and what it tells of the call."""

    role: Literal["recording", "companion"]
    pattern: str
    examples: dict[str, str]
    others: tuple[str, ...] = ()
    began: Start | None = None
    numbers: tuple[str, ...] = ()  # fields of JSON
    number: str = ""  # in text: an expression, each group of which is a number


class Rows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the columns of rows mean, and the name of the place that they are: a source's directory."""

    place: str
    time: str
    zone: str
    time_format: str = DEFAULT_TIME
    call: str = ""
    duration: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """The declared columns; `ConfigError` says what cannot be."""
        return shape(
            time=self.time,
            zone=self.zone,
            time_format=self.time_format,
            call=self.call,
            duration=self.duration,
            numbers=self.numbers,
        )


class Csv(Rows, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of call-detail records and its rotated parts."""

    root: str  # the directory that it lies in
    file: str = "Master.csv"
    columns: tuple[str, ...] = ASTERISK
    delimiter: str = ","


class SqlTable(Rows, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a database. `blank`: columns that become NULL where the row itself stays."""

    dsn: str  # sqlite:/var/lib/calls.db, or what libpq takes
    table: str
    key: str
    blank: tuple[str, ...] = ()


class Settings(Service, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent on a storage must be told."""

    directory: Directory | None = None
    bucket: Bucket | None = None  # instead of a directory
    csv: tuple[Csv, ...] = ()
    tables: tuple[SqlTable, ...] = ()
    number_keys: str | None = None  # the file of keys that telephone numbers are told by
    recorders: tuple[str, ...] = ()  # out of `recorders.BUILT_IN`
    files: tuple[Files, ...] = ()  # of other recorders; they come first


def of(data: Mapping[str, Any], path: Path) -> Settings:
    """What a file says, as a storage's settings; its patterns are tried on their examples."""
    settings = understood(data, Settings, path)
    if (settings.directory is None) == (settings.bucket is None):
        raise ConfigError(
            f"{path}: name either a [directory] or a [bucket]: rows are looked after beside one of them"
        )
    if settings.directory is not None:
        must_be_absolute(path, root=settings.directory.root)
    if settings.bucket is not None:
        settings.bucket.check(path)
    try:
        recorders_of(settings)
        _check_rows(settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return settings


def _check_rows(settings: Settings) -> None:
    """Rows are declared, and what is declared of one place is of no other."""
    rows: list[Rows] = [*settings.csv, *settings.tables]
    for each in rows:
        if not each.place or "/" in each.place or each.place in {".", ".."}:
            raise ConfigError(f"{each.place!r} cannot name a place of rows: it is one word")
        declared = each.shape.columns
        if isinstance(each, Csv) and not set(declared) <= set(each.columns):
            missing = ", ".join(sorted(set(declared) - set(each.columns)))
            raise ConfigError(f"place {each.place}: among its columns there is no {missing}")
        if isinstance(each, Csv) and not Path(each.root).is_absolute():
            raise ConfigError(f"place {each.place}: root must be an absolute path")
    names = [each.place for each in rows]
    if len(set(names)) < len(names):
        raise ConfigError("two places of rows have the same name")


def recorders_of(settings: Settings) -> Recorders:
    """The recorders that leave their files here; `ConfigError` says which pattern is wrong."""
    for name in settings.recorders:
        if name not in BUILT_IN:
            raise ConfigError(f"no recorder {name!r} is known; known are {', '.join(BUILT_IN)}")
    built_in = [each for name in settings.recorders for each in BUILT_IN[name]]
    return Recorders([*map(_pattern, settings.files), *built_in])


def _pattern(files: Files) -> Pattern:
    return pattern(
        Role[files.role.upper()],
        files.pattern,
        examples=files.examples,
        others=files.others,
        sidecar=_sidecar(files),
    )


def _sidecar(files: Files) -> Sidecar | None:
    """What is to be read in files of this kind; None: nothing."""
    if files.began is None and not files.numbers and not files.number:
        return None
    number = expression_of(files.number) if files.number else None
    if number is not None and not number.groups:
        raise ConfigError(f"the pattern {files.number!r} does not say which part is the number")
    start = files.began or Start()
    if files.began is not None and bool(start.field) == bool(start.line):
        raise ConfigError("a sidecar says when its call began either in a field or in a line")
    return Sidecar(
        field=start.field,
        written=time_pattern(start.format) if start.format else None,
        seconds=start.seconds,
        line=time_pattern(start.line) if start.line else None,
        numbers=files.numbers,
        number=number,
    )
