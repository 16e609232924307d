"""When a recording goes, and why, out of a draft alone: no enforcer is asked."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from enforcer.govern import drafts
from enforcer.govern.drafts import Draft
from retention.calendar import Period, civil_date, iso, limits, parse_instant
from retention.errors import ConfigError
from retention.page.words import unit


class Explained(msgspec.Struct, frozen=True):
    """The three instants (ISO 8601 with the offset there), and one sentence. None: nothing ends it."""

    record_class: str
    anchor: str
    civil_date: date
    due_at: str | None
    must_be_gone_by: str | None
    outer_bound: str | None
    sentence: str


class Explainer:
    """Answers for one class of a draft."""

    def __init__(self, draft: Draft, record_class: str) -> None:
        known = {each.name: each for each in draft.classes}
        if record_class not in known:
            raise ConfigError(f"no class {record_class!r}; there are {', '.join(known)}")
        self._class = known[record_class]
        self._period = Period.parse(self._class.period)
        self._said = f"{self._period.count} {unit(self._period.unit, self._period.count, 'en')}"
        self._zone = ZoneInfo(self._class.zone)

    def of(self, anchor: str) -> Explained:
        """For a recording that began then; `MalformedError` if that is no time with its offset."""
        began = parse_instant(anchor)
        day = civil_date(began, self._zone)
        if self._class.bound == "minimum":
            return self._kept(anchor, day)
        found = limits(day, self._period, self._zone, self._class.lead_seconds)
        due, gone, outer = (
            iso(each, self._zone)
            for each in (found.due_at, found.must_be_gone_by, found.outer_bound)
        )
        return Explained(
            record_class=self._class.name,
            anchor=iso(began, self._zone),
            civil_date=day,
            due_at=due,
            must_be_gone_by=gone,
            outer_bound=outer,
            sentence=(
                f"Recorded on {day} and kept no longer than {self._said}: it goes from {due} on, "
                f"is gone by {gone}, and the promise would be broken at {outer}."
            ),
        )

    def _kept(self, anchor: str, day: date) -> Explained:
        return Explained(
            record_class=self._class.name,
            anchor=anchor,
            civil_date=day,
            due_at=None,
            must_be_gone_by=None,
            outer_bound=None,
            sentence=f"{self._class.name} is kept at least {self._said}; nothing erases it.",
        )


def checked(text: str) -> Draft:
    """A draft that could become a policy; `MalformedError` says what could not."""
    draft = drafts.read(text, owner="owner")
    drafts.check(draft)
    return draft
