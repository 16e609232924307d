"""Erasures at the wrong time, and what is there although it should not be, are told; what may excuse them, too."""

from datetime import date

import pytest
from tampering import replaced, resigned, told

from auditor.findings import Verdict
from auditor.verify import verify
from retention import bundle, envelope, exceptions
from retention.acts import Activation
from retention.calendar import parse_instant
from retention.envelope import Envelope
from retention.ledger import Certificate, Count, Timing


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
