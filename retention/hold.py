"""Holds: what keeps a recording beyond its limit, and for how long a person may say so.

A hold is a standing predicate: it also holds a file that is reported next week. No hold ends by
itself (docs/rules.md, Holds). The closed list of grounds is clause 19 of the notice; there is
no "other".
"""

import re
from collections.abc import Collection, Iterable
from enum import StrEnum

import msgspec

from retention.bounds import At, Count, Mark, Number, Word
from retention.calendar import Instant
from retention.errors import RefusedError
from retention.numbers import Keyed

PADDING_SECONDS = 15 * 60
MAX_REVIEW_DAYS = 90
COMPLETE_WITHIN_SECONDS = 72 * 3600
#: After a release nothing goes for a day: time to notice a wrong one (docs/rules.md, Holds).
AFTER_RELEASE_SECONDS = 24 * 3600
#: A restriction (GDPR article 18) travels as a hold whose id begins so, and ends by a `Lift`.
RESTRICTION = "restriction-"

_Numbers = tuple[Keyed, ...] | msgspec.UnsetType


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

    store: Word
    epoch: Count
    number: Number
    source: Word
    begins: At
    ends: At
    fingerprint: Mark


class StoreHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold as one store sees it: no ground's details, no case, no person.

    It holds what was recorded at any moment of `begins`..`ends` (both included) by one of
    `sources` (none named: by all), and the `items` named. `begins` > `ends` matches by items only.
    With `numbers` it holds of the former only the calls that were made with one of them.

    With `released_at` it is over: the store let go of it at that instant. That is for an agent which
    lost its memory since, and would give what it held no day of grace. To one that knows the hold
    it says nothing: there only what two people signed ends it.
    """

    id: Word
    begins: At
    ends: At
    sources: tuple[Word, ...] = ()
    items: tuple[ItemRef, ...] = ()
    # Not there rather than empty: so a hold without is spelled as ever.
    numbers: tuple[Keyed, ...] | msgspec.UnsetType = msgspec.UNSET
    released_at: At | msgspec.UnsetType = msgspec.UNSET

    def matches(
        self,
        source: str,
        earliest: Instant | None,
        latest: Instant | None,
        fingerprint: bytes = b"",
        numbers: Collection[Keyed] = (),
    ) -> bool:
        """Whether a recording that cannot have begun before `earliest` nor ended after `latest` is held.

        An undated one (None) matches every hold on its source: it may be from then. An item that
        is named is found by its fingerprint and its time alone: its source may be called otherwise
        by now.
        """
        if any(
            fingerprint == item.fingerprint != b""
            and _overlap(earliest, latest, item.begins, item.ends)
            for item in self.items
        ):
            return True
        if self.begins > self.ends or (self.sources and source not in self.sources):
            return False
        if self.numbers is not msgspec.UNSET and not any(n in numbers for n in self.numbers):
            return False
        return _overlap(earliest, latest, self.begins, self.ends)


def either_number(known: _Numbers, told: _Numbers) -> _Numbers:
    """The numbers of a hold that covers all that two of one id do; unset: whatever number it was."""
    if isinstance(known, msgspec.UnsetType) or isinstance(told, msgspec.UnsetType):
        return msgspec.UNSET
    return (*known, *(number for number in told if number not in known))


def _overlap(
    earliest: Instant | None, latest: Instant | None, begins: Instant, ends: Instant
) -> bool:
    """Whether two intervals have a second in common, both ends included; the first may be unknown."""
    if earliest is None or latest is None:
        return True
    return earliest <= ends and latest >= begins


def padded(begins: Instant, ends: Instant) -> tuple[Instant, Instant]:
    """The interval that a person named, widened by a quarter of an hour on either side."""
    return Instant(begins - PADDING_SECONDS), Instant(ends + PADDING_SECONDS)


# Criminal cases have numbers of eleven digits too. So a personal code is told by its hyphen and a
# birthday, or by a birthday and the right check digit; those without a birthday begin with 32.
_PERSONAL_CODE = re.compile(
    r"(?<!\d)(?P<day>\d\d)(?P<month>\d\d)\d\d\s?(?P<hyphen>[-\u2010-\u2015]?)\s?\d{5}(?!\d)"
)
_WITHOUT_BIRTHDAY = 32
_WEIGHTS = (1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# Dates such as 26-01-2026 and 2026-01-15, cases of a year such as 2026-0012, and references with
# letters before their digits are no telephone numbers.
_PHONE = re.compile(
    r"""(?<![\w-]) (?<!\d\.)
    (?: (?:(?:\+|00)?371[\s-]?)? (?!20\d\d-|\d\d-\d\d-20\d\d\b) [26]\d(?:[\s-]?\d){6}
      | (?:\+[1-9]|00371) (?:[\s()-]{0,2}\d){6,14} )
    (?!\w)""",
    re.VERBOSE,
)
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]")


def refuse_personal_data(texts: Iterable[str]) -> None:
    """`RefusedError` if free text holds a personal code, a phone number or an e-mail address.

    Registers outlive recordings, so what a person types into one must not identify anybody
    (GDPR article 5(1)(c); clause on special categories of the notice). The refusal does not say
    the words again: it goes into logs.
    """
    for text in texts:
        found = _personal_data(text)
        if found is not None:
            raise RefusedError(
                f"this text holds what looks like {found}, and registers hold no personal data; "
                f"write a date as 2026-01-15, and a reference with its letters"
            )


def _personal_data(text: str) -> str | None:
    if any(_is_personal_code(match) for match in _PERSONAL_CODE.finditer(text)):
        return "a personal code"
    if _PHONE.search(text):
        return "a phone number"
    if _MAIL.search(text):
        return "an e-mail address"
    return None


def _is_personal_code(match: re.Match[str]) -> bool:
    if int(match["day"]) == _WITHOUT_BIRTHDAY:
        return True
    if not (1 <= int(match["day"]) <= 31 and 1 <= int(match["month"]) <= 12):
        return False
    *digits, check = (int(each) for each in match[0] if each.isdecimal())
    weighed = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return bool(match["hyphen"]) or (1101 - weighed) % 11 % 10 == check
