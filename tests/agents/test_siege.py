"""A siege of a terminal: one attack after another by an enforcer that has all its online keys.

It has the keys of directives and of the ledger. It has nobody's personal key, so it can delay, and
let go what is due and was never held; it can neither hurry anything nor touch what is held.
"""

import msgspec
import pytest
from msgspec.structs import replace
from nacl.signing import SigningKey
from world import (
    DIRECTIVE_KEY,
    GROUP,
    KEYS,
    RIGA,
    STORE,
    World,
    at,
    first_policy,
    signed_act,
    signed_policy,
)

from retention import acts, codec, envelope
from retention.acts import Activation, BrakeRelease, Correction, Erasure, Lift, Release, Thaw
from retention.calendar import DAY, Instant, civil_date
from retention.directive import Directive, Due
from retention.errors import RetentionError
from retention.hold import ItemRef, StoreHold
from retention.people import Person, Role
from retention.policy import Migration, Policy
from retention.report import Sighted
from retention.wire import Fetched, PriorItem, Welcome

DUE = at("2026-01-20 10:00")
LIVE = at("2026-03-01 10:00")
HELD = at("2026-01-05 10:00")
FILES = {"front/20260120-120000.jpg", "front/20260301-120000.jpg", "front/20260105-120000.jpg"}
HOUR = 3600

ACTIVATION = "the one true activation"


class Siege:
    """A terminal whose enforcer turns hostile a day before a picture of its is due."""

    def __init__(self, world: World) -> None:
        self.world = world
        limits = world.centre.chain.limits_of("terminal-image", civil_date(DUE, RIGA))
        assert limits is not None
        self.limits = limits

    def live(self) -> None:
        """A turn of everything, whatever the enforcer answers."""
        for turn in (self.world.scan, self.world.sweep, self.world.report):
            try:
                turn()
            except RetentionError:
                continue

    def until(self, instant: int) -> set[str]:
        """Live until then, a turn every few hours and one at that instant."""
        while self.world.true.now < instant:
            self.world.true.now = Instant(min(self.world.true.now + 9 * HOUR, instant))
            self.live()
        return self.world.files()

    def items(self) -> tuple[ItemRef, ...]:
        """Every item of the store, named well enough for any act."""
        return tuple(
            ItemRef(STORE, 1, e.item, e.source, e.anchor - 5, e.anchor + 5, e.fingerprint)
            for e in self.world.centre.entries()
            if isinstance(e, Sighted) and e.anchor is not None
        )


@pytest.fixture
def siege(world: World) -> Siege:
    for moment in (DUE, LIVE, HELD):
        world.record(moment)
    world.activate()
    world.centre.holds.append(StoreHold("h", Instant(HELD - 60), Instant(HELD + 60)))
    world.centre.leaves = [b"one", b"two", b"three"]
    world.true.now = Instant(world.due_at(DUE) - DAY)
    world.cycle()
    assert FILES == world.files()
    assert "h" in world.books().effective
    return Siege(world)


def _twisted(siege: Siege, **fields: object) -> None:
    """The directive says something else, well signed."""

    def twist(fetched: Fetched) -> Fetched:
        said = codec.decode(fetched.directive.payload, Directive)
        return replace(fetched, directive=siege.world.centre.seal(replace(said, **fields)))

    siege.world.centre.twist = twist


def _everything(since: str, through: str) -> tuple[Due, ...]:
    days = (msgspec.convert(since, type=Due.__annotations__["since"]), through)
    return (Due("terminal-image", 1, days[0], msgspec.convert(through, type(days[0]))),)


def holds_are_omitted(siege: Siege) -> None:
    siege.world.centre.holds.clear()


def holds_are_emptied(siege: Siege) -> None:
    siege.world.centre.holds[:] = [StoreHold("h", Instant(1), Instant(0))]


def everything_is_called_due(siege: Siege) -> None:
    siege.world.centre.due = _everything("0001-01-01", "9999-12-31")


def nothing_is_called_due(siege: Siege) -> None:
    siege.world.centre.due = ()


def only_1970_is_called_due(siege: Siege) -> None:
    siege.world.centre.due = _everything("1970-01-01", "1970-12-31")


def the_future_is_called_due(siege: Siege) -> None:
    siege.world.centre.due = _everything("2027-01-01", "2999-01-01")


def acts_of_one_person(siege: Siege) -> None:
    for act in _acts(siege):
        siege.world.sign(act, "anna")
        siege.world.sign(act, "anna", "anna")


