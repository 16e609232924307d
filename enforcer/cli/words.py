"""What a document says, in words: shown to a person before they sign its very bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from enforcer.cli import show
from enforcer.govern import papers
from enforcer.govern.forms.documents import Document
from enforcer.govern.papers import Paper
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Restoration,
    Retirement,
    Thaw,
)
from retention.envelope import key_id
from retention.hold import ItemRef
from retention.ledger import LastHead
from retention.policy import Chain, Policy
from retention.reasons import SaltedReason, is_commitment, opened


def of_paper(paper: Paper, current: Policy, told: Sequence[SaltedReason]) -> Iterator[str]:
    """Lines that say what two signatures under this will do.

    `told` is what its reasons commit to; `VerificationError` if it is not.
    """
    match paper.body:
        case Policy():
            yield from of_policy(current, paper.body, told)
        case LastHead():
            yield from of_head(paper.body, told)
        case act:
            yield from of_act(act, told)


def of_act(act: AnyAct, told: Sequence[SaltedReason]) -> Iterator[str]:
    """What an act does, and why."""
    match act:
        case Release():
            yield f"Release hold {act.hold}: what it held goes when due, a day from now at the earliest."
        case Erasure():
            yield f"Erase {len(act.items)} items now, before they are due:"
            yield from _items(act.items)
        case Correction():
            yield from _correction(act)
        case Lift():
            informed = show.moment(act.subject_informed_at)
            yield f"Lift the restriction of {len(act.items)} items; the person was told {informed}:"
            yield from _items(act.items)
        case Activation():
            through = date.fromordinal(act.through_ordinal)
            yield f"Let these stores erase {act.record_class}: {', '.join(act.stores)}."
            yield f"Of the backlog up to {act.count} items each, recorded until {through}, may go at once."
        case BrakeRelease():
            until = show.moment(act.expires)
            yield f"Release the brake of {act.store}: one sweep may erase up to {act.count} items until {until}."
        case Retirement():
            yield f"Take store {act.store} out of service: its bytes are {act.how}."
        case Thaw():
            yield f"The box of epoch {act.epoch} is store {act.store}; any other is not."
        case Restoration():
            since = show.moment(act.since)
            yield f"What came to store {act.store} since {since} came from a backup: it is dated by what it"
            yield "says itself, and what is due by that goes a day from now at the earliest."
            yield "Until all of it was swept, nothing there is called in order."
    yield f"Reason: {opened(act.reason, told)}"


def of_head(head: LastHead, told: Sequence[SaltedReason]) -> Iterator[str]:
    """What the loss of a ledger's end comes to."""
    yield f"The ledger goes on after a loss. The last head known was over {head.size} leaves,"
    yield f"root {head.root.hex()}."
    yield f"Reason: {opened(head.reason, told)}"


def of_reasons(document: Document, chain: Chain) -> Iterator[str]:
    """Why people signed this, as far as it is kept; `VerificationError` if it is not what they signed."""
    for reason in papers.reasons_of(papers.read(document.envelope), chain):
        if is_commitment(reason) and not document.reasons:
            yield f"Reason: shredded; {reason}"
        else:
            yield f"Reason: {opened(reason, document.reasons)}"


def of_policy(old: Policy, new: Policy, told: Sequence[SaltedReason] = ()) -> Iterator[str]:
    """What is different in the new version."""
    yield f"Policy version {new.version}, for recordings from {new.effective_from} on:"
    yield from _changes("class", {c.name: c for c in old.classes}, {c.name: c for c in new.classes})
    yield from _changes("source", _sources(old), _sources(new))
    yield from _changes("person", {p.id: p for p in old.people}, {p.id: p for p in new.people})
    for what in ("directive_keys", "ledger_keys", "ledger_origin"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            yield f"  {what}: {_shown(before)} -> {_shown(after)}"
    for migration in set(new.migrations) - set(old.migrations):
        yield (
            f"  KEEPS LONGER: {migration.record_class} recorded under version "
            f"{migration.recorded_under} by the present period: {opened(migration.reason, told)}"
        )


def _changes(
    what: str, old: Mapping[str, msgspec.Struct], new: Mapping[str, msgspec.Struct]
) -> Iterator[str]:
    for name in sorted(old.keys() - new.keys()):
        yield f"  {what} {name}: removed"
    for name in sorted(new.keys() - old.keys()):
        fields = msgspec.structs.asdict(new[name])
        said = ", ".join(f"{field} {_shown(value)}" for field, value in fields.items() if value)
        yield f"  {what} {name}: new; {said}"
    for name in sorted(old.keys() & new.keys()):
        before, after = msgspec.structs.asdict(old[name]), msgspec.structs.asdict(new[name])
        for field in (field for field in after if before[field] != after[field]):
            yield f"  {what} {name}: {field} {_shown(before[field])} -> {_shown(after[field])}"


def _correction(act: Correction) -> Iterator[str]:
    changes = []
    if act.anchor is not None:
        changes.append(f"began {show.moment(act.anchor)}")
    if act.record_class is not None:
        changes.append(f"are of class {act.record_class}")
    yield f"Correct {len(act.items)} items: they {' and '.join(changes)}:"
    yield from _items(act.items)


def _items(items: Iterable[ItemRef]) -> Iterator[str]:
    for item in items:
        when = show.moment(item.begins)
        yield f"  {item.store}/{item.epoch}/{item.number}  {item.source}, recorded {when} or later"


def _sources(policy: Policy) -> dict[str, msgspec.Struct]:
    return {f"{source.id} of group {source.group}": source for source in policy.sources}


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"key {key_id(value)}"
    if isinstance(value, tuple):
        return ",".join(_shown(each) for each in value) or "none"
    return str(value)
