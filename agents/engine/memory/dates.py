"""An item's dates as they go into the catalogue."""

from typing import NamedTuple

from agents.engine.memory.recording import Recording
from retention.anchor import INHERITED, LATE_ARRIVAL_SECONDS, REWRITTEN
from retention.calendar import Instant
from retention.decide import State

#: As wide as a log entry tells (`retention.report`): 68 years, for clocks that lost their battery.
WIDEST_SECONDS = 2**31 - 1


class Dates(NamedTuple):
    """Anchor, civil date and the interval `anchor - before` to `anchor + after` of one item.

    `how` is the word of the rule that chose the anchor. `unsure`: that is the latest that it can be,
    and the item may be as old as `before` allows (of an undated one: may have been seen so much earlier).
    """

    anchor: Instant | None
    civil: int
    before: int
    after: int
    how: str
    state: State
    not_before: Instant
    unsure: bool = False

    def moved(
        self,
        anchor: Instant,
        civil: int,
        *,
        earliest: Instant,
        latest: Instant,
        unsure: bool = False,
    ) -> "Dates":
        """The same recording's dates by another one's anchor, as wide and as unsure as either of them."""
        if self.anchor is not None:
            earliest = min(earliest, Instant(self.anchor - self.before))
            latest = max(latest, Instant(self.anchor + self.after))
        return self._replace(
            anchor=anchor,
            civil=civil,
            before=min(anchor - earliest, WIDEST_SECONDS),
            after=min(latest - anchor, WIDEST_SECONDS),
            how=INHERITED,
            state=State.PRESENT if self.state is State.UNDATED else self.state,
            unsure=self.unsure or unsure,
        )

    def rewritten(self, now: "Dates", *, sure: bool) -> "Dates":
        """These stay though other bytes are there `now`: holds of when those were match as well.

        Where that is not known, or by a clock in doubt, all match.
        """
        assert self.anchor is not None
        how, unsure = (self.how, self.unsure) if now.anchor == self.anchor else (REWRITTEN, False)
        before = after = WIDEST_SECONDS
        if now.anchor is not None and sure:
            before = max(self.before, self.anchor - now.anchor + now.before)
            after = max(self.after, now.anchor + now.after - self.anchor)
        return self._replace(
            before=min(before, WIDEST_SECONDS),
            after=min(after, WIDEST_SECONDS),
            how=how,
            unsure=unsure,
        )


def dates_of(recording: Recording) -> Dates:
    """A recording's own dates."""
    dated = recording.dated
    state = State.PRESENT
    not_before = Instant(0)
    if dated.anchor is None:
        state = State.UNDATED
    elif dated.late:
        state = State.LATE
        not_before = Instant(recording.sight.seen + LATE_ARRIVAL_SECONDS)
    before = after = 0
    if dated.anchor is not None and dated.earliest is not None and dated.latest is not None:
        before = min(dated.anchor - dated.earliest, WIDEST_SECONDS)
        after = min(dated.latest - dated.anchor, WIDEST_SECONDS)
    elif dated.unsure and recording.sight.early is not None:
        before = min(recording.sight.seen - recording.sight.early.seen, WIDEST_SECONDS)
    return Dates(
        dated.anchor, recording.civil, before, after, dated.how, state, not_before, dated.unsure
    )


def returned(
    dates: Dates, prior: Instant, civil: int, *, earliest: Instant, span: int, came_unseen: bool
) -> Dates:
    """Content that an earlier epoch knew keeps that date, if it is the earlier one.

    Where nobody here saw it come, it also keeps its place before an earlier one that only the file
    tells: whoever saw the file come knew better (I10). `earliest`: if the date was the latest that it
    could be, how early that was; this is known no better now, whichever date it keeps, and no worse.
    """
    if dates.anchor is None or dates.anchor > prior or came_unseen:
        moved = dates.moved(prior, civil, earliest=earliest, latest=Instant(prior + span))
        return moved._replace(unsure=earliest < prior)
    if earliest < dates.anchor:
        before = min(max(dates.before, dates.anchor - earliest), WIDEST_SECONDS)
        return dates._replace(before=before, unsure=True)
    return dates
