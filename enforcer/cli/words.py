"""What a document says, in words: shown to a person before they sign its very bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from enforcer.cli import show
from enforcer.cli.language import say
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
            yield say(
                "Release hold {hold}: what it held goes when due, a day from now at the earliest.",
                hold=act.hold,
            )
        case Erasure():
            yield say("Erase {number} items now, before they are due:", number=len(act.items))
            yield from _items(act.items)
        case Correction():
            yield from _correction(act)
        case Lift():
            said = "Lift the restriction of {number} items; the person was told {informed}:"
            informed = show.moment(act.subject_informed_at)
            yield say(said, number=len(act.items), informed=informed)
            yield from _items(act.items)
        case Activation():
            yield from _activation(act)
        case BrakeRelease():
            said = "Release the brake of {store}: one sweep may erase up to {count} items until {until}."
            yield say(said, store=act.store, count=act.count, until=show.moment(act.expires))
        case Retirement():
            said = "Take store {store} out of service: its bytes are {how}."
            yield say(said, store=act.store, how=say(act.how))
        case Thaw():
            said = "The box of epoch {epoch} is store {store}; any other is not."
            yield say(said, epoch=act.epoch, store=act.store)
        case Restoration():
            yield from _restoration(act)
    yield say("Reason: {reason}", reason=opened(act.reason, told))


def of_head(head: LastHead, told: Sequence[SaltedReason]) -> Iterator[str]:
    """What the loss of a ledger's end comes to."""
    said = "The ledger goes on after a loss; its last known checkpoint: {size} entries, {root}."
    yield say(said, size=head.size, root=head.root.hex())
    yield say("Reason: {reason}", reason=opened(head.reason, told))


def of_reasons(document: Document, chain: Chain) -> Iterator[str]:
    """Why people signed this, as far as it is kept; `VerificationError` if it is not what they signed."""
    for reason in papers.reasons_of(papers.read(document.envelope), chain):
        if is_commitment(reason) and not document.reasons:
            yield say("Reason: shredded; {commitment}", commitment=reason)
        else:
            yield say("Reason: {reason}", reason=opened(reason, document.reasons))


def _activation(act: Activation) -> Iterator[str]:
    stores = ", ".join(act.stores)
    said = "Let these stores erase {record_class}: {stores}."
    yield say(said, record_class=act.record_class, stores=stores)
    said = "Of what was recorded until {through}, up to {count} items of each store may go at once."
    yield say(said, through=date.fromordinal(act.through_ordinal), count=act.count)


def _restoration(act: Restoration) -> Iterator[str]:
    said = "What came to store {store} since {since} came from a backup: it is dated by what it says itself."
    yield say(said, store=act.store, since=show.moment(act.since))
    yield say("What is due by that goes a day from now at the earliest.")
    yield say("Until all of it was swept, nothing there is called in order.")


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
    yield say("Correct {number} items:", number=len(act.items))
    if act.anchor is not None:
        yield say("they began {moment};", moment=show.moment(act.anchor))
    if act.record_class is not None:
        yield say("they are of class {record_class};", record_class=act.record_class)
    yield from _items(act.items)


def _items(items: Iterable[ItemRef]) -> Iterator[str]:
    for item in items:
        when = say("recorded {moment} or later", moment=show.moment(item.begins))
        yield f"  {item.store}/{item.epoch}/{item.number}  {item.source}, {when}"


def _sources(policy: Policy) -> dict[str, msgspec.Struct]:
    return {f"{source.id} of group {source.group}": source for source in policy.sources}


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"key {key_id(value)}"
    if isinstance(value, tuple):
        return ",".join(_shown(each) for each in value) or "none"
    return str(value)
