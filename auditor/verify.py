"""Verify a bundle offline, from the pinned first policy down to every count in the books.

Each check rests on those before it: the policy names the keys, the keys vouch for the manifest and
the heads, the heads for the leaves, the leaves for the books. What rests on something that failed
is not looked at, and said to be unknown.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import NamedTuple

from auditor.books import Judge, live_violations, require_balance, timings
from auditor.days import check_days
from auditor.evidence import Evidence, Seen, read_evidence, silence
from auditor.findings import Report
from auditor.register import (
    check_acts,
    check_exceptions,
    check_holds,
    check_rescans,
    read_exceptions,
)
from auditor.witness import check_copy, check_witness
from retention import bundle, codec, envelope, exceptions, ledger
from retention.backlog import activations, inherited
from retention.bundle import Book, Manifest
from retention.calendar import iso
from retention.envelope import Envelope
from retention.errors import RetentionError, VerificationError
from retention.ledger import Certificate, LastHead, Succession, Timing
from retention.page import page, words
from retention.policy import Chain, follow
from retention.witness import Watched

MAX_SILENCE_SECONDS = 3600
"""Heartbeats come every ten minutes; an hour without one is told."""

Members = Mapping[str, bytes]


def verify(
    members: Members,
    *,
    pin: bytes | None,
    seen: Sequence[Seen] = (),
    own: Sequence[Watched] = (),
) -> Report:
    """Check the members of a bundle (`bundle.read`).

    `pin` is the SHA-256 of the operator's first policy document; without it the bundle can at
    best agree with itself. `seen` are heads that a witness recorded, `own` the records of servers
    that whoever verifies has asked himself.
    """
    report = Report(later=bundle.is_later(members[bundle.MANIFEST]))
    opened = open_bundle(report, members, pin, seen)
    if opened is None:
        return report
    chain, manifest, evidence = opened
    if evidence is None:
        report.unknown("books", "not checked, since they rest on the ledger")
    else:
        _tell_ledger(report, evidence, manifest)
        _check_leaves(report, evidence, members, chain)
        check_days(report, evidence)
        _check_books(report, members, evidence, chain, manifest)
        check_copy(report, members, evidence, chain, manifest)
        for each in own:
            check_witness(report, each, evidence, chain, manifest)
    _check_page(report, members, chain, manifest)
    check_rescans(report, members, manifest)
    check_holds(report, members, manifest)
    check_acts(report, members, chain)
    check_exceptions(report, members, chain, manifest)
    return report


class Opened(NamedTuple):
    """What the rest is held against; `evidence` is None if the ledger's part did not verify."""

    chain: Chain
    manifest: Manifest
    evidence: Evidence | None


def open_bundle(
    report: Report, members: Members, pin: bytes | None, seen: Sequence[Seen] = ()
) -> Opened | None:
    """Check policy, manifest and ledger, as far as each rests on what held; None if nothing did."""
    chain = report.attempt("policy", read_chain, members[bundle.POLICY], pin)
    manifest = None if chain is None else report.attempt("manifest", _manifest, members, chain)
    if chain is None or manifest is None:
        report.unknown("bundle", "nothing else was checked, since all of it rests on this")
        return None
    _tell_origin(report, chain, manifest, pinned=pin is not None)
    return Opened(chain, manifest, report.attempt("ledger", read_evidence, members, chain, seen))


def read_chain(data: bytes, pin: bytes | None) -> Chain:
    """The policy chain out of its member; without a pin, whichever it begins with."""
    documents = list(bundle.parse(data, Envelope))
    if not documents:
        raise VerificationError("there is no policy")
    return follow(documents, codec.digest(documents[0].payload) if pin is None else pin)


def _manifest(members: Members, chain: Chain) -> Manifest:
    """The manifest, if the enforcer of this policy signed it and every member is as it says."""
    sealed = envelope.decode(members[bundle.MANIFEST])
    payload = envelope.open_sealed(sealed, bundle.KIND, chain.current.directive_keys)
    manifest = codec.decode(payload, Manifest)
    for expected, found in zip(manifest.members, bundle.members_of(members), strict=False):
        if expected != found:
            raise VerificationError(f"{found.name} is not what was signed")
    if len(manifest.members) != len(bundle.CONTENTS):
        raise VerificationError("the manifest does not list what is in a bundle")
    ours = manifest.edition == bundle.EDITION
    if ours and members[bundle.READ_ME] != bundle.ABOUT.encode():
        raise VerificationError(f"{bundle.READ_ME} is not what this edition says")
    if ours and manifest.not_checked != bundle.not_checked(members):
        raise VerificationError("the manifest does not say what cannot be checked")
    return manifest


def _tell_origin(report: Report, chain: Chain, manifest: Manifest, *, pinned: bool) -> None:
    text = f"{len(chain.policies)} versions, each signed by two owners of the one before"
    if pinned:
        report.ok("policy", f"{text}, from the pinned first one on")
    else:
        report.unknown("policy", f"{text}; whose policy it is was not checked, for want of --pin")
    report.ok("manifest", f"made {iso(manifest.made_at, UTC)}; every member is as it was signed")


