"""An honest bundle verifies; whatever is changed in it, by whomever, is found and named."""

import json
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs

from auditor.evidence import Seen
from auditor.findings import Verdict
from auditor.verify import read_chain, verify
from retention import bundle, codec, envelope, exceptions, ledger, merkle, note
from retention.acts import Activation
from retention.bundle import Book, Manifest, Node, Placed, Published
from retention.calendar import Instant, parse_instant
from retention.envelope import Envelope
from retention.errors import RetentionError
from retention.exceptions import Exceptions, Reason
from retention.ledger import Certificate, Count, LastHead, Succession, Timing
from retention.note import Checkpoint
from retention.page import page


def told(report, verdict=Verdict.VIOLATED):
    return "\n".join(f"{f.check}: {f.text}" for f in report.findings if f.verdict is verdict)


def replaced(members, name, type_, change):
    """The members with one of them decoded, changed by a function of its list, encoded."""
    documents = list(bundle.parse(members[name], type_))
    return members | {name: bundle.lines(change(documents))}


def resigned(members, key, *, page_as_it_is=False):
    """Under a new manifest: what somebody can do who has the enforcer's online key."""
    old = codec.decode(envelope.decode(members[bundle.MANIFEST]).payload, Manifest)
    if not page_as_it_is:
        members = members | remade(members, old)
    listed = bundle.members_of(members)
    unchecked = bundle.not_checked(members)
    new = structs.replace(old, members=listed, not_checked=unchecked)
    sealed = envelope.seal(bundle.KIND, codec.encode(new), [key])
    return members | {bundle.MANIFEST: envelope.encode(sealed)}


def remade(members, manifest):
    """The page that the members make, if they make one."""
    chain = read_chain(members[bundle.POLICY], None)
    when = {"made_at": manifest.made_at, "since": manifest.since, "through": manifest.through}
    try:
        return {bundle.PAGE: page(members, chain, **when)}
    except RetentionError:
        return {}


def with_leaf(change):
    """A tampering: the first certificate is another now."""

    def tamper(placed):
        at = next(n for n, p in enumerate(placed) if b"certificate" in bytes(p.data))
        leaf = change(ledger.decode(bytes(placed[at].data)))
        placed[at] = Placed(placed[at].position, Raw(ledger.encode(leaf)))
        return placed

    return tamper


def changed(document, **changes: object):
    return structs.replace(document, **changes)


def test_an_honest_bundle_is_ok_and_says_what_was_checked(honest):
    report = verify(honest.members, pin=honest.pin)
    assert "" == told(report)
    assert Verdict.OK is report.verdict
    checks = {finding.check for finding in report.findings}
    expected = {"policy", "manifest", "ledger", "days", "certificates", "books", "limits", "holds"}
    assert expected | {"acts", "exceptions", "page", "rescans", "witness"} == checks
    assert "3 certificates, of recordings that were erased; in time: 10" in told(report, Verdict.OK)


def test_without_a_pin_nobody_knows_whose_bundle_it_is(honest):
    report = verify(honest.members, pin=None)
    assert Verdict.UNKNOWN is report.verdict
    assert "for want of --pin" in told(report, Verdict.UNKNOWN)


def test_with_another_pin_nothing_else_is_believed(honest):
    report = verify(honest.members, pin=bytes(32))
    assert "policy: the first policy is not the one that the pin names" == told(report)
    assert 2 == len(report.findings)


