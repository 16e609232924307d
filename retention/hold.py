"""Holds: what keeps a recording beyond its limit, and for how long a person may say so.

A hold is a standing predicate: it also holds a file that is reported next week. No hold ends by
itself (docs/rules.md, Holds). The closed list of grounds is clause 19 of the notice; there is
no "other".
"""

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from retention.calendar import Instant
from retention.errors import RefusedError

PADDING_SECONDS = 15 * 60
MAX_REVIEW_DAYS = 90
COMPLETE_WITHIN_SECONDS = 72 * 3600
#: After a release nothing goes for a day: time to notice a wrong one (docs/rules.md, Holds).
AFTER_RELEASE_SECONDS = 24 * 3600
#: A restriction (GDPR article 18) travels as a hold whose id begins so, and ends by a `Lift`.
RESTRICTION = "restriction-"


class Ground(StrEnum):
    """Why the law lets a recording be kept longer, by the word a person chooses."""

    CRIME = "crime"  # 19.1: an unlawful act under investigation
    DISPUTE = "dispute"  # 19.2: a dispute or claim
    STATUTE = "statute"  # 19.4: another statute; act and article must be cited

    @property
    def clause(self) -> str:
        """The clause of the notice."""
        return {"crime": "19.1", "dispute": "19.2", "statute": "19.4"}[self.value]


class ItemRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item, named so that the name outlives an agent's lost state.

    `(store, epoch, number)` is the item; source, start (`begins`..`ends`) and fingerprint find
    it again under a later epoch (docs/rules.md, Coming back).
    """

    store: str
    epoch: int
    number: int
    source: str
    begins: Instant
    ends: Instant
    fingerprint: bytes


class StoreHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold as one store sees it: no ground's details, no case, no person.

    It holds what was recorded at any moment of `begins`..`ends` (both included) by one of
    `sources` (none named: by all), and the `items` named. `begins` > `ends` matches by items only.
    """

    id: str
    begins: Instant
    ends: Instant
    sources: tuple[str, ...] = ()
    items: tuple[ItemRef, ...] = ()

    def matches(
        self,
        source: str,
        earliest: Instant | None,
        latest: Instant | None,
        fingerprint: bytes = b"",
    ) -> bool:
        """Whether a recording that cannot have begun before `earliest` nor ended after `latest` is held.

        An undated one (None) matches every hold on its source: it may be from then.
        """
        if self._names(source, earliest, latest, fingerprint):
            return True
        if self.begins > self.ends or (self.sources and source not in self.sources):
            return False
        if earliest is None or latest is None:
            return True
        return earliest <= self.ends and latest >= self.begins

    def _names(
        self, source: str, earliest: Instant | None, latest: Instant | None, fingerprint: bytes
    ) -> bool:
        for item in self.items:
            if item.source != source or item.fingerprint != fingerprint or not fingerprint:
                continue
            if earliest is None or latest is None:
                return True
            if earliest <= item.ends and latest >= item.begins:
                return True
        return False


def padded(begins: Instant, ends: Instant) -> tuple[Instant, Instant]:
    """The interval that a person named, widened by a quarter of an hour on either side."""
    return Instant(begins - PADDING_SECONDS), Instant(ends + PADDING_SECONDS)


_PERSONAL = {
    "a personal code": re.compile(r"(?<!\d)\d{6}-?[0-2]?\d{4,5}(?!\d)"),
    "a phone number": re.compile(r"(?<![\w-])\+?(?:371[ -]?)?[26]\d(?:[ -]?\d){6}(?!\d)"),
    "an e-mail address": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}


def refuse_personal_data(texts: Iterable[str]) -> None:
    """`RefusedError` if free text holds a personal code, a phone number or an e-mail address.

    Registers outlive recordings, so what a person types into one must not identify anybody
    (GDPR article 5(1)(c); clause on special categories of the notice).
    """
    for text in texts:
        for what, pattern in _PERSONAL.items():
            if pattern.search(text):
                raise RefusedError(f"{text!r} looks like {what}; registers hold no personal data")
