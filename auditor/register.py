"""The registers in a bundle: holds, acts, and the lists of exceptions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import TypeVar

from auditor.findings import Report
from retention import acts, bundle, exceptions
from retention.acts import Release
from retention.bundle import Book, HoldExtract, ItemAct, Manifest, Rescanned
from retention.calendar import civil_date, iso, start_of_day
from retention.envelope import Envelope
from retention.errors import VerificationError
from retention.exceptions import FROM_BACKUP, REASON_OF_STATE, Exceptions, Reason
from retention.hold import MAX_REVIEW_DAYS, Ground
from retention.people import TWO_PEOPLE
from retention.policy import Chain

Members = Mapping[str, bytes]
T = TypeVar("T")


def check_holds(report: Report, members: Members, manifest: Manifest) -> None:
    """Every hold has a ground out of the closed list, a review in time, and ends by two people."""
    holds = report.attempt("holds", _listed_holds, members)
    if holds is None:
        return
    today = civil_date(manifest.made_at, UTC)
    wrong = [sentence for hold in holds for sentence in _wrong_with(hold, today)]
    unapproved = report.attempt("holds", _unapproved, holds, members, manifest) or []
    groundless = report.attempt("holds", _groundless, holds, members) or []
    if report.violated("holds", [*wrong, *unapproved, *groundless]):
        return
    standing = [hold for hold in holds if hold.released_at is None]
    grounds = Counter(f"{hold.ground} ({hold.clause})" for hold in standing)
    report.ok("holds", f"standing: {_told(grounds, ' for ')}")
    if late := sum(hold.review_on < today for hold in standing):
        report.unknown(
            "holds", f"{late} stand past their review; whether they still should is not known"
        )


def check_acts(report: Report, members: Members, chain: Chain) -> None:
    """Every act that takes protection away was signed by two people who may."""
    shown = report.attempt("acts", _parsed, members[bundle.ACTS], Envelope)
    receipts = report.attempt("acts", _parsed, members[bundle.ITEM_ACTS], ItemAct)
    if shown is None or receipts is None:
        return
    approved = [report.attempt("acts", acts.approvers, document, chain) for document in shown]
    unsigned = [r for r in receipts if len(set(r.signed_by)) < TWO_PEOPLE]
    report.violated("acts", (f"{r.kind} {r.id} has fewer than two signers" for r in unsigned))
    if all(approved) and not unsigned:
        report.ok("acts", f"{len(shown)} shown, each signed by two people who may")
    if receipts:
        text = f"{len(receipts)} name recordings; the operator keeps what was signed: compare the digests"
        report.ok("acts", text)


def check_exceptions(report: Report, members: Members, chain: Chain, manifest: Manifest) -> None:
    """Each store has a list by the enforcer, of the time of the bundle, as books and holds say."""
    lists = report.attempt("exceptions", read_exceptions, members[bundle.EXCEPTIONS], chain)
    if lists is None:
        return
    stale = (
        f"the list of {each.store} is not of the time of the bundle"
        for each in lists.values()
        if each.at != manifest.made_at
    )
    for each in lists.values():
        if each.from_backup:
            report.unknown("exceptions", f"{each.store}: {FROM_BACKUP}")
    books = report.attempt("exceptions", _parsed, members[bundle.BOOKS], Book) or []
    holds = report.attempt("exceptions", _parsed, members[bundle.HOLDS], HoldExtract) or []
    wrong = [*stale, *_unnamed(books, lists), *_unheld(holds, lists)]
    if not report.violated("exceptions", wrong):
        named = Counter(
            item.reason.replace("_", " ") for each in lists.values() for item in each.items
        )
        report.ok("exceptions", f"of {len(lists)} stores, named: {_told(named, ' ')}")


def check_rescans(report: Report, members: Members, manifest: Manifest) -> None:
    """What auditors found on the stores, as the operator hands it on: the worst of it is told."""
    shown = report.attempt("rescans", _parsed, members[bundle.RESCANS], Rescanned)
    for each in shown or ():
        files = sum(counted.files for counted in each.counts)
        text = (
            f"{each.store}: {files} files found, {each.verdict}, number {each.number or 'none'},"
            f" at {iso(each.at, UTC)}"
        )
        if each.at > manifest.made_at or each.verdict == "violated":
            report.violated("rescans", [text])
        elif each.verdict == "unknown":
            report.unknown("rescans", text)
        else:
            report.ok("rescans", text)


def read_exceptions(data: bytes, chain: Chain) -> dict[str, Exceptions]:
    """The lists in a member, or in a file of the same form, by store; each signed, or it raises."""
    found: dict[str, Exceptions] = {}
    for sealed in bundle.parse(data, Envelope):
        each = exceptions.accept(sealed, chain.current.directive_keys)
        if each.store in found:
            raise VerificationError(f"there are two lists of exceptions of {each.store}")
        found[each.store] = each
    return found


def _listed_holds(members: Members) -> list[HoldExtract]:
    holds = list(bundle.parse(members[bundle.HOLDS], HoldExtract))
    ids = [hold.id for hold in holds]
    if ids != sorted(set(ids)):
        raise VerificationError("a hold is there twice, or out of order")
    return holds


def _parsed(data: bytes, type_: type[T]) -> list[T]:
    return list(bundle.parse(data, type_))


def _wrong_with(hold: HoldExtract, today: date) -> Iterator[str]:
    if hold.ground not in set(Ground) or Ground(hold.ground).clause != hold.clause:
        yield f"hold {hold.id} has a ground that is not in the list"
    if hold.released_at is None and (hold.review_on - today).days > MAX_REVIEW_DAYS:
        yield f"hold {hold.id} is to be reviewed later than the rule allows"
    if hold.released_at is not None and hold.released_at < hold.placed_at:
        yield f"hold {hold.id} was released before it was placed"


def _unapproved(holds: Sequence[HoldExtract], members: Members, manifest: Manifest) -> list[str]:
    """Releases of the bundle's time that no act shows; one that stays behind has a receipt."""
    began = start_of_day(manifest.since, UTC)
    shown = [acts.decode(e.payload) for e in bundle.parse(members[bundle.ACTS], Envelope)]
    approved = {act.hold for act in shown if isinstance(act, Release)}
    behind = sum(r.kind == "release" for r in bundle.parse(members[bundle.ITEM_ACTS], ItemAct))
    released = [h for h in holds if h.released_at is not None and h.released_at >= began]
    missing = [hold.id for hold in released if hold.id not in approved]
    return [f"hold {each} was released, and no act says so" for each in missing[behind:]]


