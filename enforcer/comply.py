"""The state of compliance per store and class: ok, violated or unknown, and why.

Ok is evidence, and evidence runs out: it is valid until the store has to be looked at again or its
next deadline passes. What nobody could have seen is unknown, never ok (I4; docs/rules.md, Proof).
"""

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from enforcer import canaries
from enforcer.ages import Ages, ages_by_store
from enforcer.index import quarantines
from enforcer.index import standings as noted
from enforcer.index.tables import hold_stores, holds, stores
from enforcer.trouble import NOTES, ahead_of_us
from retention.calendar import DAY, Instant
from retention.classes import CANARY
from retention.policy import Chain

#: A complete scan is evidence for this long: two of the agents' default periods.
SCAN_SECONDS = 12 * 3600
#: A store that said nothing for this long is unknown, whatever it said last.
SILENT_SECONDS = 7 * DAY
#: A connected store acknowledges a hold within this.
HOLD_SECONDS = 120


class State(StrEnum):
    """What can be said of a store and class, or of all stores of a class."""

    OK = "ok"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


class Reason(NamedTuple):
    """One reason that a state is not ok: a word for programs and a sentence for people."""

    state: State
    word: str
    sentence: str
    number: int = 0  # of items or holds, where the sentence names a number


@dataclass(frozen=True, slots=True)
class Position:
    """One store and class at one instant.

    `counts` are the exclusive states of the double entry, `present` divided into live and due.
    `partly_erased` are calls of which a part is gone: each counts in the state of the rest.
    `oldest` is the oldest civil date of an unheld item, `next_deadline` the first own target
    still ahead, `valid_until` how long an ok holds.
    """

    store: str
    store_group: str
    record_class: str
    state: State
    reasons: tuple[Reason, ...]
    counts: Mapping[str, int]
    overdue: int
    past_limit: int
    partly_erased: int
    oldest: date | None
    oldest_held: date | None
    next_deadline: Instant | None
    valid_until: Instant | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One class over all stores: the strict state, and the headline count.

    `since` is how long the state is as it is, `not_ok_since` how long it is not ok; None: nobody has
    looked yet since it changed.
    """

    record_class: str
    state: State
    proven: int
    total: int
    since: Instant | None = None
    not_ok_since: Instant | None = None


def positions(connection: Connection, chain: Chain, now: Instant) -> list[Position]:
    """Every store and class as the index knows them at `now`, in one consistent state."""
    ages = ages_by_store(connection, chain, now)
    pending = _pending_holds(connection, now)
    planted = canaries.planted(connection, chain, now)
    quarantined = quarantines.stores(connection)
    found: list[Position] = []
    for row in connection.execute(select(stores).order_by(stores.c.id)):
        if row.state == "retired":
            found += _of_retired(row, ages[row.id])
            continue
        of_store = list(_of_store(row, pending.get(row.id, 0), now))
        of_store += _of_quarantine(row, quarantined)
        known = ages[row.id]
        of_canary = [*of_store, *_of_canary(row, planted)]
        found += [
            _position(row, name, known[name], of_canary if name == CANARY else of_store)
            for name in _classes(row, chain, known)
        ]
    return found


def _of_retired(row: Any, known: Mapping[str, Ages]) -> Iterator[Position]:
    """What a store that is no more leaves open: what was held there, and what nobody saw erased."""
    for name, ages in sorted(known.items()):
        if ages.counts["lost"] or ages.counts["unproven"]:
            yield _position(row, name, ages, ())


def standings(found: Iterable[Position]) -> list[Standing]:
    """The headline per class; a class that no store has is in none."""
    by_class: dict[str, list[Position]] = defaultdict(list)
    for position in found:
        by_class[position.record_class].append(position)
    return [
        Standing(
            name,
            _strictest(p.state for p in of_class),
            sum(p.state is State.OK for p in of_class),
            len(of_class),
        )
        for name, of_class in sorted(by_class.items())
    ]


def standings_since(connection: Connection, found: Iterable[Position]) -> list[Standing]:
    """The headline per class, and since when it is so."""
    known = noted.known(connection)
    return [_since(each, known.get(each.record_class)) for each in standings(found)]


def _since(standing: Standing, known: noted.Since | None) -> Standing:
    if known is None:
        return standing
    since = known.since if known.state == standing.state else None
    not_ok_since = None if standing.state is State.OK else known.not_ok_since
    return replace(standing, since=since, not_ok_since=not_ok_since)


def _position(row: Any, record_class: str, ages: Ages, of_store: Sequence[Reason]) -> Position:
    reasons = (*_of_items(ages), *of_store)
    state = _strictest(reason.state for reason in reasons)
    return Position(
        store=row.id,
        store_group=row.store_group,
        record_class=record_class,
        state=state,
        reasons=reasons,
        counts=dict(ages.counts),
        overdue=ages.overdue,
        past_limit=ages.past_limit,
        partly_erased=ages.partly_erased,
        oldest=_day(ages.oldest),
        oldest_held=_day(ages.oldest_held),
        next_deadline=ages.next_deadline,
        valid_until=_valid_until(row, ages) if state is State.OK else None,
    )


def _of_items(ages: Ages) -> Iterator[Reason]:
    """What the items themselves say against this class here."""
    if ages.past_limit:
        yield _violated("past_limit", f"past the limit: {ages.past_limit} items", ages.past_limit)
    if ages.overdue:
        yield _violated("overdue", f"{ages.overdue} items missed our own target", ages.overdue)
    if ages.counts["blocked"]:
        blocked = ages.counts["blocked"]
        yield _violated("blocked", f"{blocked} items cannot be erased", blocked)
    if ages.counts["lost"]:
        lost = ages.counts["lost"]
        yield _violated("lost", f"held, and removed by somebody else: {lost} items", lost)
    if ages.counts["unproven"]:
        unproven = ages.counts["unproven"]
        sentence = f"the store is lost, and never proved erased there: {unproven} items"
        yield _unknown("unproven", sentence, unproven)
    if ages.unconfirmed:
        sentence = (
            f"the store has not been heard since they were due to be gone: {ages.unconfirmed} items"
        )
        yield _unknown("unconfirmed", sentence, ages.unconfirmed)
    if ages.time_unknown:
        sentence = f"found while the store did not know the time, and perhaps late: {ages.time_unknown} items"
        yield _unknown("time_unknown", sentence, ages.time_unknown)
    if ages.counts["imbalance"]:
        yield _unknown("imbalance", "the books of this store do not balance")


def _of_store(row: Any, pending: int, now: Instant) -> Iterator[Reason]:
    """What is not known of a store, whatever the class."""
    if row.state == "invited":
        yield _unknown("not_enrolled", "its agent has not enrolled yet")
        return
    if row.state != "active":
        yield _unknown("not_activated", "it is only observed: two people have not activated it")
    if ahead_of_us(row.last_seen_at, now):
        yield _unknown("our_clock", "it was heard in the future: our own clock was set back")
    if row.last_seen_at is None or row.last_seen_at + SILENT_SECONDS < now:
        yield _unknown("silent", "nothing was heard of it for 7 days")
    if row.scan_complete_at is None:
        yield _unknown("never_scanned", "it was never scanned completely")
    elif row.scan_complete_at - (row.clock_offset or 0) + SCAN_SECONDS < now:
        yield _unknown("scan_stale", "its last complete scan is more than 12 hours old")
    if pending:
        yield _unknown("hold_pending", f"not effective there yet: {pending} holds", pending)
    yield from _amiss(row)


def is_quarantined(connection: Connection, store: str) -> bool:
    """Whether the store's recordings came from a backup and were not all swept yet."""
    notes = connection.execute(select(stores.c.notes).where(stores.c.id == store)).scalar_one()
    return quarantines.NOTE in json.loads(notes) or store in quarantines.stores(connection)


