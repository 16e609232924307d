"""An enforcer in hostile hands, with every online key: nothing early goes, nothing held, and what
is due still goes in time (I1, I2, I12)."""

from collections.abc import Callable

import msgspec
import pytest
from nacl.signing import SigningKey
from world import GROUP, STORE, World, at, first_policy, signed_act, signed_policy

from retention import codec, envelope
from retention.acts import (
    Activation,
    AnyAct,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Retirement,
    Thaw,
)
from retention.calendar import DAY, Instant
from retention.directive import Due
from retention.errors import RetentionError
from retention.hold import ItemRef, StoreHold
from retention.report import Sighted
from retention.wire import PriorItem, Welcome

OLD = at("2026-01-14 12:00")  # due since 2026-03-14; the world's day is 2026-03-16
YOUNG = at("2026-03-10 12:00")


def item(world: World, number: int) -> ItemRef:
    sighted = [e for e in world.centre.entries() if isinstance(e, Sighted)][number - 1]
    return ItemRef(
        STORE,
        world.centre.epoch,
        sighted.item,
        sighted.source,
        Instant(sighted.anchor - sighted.before),
        Instant(sighted.anchor + sighted.after),
        sighted.fingerprint,
    )


@pytest.fixture
def held(world: World) -> World:
    """One old picture under an acknowledged hold, one young one, and an activated store."""
    world.record(OLD)
    world.record(YOUNG)
    world.activate()
    world.centre.holds.append(StoreHold("hold-1", Instant(OLD - 60), Instant(OLD + 60)))
    world.cycle()
    assert 2 == len(world.files())
    return world


def days_pass(world: World, days: int = 2) -> None:
    for _ in range(days):
        world.true.pass_(DAY)
        world.cycle()


def acts(world: World) -> dict[str, AnyAct]:
    common = {"at": world.true.now, "reason": "forged"}
    return {
        "release": Release(id="f1", hold="hold-1", **common),
        "erasure": Erasure(id="f2", items=(item(world, 1), item(world, 2)), **common),
        "correction": Correction(
            id="f3", items=(item(world, 2),), anchor=at("2025-06-01 12:00"), **common
        ),
        "lift": Lift(
            id="f4", items=(item(world, 1),), subject_informed_at=world.true.now, **common
        ),
        "brake-release": BrakeRelease(
            id="f5", store=STORE, count=10**6, expires=Instant(world.true.now + DAY), **common
        ),
    }


def test_a_hold_that_is_left_out_of_later_directives_still_holds(held: World):
    held.centre.holds.clear()
    days_pass(held, 5)
    assert 2 == len(held.files())


@pytest.mark.parametrize("kind", ["release", "erasure", "correction", "lift", "brake-release"])
@pytest.mark.parametrize(
    "signers",
    [("anna",), ("anna", "anna"), ("anna", "edgars"), ("mallory", "edgars"), ("boris", "edgars")],
    ids="+".join,
)
def test_an_act_without_two_people_who_may_sign_it_does_nothing(
    held: World, kind: str, signers: tuple[str, ...]
):
    held.centre.acts.append(signed_act(acts(held)[kind], *signers))
    days_pass(held)
    assert 2 == len(held.files())
    assert "two different people" in held.agent.obedience.refused


def test_an_act_whose_bytes_were_changed_after_signing_does_nothing(held: World):
    signed = signed_act(acts(held)["release"])
    other = msgspec.structs.replace(signed, payload=signed.payload.replace(b"forged", b"forgot"))
    held.centre.acts.append(other)
    days_pass(held)
    assert 2 == len(held.files())
    assert "is wrong" in held.agent.obedience.refused


def test_the_enforcers_own_keys_sign_no_act(held: World):
    payload = signed_act(acts(held)["release"]).payload
    sealed = envelope.seal("act", payload, [held.centre.key, SigningKey.generate()])
    held.centre.acts.append(sealed)
    days_pass(held)
    assert 2 == len(held.files())


def test_an_act_is_carried_out_once_however_often_it_is_served(held: World):
    """A release of yesterday does not release the hold that was placed again today."""
    held.sign(Release(id="r1", at=held.true.now, reason="closed", hold="hold-1"))
    held.sweep()
    held.centre.holds[:] = [StoreHold("hold-2", Instant(OLD - 60), Instant(OLD + 60))]
    held.sweep()
    days_pass(held, 3)
    assert 2 == len(held.files())


@pytest.mark.parametrize("through", ["2026-12-31", "9999-12-31"])
def test_a_cut_off_in_the_future_lets_nothing_go_early(held: World, through: str):
    due = msgspec.convert(
        {
            "record_class": "terminal-image",
            "policy": 1,
            "since": "0001-01-01",
            "through": through,
        },
        Due,
    )
    held.centre.due = (due,)
    held.cycle()
    assert 2 == len(held.files())


@pytest.mark.parametrize("due", [(), "1970"], ids=["none", "1970"])
def test_a_cut_off_in_the_past_delays_what_is_due_until_an_hour_before_our_target_and_no_longer(
    world: World, due: object
):
    world.activate()
    world.record(at("2026-01-17 12:00"))  # due 2026-03-17 04:00 UTC, own target 22:00 UTC
    day = {"record_class": "terminal-image", "policy": 1, "since": "0001-01-01"}
    dues = () if due == () else (msgspec.convert({**day, "through": "1970-01-01"}, Due),)
    world.centre.due = dues
    world.true.now = Instant(at("2026-03-17 21:00") - 1)
    world.cycle()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.cycle()
    assert set() == world.files()


