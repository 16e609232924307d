"""Items are erased, vanish, or cannot be erased."""

from collections.abc import Sequence

from enforcer.index.histograms import Ending
from enforcer.index.items import Group
from enforcer.index.tally import KEPT
from enforcer.intake.batch import Batch
from retention.errors import MalformedError
from retention.outcome import Outcome
from retention.report import Erased, Gone, Refused

_ENDED = frozenset({Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT})


def erased(batch: Batch, entries: Sequence[Erased]) -> None:
    """Note how items ended; their rows wait for a certificate.

    `already_absent` is an erasure too, and the certificate says which: the intent was ours, and
    the absence was looked at. An item that a hold or a restriction kept is lost, whoever erased it.
    """
    for entry in entries:
        if entry.outcome not in _ENDED:
            raise MalformedError(f"{entry.outcome} is not how an erasure ends")
        picked, groups = batch.pick(entry.items)
        for group in groups:
            after = "lost" if group.state in KEPT else "erased"
            batch.books.move(group.record_class, group.civil, (group.state, after), group.amount)
            if after == "erased":
                _count(batch, entry, group)
        if any(group.state in KEPT for group in groups):
            picked.remove(kept_only=True)
        picked.erase(entry.at, entry.why, entry.outcome)


def gone(batch: Batch, entries: Sequence[Gone]) -> None:
    """Drop what somebody else removed. What was held is lost, also if the agent does not say so."""
    for entry in entries:
        picked, groups = batch.pick(entry.items)
        for group in groups:
            after = "lost" if group.state in KEPT else entry.how
            batch.books.move(group.record_class, group.civil, (group.state, after), group.amount)
        picked.remove()


def refused(batch: Batch, entries: Sequence[Refused]) -> None:
    """Count what is due and still there. Why it was to go is not known; `blocked` is a state."""
    for entry in entries:
        picked, groups = batch.pick(entry.items)
        for group in groups:
            ending = Ending(group.record_class, "", entry.outcome)
            batch.erasures.add(ending, group.amount.items)
            if entry.outcome is Outcome.BLOCKED and group.state == "present":
                moved = ("present", "blocked")
                batch.books.move(group.record_class, group.civil, moved, group.amount)
        if entry.outcome is Outcome.BLOCKED:
            picked.block()
        elif entry.outcome is Outcome.PARTIAL:
            picked.part()


def _count(batch: Batch, entry: Erased, group: Group) -> None:
    """How much time was left says something only where the date decided."""
    why: str = entry.why
    slack = None
    if why == "due":
        limits = batch.register.limits(group.record_class, group.civil)
        if batch.register.is_early(group.record_class, group.civil, entry.at):
            why = "early"
        if limits is not None:
            slack = limits.must_be_gone_by - entry.at
    ending = Ending(group.record_class, why, entry.outcome)
    batch.erasures.add(ending, group.amount.items, slack)
