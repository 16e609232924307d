"""An honest bundle verifies; whatever is changed in it, by whomever, is found and named."""

import json
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs
from tampering import changed, replaced, resigned, told

from auditor.evidence import Seen
from auditor.findings import Verdict
from auditor.verify import verify
from retention import bundle, codec, envelope, ledger, merkle, note
from retention.bundle import Book, Manifest, Node, Placed, Published
from retention.calendar import Instant, parse_instant
from retention.envelope import Envelope
from retention.ledger import Count, LastHead, Succession, Timing
from retention.note import Checkpoint


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


def with_leaf(change):
    """A tampering: the first certificate is another now."""

    def tamper(placed):
        at = next(n for n, p in enumerate(placed) if b"certificate" in bytes(p.data))
        leaf = change(ledger.decode(bytes(placed[at].data)))
        placed[at] = Placed(placed[at].position, Raw(ledger.encode(leaf)))
        return placed

    return tamper


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
