"""What the store of SQL rows asks of a database, whichever it is.

Drivers are known in `sqlite` and `postgres` alone. Their errors become two: nobody answered, so
nothing is known (`StoreUnreachableError`), or the database refused a statement (`RejectedError`),
told without the values it was about (I8).
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from retention.checkup import Fact
from retention.errors import RetentionError

IDENTITY = "retention_store"
"""The table whose only row says which store this database was enrolled as."""

Row = tuple[str | None, ...]


ANOTHER = "Another agent is at work on this table."


class RejectedError(RetentionError):
    """The database refused a statement. `blocked`: until somebody changes something."""

    def __init__(self, sentence: str, *, blocked: bool) -> None:
        super().__init__(sentence)
        self.blocked = blocked


class Column(NamedTuple):
    """A column of a table as the database's own catalogue has it."""

    name: str
    type: str
    nullable: bool
    unique: bool  # alone: no two rows have the same


class Database(Protocol):
    """A database that is connected to when it is first needed, and again after it was lost."""

    mark: str
    """Stands for an argument in a statement."""
    locking: str
    """Ends a query whose rows nobody else may change before the transaction ends."""

    def quoted(self, identifier: str) -> str:
        """A name as it is written in a statement, whatever is in it."""

    def quoted_table(self, table: str) -> str:
        """A table's name, which may have its schema's before a dot."""

    def text(self, column: str) -> str:
        """An expression for a quoted column's value as text."""

    def among(self, column: str, kind: str) -> str:
        """A condition with one argument: a quoted column of this type is one of `listed`."""

    def listed(self, values: Sequence[str]) -> Any:
        """That argument."""

    def after(self, column: str, kind: str) -> str:
        """A condition with one argument, in text: a quoted column of this type is greater."""

    def columns(self, table: str) -> list[Column]:
        """A table's columns; none if there is no such table."""

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """What a statement gives. Raises `RejectedError`, `StoreUnreachableError`."""

    def change(self) -> AbstractContextManager[None]:
        """One transaction, durable at its end, undone by an error that leaves it.

        `StoreUnreachableError` may come at its very end: then it is not known what was done.
        """

    def claim(self, table: str) -> None:
        """Be the one that erases in a table, in this connection and every later one, until it is closed.

        `StoreUnreachableError`, here and from all that follows, while another agent is that.
        """

    def settle(self) -> None:
        """After an erasure: leave as little of it behind as can be done from here."""

    def survey(self, table: str, *, blanking: bool) -> Iterator[Fact]:
        """What `doctor` should say: rights, other keepers, what an erasure leaves behind."""

    def close(self) -> None:
        """Disconnect."""
