"""What the entries of one upload share while they are applied, in one transaction."""

from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row

from enforcer.index import evidence, stores
from enforcer.index.histograms import Erasures
from enforcer.index.items import Group, Items, Picked
from enforcer.index.tally import Changes
from enforcer.intake.register import Register
from retention.policy import Chain
from retention.report import Runs

_MANY = 2**53  # a run can name more items than there are atoms to store them on


class Batch:
    """Entries of one store's log, being applied.

    `books`, `erasures` and `columns` gather what is written once at the end; items are written as
    the entries come, because later entries of the same upload speak of them.
    """

    def __init__(self, connection: Connection, row: Row[Any], chain: Chain) -> None:
        self.connection = connection
        self.store: str = row.id
        self.epoch: int = row.epoch
        self.zone: str = row.zone
        self.register = Register(chain, row.store_group)
        self.items = Items(connection, row.id, row.epoch)
        self.books = Changes()
        self.erasures = Erasures()
        self.last_item: int = row.last_item
        self.contradictions: int = row.contradictions
        self.unregistered: int = row.unregistered
        self.columns: dict[str, Any] = {}  # of this store's row

    @cached_property
    def has_prior(self) -> bool:
        """Whether an earlier epoch of the store knew items that this one has not sighted yet."""
        return evidence.exists(self.connection, self.store)

    def pick(self, runs: Runs) -> tuple[Picked, list[Group]]:
        """Items by their numbers, and what they are booked under; what is not there is noted."""
        picked = self.items.pick(runs)
        groups = picked.groups()
        self.contradictions += picked.named - sum(group.amount.items for group in groups)
        return picked, groups

    def write(self) -> None:
        """Write what was gathered."""
        self.write_books()
        self.erasures.write(self.connection)
        stores.change(
            self.connection,
            self.store,
            last_item=self.last_item,
            contradictions=min(self.contradictions, _MANY),
            unregistered=self.unregistered,
            **self.columns,
        )

    def write_books(self) -> None:
        """Write the tallies as of now, so that they can be read within the batch."""
        self.books.write(self.connection, self.store)