def _check_page(report: Report, members: Members, chain: Chain, manifest: Manifest) -> None:
    """The page that people read says what the members say, and nothing else.

    Words of another edition are no lie, and nothing that this program could make again.
    """
    if manifest.edition != bundle.EDITION:
        theirs = bundle.edition_of(members[bundle.MANIFEST]) or "uncounted"
        made_by = f"made by another edition ({theirs}; this auditor is of {bundle.EDITION})"
        report.unknown("page", f"not checked: the page was {made_by}: believe it no further")
        return
    made = report.attempt(
        "page",
        page,
        members,
        chain,
        made_at=manifest.made_at,
        since=manifest.since,
        through=manifest.through,
    )
    if made == members[bundle.PAGE]:
        report.ok("page", "page.html says what the other members say")
    elif made is not None:
        report.violated("page", ["page.html says something else than the other members"])


def _tell_ledger(report: Report, evidence: Evidence, manifest: Manifest) -> None:
    newest, at = evidence.heads[-1], evidence.newest_at
    report.ok(
        "ledger",
        f"{len(evidence.heads)} checkpoints, the newest of {newest.size} entries with root"
        f" {newest.root.hex()}; each goes on from the one before, and {len(evidence.leaves)} entries"
        " were found under them",
    )
    age = manifest.made_at - at
    if age > MAX_SILENCE_SECONDS:
        report.unknown(
            "ledger", f"the newest checkpoint is {age // 60} minutes older than the bundle"
        )
    if (gap := silence(evidence)) > MAX_SILENCE_SECONDS:
        report.unknown("ledger", f"the ledger was silent for {gap // 60} minutes")


def _check_leaves(
    report: Report, evidence: Evidence, members: Mapping[str, bytes], chain: Chain
) -> None:
    judge = Judge(chain)
    for position, leaf in evidence.leaves.items():
        if isinstance(leaf, Certificate):
            report.attempt("certificates", judge.require_coherent, position, leaf)
        elif isinstance(leaf, Succession):
            head = report.attempt("ledger", ledger.succeeded, leaf, chain)
            if head is not None:
                _tell_succession(report, position, head, evidence)
    counted = timings(evidence.certificates)
    activated = report.attempt("certificates", activations, members, chain) or ()
    backlog = inherited(evidence.certificates, activated, chain)
    late = counted[Timing.PAST_LIMIT] - sum(backlog)
    report.violated(
        "certificates",
        (
            f"{number} recordings were erased {how}"
            for number, how in (
                (counted[Timing.EARLY], "before being due"),
                (late, "after the limit"),
            )
            if number
        ),
    )
    text = "were past the limit when two people activated their store, and went then"
    if backlog.shown:
        report.ok("certificates", f"{backlog.shown} {text}")
    if backlog.receipted:
        receipt = "by a document that stays with the operator: compare its digest"
        report.unknown("certificates", f"{backlog.receipted} {text}, {receipt}")
    told = "".join(f"; {words.TIMINGS[how][1]}: {counted[how]}" for how in sorted(counted))
    text = f"{len(evidence.certificates)} certificates, of recordings that were erased{told}"
    report.ok("certificates", text)


def _tell_succession(report: Report, position: int, head: LastHead, evidence: Evidence) -> None:
    """Two people's word explains a restore; it shows nothing of what the ledger lost by it."""
    text = (
        f"entry {position}: goes on after a restore; the last checkpoint known before was of"
        f" {head.size} entries: {head.root.hex()}"
    )
    if evidence.root(head.size) == head.root:
        report.ok("ledger", f"{text}, and is this ledger's")
    else:
        report.unknown("ledger", f"{text}; what stood only under it nobody can show")


def _check_books(
    report: Report, members: Members, evidence: Evidence, chain: Chain, manifest: Manifest
) -> None:
    books = report.attempt("books", _books, members, manifest)
    if books is None:
        return
    waiting = report.attempt("books", require_balance, books, evidence.certificates)
    if waiting is None:
        return
    report.ok("books", f"{len(books)} balance, and agree with the certificates")
    if waiting:
        report.unknown("books", f"{waiting} erased recordings wait for a certificate")
    named = _graces(members, chain, manifest)
    left = named.copy()
    wrong = report.violated("limits", live_violations(books, chain, manifest.made_at, left))
    if excused := named.total() - left.total():
        report.ok("limits", f"{excused} are late and in the day of grace that ends a hold")
    if unproven := sum(book.states.get("unproven", 0) for book in books):
        text = f"{unproven} recordings were on a store that is lost: nobody can prove that they are gone"
        report.unknown("limits", text)
    elif not wrong:
        report.ok("limits", "by the books nothing is past a limit without a ground")


def _graces(members: Members, chain: Chain, manifest: Manifest) -> Counter[str]:
    """Nothing, where `check_exceptions` will say that the lists cannot be believed."""
    try:
        lists = read_exceptions(members[bundle.EXCEPTIONS], chain).values()
    except RetentionError:
        return Counter()
    return exceptions.in_grace(each for each in lists if each.at == manifest.made_at)


def _books(members: Members, manifest: Manifest) -> list[Book]:
    """The books, one for each batch of the range, in order."""
    books = list(bundle.parse(members[bundle.BOOKS], Book))
    batches = [(book.store, book.record_class, book.civil) for book in books]
    if batches != sorted(set(batches)):
        raise VerificationError("two books are kept of one batch, or they are out of order")
    if any(not manifest.since <= book.civil <= manifest.through for book in books):
        raise VerificationError("a book is of another time than the bundle")
    return books
