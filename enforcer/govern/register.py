"""The register of stores on paper: what a line must say, and reading it from CSV (RFC 4180).

Where data lies is part of the register: outside the EEA it needs the basis of the transfer (GDPR
chapter V).
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from enforcer.govern.forms.stores import NewStore
from retention.errors import ConfigError, RefusedError
from retention.hold import refuse_personal_data

KINDS = ("terminal", "directory", "bucket", "rows")

_EPOCH = date(1970, 1, 1)  # what documents say of time begins there

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_REGION = re.compile(r"EEA|[A-Z]{2}: *\S.*")


class Fault(NamedTuple):
    """What is wrong in which field."""

    field: str
    sentence: str


def faults(store: NewStore, today: date) -> Iterator[Fault]:
    """Everything that cannot be right about a store to enrol."""
    if not _ID.fullmatch(store.id):
        yield Fault("id", f"{store.id!r} is not up to 64 small letters, digits and hyphens")
    if not store.site.strip():
        yield Fault("site", "is empty: it is how people call the place at night")
    if not store.group.strip():
        yield Fault("group", "is empty: it is what the policy's sources are written for")
    if store.commissioned_on > today:
        yield Fault("commissioned_on", f"{store.commissioned_on} is in the future")
    if store.commissioned_on <= _EPOCH:
        yield Fault("commissioned_on", f"{store.commissioned_on} is before there were recorders")
    if store.kind not in KINDS:
        yield Fault("kind", f"{store.kind!r} is none of {', '.join(KINDS)}")
    if not _is_zone(store.zone):
        yield Fault("zone", f"there is no time zone {store.zone!r}")
    if not _REGION.fullmatch(store.region):
        yield Fault(
            "region",
            f"{store.region!r} is outside the EEA without the basis of the transfer: write EEA, or "
            f"a country and the basis, such as 'US: SCC 2021/914'",
        )
    for field in ("site", "processor"):
        yield from _personal(field, getattr(store, field))


def read_csv(lines: Sequence[str], name: str, today: date) -> tuple[NewStore, ...]:
    """The stores of a CSV file with a head line; `ConfigError` names line and column."""
    reader = csv.reader(lines, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ConfigError(f"{name}, line {reader.line_num}: {error}") from error
    if not rows:
        raise ConfigError(
            f"{name} is empty; its first line names the columns: {', '.join(_columns())}"
        )
    (_, head), *entries = rows
    _check_head(head, name)
    stores: dict[str, NewStore] = {}
    for number, row in entries:
        store = _store(row, head, f"{name}, line {number}", today)
        if store.id in stores:
            raise ConfigError(f"{name}, line {number}, column id: {store.id} is there twice")
        stores[store.id] = store
    return tuple(stores.values())


def _store(row: Sequence[str], head: Sequence[str], where: str, today: date) -> NewStore:
    if len(row) != len(head):
        raise ConfigError(f"{where}: has {len(row)} columns, not {len(head)}")
    cells = {field: cell.strip() for field, cell in zip(head, row, strict=True) if cell.strip()}
    try:
        store = msgspec.convert(cells, NewStore, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}, column {_column(str(error))}") from error
    for fault in faults(store, today):
        raise ConfigError(f"{where}, column {fault.field}: {fault.sentence}")
    return store


def _check_head(head: Sequence[str], name: str) -> None:
    known = _columns()
    for field in head:
        if field not in known:
            raise ConfigError(
                f"{name}, line 1: unknown column {field!r}; there are {', '.join(known)}"
            )
    if len(set(head)) < len(head):
        raise ConfigError(f"{name}, line 1: a column is there twice")
    for each in msgspec.structs.fields(NewStore):
        if each.required and each.name not in head:
            raise ConfigError(f"{name}, line 1: column {each.name} is missing")


def _column(message: str) -> str:
    """`Invalid date - at `$.commissioned_on`` and `missing required field `site`` as we say it."""
    sentence, _, where = message.partition(" - at `$.")
    if where:
        return f"{where.rstrip('`')}: {sentence[:1].lower()}{sentence[1:]}"
    return f"{message.rpartition('field ')[2].strip('`')}: is empty"


def _columns() -> tuple[str, ...]:
    return NewStore.__struct_fields__


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _personal(field: str, text: str) -> Iterator[Fault]:
    try:
        refuse_personal_data([text])
    except RefusedError as error:
        yield Fault(field, str(error))