def _groundless(holds: Sequence[HoldExtract], members: Members) -> list[str]:
    """Recordings that are booked as held, more than there are under holds."""
    booked = sum(b.states.get("held", 0) for b in bundle.parse(members[bundle.BOOKS], Book))
    held = sum(hold.items for hold in holds)
    if booked <= held:
        return []
    return [f"{booked} recordings are booked as held, and the holds shown hold {held}"]


def _unnamed(books: Sequence[Book], lists: Mapping[str, Exceptions]) -> Iterator[str]:
    """What the books say is excepted, and the list of its store leaves out altogether.

    How many are named tells nothing: the books are of the bundle's dates alone, and a list names
    equal recordings once.
    """
    booked: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for book in books:
        booked[book.store].update(book.states)
    for store, states in sorted(booked.items()):
        if store not in lists:
            yield f"there is no list of {store}"
            continue
        named = {item.reason for item in lists[store].items}
        for state, reason in REASON_OF_STATE.items():
            if states[state] and reason not in named:
                yield f"{store}: {states[state]} are booked as {state}, and its list names none"


def _unheld(holds: Sequence[HoldExtract], lists: Mapping[str, Exceptions]) -> Iterator[str]:
    """Recordings that the lists call held, more than there are under holds."""
    named = sum(item.reason is Reason.HELD for each in lists.values() for item in each.items)
    held = sum(hold.items for hold in holds)
    if named > held:
        yield f"{named} recordings are named as held, and the holds shown hold {held}"


def _told(counted: Counter[str], between: str) -> str:
    parts = (f"{number}{between}{what}" for what, number in sorted(counted.items()))
    return ", ".join(parts) or "none"