def acts_of_the_wrong_roles(siege: Siege) -> None:
    for act in _acts(siege):
        siege.world.sign(act, "anna", "edgars")  # a handler places holds and ends none
        siege.world.sign(act, "boris", "edgars")
        siege.world.sign(act, "anna", "mallory")


def acts_of_the_enforcers_own_keys(siege: Siege) -> None:
    keys = [DIRECTIVE_KEY, SigningKey(b"ledger".ljust(32, b"."))]
    for act in _acts(siege):
        siege.world.centre.acts.append(envelope.seal("act", acts.encode(act), keys))


def acts_with_other_bytes(siege: Siege) -> None:
    """An old act of two people, its payload exchanged for another one under the same signatures."""
    true = siege.world.centre.acts[0]
    for act in _acts(siege):
        siege.world.centre.acts.append(replace(true, payload=acts.encode(act)))


def acts_of_another_kind_of_document(siege: Siege) -> None:
    for act in _acts(siege):
        sealed = envelope.seal("policy", acts.encode(act), [KEYS["anna"], KEYS["dace"]])
        siege.world.centre.acts.append(replace(sealed, payload_type=siege_type(siege)))


def siege_type(siege: Siege) -> str:
    return siege.world.centre.acts[0].payload_type


def an_old_act_again_under_another_id(siege: Siege) -> None:
    true = siege.world.centre.acts[0]
    act = acts.decode(true.payload)
    other = acts.encode(replace(act, id="another", count=10**6))
    siege.world.centre.acts += [true, true, replace(true, payload=other)]


def acts_by_the_people_of_another_policy(siege: Siege) -> None:
    """A chain of its own, in which two of the enforcer's creatures may sign everything."""
    creatures = {name: SigningKey(name.encode().ljust(32, b"!")) for name in ("x", "y")}
    people = tuple(
        Person(name, (Role.OWNER, Role.DPO, Role.APPROVER), bytes(key.verify_key))
        for name, key in creatures.items()
    )
    forged = replace(first_policy(period="P1D"), people=people)
    sealed = envelope.seal("policy", codec.encode(forged), list(creatures.values()))
    siege.world.centre.twist = lambda fetched: replace(fetched, policies=(sealed,))
    for act in _acts(siege):
        signed = envelope.seal("act", acts.encode(act), list(creatures.values()))
        siege.world.centre.acts.append(signed)


def a_next_policy_that_one_owner_signed(siege: Siege) -> None:
    _next_policy(siege, "anna")


def a_next_policy_that_owners_did_not_sign(siege: Siege) -> None:
    _next_policy(siege, "dace", "edgars")


def a_next_policy_that_follows_another(siege: Siege) -> None:
    _next_policy(siege, "anna", "boris", previous=bytes(32))


def the_first_policy_once_more(siege: Siege) -> None:
    first = siege.world.centre.policies[0]
    siege.world.centre.twist = lambda fetched: replace(fetched, policies=(first, first))


def the_ledger_shrinks(siege: Siege) -> None:
    del siege.world.centre.leaves[1:]


def the_ledger_is_another(siege: Siege) -> None:
    siege.world.centre.leaves[0] = b"uno"


def the_ledger_is_gone(siege: Siege) -> None:
    siege.world.centre.leaves.clear()


def an_old_directive_over_and_over(siege: Siege) -> None:
    known = siege.world.agent.catalogue.value("SELECT directive FROM agent")
    siege.world.centre.twist = lambda fetched: replace(fetched, directive=envelope.decode(known))


def a_directive_from_before_the_hold(siege: Siege) -> None:
    said = siege.world.centre.directive(siege.world.true.now)
    old = siege.world.centre.seal(replace(said, version=said.version - 10**6, holds=()))
    siege.world.centre.twist = lambda fetched: replace(fetched, directive=old)


def a_directive_for_another_store(siege: Siege) -> None:
    _twisted(siege, store="riga-002", due=_everything("0001-01-01", "9999-12-31"))


def a_directive_from_1970(siege: Siege) -> None:
    _twisted(siege, issued_at=Instant(0), expires_at=Instant(1), holds=())


def a_directive_that_never_ages(siege: Siege) -> None:
    _twisted(siege, issued_at=Instant(10**11), expires_at=Instant(10**12), holds=())


def numbers_beyond_any_database(siege: Siege) -> None:
    huge = Instant(10**30)
    _twisted(siege, version=10**30, holds=(StoreHold("x", huge, huge),))


def a_hold_whose_id_fits_in_no_log(siege: Siege) -> None:
    _twisted(siege, holds=(StoreHold("x" * 1000, Instant(0), Instant(1)),))


