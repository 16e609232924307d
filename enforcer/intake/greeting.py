"""An agent greets: where its log and ours stand, who has lost something, and what follows.

Three things can have gone wrong since we last heard of it (docs/rules.md, Coming back). Its state
is lost, or older than its word: it gets a new epoch, and what the old one knew becomes evidence.
Ours is: its log goes on where we stand, and holds that we no longer know come back out of the
directive it has. Or there are two boxes with one identity: both are frozen.
"""

from datetime import timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Row, select

from enforcer.index import decisions, evidence, stores, tables
from enforcer.index.engine import writing
from enforcer.index.tally import Changes
from enforcer.intake.log import FORKED, FrozenError
from enforcer.intake.register import Register
from retention import directive
from retention.calendar import Instant, civil_date
from retention.errors import MalformedError
from retention.hold import COMPLETE_WITHIN_SECONDS
from retention.policy import Chain
from retention.wire import Hello, Prior, Welcome

#: Items on a page of prior evidence.
PAGE = 2_000

_DIGEST_BYTES = 32
_WORD = 64
_MOST_ENTRIES = 2**53
#: More epochs than anybody can have had an agent begin, a thousand at a time, while we were in his hands.
_MOST_EPOCHS_MISSED = 2**32
_CONFIRM_WITHIN = timedelta(seconds=COMPLETE_WITHIN_SECONDS)


class _Course(Enum):
    """What a greeting comes to."""

    GO_ON = "go on"
    RENEW = "renew"
    ADOPT = "adopt"
    FREEZE = "freeze"


def hello(engine: Engine, *, store: str, said: Hello, chain: Chain, now: Instant) -> Welcome:
    """Answer a greeting; asked again, it answers the same.

    Raises `FrozenError`; `MalformedError`; `SignatureError` or `VerificationError` if the directive
    in the greeting is not one that we gave this store.
    """
    _check(said)
    with writing(engine) as connection:  # of holds, which are other stores' too
        row = stores.locked(connection, store)
        if row.frozen:
            raise FrozenError(row.frozen)
        course = _course(connection, row, said)
        if course is _Course.FREEZE:
            stores.freeze(connection, store, FORKED)
        else:
            _follow(connection, row, said, course, now)
            _recover(connection, row, said, chain, now)
            stores.change(connection, store, restored=False, last_seen_at=now)
        welcome = _welcome(connection, store)
    if course is _Course.FREEZE:
        raise FrozenError(FORKED)
    return welcome


def await_all(connection: Connection) -> None:
    """We were restored from a backup: every agent has first to say what it knows.

    Holds that it acknowledged may have been released since, by people whose word is lost. What it is
    told next has a new version, and so it acknowledges all that are in force anew (I15).
    """
    enrolled = select(tables.stores.c.id).where(tables.stores.c.epoch > 0)
    for store in connection.execute(enrolled).scalars().all():
        stores.change(connection, store, restored=True)
        decisions.doubt_holds(connection, store)


def prior(
    connection: Connection, *, store: str, after: int, earliest: bool, undated: bool
) -> Prior:
    """A page of what earlier epochs of a store knew, from the item after number `after` on.

    `earliest`, `undated`: whether the agent asks for these fields of it, and so understands them.
    """
    page = evidence.page(connection, store, after, PAGE, undated=undated)
    return page if earliest else replace(page, earliest=UNSET)


def forget_prior(connection: Connection, *, chain: Chain, now: Instant) -> int:
    """Drop what earlier epochs knew of dates that are past their limit by now; give how much."""
    register = Register(chain, "")

    def past(record_class: str, civil: int) -> bool:
        limits = register.limits(record_class, civil)
        return limits is not None and limits.outer_bound <= now

    return evidence.forget(connection, past)


def _check(said: Hello) -> None:
    if len(said.digest) != _DIGEST_BYTES or not 0 <= said.number < _MOST_ENTRIES:
        raise MalformedError("a greeting tells the number and the digest of the log's last entry")
    if not said.booted or len(said.booted) > _WORD:
        raise MalformedError("a greeting tells the id of the boot")


def _course(connection: Connection, row: Row[Any], said: Hello) -> _Course:
    boots = stores.boots_of(connection, row.id)
    if said.booted in boots[:-1]:
        return _Course.FREEZE  # a boot never comes back after another one, a second box does
    same_boot = boots[-1:] == [said.booted]
    if not same_boot:
        stores.remember_boot(connection, row.id, said.booted)
    if said.epoch == row.epoch:
        named = said.epoch == row.thawed and not boots
        return _same_epoch(connection, row, said, named=named)
    if said.epoch is not None and said.epoch > row.epoch:
        if said.epoch > row.epoch + _MOST_EPOCHS_MISSED:
            raise MalformedError(f"epoch {said.epoch} is far beyond any that store {row.id} had")
        return _Course.ADOPT
    if same_boot and row.epoch and not row.applied:
        return _Course.GO_ON  # our answer was lost, and it asks again
    lost = said.epoch is None or said.epoch == row.thawed
    return _Course.RENEW if lost else _Course.FREEZE


def _same_epoch(connection: Connection, row: Row[Any], said: Hello, *, named: bool) -> _Course:
    """`named`: two people said that a box of this epoch is the store, and this is the first since.

    Whose log we have is the one that spoke first, perhaps the other one's.
    """
    if said.number > row.applied:
        return _Course.GO_ON
    remembered = stores.marks(connection, row.id, said.number, said.number)
    known = row.digest if said.number == row.applied else remembered.get(said.number)
    if known not in {None, said.digest}:
        return _Course.RENEW if named else _Course.FREEZE
    # With fewer entries than it sent us its state is an old copy: it would use numbers twice.
    return _Course.GO_ON if said.number == row.applied else _Course.RENEW


def _follow(
    connection: Connection, row: Row[Any], said: Hello, course: _Course, now: Instant
) -> None:
    """Begin a new epoch where that is what it came to."""
    if course is _Course.GO_ON:
        return
    decisions.name_what_moved(connection, row.id, row.epoch)
    books = Changes()
    for group in evidence.close(connection, row.id, row.epoch):
        moved = (group.state, "superseded")
        books.move(group.record_class, group.civil, moved, group.amount)
    books.write(connection, row.id)
    adopted = said.epoch if course is _Course.ADOPT else None
    stores.begin_epoch(connection, row.id, row.epoch + 1 if adopted is None else adopted)
    decisions.forget_acknowledgements(connection, row.id, now)


def _recover(
    connection: Connection, row: Row[Any], said: Hello, chain: Chain, now: Instant
) -> None:
    """Take back what we told this store before we were restored from a backup."""
    if said.directive is None:
        return
    keys = {key for policy in chain.policies for key in policy.directive_keys}
    told = directive.accept(said.directive, keys, store=row.id, known_version=None)
    review_on = civil_date(now, ZoneInfo(row.zone)) + _CONFIRM_WITHIN
    in_force = [hold for hold in told.holds if hold.released_at is UNSET]
    for hold in in_force:
        decisions.recover(connection, row.id, hold, now, review_on.toordinal())
    if told.version > row.directive_version:
        stores.change(connection, row.id, directive_version=told.version, directive_digest=None)


def _welcome(connection: Connection, store: str) -> Welcome:
    row = stores.locked(connection, store)
    return Welcome(
        epoch=row.epoch,
        applied=row.applied,
        digest=row.digest,
        group=row.store_group,
        prior=evidence.exists(connection, store),
    )
