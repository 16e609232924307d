"""The real enforcer in hostile hands: its index edited by hand, its keys used, its answers changed.

Nothing early goes, nothing under an acknowledged hold; what is due still goes in time (I1, I2, I12).
What a liar need not have the real enforcer for is in `test_siege`.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from model.hijack import DUE, HOUR, IMAGE, LIVE, Siege
from msgspec.structs import replace
from nacl.signing import SigningKey
from sqlalchemy import select
from world import KEYS, LEDGER, LEDGER_KEY, RIGA, STORE, at, signed_act, signed_policy

from enforcer.index import tables
from retention import acts, envelope
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Restoration,
    Retirement,
    Thaw,
)
from retention.calendar import DAY, Instant, civil_date
from retention.directive import LAST_BY_CLOCK, Directive, Due
from retention.hold import StoreHold
from retention.note import Checkpoint, sign_note
from retention.policy import Migration
from retention.wire import Fetched, Welcome

LONG_AGO = at("2025-06-01 10:00")
#: Of the interval of a hold: everything that was ever recorded.
EVER = (Instant(0), Instant(2**33 - 1))


@pytest.fixture
def siege(memory_path: Path) -> Siege:
    return Siege(memory_path)


# Holds are forgotten, narrowed, ended.


def holds_are_deleted(siege: Siege) -> None:
    siege.enforcer.edit(*(f"DELETE FROM {t}" for t in ("hold_stores", "held_items", "holds")))


def holds_are_released_and_let_go(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE holds SET released_at = 1", "UPDATE hold_stores SET freed_at = 1")


def holds_are_released_just_now(siege: Siege) -> None:
    now = siege.true.now
    siege.enforcer.edit(
        f"UPDATE holds SET released_at = {now}", f"UPDATE hold_stores SET freed_at = {now}"
    )


def holds_hold_nothing(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE holds SET begins = 1, ends = 0, scope = '{}'")


def holds_are_another_stores(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE hold_stores SET store = 'riga-002'")


def a_hold_is_over_that_was_never_there(siege: Siege) -> None:
    """Else it would give everything a day of grace that never ends."""
    _hold_besides(siege, lambda now: StoreHold("over", *EVER, released_at=Instant(now + 400 * DAY)))


def another_hold_is_over_every_time(siege: Siege) -> None:
    """Else everything would be in its day of grace for ever."""
    _hold_besides(siege, lambda now: StoreHold(f"over-{now}", *EVER, released_at=now))


# Documents that nobody approved, or that were approved once.


def acts_that_nobody_signed(siege: Siege) -> None:
    for act in _acts(siege):
        siege.enforcer.forge(act)


def acts_that_one_person_signed_twice(siege: Siege) -> None:
    for act in _acts(siege):
        siege.enforcer.forge(act, "anna", "anna")


def acts_by_somebody_who_may_not_and_somebody_unknown(siege: Siege) -> None:
    for act in _acts(siege):
        siege.enforcer.forge(act, "anna", "edgars")
        siege.enforcer.insert(signed_act(act, "anna", "mallory"), f"{act.id}b")


def the_approved_release_is_of_another_hold_now(siege: Siege) -> None:
    """Its signatures stay, its words are exchanged: in the very row that was approved."""
    true = _document(siege, "release-00000001")
    words = acts.encode(Release(id="r", at=siege.true.now, reason="test", hold="hold-held"))
    siege.enforcer.insert(replace(true, payload=words), "r")


def what_was_carried_out_is_told_again(siege: Siege) -> None:
    """The release of yesterday does not release what somebody has held anew today."""
    siege.hold("hold-anew", DUE)
    siege.live()
    siege.enforcer.approve(
        Release(id="release-00000002", at=siege.true.now, reason="x", hold="hold-anew")
    )
    siege.live()
    siege.enforcer.edit("UPDATE document_stores SET acknowledged_at = NULL")


def the_hold_has_the_name_of_a_released_one(siege: Siege) -> None:
    """The index calls the standing hold as one that two people released."""
    siege.enforcer.edit(
        "DELETE FROM hold_stores WHERE hold = 'hold-held'",
        "UPDATE document_stores SET acknowledged_at = NULL",
        "UPDATE holds SET begins = (SELECT begins FROM holds WHERE id = 'hold-held'),"
        " ends = (SELECT ends FROM holds WHERE id = 'hold-held') WHERE id = 'hold-closed'",
    )


# The policy.


def the_policy_has_a_next_version_by_one_owner(siege: Siege) -> None:
    _next_policy(siege, "anna")


def the_policy_has_a_next_version_by_no_owner(siege: Siege) -> None:
    _next_policy(siege, "dace", "edgars")


def the_row_of_the_policy_is_another(siege: Siege) -> None:
    sealed = envelope.encode(_shorter(siege, "anna", version=1, previous=None))
    siege.enforcer.edit(f"UPDATE policies SET envelope = x'{sealed.hex()}'")


def there_is_no_policy(siege: Siege) -> None:
    siege.enforcer.edit("DELETE FROM policies")


def the_policy_has_a_row_of_rubbish(siege: Siege) -> None:
    siege.enforcer.edit("INSERT INTO policies VALUES (2, x'00')")


# What is due, and how old that is.


def everything_is_due(siege: Siege) -> None:
    siege.enforcer.direct(due=_due("0001-01-01", "9999-12-31"))


def what_is_due_is_of_1970(siege: Siege) -> None:
    siege.enforcer.direct(due=_due("1970-01-01", "1970-12-31"))


def nothing_is_due(siege: Siege) -> None:
    siege.enforcer.direct(due=())


def a_directive_of_yesterday(siege: Siege) -> None:
    known = siege.box.agent.catalogue.value("SELECT directive FROM agent")
    siege.hold("hold-since", LIVE)
    siege.live()
    sealed = envelope.decode(known)
    siege.enforcer.lies[Fetched] = lambda fetched: replace(fetched, directive=sealed)


def versions_begin_anew(siege: Siege) -> None:
    """What the index says of the version told before is from long ago, and so is the clock."""
    siege.enforcer.edit("UPDATE stores SET directive_version = 0, directive_digest = NULL")
    siege.enforcer.twist(lambda said: replace(said, version=1, holds=()))


def a_directive_of_the_future(siege: Siege) -> None:
    far = Instant(siege.true.now + 3650 * DAY)
    siege.enforcer.direct(issued_at=far, expires_at=far, holds=(), due=())


def a_version_after_which_there_is_none(siege: Siege) -> None:
    """It would lock out whoever directs afterwards, for ever."""
    siege.enforcer.direct(version=2**53 - 1, holds=())


def a_directive_of_another_key(siege: Siege) -> None:
    key = SigningKey.generate()

    def lie(fetched: Fetched) -> Fetched:
        sealed = envelope.seal("directive", fetched.directive.payload, [key, LEDGER_KEY])
        return replace(fetched, directive=sealed)

    siege.enforcer.lies[Fetched] = lie


# Stores: their epochs, their cursors, what is said of them.


def the_cursor_is_at_the_beginning(siege: Siege) -> None:
    siege.enforcer.edit(
        "UPDATE stores SET applied = 0, digest = zeroblob(32), last_item = 0",
        *(f"DELETE FROM {t}" for t in ("log_marks", "items", "tallies", "totals", "held_items")),
    )


def the_epoch_is_another(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET epoch = 5, thawed = 1")


def the_agent_has_to_begin_anew(siege: Siege) -> None:
    """And nobody tells it of the holds: one of them it can only know by heart."""
    holds_are_deleted(siege)
    _begin_anew(siege)


def it_begins_anew_every_day_and_holds_are_over(siege: Siege) -> None:
    _hold_besides(siege, lambda now: StoreHold("over", *EVER, released_at=Instant(now + 400 * DAY)))
    the_agent_has_to_begin_anew(siege)


def it_begins_anew_and_hears_that_its_holds_are_over(siege: Siege) -> None:
    """They are said to have been longer, so that there is something new to be heard of them."""
    holds_are_released_just_now(siege)
    siege.enforcer.edit("UPDATE holds SET begins = begins - 1")
    _begin_anew(siege)


def it_begins_anew_with_forged_evidence(siege: Siege) -> None:
    """By the evidence of an earlier epoch everything was recorded long ago."""
    _forge_evidence(siege)
    the_agent_has_to_begin_anew(siege)


def there_is_forged_evidence_of_an_earlier_epoch(siege: Siege) -> None:
    """A copy comes, which could be dated by it."""
    young = siege.ground.root / "front" / "20260301-120000.jpg"
    _forge_evidence(siege)
    siege.restart()
    siege.live()
    siege.ground.put("copies/again.jpg", young.read_bytes())
    siege.files = siege.there


def it_begins_anew_in_another_group(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET store_group = 'canaries'")
    siege.enforcer.lies[Welcome] = lambda welcome: replace(welcome, group="canaries", prior=True)
    the_agent_has_to_begin_anew(siege)


def the_store_never_was_active(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET state = 'observe'", "DELETE FROM documents")


def the_store_is_retired(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET state = 'retired'")


def the_index_was_restored_for_ever(siege: Siege) -> None:
    siege.enforcer.edit(
        "UPDATE stores SET restored = 1",
        "CREATE TRIGGER for_ever AFTER UPDATE OF restored ON stores WHEN NOT new.restored"
        " BEGIN UPDATE stores SET restored = 1; END",
    )


def the_credential_is_revoked(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET secret_hash = NULL")


def every_table_is_empty(siege: Siege) -> None:
    siege.enforcer.edit(*(f"DELETE FROM {t.name}" for t in tables.metadata.sorted_tables))


def nobody_answers(siege: Siege) -> None:
    siege.enforcer.stop()


# The ledger, and what is said of all stores.


def the_ledger_is_written_anew(siege: Siege) -> None:
    text = Checkpoint(LEDGER, 1, bytes(32)).encode()
    note = sign_note(text, LEDGER, LEDGER_KEY)
    siege.enforcer.lies[Fetched] = lambda fetched: replace(
        fetched, checkpoint=note, consistency=(bytes(32),)
    )


def the_ledger_goes_on_by_our_own_word(siege: Siege) -> None:
    the_ledger_is_written_anew(siege)
    lie = siege.enforcer.lies[Fetched]
    forged = envelope.seal("act", b"{}", [LEDGER_KEY, KEYS["mallory"]])
    siege.enforcer.lies[Fetched] = lambda fetched: replace(lie(fetched), succession=forged)


def all_is_said_to_be_well(siege: Siege) -> None:
    siege.enforcer.edit(
        "DELETE FROM standings",
        f"INSERT INTO standings VALUES ('{IMAGE}', 'ok', 0, NULL)",
        "UPDATE tallies SET items = 0",
        "UPDATE totals SET items = 0",
        "UPDATE items SET anchor = 0, civil = 1, state = 'present', base = NULL",
    )


# What the agent says to it, as far as it is told anything that it refuses.

ATTACKS: dict[Callable[[Siege], None], str] = {
    holds_are_deleted: "",
    holds_are_released_and_let_go: "",
    holds_are_released_just_now: "",
    holds_hold_nothing: "",
    holds_are_another_stores: "",
    a_hold_is_over_that_was_never_there: "",
    another_hold_is_over_every_time: "",
    acts_that_nobody_signed: "two different people",
    acts_that_one_person_signed_twice: "two different people",
    acts_by_somebody_who_may_not_and_somebody_unknown: "two different people",
    the_approved_release_is_of_another_hold_now: "is wrong",
    what_was_carried_out_is_told_again: "",
    the_hold_has_the_name_of_a_released_one: "",
    the_policy_has_a_next_version_by_one_owner: "policy-refused",
    the_policy_has_a_next_version_by_no_owner: "policy-refused",
    the_row_of_the_policy_is_another: "cannot reach the enforcer",
    there_is_no_policy: "cannot reach the enforcer",
    the_policy_has_a_row_of_rubbish: "cannot reach the enforcer",
    everything_is_due: "",
    what_is_due_is_of_1970: "",
    nothing_is_due: "",
    a_directive_of_yesterday: "older than",
    versions_begin_anew: "older than",
    a_directive_of_the_future: "",
    a_version_after_which_there_is_none: "leaves no version",
    a_directive_of_another_key: "signed by no key",
    the_cursor_is_at_the_beginning: "",
    the_epoch_is_another: "",
    the_agent_has_to_begin_anew: "",
    it_begins_anew_every_day_and_holds_are_over: "",
    it_begins_anew_and_hears_that_its_holds_are_over: "",
    it_begins_anew_with_forged_evidence: "",
    there_is_forged_evidence_of_an_earlier_epoch: "",
    it_begins_anew_in_another_group: "",
    the_store_never_was_active: "",
    the_store_is_retired: "shows no act by which two people did so",
    the_index_was_restored_for_ever: "was restored",
    the_credential_is_revoked: "credential",
    every_table_is_empty: "cannot reach the enforcer",
    nobody_answers: "cannot reach the enforcer",
    the_ledger_is_written_anew: "ledger-refused",
    the_ledger_goes_on_by_our_own_word: "ledger-refused",
    all_is_said_to_be_well: "",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_goes_early_nothing_held_goes_and_what_is_due_goes_in_time(
    siege: Siege, attack: Callable[[Siege], None]
):
    siege.until(siege.limits.due_at - DAY)
    limits = siege.limits
    attack(siege)
    assert siege.files == siege.until(limits.due_at - 1), "early"
    assert siege.kept == siege.until(limits.must_be_gone_by - HOUR), "an hour before our own target"
    assert siege.kept == siege.until(limits.outer_bound + 3 * DAY), "and nothing else ever goes"
    assert any(ATTACKS[attack] in said for said in siege.heard), siege.heard


@pytest.mark.parametrize(
    "attack",
    [
        a_directive_of_another_key,
        there_is_no_policy,
        the_index_was_restored_for_ever,
        the_credential_is_revoked,
        every_table_is_empty,
    ],
    ids=lambda attack: attack.__name__,
)
def test_without_a_directive_that_can_be_believed_what_is_due_goes_an_hour_before_the_limit(
    siege: Siege, attack: Callable[[Siege], None]
):
    limits = siege.limits
    siege.until(limits.due_at - 5 * DAY)
    attack(siege)
    assert siege.files == siege.until(limits.outer_bound - HOUR - 1)
    assert siege.kept == siege.until(limits.outer_bound - HOUR)
    assert siege.kept == siege.until(limits.outer_bound + 3 * DAY)


def the_directive_freezes(siege: Siege) -> None:
    siege.enforcer.direct(frozen=True)


def the_index_freezes(siege: Siege) -> None:
    siege.enforcer.edit("UPDATE stores SET frozen = 'two boxes speak with this identity'")


@pytest.mark.parametrize(
    "attack", [the_directive_freezes, the_index_freezes], ids=lambda attack: attack.__name__
)
def test_a_freeze_keeps_everything_and_the_agent_itself_says_so_all_the_time(
    siege: Siege, attack: Callable[[Siege], None]
):
    """To hold everything takes one person as well: who can keep shows, he is not overruled."""
    siege.until(siege.limits.due_at - DAY)
    attack(siege)
    assert siege.files == siege.until(siege.limits.outer_bound + DAY)
    assert "two boxes" in siege.box.agent.waiting


@pytest.mark.parametrize("version", [LAST_BY_CLOCK, 2**53 - 1])
def test_who_directs_after_a_hijacker_is_heard_whatever_version_that_one_told(
    siege: Siege, version: int
):
    siege.enforcer.direct(version=version)
    for _ in range(3):
        siege.live()
    siege.enforcer.lies.clear()
    siege.hold("hold-since", LIVE)
    for _ in range(3):
        siege.live()
    with siege.enforcer.reading() as connection:
        c = tables.hold_stores.c
        told = select(c.effective_at).where(c.hold == "hold-since")
        assert connection.execute(told).scalar_one()


# Helpers of a hijacker.


def _hold_besides(siege: Siege, make: Callable[[Instant], StoreHold]) -> None:
    def change(said: Directive) -> Directive:
        return replace(said, holds=(*said.holds, make(said.issued_at)))

    siege.enforcer.twist(change)


def _forge_evidence(siege: Siege) -> None:
    for number, item in enumerate(siege.items(), start=900):
        siege.enforcer.edit(
            f"INSERT INTO prior_items VALUES ('{STORE}', {number}, '{IMAGE}', 1, 'front',"
            f" x'{item.fingerprint.hex()}', {LONG_AGO}, {LONG_AGO}, 1, 0, NULL)"
        )


def _begin_anew(siege: Siege) -> None:
    """The index knows entries that the agent never wrote, and so its state seems to be an old one."""
    siege.enforcer.edit(
        "UPDATE stores SET applied = applied + 1000, digest = zeroblob(32)", "DELETE FROM log_marks"
    )
    siege.restart()


def _due(since: str, through: str) -> tuple[Due, ...]:
    dates = date.fromisoformat(since), date.fromisoformat(through)
    return (Due(IMAGE, 1, *dates), Due("canary", 1, *dates))


def _document(siege: Siege, name: str) -> envelope.Envelope:
    with siege.enforcer.reading() as connection:
        c = tables.documents.c
        data = connection.execute(select(c.envelope).where(c.id == name)).scalar_one()
    return envelope.decode(data)


def _shorter(siege: Siege, *names: str, **changes: object) -> envelope.Envelope:
    """A policy by which everything is kept for a day, what was recorded before included."""
    with siege.enforcer.reading() as connection:
        chain = siege.enforcer.chains.read(connection)
    classes = tuple(replace(each, period="P1D") for each in chain.current.classes)
    facts = {
        "version": 2,
        "previous": chain.head,
        "classes": classes,
        "effective_from": civil_date(siege.true.now, RIGA),
        "issued_at": siege.true.now,
        "migrations": (Migration(IMAGE, 1, "hurry"),),
    }
    return signed_policy(replace(chain.current, **(facts | changes)), *names)


def _next_policy(siege: Siege, *names: str) -> None:
    """It stands in the index, and is served by an enforcer that does not look at it."""
    sealed = _shorter(siege, *names)
    siege.enforcer.lies[Fetched] = lambda fetched: replace(fetched, policies=(sealed,))


def _acts(siege: Siege) -> list[AnyAct]:
    """Whatever two people could do to hurry a deletion, or to stop it."""
    now, items = siege.true.now, siege.items()
    facts = {"at": now, "reason": "hurry"}
    return [
        Release(id="f-release-held", hold="hold-held", **facts),
        Release(id="f-release-moved", hold="hold-moved", **facts),
        Erasure(id="f-erasure", items=items, **facts),
        Correction(id="f-earlier", items=items, anchor=LONG_AGO, **facts),
        Correction(id="f-later", items=items, anchor=now, **facts),
        Correction(id="f-class", items=items, record_class="canary", **facts),
        Lift(id="f-lift", items=items, subject_informed_at=now, **facts),
        Restoration(id="f-restoration", store=STORE, since=LONG_AGO, **facts),
        BrakeRelease(id="f-brake", store=STORE, count=1000, expires=Instant(now + DAY), **facts),
        Retirement(id="f-retirement", store=STORE, how="wiped", **facts),
        Thaw(id="f-thaw", store=STORE, epoch=1, **facts),
        Activation(
            id="f-activation",
            stores=(STORE,),
            record_class="canary",
            through_ordinal=770_000,
            count=1000,
            **facts,
        ),
    ]
