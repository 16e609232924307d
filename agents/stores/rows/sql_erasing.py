"""Erasing rows of one SQL table: look, delete or blank in one transaction, look again.

A statement that reached the database and whose answer was lost may have been carried out or not.
So nothing it says counts as erased, only that the row is not there any more (I15).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from agents.stores import Erased, Wanted
from agents.stores.rows.database import Database, RejectedError
from agents.stores.rows.row import generation_of
from agents.stores.rows.tables import Statements, key_named
from retention.errors import StoreUnreachableError
from retention.outcome import Outcome

BATCH_ROWS = 500
"""Rows in one transaction: the locks of a table that people use are held for some milliseconds."""

_CHANGED = "The row has another content now than was due."
_STILL_THERE = "The database called it done, and the row is still there."
_INTERRUPTED = "It was found gone after an interruption."


class _ChangedError(Exception):
    """A row was changed between the look and the deletion."""


class Erasure:
    """Rows of one table on their way."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._statements = statements

    def erase(self, wanted: Sequence[Wanted]) -> list[Erased]:
        """See `Store.erase`."""
        results: list[Erased] = []
        for batch in _batches(wanted):
            results += self._erase(batch)
        return results

    def recover(self, wanted: Sequence[Wanted]) -> list[Erased]:
        """See `Store.recover`."""
        results = []
        for batch in _batches(wanted):
            there = self._look(batch)
            for want in batch:
                seen = _seen(want, there)
                if seen is not None and seen.outcome is Outcome.ALREADY_ABSENT:
                    seen = Erased(want.number, Outcome.ERASED_VERIFIED, _INTERRUPTED)
                if seen is not None:
                    results.append(seen)
        return results

    def _erase(self, wanted: Sequence[Wanted]) -> list[Erased]:
        trouble: dict[int, Erased] = {}
        before: dict[int, Erased] = {}
        waiting = list(wanted)
        try:
            while waiting:
                waiting = self._try(waiting, before, trouble)
        except StoreUnreachableError as error:
            lost = {w.number: Erased(w.number, Outcome.FAILED, str(error)) for w in waiting}
            trouble = lost | trouble
        try:
            there = self._look(wanted)
        except (StoreUnreachableError, RejectedError) as error:
            return [
                before.get(want.number)
                or Erased(want.number, Outcome.FAILED, str(error), settled=False)
                for want in wanted
            ]
        return [
            before.get(want.number) or _verified(want, there, trouble.get(want.number))
            for want in wanted
        ]

    def _try(
        self, wanted: Sequence[Wanted], before: dict[int, Erased], trouble: dict[int, Erased]
    ) -> list[Wanted]:
        """One transaction. Gives what has to be looked at and tried again."""
        due: list[Wanted] = []
        try:
            with self._database.change():
                there = self._look(wanted, self._statements.locked)
                seen = {want.number: _seen(want, there) for want in wanted}
                before |= {number: result for number, result in seen.items() if result}
                due = [want for want in wanted if seen[want.number] is None]
                self._take_out(due, there)
        except _ChangedError:
            return due  # the next look sees which
        except RejectedError as error:
            if len(due) > 1:
                self._one_by_one(due, before, trouble)
            else:
                outcome = Outcome.BLOCKED if error.blocked else Outcome.FAILED
                trouble |= {want.number: Erased(want.number, outcome, str(error)) for want in due}
        return []

    def _one_by_one(
        self, wanted: Iterable[Wanted], before: dict[int, Erased], trouble: dict[int, Erased]
    ) -> None:
        """One row's trouble is not the next one's."""
        for want in wanted:
            waiting = [want]
            while waiting:
                waiting = self._try(waiting, before, trouble)

    def _take_out(self, due: Sequence[Wanted], there: Mapping[str, bytes]) -> None:
        keys = [key for want in due if (key := key_named(want.name)) is not None]
        if not keys:
            return
        rows = self._database.rows(self._statements.erase, (self._database.listed(keys),))
        contents = {self._statements.key_of(r): self._statements.content_of(r) for r in rows}
        if any(content != there[key] for key, content in contents.items()):
            raise _ChangedError

    def _look(self, wanted: Iterable[Wanted], statement: str = "") -> dict[str, bytes]:
        keys = [key for want in wanted if (key := key_named(want.name)) is not None]
        return rows_named(self._database, self._statements, keys, statement)


def rows_named(
    database: Database, statements: Statements, keys: Sequence[str], statement: str = ""
) -> dict[str, bytes]:
    """The contents of those of these rows that are there."""
    if not keys:
        return {}
    rows = database.rows(statement or statements.named, (database.listed(keys),))
    return {statements.key_of(row): statements.content_of(row) for row in rows}


def _seen(want: Wanted, there: Mapping[str, bytes]) -> Erased | None:
    """What a look says of one row; None: it is there, and is what was wanted."""
    content = there.get(key_named(want.name) or "")
    if content is None:
        return Erased(want.number, Outcome.ALREADY_ABSENT, "")
    if generation_of(content) != want.generation:
        return Erased(want.number, Outcome.REFUSED_CHANGED, _CHANGED)
    return None


def _verified(want: Wanted, there: Mapping[str, bytes], trouble: Erased | None) -> Erased:
    seen = _seen(want, there)
    if seen is None:
        return trouble or Erased(want.number, Outcome.FAILED, _STILL_THERE)
    if seen.outcome is Outcome.ALREADY_ABSENT:
        return Erased(want.number, Outcome.ERASED_VERIFIED, "")
    return seen


def _batches(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    for begin in range(0, len(wanted), BATCH_ROWS):
        yield wanted[begin : begin + BATCH_ROWS]