@given(
    name=st.sampled_from((bundle.MANIFEST, *bundle.CONTENTS)),
    place=st.integers(0, 10**6),
    bits=st.integers(1, 255),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_byte_of_any_member_can_change_unnoticed(honest, name, place, bits):
    content = bytearray(honest.members[name])
    content[place % len(content)] ^= bits
    report = verify(honest.members | {name: bytes(content)}, pin=honest.pin)
    assert told(report)


def flipped(data, at):
    spoilt = bytearray(data)
    spoilt[at] ^= 1
    return bytes(spoilt)


def test_a_member_that_was_changed_is_named(honest):
    for name in set(bundle.CONTENTS) - {bundle.POLICY}:
        members = honest.members | {name: honest.members[name] + b"\n"}
        expected = f"manifest: {name} is not what was signed"
        assert expected == told(verify(members, pin=honest.pin))


LEAF_TAMPERINGS = {
    "a certificate counts fewer": lambda c: changed(
        c, items=4, counts=(Count("due", "erased_verified", Timing.IN_TIME, 4),)
    ),
    "a certificate is of another day": lambda c: changed(c, civil=date(2026, 1, 6)),
    "a certificate is of another store": lambda c: changed(c, store="terminal-9"),
    "its commitments are others": lambda c: changed(c, commitments=bytes(32)),
}


@pytest.mark.parametrize("name", LEAF_TAMPERINGS)
def test_a_leaf_that_was_changed_does_not_lead_to_its_head(honest, keys, name):
    members = replaced(honest.members, bundle.LEAVES, Placed, with_leaf(LEAF_TAMPERINGS[name]))
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "ledger: the entries do not lead to the checkpoint of" in told(report)


def swap(placed):
    first, second = placed[:2]
    return [
        Placed(first.position, second.data),
        Placed(second.position, first.data),
        *placed[2:],
    ]


LEDGER_TAMPERINGS = {
    "a leaf was dropped": (bundle.LEAVES, Placed, lambda p: p[1:], "nothing is given of entry 3"),
    "two leaves were swapped": (bundle.LEAVES, Placed, swap, "do not lead to the checkpoint"),
    "leaves are out of order": (bundle.LEAVES, Placed, lambda p: p[::-1], "out of order"),
    "a leaf is there twice": (bundle.LEAVES, Placed, lambda p: [p[0], *p], "there twice"),
    "a leaf is of no kind": (
        bundle.LEAVES,
        Placed,
        lambda p: [*p, Placed(10**6, Raw(b"{}"))],
        "entry 1000000 is under no checkpoint",
    ),
    "a hash was added": (
        bundle.SUBTREES,
        Node,
        lambda n: [*n, Node(3, 999, bytes(32))],
        "the subtree 3/999 is under no checkpoint",
    ),
    "a hash is of no level": (
        bundle.SUBTREES,
        Node,
        lambda n: [*n, Node(-1, 0, bytes(32))],
        "-1/0 is no subtree",
    ),
    "a hash is at no place": (
        bundle.SUBTREES,
        Node,
        lambda n: [*n, Node(0, -1, bytes(32))],
        "0/-1 is no subtree",
    ),
    "a hash is too short": (
        bundle.SUBTREES,
        Node,
        lambda n: [*n, Node(3, 999, b"short")],
        "3/999 is no subtree",
    ),
    "the newest head is missing": (
        bundle.CHECKPOINTS,
        Published,
        lambda p: p[:-1],
        "is under no checkpoint that was shown",
    ),
    "no head is there": (bundle.CHECKPOINTS, Published, lambda _: [], "there is no checkpoint"),
    "heads are out of order": (
        bundle.CHECKPOINTS,
        Published,
        lambda p: p[::-1],
        "does not follow the one of",
    ),
    "a head is there twice": (
        bundle.CHECKPOINTS,
        Published,
        lambda p: [p[0], *p],
        "does not follow the one of",
    ),
    "a head's signature is wrong": (
        bundle.CHECKPOINTS,
        Published,
        lambda p: [*p[:-1], Published(p[-1].at, flipped(p[-1].note.encode(), -5).decode())],
        "the signature of ledger.example/retention on this note is wrong",
    ),
}


@pytest.mark.parametrize("name", LEDGER_TAMPERINGS)
def test_what_was_done_to_the_ledger_is_found_and_named(honest, keys, name):
    member, type_, change, expected = LEDGER_TAMPERINGS[name]
    members = resigned(replaced(honest.members, member, type_, change), keys.directive)
    report = verify(members, pin=honest.pin)
    assert f"ledger: {expected}" in told(report) or expected in told(report)
    assert "not checked, since they rest on the ledger" in told(report, Verdict.UNKNOWN)


def test_a_head_by_another_key_is_no_head(honest, keys):
    def forge(published):
        old = published[-1]
        checkpoint = Checkpoint.parse(note._split(old.note)[0])
        forged = note.sign_note(checkpoint.encode(), checkpoint.origin, keys.stranger)
        return [*published[:-1], Published(old.at, forged)]

    members = resigned(
        replaced(honest.members, bundle.CHECKPOINTS, Published, forge), keys.directive
    )
    expected = "ledger: this note is signed by no key that is known here"
    assert expected in told(verify(members, pin=honest.pin))


def test_a_certificate_left_out_shows_in_the_books(operator):
    """Its subtree's hash in its place satisfies the tree, and not the double entry."""
    members = operator.members()

    def leave_out(placed):
        hidden = merkle.leaf_hash(bytes(placed[0].data))
        nodes = list(bundle.parse(members[bundle.SUBTREES], Node))
        members[bundle.SUBTREES] = bundle.lines([Node(0, placed[0].position, hidden), *nodes])
        return placed[1:]

    without = replaced(members, bundle.LEAVES, Placed, leave_out)
    without |= {bundle.SUBTREES: members[bundle.SUBTREES]}
    report = verify(resigned(without, operator.directive), pin=operator.pin)
    assert "5 are booked as erased, certificates are there for 0" in told(report)


def first_book(**changes: object):
    return lambda books: [changed(books[0], **changes), *books[1:]]


BOOK_TAMPERINGS = {
    "one was seen less": (first_book(seen=6), "6 were seen, 7 are accounted for"),
    "one is erased more": (
        first_book(seen=8, states={"erased": 6, "held": 2}),
        "6 are booked as erased, certificates are there for 5, and 0 wait",
    ),
    "one waits that has its certificate": (first_book(uncertified=1), "and 1 waits for one"),
    "a count below zero makes it balance": (
        first_book(states={"erased": 5, "held": 3, "lost": -1}),
        "a count is below zero",
    ),
    "what is past its limit is in a state that there is not": (
        first_book(states={"erased": 5, "live": 2}),
        "there is no state 'live'",
    ),
    "a book is missing": (lambda b: b[1:], "there is a certificate and no book"),
    "a book is kept twice": (lambda b: [b[0], *b], "two books are kept of one batch"),
    "a book is of another time": (
        lambda b: [changed(b[0], civil=date(2025, 1, 1)), *b[1:]],
        "a book is of another time than the bundle",
    ),
}


@pytest.mark.parametrize("name", BOOK_TAMPERINGS)
def test_what_was_done_to_the_books_is_found_and_named(honest, keys, name):
    change, expected = BOOK_TAMPERINGS[name]
    members = replaced(honest.members, bundle.BOOKS, Book, change)
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert f"books: {expected}" in told(report) or expected in told(report)


def test_a_policy_signed_by_one_owner_is_none(honest):
    def forge(documents):
        only = documents[0]
        return [Envelope(only.payload, only.payload_type, only.signatures[:1])]

    members = replaced(honest.members, bundle.POLICY, Envelope, forge)
    report = verify(members, pin=honest.pin)
    assert "policy: a policy needs two different people" in told(report)


def test_a_manifest_by_another_key_is_none(honest, keys):
    report = verify(resigned(dict(honest.members), keys.stranger), pin=honest.pin)
    assert "manifest: this bundle is signed by no key that may sign it" == told(report)


@pytest.mark.parametrize("which", ["one signature", "one person twice", "a role that may not"])
def test_an_act_that_too_few_signed_is_named(honest, keys, which):
    signers = {
        "one signature": [keys.anna],
        "one person twice": [keys.anna, keys.anna],
        "a role that may not": [keys.anna, keys.carl],
    }[which]
    members = replaced(
        honest.members,
        bundle.ACTS,
        Envelope,
        lambda documents: [
            envelope.seal("act", d.payload, signers) if b'"release"' in d.payload else d
            for d in documents
        ],
    )
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "acts: a release needs two different people" in told(report)


def test_a_release_without_its_act_is_named(honest, keys):
    members = replaced(honest.members, bundle.ACTS, Envelope, lambda d: [])
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "holds: hold hold-2 was released, and no act says so" == told(report)


def test_more_held_than_there_are_holds_for_is_named(honest, keys):
    members = honest.members | {bundle.HOLDS: b""}
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    booked = "holds: 2 recordings are booked as held, and the holds shown hold 0"
    named = "exceptions: 2 recordings are named as held, and the holds shown hold 0"
    assert f"{booked}\n{named}" == told(report)


def test_a_receipt_without_two_signers_is_named(honest, keys):
    members = replaced(
        honest.members,
        bundle.ITEM_ACTS,
        bundle.ItemAct,
        lambda acts: [changed(acts[0], signed_by=("anna", "anna"))],
    )
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "acts: erasure erasure-1 has fewer than two signers" == told(report)


def test_exceptions_by_another_key_are_none(honest, keys):
    def forge(lists):
        return [envelope.seal(exceptions.KIND, lists[0].payload, [keys.stranger]), *lists[1:]]

    members = replaced(honest.members, bundle.EXCEPTIONS, Envelope, forge)
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    expected = "exceptions: this exceptions is signed by no key that may sign it"
    assert expected == told(report)


def test_exceptions_of_another_time_are_named(honest, keys):
    def forge(lists):
        listed = codec.decode(lists[0].payload, Exceptions)
        old = changed(listed, at=listed.at - 1)
        return [envelope.seal(exceptions.KIND, codec.encode(old), [keys.directive]), lists[1]]

    members = replaced(honest.members, bundle.EXCEPTIONS, Envelope, forge)
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "the list of terminal-1 is not of the time of the bundle" in told(report)


def test_no_store_is_without_its_list_of_exceptions(honest, keys):
    members = replaced(honest.members, bundle.EXCEPTIONS, Envelope, lambda lists: lists[1:])
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "exceptions: there is no list of terminal-1" == told(report)


def naming(members, key, *reasons: Reason):
    """The first list names recordings for these reasons instead of its own: whatever lies there is excused."""

    def forge(lists):
        listed = codec.decode(lists[0].payload, Exceptions)
        found = ((reason, bytes([n]) * 16) for n, reason in enumerate(reasons))
        other = changed(listed, items=exceptions.listed(listed.nonce, found))
        return [envelope.seal(exceptions.KIND, codec.encode(other), [key]), *lists[1:]]

    return resigned(replaced(members, bundle.EXCEPTIONS, Envelope, forge), key)


def test_no_list_names_more_as_held_than_is_under_holds(honest, keys):
    members = naming(honest.members, keys.directive, *[Reason.HELD] * 3)
    expected = "exceptions: 3 recordings are named as held, and the holds shown hold 2"
    assert expected == told(verify(members, pin=honest.pin))


@pytest.mark.parametrize(("state", "reason"), exceptions.REASON_OF_STATE.items())
def test_what_is_booked_as_an_exception_is_in_the_list_of_its_store(operator, state, reason):
    if reason is not Reason.HELD:  # two of the honest ones are
        operator.add(2, state=state, civil=date(2026, 1, 31).toordinal())
    members = operator.members()
    assert "exceptions" not in told(verify(members, pin=operator.pin))
    members = naming(members, operator.directive, *set(Reason) - {reason})
    expected = f"exceptions: terminal-1: 2 are booked as {state}, and its list names none"
    assert expected in told(verify(members, pin=operator.pin)).splitlines()


def test_a_head_that_a_witness_saw_is_compared(operator):
    head = operator.head()
    operator.erase(1)
    operator.prove()
    members = operator.members()
    seen = Seen(head.size, head.root)
    assert Verdict.OK is verify(members, pin=operator.pin, seen=[seen]).verdict
    report = verify(members, pin=operator.pin, seen=[Seen(head.size, bytes(32))])
    assert f"do not lead to the checkpoint of {head.size} entries" in told(report)


def test_a_ledger_that_was_rolled_back_contradicts_its_witness(operator):
    before = operator.members()
    operator.erase(1)
    operator.prove()
    head = operator.head()
    report = verify(before, pin=operator.pin, seen=[Seen(head.size, head.root)])
    assert "the ledger was rolled back, or this bundle is an old one" in told(report)


@pytest.mark.parametrize(
    ("at", "not_before", "expected"),
    [
        ("2026-03-01T00:00:00+02:00", 0, "1 recording was erased before being due"),
        ("2026-03-08T00:00:00+02:00", 0, "1 recording was erased after the limit"),
    ],
)
def test_erasures_at_the_wrong_time_are_violations_of_the_operators_own_telling(
    operator, at, not_before, expected
):
    operator.erase(1, erased_at=parse_instant(at), not_before=not_before)
    operator.prove()
    report = verify(operator.members(), pin=operator.pin)
    assert f"certificates: {expected}" == told(report)


@pytest.mark.parametrize(
    ("erased_at", "store", "civil", "covered"),
    [
        ("2026-03-09T13:00:00+02:00", "terminal-1", 5, True),  # the 10th begins somewhere
        ("2026-03-10T13:00:00+02:00", "terminal-1", 5, True),
        ("2026-03-13T13:00:00+02:00", "terminal-1", 5, True),
        ("2026-03-14T13:00:00+02:00", "terminal-1", 5, False),
        ("2026-03-08T13:00:00+02:00", "terminal-1", 5, False),
        ("2026-03-10T13:00:00+02:00", "terminal-2", 5, False),
        ("2026-03-10T13:00:00+02:00", "terminal-1", 6, False),
    ],
)
def test_only_what_an_activation_let_go_was_a_backlog(operator, erased_at, store, civil, covered):
    """Terminal 1 was activated on the 10th, through 5 January, by two people, when that was past its limit."""
    on = date(2026, 1, civil).toordinal()
    operator.erase(1, erased_at=parse_instant(erased_at), store=store, civil=on)
    operator.prove()
    report = verify(operator.members(), pin=operator.pin)
    violations = [] if covered else ["certificates: 1 recording was erased after the limit"]
    assert violations == told(report).splitlines()
    assert covered == ("1 was past the limit when two people" in told(report, Verdict.OK))


@pytest.mark.parametrize(
    ("days", "store", "erased_at", "covered"),
    [
        (30, "terminal-1", "2026-03-10T13:00:00+02:00", True),
        (30, "terminal-1", "2026-04-10T13:00:00+02:00", False),
        (-90, "terminal-1", "2026-03-10T13:00:00+02:00", False),  # before the bundle's first day
        (-90, "terminal-2", "2026-03-10T13:00:00+02:00", True),
    ],
)
def test_a_second_activation_excuses_no_backlog_again(operator, days, store, erased_at, covered):
    """The earliest counts, wherever it stands in the bundle, and for its own store alone."""
    again = Activation(
        id="activation-0",
        at=parse_instant("2026-03-10T12:00:00+02:00") + days * 86_400,
        reason="more of it",
        stores=(store,),
        record_class="terminal-image",
        through_ordinal=date(2026, 4, 1).toordinal(),
        count=100,
    )
    operator.approve(again, operator.berta, operator.carl)
    operator.erase(1, erased_at=parse_instant(erased_at))
    operator.prove()
    report = verify(operator.members(), pin=operator.pin)
    violations = [] if covered else ["certificates: 1 recording was erased after the limit"]
    assert violations == [line for line in told(report).splitlines() if "limit" in line]


@pytest.mark.parametrize("shown_before", [False, True])
def test_an_activation_whose_reason_is_withheld_counts_as_the_first_and_is_not_called_checked(
    operator, shown_before
):
    """Its receipt says what it let go: a later one excuses nothing, and nobody is named (I8)."""
    named = "asked for by anna.berzina@example.org"
    withheld = Activation(
        id="activation-0",
        at=parse_instant("2026-03-10T12:00:00+02:00") + (86_400 if shown_before else -86_400),
        reason=named,
        stores=("terminal-1",),
        record_class="terminal-image",
        through_ordinal=date(2026, 4, 1).toordinal(),
        count=100,
    )
    operator.approve(withheld, operator.berta, operator.carl)
    operator.erase(1, erased_at=parse_instant("2026-03-10T13:00:00+02:00"))
    operator.prove()
    members = operator.members()
    assert not any(b"anna.berzina" in data for data in members.values())
    report = verify(members, pin=operator.pin)
    sentence = "1 was past the limit when two people activated their store, and went then"
    if shown_before:
        assert sentence in told(report, Verdict.OK)
        return
    assert Verdict.UNKNOWN is report.verdict
    assert f"{sentence}, by a document that stays with the operator" in told(
        report, Verdict.UNKNOWN
    )
    assert sentence not in told(report, Verdict.OK)


def test_a_receipt_does_not_let_what_came_weeks_later_pass_for_a_backlog(operator):
    withheld = Activation(
        id="activation-0",
        at=parse_instant("2026-02-01T12:00:00+02:00"),
        reason="asked for by +371 20000000",
        stores=("terminal-1",),
        record_class="terminal-image",
        through_ordinal=date(2026, 4, 1).toordinal(),
        count=100,
    )
    operator.approve(withheld, operator.berta, operator.carl)
    operator.erase(1, erased_at=parse_instant("2026-03-10T13:00:00+02:00"))
    operator.prove()
    report = verify(operator.members(), pin=operator.pin)
    assert "certificates: 1 recording was erased after the limit" in told(report)


def test_an_activation_by_one_person_excuses_nothing(operator):
    operator.erase(1, erased_at=parse_instant("2026-03-10T13:00:00+02:00"))
    operator.prove()
    members = replaced(
        operator.members(),
        bundle.ACTS,
        Envelope,
        lambda documents: [
            envelope.seal("act", d.payload, [operator.berta]) if b'"activation"' in d.payload else d
            for d in documents
        ],
    )
    report = verify(resigned(members, operator.directive), pin=operator.pin)
    assert "1 recording was erased after the limit" in told(report)
    assert "acts: a activation needs two different people" in told(report)


@pytest.mark.parametrize(
    ("day", "timing", "sentence"),
    [
        (4, Timing.IN_TIME, "conceals that the erasure was early"),
        (9, Timing.IN_TIME, "says in time, and erased until 2026-03-09 what had to be gone by"),
        (9, Timing.OVERDUE, "conceals that the limit was passed"),
    ],
)
def test_a_certificate_that_claims_another_time_than_its_days_is_a_violation(
    operator, day, timing, sentence
):
    """What it certifies was due on the 5th, had to be gone by the 6th, and its limit was the 7th."""
    lie = Certificate(
        at=operator.now,
        store="terminal-1",
        record_class="terminal-image",
        civil=operator.on,
        policy=1,
        items=1,
        counts=(Count("due", "erased_verified", timing, 1),),
        first_on=date(2026, 3, day),
        last_on=date(2026, 3, day),
        commitments=bytes(32),
        salts_until=date(2026, 6, 8),
        residuals=(),
    )
    operator.append(lie)
    report = verify(operator.members(), pin=operator.pin)
    assert sentence in told(report)


def test_what_is_past_its_limit_in_the_books_is_a_violation(operator):
    operator.add(3)
    operator.add(1, state="lost")
    report = verify(operator.members(), pin=operator.pin)
    which = "terminal-1, terminal-image, 2026-01-05"
    expected = {
        f"limits: {which}: 3 are past the limit",
        f"limits: {which}: 1 was held and are lost",
    }
    assert expected == set(told(report).splitlines())


@pytest.mark.parametrize(
    ("state", "violations"),
    [("present", ["1 is past the operator's own target"]), ("blocked", [])],
)
def test_past_the_own_target_is_a_violation_of_what_could_have_gone(operator, state, violations):
    operator.add(1, state=state, civil=date(2026, 1, 9).toordinal())
    report = verify(operator.members(), pin=operator.pin)
    which = "limits: terminal-1, terminal-image, 2026-01-09"
    assert [f"{which}: {text}" for text in violations] == told(report).splitlines()


def test_what_was_on_a_lost_store_is_unknown_for_ever(operator):
    operator.add(3, state="unproven", civil=date(2026, 1, 12).toordinal())
    report = verify(operator.members(), pin=operator.pin)
    sentence = "3 recordings were on a store that is lost: nobody can prove that they are gone"
    assert f"limits: {sentence}" == told(report, Verdict.UNKNOWN)
    assert "limits" not in told(report, Verdict.OK)


def test_what_a_day_of_grace_keeps_after_its_hold_is_no_violation(operator):
    operator.add(3, not_before=operator.now + 3600)
    report = verify(operator.members(), pin=operator.pin)
    assert "limits: 3 are late and in the day of grace that ends a hold" in told(report, Verdict.OK)
    assert Verdict.OK is report.verdict


@pytest.mark.parametrize("since", [3600, -3600])
def test_a_day_of_grace_excuses_no_more_than_are_named(operator, since):
    """What may go by now goes with the next sweep: that it is still there is no lie within a day."""
    operator.add(3, not_before=operator.now + since)
    operator.add(2, not_before=operator.now - 86_400)
    report = verify(operator.members(), pin=operator.pin)
    assert "limits: terminal-1, terminal-image, 2026-01-05: 2 are past the limit" == told(report)


def test_a_day_of_grace_is_of_its_own_store_alone(operator):
    operator.add(3, not_before=operator.now + 3600, store="terminal-2")
    operator.add(2)
    report = verify(operator.members(), pin=operator.pin)
    assert "limits: terminal-1, terminal-image, 2026-01-05: 2 are past the limit" == told(report)


def test_lists_that_nobody_signed_excuse_nothing(operator):
    operator.add(3, not_before=operator.now + 3600)
    members = operator.members()
    signed = envelope.seal(exceptions.KIND, _payload(members), [operator.stranger])
    forged = members | {bundle.EXCEPTIONS: bundle.lines([signed])}
    report = verify(resigned(forged, operator.directive), pin=operator.pin)
    assert "limits: terminal-1, terminal-image, 2026-01-05: 3 are past the limit" in told(report)


def _payload(members):
    """Of the first list of exceptions."""
    return next(bundle.parse(members[bundle.EXCEPTIONS], Envelope)).payload


def test_the_first_and_the_last_day_of_a_bundle_belong_to_it(operator):
    began = date(2026, 1, 1).toordinal()
    operator.erase(1, civil=began, erased_at=parse_instant("2026-03-01T07:00:00+02:00"))
    operator.add(1, civil=date(2026, 1, 31).toordinal())
    operator.prove()
    assert Verdict.OK is verify(operator.members(), pin=operator.pin).verdict


def test_what_waits_for_its_certificate_is_unknown(operator):
    operator.erase(2)
    report = verify(operator.members(), pin=operator.pin)
    expected = "books: 2 erased recordings wait for a certificate"
    assert expected == told(report, Verdict.UNKNOWN)
    assert Verdict.UNKNOWN is report.verdict


def test_a_ledger_that_stood_still_is_unknown(operator):
    later = operator.now + 2 * 3600
    report = verify(operator.members(now=later), pin=operator.pin)
    assert "120 minutes older than the bundle" in told(report, Verdict.UNKNOWN)


def test_without_heartbeats_nobody_knows_whether_the_ledger_was_alive(operator):
    """Those of a day are left out of the bundle, with their hashes in their place."""
    members = operator.members()
    placed = list(bundle.parse(members[bundle.LEAVES], Placed))
    shown = [each for each in placed if b"heartbeat" not in bytes(each.data)]
    hidden = [
        Node(0, each.position, merkle.leaf_hash(bytes(each.data)))
        for each in placed
        if each not in shown
    ]
    nodes = bundle.parse(members[bundle.SUBTREES], Node)
    members |= {
        bundle.LEAVES: bundle.lines(shown),
        bundle.SUBTREES: bundle.lines([*nodes, *hidden]),
    }
    report = verify(resigned(members, operator.directive), pin=operator.pin)
    assert "ledger: the ledger was silent for 1440 minutes" == told(report, Verdict.UNKNOWN)


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_restore_lost_is_unknown_though_two_people_signed_for_it(operator, lost):
    """Their word explains why, and the ledger goes on; what it lost nobody can show."""
    head = operator.head()
    size, root = (head.size + 3, bytes(32)) if lost else (head.size, head.root)
    signed = operator.seal("act", LastHead(operator.now, "the disk failed", size, root))
    operator.append(Succession(at=operator.now, approval=signed))
    report = verify(operator.members(), pin=operator.pin)
    verdict = Verdict.UNKNOWN if lost else Verdict.OK
    sentence = f"the last checkpoint known before was of {size} entries: {root.hex()}"
    assert f"goes on after a restore; {sentence}" in told(report, verdict)
    assert verdict is report.verdict


def test_the_time_before_a_succession_is_as_silent_as_any(operator):
    head, later = operator.head(), Instant(operator.now + 2 * 3600)
    signed = operator.seal("act", LastHead(later, "the disk failed", head.size, head.root))
    operator.append(Succession(at=later, approval=signed), at=later)
    report = verify(operator.members(now=later), pin=operator.pin)
    assert "ledger: the ledger was silent for 120 minutes" == told(report, Verdict.UNKNOWN)


def test_no_bundle_tells_of_a_person(operator):
    """I8: a phone number, a name and a case stand in the index, and a second in an act."""
    text = operator.bundle()
    assert not [planted for planted in operator.planted if planted.encode() in text]
    assert b"2026-01-05T" not in text
    erasure = operator.approve_erasure("erasure-2")
    assert erasure.payload not in operator.bundle()
    assert b"erasure-2" in operator.bundle()


def auditor(*arguments: str):
    return subprocess.run(
        [sys.executable, "-m", "auditor.cli", *arguments], capture_output=True, check=False
    )


@pytest.fixture
def file(honest, tmp_path):
    path = tmp_path / "january.zip"
    path.write_bytes(honest.packed)
    return path


def test_the_command_ends_with_0_and_names_what_it_could_not_check(honest, file):
    done = auditor("verify", str(file), "--pin", honest.pin.hex())
    assert (0, b"") == (done.returncode, done.stderr)
    assert b"not checked: backups" in done.stdout
    assert done.stdout.endswith(b"OK: all that could be checked is as it should be.\n")


def test_the_command_ends_with_2_without_a_pin(file):
    done = auditor("verify", str(file))
    assert (2, b"") == (done.returncode, done.stderr)
    assert b"UNKNOWN" in done.stdout


def test_the_command_ends_with_1_at_another_operators_pin(file):
    done = auditor("verify", str(file), "--pin", "00" * 32, "--json")
    assert (1, b"") == (done.returncode, done.stderr)
    assert "violated" == json.loads(done.stdout)["verdict"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "no-such-file"],
        ["verify", "no-such-file", "--pin", "zz"],
        ["verify", "no-such-file", "--head", "x:00"],
        ["verify"],
        [],
    ],
)
def test_a_users_mistake_is_a_sentence_and_2(arguments):
    done = auditor(*arguments)
    assert 2 == done.returncode
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_a_damaged_file_is_a_sentence(honest, tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(honest.packed[:-100])
    done = auditor("verify", str(path), "--pin", honest.pin.hex())
    assert (2, b"") == (done.returncode, done.stdout)
    assert done.stderr.startswith(b"auditor: the bundle is damaged")
    assert 1 == done.stderr.count(b"\n")


@pytest.mark.parametrize(
    ("changes", "verdict", "expected"),
    [
        ({}, Verdict.OK, "terminal-1: 7 files found, ok, number 2"),
        ({"verdict": "unknown"}, Verdict.UNKNOWN, "7 files found, unknown"),
        ({"verdict": "violated"}, Verdict.VIOLATED, "7 files found, violated"),
        ({"at": parse_instant("2027-01-01T00:00:00Z")}, Verdict.VIOLATED, "at 2027-01-01"),
    ],
)
def test_a_rescan_that_was_handed_in_is_told_and_its_worst_counts(
    operator, changes, verdict, expected
):
    [known] = bundle.parse(operator.members()[bundle.RESCANS], bundle.Rescanned)
    operator.hand_in(changed(known, **({"number": "2"} | changes)))
    report = verify(operator.members(), pin=operator.pin)
    assert expected in told(report, verdict)
    assert verdict is report.verdict


def test_a_manifest_that_leaves_a_member_out_is_none(operator):
    members = operator.members()
    old = codec.decode(envelope.decode(members[bundle.MANIFEST]).payload, Manifest)
    fewer = structs.replace(old, members=old.members[:-1])
    sealed = envelope.seal(bundle.KIND, codec.encode(fewer), [operator.directive])
    report = verify(members | {bundle.MANIFEST: envelope.encode(sealed)}, pin=operator.pin)
    assert "manifest: the manifest does not list what is in a bundle" == told(report)


def test_what_was_not_checked_cannot_be_left_unsaid(operator):
    members = operator.members()
    old = codec.decode(envelope.decode(members[bundle.MANIFEST]).payload, Manifest)
    silent = structs.replace(old, not_checked=bundle.NOT_CHECKED)
    sealed = envelope.seal(bundle.KIND, codec.encode(silent), [operator.directive])
    report = verify(members | {bundle.MANIFEST: envelope.encode(sealed)}, pin=operator.pin)
    assert "manifest: the manifest does not say what cannot be checked" == told(report)


def test_the_operators_copy_of_a_record_contradicts_or_agrees_and_vouches_for_nothing(operator):
    honest = operator.watched()
    forked = changed(honest, sightings=(changed(honest.sightings[0], root=bytes(32)),))
    for copy, verdict, expected in (
        (honest, Verdict.OK, "by the operator's own copy of a record: 1 checkpoint seen"),
        (forked, Verdict.VIOLATED, "its root was another than this ledger's"),
    ):
        report = verify(operator.members(watched=copy), pin=operator.pin)
        assert expected in told(report, verdict)
        assert verdict is report.verdict
    # What one has asked for oneself counts for more: there a gap is a gap.
    own = verify(operator.members(), pin=operator.pin, own=[honest])
    assert "unwitnessed for 120 minutes in all" in told(own, Verdict.UNKNOWN)


def test_a_read_me_that_says_something_else_is_named(honest, keys):
    members = honest.members | {bundle.READ_ME: b"verify it with our program"}
    report = verify(resigned(members, keys.directive), pin=honest.pin)
    assert "manifest: READ-ME.txt is not what this edition says" == told(report)


def test_a_page_that_says_something_else_is_named(honest, keys):
    forged = honest.members[bundle.PAGE].replace(b"Neviens nav", b"Visi ir")
    assert forged != honest.members[bundle.PAGE]
    members = resigned(honest.members | {bundle.PAGE: forged}, keys.directive, page_as_it_is=True)
    expected = "page: page.html says something else than the other members"
    assert expected == told(verify(members, pin=honest.pin))


def every_tampering(honest, keys):
    """Every bundle that the tables above make, by what was done to it; and the honest one."""
    yield "nothing", honest.members
    for name, change in LEAF_TAMPERINGS.items():
        yield name, replaced(honest.members, bundle.LEAVES, Placed, with_leaf(change))
    for name, (member, type_, change, _) in LEDGER_TAMPERINGS.items():
        yield name, replaced(honest.members, member, type_, change)
    for name, (change, _) in BOOK_TAMPERINGS.items():
        yield name, replaced(honest.members, bundle.BOOKS, Book, change)
    yield "no act", honest.members | {bundle.ACTS: b""}
    yield "no hold", honest.members | {bundle.HOLDS: b""}


@pytest.mark.slow
def test_the_single_file_says_the_same_of_all_of_them(honest, keys, single_file, tmp_path):
    """With Python alone: no package, no C, no environment."""
    for name, tampered in every_tampering(honest, keys):
        members = honest.members if name == "nothing" else resigned(tampered, keys.directive)
        file = tmp_path / "bundle.zip"
        with file.open("wb") as target:
            bundle.write(target, members[bundle.MANIFEST], members)
        done = subprocess.run(
            [
                *(sys.executable, "-I", "-S", single_file, "verify", file),
                *("--pin", honest.pin.hex(), "--json"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        report = verify(members, pin=honest.pin)
        assert (report.verdict.exit_code, "") == (done.returncode, done.stderr), name
        found = [(f["check"], f["verdict"]) for f in json.loads(done.stdout)["findings"]]
        assert [(f.check, f.verdict) for f in report.findings] == found, name
        assert (name == "nothing") == (report.verdict is Verdict.OK)