def test_an_old_directive_served_again_is_refused_and_what_is_due_goes_all_the_same(
    world: World,
):
    world.activate()
    world.record(at("2026-01-17 12:00"))  # due 2026-03-17 04:00 UTC, own target 22:00 UTC
    world.cycle()
    old = world.centre.directive(world.true.now)
    world.true.pass_(3600)
    world.cycle()
    world.centre.directive = lambda _now: old  # type: ignore[method-assign]
    with pytest.raises(RetentionError, match="older than"):
        world.agent.exchange.consult()
    world.true.now = at("2026-03-17 20:59")
    world.cycle()
    assert 1 == len(world.files())
    world.true.now = at("2026-03-17 21:00")
    world.cycle()
    assert set() == world.files()


def test_another_enforcers_directive_is_refused(held: World):
    held.centre.key = SigningKey.generate()
    with pytest.raises(RetentionError, match="signed by no key"):
        held.agent.exchange.consult()


def forged_policy(world: World, change: Callable[[dict], dict], *names: str) -> None:
    known = msgspec.to_builtins(first_policy(), builtin_types=(bytes,))
    head = codec.digest(world.centre.policies[-1].payload)
    changed = change({**known, "version": 2, "previous": head})
    document = msgspec.convert(changed, type(first_policy()), builtin_types=(bytes,))
    world.centre.policies.append(signed_policy(document, *names))


@pytest.mark.parametrize("signers", [("anna",), ("anna", "mallory"), ("dace", "edgars")])
def test_a_policy_that_two_owners_did_not_sign_shortens_nothing(
    held: World, signers: tuple[str, ...]
):
    def shorter(policy: dict) -> dict:
        classes = [{**c, "period": "P1D"} for c in policy["classes"]]
        return {**policy, "classes": classes}

    forged_policy(held, shorter, *signers)
    days_pass(held)
    assert 2 == len(held.files())
    assert 1 == held.agent.chain().current.version


def test_a_store_that_nobody_activated_cannot_be_activated_by_the_enforcer(world: World):
    world.record(OLD)
    act = Activation(
        id="a1",
        at=world.true.now,
        reason="forged",
        stores=(STORE,),
        record_class="terminal-image",
        through_ordinal=800_000,
        count=10**6,
    )
    world.centre.acts.append(signed_act(act, "anna"))
    days_pass(world)
    assert 1 == len(world.files())


def test_an_activation_of_another_store_activates_nothing_here(world: World):
    world.record(OLD)
    act = Activation(
        id="a1",
        at=world.true.now,
        reason="theirs",
        stores=("riga-002",),
        record_class="terminal-image",
        through_ordinal=800_000,
        count=10**6,
    )
    world.sign(act)
    days_pass(world)
    assert 1 == len(world.files())


def test_a_ledger_head_that_nobody_may_sign_is_noticed_and_the_store_goes_on(held: World):
    real = held.centre.fetch

    def shrunk(**asked: object) -> object:
        return msgspec.structs.replace(real(**asked), checkpoint="another ledger\n1\nAAAA\n")

    held.centre.fetch = shrunk  # type: ignore[method-assign]
    held.cycle()
    assert "" != held.agent.exchange.ledger_refused
    assert 2 == len(held.files())


def lie_about_earlier_epochs(world: World) -> None:
    """Tell, by the fingerprint of the young one, that an earlier epoch had dated it a year ago."""
    sighted = [e for e in world.centre.entries() if isinstance(e, Sighted)]
    [young] = [e for e in sighted if e.anchor == YOUNG]
    told = PriorItem(1, young.fingerprint, "front", at("2025-03-10 12:00"), at("2025-03-10 12:00"))
    world.centre.earlier[:] = [told]


def test_evidence_of_an_earlier_epoch_that_never_was_dates_no_copy_of_what_is_here(world: World):
    young = world.record(YOUNG)
    world.activate()
    world.cycle()
    lie_about_earlier_epochs(world)
    world.crash()
    world.agent.exchange.greet()
    world.write("copies/again.jpg", young.read_bytes(), mtime=YOUNG)
    days_pass(world, 3)
    assert 2 == len(world.files())


def test_an_epoch_begun_by_force_forgets_no_hold_and_dates_nothing_earlier(held: World):
    lie_about_earlier_epochs(held)
    centre = held.centre
    centre.holds.clear()
    centre.epoch, centre.lines = centre.epoch + 1, []
    centre.hello = lambda _: Welcome(  # type: ignore[method-assign]
        centre.epoch, len(centre.lines), centre._digest(), GROUP, prior=True
    )
    held.crash()
    held.agent.exchange.greet()
    days_pass(held, 3)
    assert 2 == len(held.files())
    assert {OLD, YOUNG} == {a for (a,) in held.agent.catalogue.rows("SELECT anchor FROM items")}


@pytest.mark.parametrize("named", ["riga-002", STORE])
def test_forged_acts_about_the_store_itself_let_nothing_go_and_stop_nothing(
    world: World, named: str
):
    """Retired by one person, it would erase no more; thawed, two boxes would."""
    world.activate()
    world.record(OLD)
    common = {"at": world.true.now, "reason": "forged", "store": named}
    for act in (Retirement(id="f6", how="lost", **common), Thaw(id="f7", epoch=99, **common)):
        world.centre.acts.append(signed_act(act, "anna"))
    days_pass(world)
    assert set() == world.files()