def another_epoch_in_the_directive(siege: Siege) -> None:
    _twisted(siege, epoch=7)


def a_new_epoch_with_forged_evidence(siege: Siege) -> None:
    """The agent is made to begin anew, and told that all it has was recorded long ago."""
    centre = siege.world.centre
    forged = [
        PriorItem(n, ref.fingerprint, "front", at("2025-06-01 10:00"), at("2025-06-01 10:00"))
        for n, ref in enumerate(siege.items(), start=1)
    ]
    centre._renew()
    centre.earlier = forged
    centre.holds.clear()
    honest = centre.hello
    centre.hello = lambda hello: replace(  # type: ignore[method-assign]
        honest(replace(hello, epoch=None)) if hello.epoch != centre.epoch else honest(hello),
        group="canaries",
        prior=True,
    )
    siege.world.crash()


def a_welcome_that_knows_more_than_was_said(siege: Siege) -> None:
    centre = siege.world.centre
    centre.hello = lambda _: Welcome(1, 10**30, bytes(32), GROUP)  # type: ignore[method-assign]
    siege.world.crash()


def it_hangs_up_on_everything(siege: Siege) -> None:
    siege.world.centre.away = True


def _next_policy(siege: Siege, *names: str, previous: bytes | None = None) -> None:
    """All is kept for a day only, what was recorded before included."""
    centre = siege.world.centre
    document: Policy = replace(
        first_policy(period="P1D"),
        version=2,
        previous=centre.chain.head if previous is None else previous,
        effective_from=at_date(siege),
        issued_at=siege.world.true.now,
        migrations=(Migration("terminal-image", 1, "hurry"),),
    )
    sealed = signed_policy(document, *names)
    centre.twist = lambda fetched: replace(fetched, policies=(sealed,))


def at_date(siege: Siege) -> object:
    return civil_date(siege.world.true.now, RIGA)


def _acts(siege: Siege) -> list[acts.AnyAct]:
    """Whatever two people could do to hurry a deletion."""
    now, items = siege.world.true.now, siege.items()
    facts = {"at": now, "reason": "hurry"}
    return [
        Release(id="a1", hold="h", **facts),
        Erasure(id="a2", items=items, **facts),
        Correction(id="a3", items=items, anchor=at("2025-06-01 10:00"), **facts),
        Lift(id="a4", items=items, subject_informed_at=now, **facts),
        Thaw(id="a5", store=STORE, epoch=1, **facts),
        BrakeRelease(id="a6", store=STORE, count=10**6, expires=Instant(now + DAY), **facts),
        Activation(
            id="a7",
            stores=(STORE,),
            record_class="contact-centre-call",
            through_ordinal=10**6,
            count=10**6,
            **facts,
        ),
    ]


