"""A declared SQL table: checked against the database's own catalogue, and made into statements."""

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from agents.stores.rows.database import Column, Database, Row
from agents.stores.rows.shape import Shape
from retention.errors import ConfigError

_ESCAPED = re.compile(r"[%/\0]")
_ENCODED = re.compile(r"%([0-9A-F]{2})")


class Table(NamedTuple):
    """A table as it is declared. `blank`: columns that become NULL, where the row itself stays.

    `key` alone tells one row from all others. `name` may be written with its schema, `s.t`.
    """

    name: str
    key: str
    shape: Shape
    blank: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """What is asked of one table. A row is its columns as text, in their order."""

    columns: tuple[str, ...]
    key: int
    first: str  # page
    page: str
    keyless: str
    named: str
    locked: str
    erase: str

    def key_of(self, row: Row) -> str:
        """Tells a row from all others."""
        key = row[self.key]
        assert key is not None, "the statements leave out what has no key"
        return key

    def content_of(self, row: Row) -> bytes:
        """All of a row, as it is read and known by."""
        return json.dumps(dict(zip(self.columns, row, strict=True))).encode()


def prepare(database: Database, table: Table) -> Statements:
    """The statements for a table; `ConfigError` says in a sentence what does not fit."""
    known = {column.name: column for column in database.columns(table.name)}
    _check(table, known)
    quoted = {name: database.quoted(name) for name in known}
    key, kind = quoted[table.key], known[table.key].type
    where = database.quoted_table(table.name)
    there = f"{key} IS NOT NULL"
    if table.blank:
        there += " AND NOT (" + " AND ".join(f"{quoted[c]} IS NULL" for c in table.blank) + ")"
    read = ", ".join(database.text(quoted[name]) for name in known)
    among = database.among(key, kind)
    select = f"SELECT {read} FROM {where} WHERE {there}"  # noqa: S608 - names quoted, values as arguments
    # With the table's name, or it would be the column of the result, which is text.
    order = f" ORDER BY {where}.{key} LIMIT {database.mark}"
    erase = (
        f"UPDATE {where} SET {', '.join(f'{quoted[c]} = NULL' for c in table.blank)} WHERE {among}"  # noqa: S608 - the same
        if table.blank
        else f"DELETE FROM {where} WHERE {among} RETURNING {read}"  # noqa: S608 - the same
    )
    return Statements(
        columns=tuple(known),
        key=list(known).index(table.key),
        first=select + order,
        page=f"{select} AND {database.after(key, kind)}{order}",
        keyless=f"SELECT 'x' FROM {where} WHERE {key} IS NULL LIMIT 1",  # noqa: S608 - the same
        named=f"{select} AND {among}",
        locked=f"{select} AND {among}{database.locking if table.blank else ''}",
        erase=erase,
    )


def name_of(key: str) -> bytes:
    """What a row is named: its key, where a component of a path may not have a sign, with `%`."""
    text = _ESCAPED.sub(lambda sign: f"%{ord(sign[0]):02X}", key)
    if text in {"", ".", ".."}:
        text = "%" + text
    return text.encode()


def key_named(name: bytes) -> str | None:
    """The key that a name is; None if it is none, and so no row's."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return None
    plain = text[1:] if text in {"%", "%.", "%.."} else text
    key = _ENCODED.sub(lambda sign: chr(int(sign[1], 16)), plain)
    return key if name_of(key) == name else None


def _check(table: Table, known: dict[str, Column]) -> None:
    if not known:
        raise ConfigError(f"there is no table {table.name!r}, or the agent may not see it")
    for column in (table.key, *table.shape.columns, *table.blank):
        if column not in known:
            raise ConfigError(f"the table {table.name!r} has no column {column!r}")
    if not known[table.key].unique:
        raise ConfigError(
            f"the column {table.key!r} of {table.name!r} is neither its primary key nor unique: "
            f"by it no row could be told from all others"
        )
    if not known[table.key].type:
        raise ConfigError(
            f"the column {table.key!r} of {table.name!r} has no type by which its values are ordered"
        )
    if table.key in table.blank or table.shape.time in table.blank:
        raise ConfigError(f"neither key nor time of {table.name!r} can be blanked")
    for column in table.blank:
        if not known[column].nullable:
            raise ConfigError(f"the column {column!r} of {table.name!r} cannot be NULL")
