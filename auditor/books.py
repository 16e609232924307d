"""Whether the operator's books, its certificates and its policy say the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from retention.bundle import Book
from retention.calendar import Instant, Limits, civil_date, start_of_day
from retention.errors import VerificationError
from retention.ledger import Certificate, Timing
from retention.page.figures import STATES
from retention.policy import Chain

Batch = tuple[str, str, date]
"""Store, class and civil date."""

_UNDATED_DAYS = 9
"""Seven days to date it, counted from the end of the day it was seen on, and one day to sweep."""


def require_balance(books: Iterable[Book], certificates: Iterable[Certificate]) -> int:
    """`VerificationError` unless every book balances and agrees with its certificates (I14).

    Gives how many of the erased items have no certificate under the newest head yet.
    """
    certified = Counter[Batch]()
    for each in certificates:
        certified[each.store, each.record_class, each.civil] += each.items
    waiting = 0
    for book in books:
        batch = book.store, book.record_class, book.civil
        _require_balanced(book, certified.pop(batch, 0))
        waiting += book.uncertified
    if certified:
        store, record_class, civil = min(certified)
        raise VerificationError(
            f"{store}, {record_class}, {civil}: there is a certificate and no book"
        )
    return waiting


def _require_balanced(book: Book, certified: int) -> None:
    which = f"{book.store}, {book.record_class}, {book.civil}"
    if unknown := book.states.keys() - set(STATES):
        raise VerificationError(f"{which}: there is no state {min(unknown)!r}")
    if min(book.seen, book.uncertified, *book.states.values(), 0) < 0:
        raise VerificationError(f"{which}: a count is below zero")
    accounted = sum(book.states.values())
    if book.seen != accounted:
        raise VerificationError(f"{which}: {book.seen} were seen, {accounted} are accounted for")
    erased = book.states.get("erased", 0)
    if erased != certified + book.uncertified:
        raise VerificationError(
            f"{which}: {erased} are booked as erased, certificates are there for {certified},"
            f" and {book.uncertified} wait for one"
        )


def live_violations(
    books: Iterable[Book], chain: Chain, now: Instant, graces: Counter[str]
) -> Iterator[str]:
    """Yield a sentence for each batch that by the operator's own books breaks a rule at `now`.

    `graces` are how many of a store may be late because their day of grace runs; those that were
    needed are taken out of it. The lists that name them know no date, so any late ones count.
    """
    limits_of = lru_cache(maxsize=None)(chain.limits_of)  # stores share their civil dates
    for book in books:
        which = f"{book.store}, {book.record_class}, {book.civil}"
        limits = limits_of(book.record_class, book.civil)
        for state, number in book.states.items():
            wrong = _wrong(state, book.civil, limits, _zone(chain, book.record_class), now)
            if wrong is None:
                continue
            excused = min(number, graces[book.store]) if state == "present" else 0
            graces[book.store] -= excused
            if number > excused:
                yield f"{which}: {number - excused} {wrong}"


def _wrong(
    state: str, civil: date, limits: Limits | None, zone: ZoneInfo, now: Instant
) -> str | None:
    """Say what is wrong with items of this state, if anything is."""
    if state == "lost":
        return "were held and are lost"
    if state == "undated":
        decide_by = start_of_day(civil + timedelta(days=_UNDATED_DAYS), zone)
        return "are undated for more than 7 days" if now > decide_by else None
    if limits is None or state not in {"present", "blocked"}:
        return None
    if now > limits.outer_bound:
        return "are past the limit" + (" and blocked" if state == "blocked" else "")
    if now > limits.must_be_gone_by and state == "present":
        return "are past the operator's own target"
    return None


@dataclass(frozen=True, slots=True)
class _Widest:
    """The limits of a civil date, each the most lenient of all that may have applied at the time."""

    due_on: date
    target_on: date
    limit_on: date


class Judge:
    """Holds what certificates say of their timing against the policy.

    A later version may have shortened a period since, and one that was drawn up may have been
    published days after: all versions up to the certificate's time count, the most lenient wins.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._widest = lru_cache(maxsize=None)(self._find_widest)

    def require_coherent(self, position: int, certificate: Certificate) -> None:
        """`VerificationError` if the certificate contradicts itself or the policy."""
        which = f"certificate {position}"
        counted = sum(count.items for count in certificate.counts)
        if counted != certificate.items or any(c.items < 1 for c in certificate.counts):
            raise VerificationError(
                f"{which} is for {certificate.items} items and counts {counted}"
            )
        if certificate.first_on > certificate.last_on:
            raise VerificationError(f"{which} ends before it begins")
        if certificate.policy not in {p.version for p in self._chain.policies}:
            raise VerificationError(
                f"{which} names policy {certificate.policy}, which is not there"
            )
        self._require_true_timing(which, certificate)

    def _require_true_timing(self, which: str, certificate: Certificate) -> None:
        known = sum(p.issued_at <= certificate.at for p in self._chain.policies)
        widest = self._widest(certificate.record_class, certificate.civil, max(known, 1))
        if widest is None:
            return
        said = {count.timing for count in certificate.counts}
        if said == {Timing.IN_TIME} and certificate.last_on > widest.target_on:
            raise VerificationError(
                f"{which} says in time, and erased until {certificate.last_on}"
                f" what had to be gone by {widest.target_on}"
            )
        in_limit = {Timing.EARLY, Timing.IN_TIME, Timing.OVERDUE}
        if said <= in_limit and certificate.last_on > widest.limit_on:
            raise VerificationError(f"{which} conceals that the limit was passed")
        only_due = {count.why for count in certificate.counts} == {"due"}
        if only_due and Timing.EARLY not in said and certificate.first_on < widest.due_on:
            raise VerificationError(f"{which} conceals that the erasure was early")

    def _find_widest(self, record_class: str, civil: date, known: int) -> _Widest | None:
        policies, zone = self._chain.policies, _zone(self._chain, record_class)
        prefixes = (Chain(policies[:n], self._chain.head) for n in range(1, known + 1))
        found = [limits for p in prefixes if (limits := p.limits_of(record_class, civil))]
        if not found:
            return None
        named = (p.record_class(record_class) for p in policies)
        lead = max(c.lead_seconds for c in named if c)
        earliest = min(each.must_be_gone_by for each in found) - lead
        return _Widest(
            due_on=civil_date(Instant(earliest), zone),
            target_on=civil_date(max(each.must_be_gone_by for each in found), zone),
            limit_on=civil_date(max(each.outer_bound for each in found), zone),
        )


def timings(certificates: Iterable[Certificate]) -> Mapping[Timing, int]:
    """How many items were erased early, in time, late, ..."""
    counted = Counter[Timing]()
    for certificate in certificates:
        for count in certificate.counts:
            counted[count.timing] += count.items
    return counted


def _zone(chain: Chain, record_class: str) -> ZoneInfo:
    named = (p.record_class(record_class) for p in reversed(chain.policies))
    return ZoneInfo(next((c.zone for c in named if c), "UTC"))