ATTACKS = [
    holds_are_omitted,
    holds_are_emptied,
    everything_is_called_due,
    nothing_is_called_due,
    only_1970_is_called_due,
    the_future_is_called_due,
    acts_of_one_person,
    acts_of_the_wrong_roles,
    acts_of_the_enforcers_own_keys,
    acts_with_other_bytes,
    acts_of_another_kind_of_document,
    an_old_act_again_under_another_id,
    acts_by_the_people_of_another_policy,
    a_next_policy_that_one_owner_signed,
    a_next_policy_that_owners_did_not_sign,
    a_next_policy_that_follows_another,
    the_first_policy_once_more,
    the_ledger_shrinks,
    the_ledger_is_another,
    the_ledger_is_gone,
    an_old_directive_over_and_over,
    a_directive_from_before_the_hold,
    a_directive_for_another_store,
    a_directive_from_1970,
    a_directive_that_never_ages,
    numbers_beyond_any_database,
    a_hold_whose_id_fits_in_no_log,
    another_epoch_in_the_directive,
    a_new_epoch_with_forged_evidence,
    a_welcome_that_knows_more_than_was_said,
    it_hangs_up_on_everything,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_goes_early_nothing_held_goes_and_what_is_due_still_goes_in_time(
    siege: Siege, attack: object
):
    attack(siege)
    assert FILES == siege.until(siege.limits.due_at - 1), "early"
    left = siege.until(siege.limits.must_be_gone_by - HOUR)
    assert FILES - {"front/20260120-120000.jpg"} == left, "an hour before our own target it goes"
    assert left == siege.until(siege.limits.outer_bound + 3 * DAY), "and nothing else ever does"
    assert 3 == len(siege.world.told().live) + len(siege.world.told().ended)


LIES = {
    "1970": -at("2026-03-18 00:00"),
    "40 days ago": -40 * DAY,
    "an hour ago": -HOUR,
    "in an hour": HOUR,
    "in 40 days": 40 * DAY,
    "in ten years": 3650 * DAY,
    "beyond any clock": 10**30,
    "before all clocks": -(10**30),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_about_the_time_stops_deletion_loudly_and_hurries_nothing_even_later(
    siege: Siege, lie: int
):
    siege.world.centre.lie = lie
    assert FILES == siege.until(siege.limits.due_at - 1)
    siege.world.record(siege.world.true.now)
    siege.live()
    siege.world.crash()  # the lie outlives the process, and a boot
    siege.world.clock.reboot(off=60)
    siege.live()
    assert not siege.world.agent.time.trusted or abs(lie) > 10**29
    siege.world.centre.lie = 0
    left = siege.until(siege.limits.must_be_gone_by - HOUR)
    assert "front/20260120-120000.jpg" not in left
    assert 3 == len(left), "neither held, nor live, nor what came while it lied"
    new = [item for item in siege.world.books().live.values() if item.anchor > LIVE + DAY]
    assert [True] == [abs(item.anchor - siege.limits.due_at) < DAY for item in new], (
        "and none of it is dated by the lie"
    )


def test_a_directive_that_is_refused_is_told_also_where_the_sweep_goes_on_without(siege: Siege):
    centre, agent = siege.world.centre, siege.world.agent
    old = centre.seal(centre.directive(Instant(siege.world.true.now - DAY)))
    siege.live()
    centre.twist = lambda fetched: replace(fetched, directive=old)
    siege.live()
    assert ["directive-refused"] == list(agent.notes())
    assert "" == agent.waiting
    centre.twist = None
    siege.live()
    assert [] == list(agent.notes())


def test_what_is_amiss_is_told_in_words(siege: Siege):
    for attack in (acts_of_one_person, the_ledger_shrinks):
        attack(siege)
    first = siege.world.centre.policies[0]
    siege.world.centre.twist = lambda fetched: replace(fetched, policies=(first,))
    siege.live()
    siege.world.agent.heartbeat()
    siege.live()
    notes = siege.world.books().beat.notes
    assert ("ledger-refused", "policy-refused", "act-refused") == notes
    siege.world.centre.twist = None
    del siege.world.centre.acts[1:]
    siege.world.centre.leaves += [b"two", b"three", b"four"]
    siege.live()
    siege.world.agent.heartbeat()
    siege.live()
    assert () == siege.world.books().beat.notes


def test_an_act_is_carried_out_once_however_often_and_however_many_times_it_is_told(siege: Siege):
    world = siege.world
    activation = signed_act(
        Activation(
            id=ACTIVATION,
            at=world.true.now,
            reason="test",
            stores=(STORE,),
            record_class="terminal-image",
            through_ordinal=civil_date(DUE, RIGA).toordinal(),
            count=5,
        )
    )
    world.centre.acts += [activation, activation, activation]
    world.cycle()
    world.cycle()
    grants = world.agent.catalogue.rows("SELECT act, items FROM grants")
    assert [("act-1", 1000), (ACTIVATION, 5)] == grants


def test_acts_for_another_store_mean_nothing_here(siege: Siege):
    world = siege.world
    world.sign(
        BrakeRelease(
            id="b",
            at=world.true.now,
            reason="x",
            store="riga-002",
            count=10**6,
            expires=Instant(world.true.now + DAY),
        )
    )
    world.sign(
        acts.Retirement(id="r", at=world.true.now, reason="x", store="riga-002", how="wiped")
    )
    world.cycle()
    assert "" == world.agent.catalogue.value("SELECT frozen FROM agent")
    assert [("act-1",)] == world.agent.catalogue.rows("SELECT act FROM grants")


@pytest.mark.parametrize(
    ("store", "signers"), [(STORE, ("anna",)), ("riga-002", ("anna", "dace"))], ids=["one", "other"]
)
def test_a_store_that_two_people_did_not_activate_erases_nothing(
    world: World, store: str, signers: tuple[str, ...]
):
    path = world.record(HELD)
    act = Activation(
        id="a1",
        at=world.true.now,
        reason="forged",
        stores=(store,),
        record_class="terminal-image",
        through_ordinal=800_000,
        count=10**6,
    )
    world.sign(act, *signers)
    world.cycle()
    world.true.pass_(DAY)
    world.cycle()
    assert path.exists()
