"""What the registers in a bundle say: acts, holds, lists of exceptions, re-scans, records of a witness."""

from datetime import date

import pytest
from tampering import changed, replaced, resigned, told

from auditor.findings import Verdict
from auditor.verify import verify
from retention import bundle, codec, envelope, exceptions
from retention.calendar import parse_instant
from retention.envelope import Envelope
from retention.exceptions import Exceptions, Reason


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