def _of_quarantine(row: Any, quarantined: Container[str]) -> Iterator[Reason]:
    """What its agent may not have heard of yet; what it has heard of, it notes itself."""
    if row.id in quarantined and quarantines.NOTE not in json.loads(row.notes):
        yield _of_note(quarantines.NOTE)


def _of_canary(row: Any, planted: Container[str]) -> Iterator[Reason]:
    """What is not known while the day's canary is missing: whether anything would go."""
    if row.state == "active" and row.id not in planted:
        yield _unknown("no_canary", "no canary of today was seen there")


def _amiss(row: Any) -> Iterator[Reason]:
    """What the store's agent, or its log, says is wrong."""
    if row.frozen:
        yield _unknown("frozen", f"frozen: {row.frozen}")
    if row.restored:
        yield _unknown("restored", "it has not said yet what it knows since we were restored")
    if row.clock_trusted is False:
        yield _unknown("clock", "its clock jumped or is wrong")
    if row.paused and not row.frozen:
        yield _unknown(
            "paused", "its agent erases nothing: it was told that it is one of two boxes"
        )
    if row.brake and row.state == "active":
        yield _unknown("brake", f"its sweep waits: {row.brake}")
    if row.refused:
        yield _unknown("log_refused", f"its report was refused: {row.refused}")
    if row.contradictions or row.imbalance:
        yield _unknown("contradiction", "its report contradicts what is known of it")
    for note in json.loads(row.notes):
        if NOTES.get(note):
            yield _of_note(note)


def _of_note(note: str) -> Reason:
    return _unknown(note.replace("-", "_"), NOTES[note])


def _pending_holds(connection: Connection, now: Instant) -> dict[str, int]:
    """How many holds each store should have acknowledged by now, and has not."""
    rows = connection.execute(
        select(hold_stores.c.store, func.count())
        .join(holds, holds.c.id == hold_stores.c.hold)
        .where(
            hold_stores.c.effective_at.is_(None),
            hold_stores.c.freed_at.is_(None),
            holds.c.placed_at + HOLD_SECONDS < now,
        )
        .group_by(hold_stores.c.store)
    )
    return dict(rows.all())


def _classes(row: Any, chain: Chain, known: Iterable[str]) -> list[str]:
    """The classes a store has, and those its sources may bring: beside canaries at least the strictest."""
    named = {source.record_class for source in chain.current.sources_of(row.store_group)}
    if row.kind not in canaries.PLANTED_IN:
        named.discard(CANARY)
    named.update(known)
    return sorted(named if named - {CANARY} else {*named, chain.strictest(row.store_group).name})


def _valid_until(row: Any, ages: Ages) -> Instant:
    until = [row.scan_complete_at - (row.clock_offset or 0) + SCAN_SECONDS]
    until.append(row.last_seen_at + SILENT_SECONDS)
    if ages.next_deadline is not None:
        until.append(ages.next_deadline)
    return Instant(min(until))


def _strictest(states: Iterable[State]) -> State:
    found = set(states)
    for state in (State.VIOLATED, State.UNKNOWN):
        if state in found:
            return state
    return State.OK


def _violated(word: str, sentence: str, number: int) -> Reason:
    return Reason(State.VIOLATED, word, sentence, number)


def _unknown(word: str, sentence: str, number: int = 0) -> Reason:
    return Reason(State.UNKNOWN, word, sentence, number)


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)
