"""What takes protection away: one proposes, another signs, the store carries it out."""

from datetime import date

import pytest
from msgspec import structs
from sqlalchemy import select, update

from agents.engine.talking.uplink import CredentialRefusedError, RetiredError
from enforcer.checkup import fleet
from enforcer.govern import drafts
from enforcer.govern.forms.documents import (
    Document,
    Documents,
    Events,
    PolicyDocuments,
    Proposal,
    Signed,
)
from enforcer.govern.forms.form import Done, Empty
from enforcer.govern.forms.holds import HoldSheet, Placement
from enforcer.govern.forms.items import ItemQuery, ItemSheet, ItemSheets, Restriction
from enforcer.govern.forms.stores import StoreLines
from enforcer.index import tally
from enforcer.index.engine import reading, writing
from enforcer.index.tables import documents, stores
from retention import acts, codec, envelope, policy, report
from retention.acts import (
    Activation,
    BrakeRelease,
    Correction,
    Erasure,
    Lift,
    Release,
    Retirement,
    Thaw,
)
from retention.calendar import DAY, Instant, parse_instant
from retention.errors import ConfigError, RefusedError
from retention.ledger import LastHead
from retention.outcome import Outcome
from retention.people import Role
from retention.reasons import SaltedReason
from retention.wire import Hello

THREE = parse_instant("2026-06-10T03:10:00+03:00")


CLOSED = SaltedReason(bytes(32), "case closed")


def drawn(served, kind, **facts: object):
    """An act as somebody's command draws it up."""
    common = {
        "id": f"{kind.__name__.lower()}-0123456789ab",
        "at": served.clock.now,
        "reason": CLOSED.commitment,
    }
    return kind(**(common | facts))


def propose(served, person, act, *told: SaltedReason):
    me = served.person(person)
    sealed = envelope.seal("act", acts.encode(act), [me.key])
    return me.post("/v1/documents", Proposal(sealed, told or (CLOSED,)), Document)


def sign(served, person, document):
    me = served.person(person)
    found = me.get(f"/v1/documents/{document.id}", Document)
    bare = envelope.Envelope(
        payload=found.envelope.payload, payload_type=found.envelope.payload_type, signatures=()
    )
    signed = Signed(envelope.countersign(bare, me.key))
    return me.post(f"/v1/documents/{document.id}/sign", signed, Document)


def both(served, act, first="aija", second="dana"):
    return sign(served, second, propose(served, first, act))


def held(served, agent):
    """A hold that the store acknowledged, on its only item."""
    form = Placement(id="hold-1", ground="crime", site="brivibas", around="03:10")
    served.person("hugo").post("/v1/holds", form, HoldSheet)
    agent.sight(THREE)
    said = agent.fetch()
    now = served.clock.now
    agent.report(
        report.Held(now, "hold-1", ((1, 1),)),
        report.Acknowledged(now, said.version, ("hold-1",)),
    )


def item(served, name="t-1/1/1"):
    return served.person("dana").get(f"/v1/items/{name}", ItemSheet)


def test_a_release_needs_two_different_people(served):
    agent = served.enrol("t-1")
    held(served, agent)
    proposed = propose(served, "aija", drawn(served, Release, hold="hold-1"))
    assert (proposed.state, proposed.signed_by) == ("proposed", ("aija",))
    assert agent.fetch().acts == ()
    with pytest.raises(RefusedError, match="takes somebody else"):
        sign(served, "aija", proposed)
    approved = sign(served, "dana", proposed)
    assert (approved.state, approved.signed_by) == ("approved", ("aija", "dana"))
    assert approved.waiting_for == ("t-1",)
    (carried,) = agent.obey().acts
    assert acts.approved(carried, agent.chain.current) == drawn(served, Release, hold="hold-1")
    done = served.person("aija").get(f"/v1/documents/{proposed.id}", Document)
    assert done.waiting_for == ()
    assert served.person("aija").get("/v1/documents", Documents).documents == ()


@pytest.mark.parametrize("person", ["hugo", "olga", "uldis", "ivo"])
def test_other_roles_neither_propose_nor_sign_a_release(served, person):
    agent = served.enrol("t-1")
    held(served, agent)
    act = drawn(served, Release, hold="hold-1")
    with pytest.raises(RefusedError, match="takes the role"):
        propose(served, person, act)
    proposed = propose(served, "aija", act)
    with pytest.raises(RefusedError, match="takes the role"):
        sign(served, person, proposed)


def test_a_signature_of_another_key_or_on_other_bytes_is_refused(served):
    agent = served.enrol("t-1")
    held(served, agent)
    act = drawn(served, Release, hold="hold-1")
    aija, dana = served.person("aija"), served.person("dana")
    foreign = envelope.seal("act", acts.encode(act), [dana.key])
    with pytest.raises(RefusedError, match="not signed by aija"):
        aija.post("/v1/documents", Proposal(foreign, (CLOSED,)), Document)
    two = envelope.seal("act", acts.encode(act), [aija.key, dana.key])
    with pytest.raises(RefusedError, match="not signed by aija"):
        aija.post("/v1/documents", Proposal(two, (CLOSED,)), Document)
    proposed = propose(served, "aija", act)
    changed = drawn(served, Release, hold="hold-1", reason="another reason")
    foreign = Signed(envelope.seal("act", acts.encode(act), [served.person("anna").key]))
    with pytest.raises(RefusedError, match="not signed by dana"):
        dana.post(f"/v1/documents/{proposed.id}/sign", foreign, Document)
    other = Signed(envelope.seal("act", acts.encode(changed), [dana.key]))
    with pytest.raises(RefusedError, match="not on release-"):
        dana.post(f"/v1/documents/{proposed.id}/sign", other, Document)


def test_a_proposal_is_made_when_it_is_drawn_up_and_withers_after_a_month(served):
    agent = served.enrol("t-1")
    held(served, agent)
    with pytest.raises(ConfigError, match="another time"):
        propose(served, "aija", drawn(served, Release, hold="hold-1", at=Instant(1)))
    proposed = propose(served, "aija", drawn(served, Release, hold="hold-1"))
    with pytest.raises(RefusedError, match="proposed before"):
        propose(served, "aija", drawn(served, Release, hold="hold-1"))
    served.clock.forward(31 * DAY)
    with pytest.raises(RefusedError, match="more than 30 days ago"):
        sign(served, "dana", proposed)


def test_whoever_lost_the_role_meanwhile_does_not_count(served):
    """Dana approves what anna proposed while she was DPO: that is one person, and a third decides."""
    agent = served.enrol("t-1")
    held(served, agent)
    proposed = propose(served, "anna", drawn(served, Release, hold="hold-1"))
    anna, ivo = served.person("anna"), served.person("ivo")
    chain = policy.follow(anna.get("/v1/policies", PolicyDocuments).policies, anna.pin)
    without = tuple(
        structs.replace(p, roles=(Role.OWNER,)) if p.id == "anna" else p
        for p in chain.current.people
    )
    draft = drafts.successor(chain, now=served.clock.now, today=date(2026, 6, 10), people=without)
    sealed = envelope.seal("policy", codec.encode(draft), [anna.key])
    document = anna.post("/v1/documents", Proposal(sealed, ()), Document)
    sign(served, "ivo", document)
    ivo.post(f"/v1/documents/{document.id}/publish", Empty(), Document)
    once = sign(served, "dana", proposed)
    assert (once.state, once.signed_by) == ("proposed", ("dana",))
    assert agent.fetch().acts == ()
    assert sign(served, "aija", proposed).state == "approved"


def test_a_proposal_can_be_taken_back(served):
    agent = served.enrol("t-1")
    held(served, agent)
    proposed = propose(served, "aija", drawn(served, Release, hold="hold-1"))
    path = f"/v1/documents/{proposed.id}/withdraw"
    with pytest.raises(RefusedError, match="takes the role"):
        served.person("hugo").post(path, Empty(), Document)
    assert served.person("dana").post(path, Empty(), Document).state == "withdrawn"
    with pytest.raises(RefusedError, match="withdrawn already"):
        sign(served, "dana", proposed)


def test_what_waits_for_a_signature_is_not_proposed_once_more(served):
    """Else the one that is not signed would wait for ever: what it asks for has been done."""
    agent = served.enrol("t-1")
    held(served, agent)
    first = propose(served, "aija", drawn(served, Release, hold="hold-1"))
    again = drawn(served, Release, hold="hold-1", id="release-000000000002")
    with pytest.raises(RefusedError, match=f"enforcer approve {first.id}"):
        propose(served, "dana", again)
    served.person("aija").post(f"/v1/documents/{first.id}/withdraw", first, Document)
    assert "approved" == both(served, again, "dana", "aija").state


def test_what_withered_unsigned_is_proposed_anew(served):
    agent = served.enrol("t-1")
    held(served, agent)
    propose(served, "aija", drawn(served, Release, hold="hold-1"))
    served.clock.forward(31 * DAY)
    again = drawn(served, Release, hold="hold-1", id="release-000000000002")
    assert "approved" == both(served, again).state


def test_two_documents_of_a_kind_about_different_things_wait_beside_each_other(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, Instant(THREE + 60))
    for number in (1, 2):
        items = (item(served, f"t-1/1/{number}").reference,)
        erasure = drawn(served, Erasure, items=items, id=f"erasure-{number:012x}")
        assert "proposed" == propose(served, "dana", erasure).state


def test_an_erasure_is_refused_with_the_reason_while_a_hold_stands(served):
    agent = served.enrol("t-1")
    held(served, agent)
    act = drawn(served, Erasure, items=(item(served).reference,))
    with pytest.raises(RefusedError, match="t-1/1/1 is held by hold-1: release that first"):
        propose(served, "aija", act)


def test_an_erasure_proposed_before_a_hold_is_refused_at_the_second_signature(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    proposed = propose(served, "aija", drawn(served, Erasure, items=(item(served).reference,)))
    agent.report(report.Held(served.clock.now, "hold-9", ((1, 1),)))
    with pytest.raises(RefusedError, match="held by hold-9"):
        sign(served, "dana", proposed)


def test_a_hold_that_is_still_on_its_way_stops_an_erasure_too(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, Instant(THREE + 7200))
    form = Placement(id="hold-1", ground="crime", site="brivibas", around="03:10")
    served.person("hugo").post("/v1/holds", form, HoldSheet)
    with pytest.raises(RefusedError, match="t-1/1/1 is held by hold-1"):
        propose(served, "aija", drawn(served, Erasure, items=(item(served).reference,)))
    other = item(served, "t-1/1/2").reference
    assert propose(served, "aija", drawn(served, Erasure, items=(other,))).state == "proposed"


def test_an_approved_erasure_reaches_the_store_of_its_items_only(served):
    agent, other = served.enrol("t-1"), served.enrol("t-2", "Čaka 5")
    agent.sight(THREE)
    both(served, drawn(served, Erasure, items=(item(served).reference,)))
    assert len(agent.fetch().acts) == 1
    assert other.fetch().acts == ()


def test_a_restriction_takes_one_person_and_lifting_it_two_and_a_told_subject(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    form = Restriction("restriction-00000001", ("t-1/1/1",), "request 2026-9")
    served.person("hugo").post("/v1/items/restrict", form, Done)
    said = agent.fetch()
    assert [hold.id for hold in said.holds] == [form.id]
    now = served.clock.now
    agent.report(
        report.Held(now, form.id, ((1, 1),)),
        report.Acknowledged(now, said.version, (form.id,)),
    )
    assert item(served).state == "restricted"
    reference = item(served).reference
    with pytest.raises(RefusedError, match="restricted"):
        propose(served, "aija", drawn(served, Erasure, items=(reference,)))
    late = drawn(served, Lift, items=(reference,), subject_informed_at=Instant(now + DAY))
    with pytest.raises(RefusedError, match="told before"):
        propose(served, "aija", late)
    both(served, drawn(served, Lift, items=(reference,), subject_informed_at=now))
    assert len(agent.fetch().acts) == 1
    assert served.person("aija").get(f"/v1/holds/{form.id}", HoldSheet).released_at == now


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "another start, another class, or both"),
        ({"anchor": Instant(2_000_000_000)}, "in the future"),
        ({"record_class": "holiday-snap"}, "no class 'holiday-snap'"),
    ],
)
def test_a_correction_must_be_one(served, facts, sentence):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    with pytest.raises(ConfigError, match=sentence):
        propose(served, "aija", drawn(served, Correction, items=(item(served).reference,), **facts))


@pytest.mark.parametrize(("words", "error"), [(" ", ConfigError), ("ask 29123456", RefusedError)])
def test_a_reason_is_given_and_has_no_number_of_anybody(served, words, error):
    agent = served.enrol("t-1")
    held(served, agent)
    told = SaltedReason(bytes(32), words)
    act = drawn(served, Release, hold="hold-1", reason=told.commitment)
    with pytest.raises(error, match=r"say why|no personal data"):
        propose(served, "aija", act, told)


@pytest.mark.parametrize(
    "told",
    [
        (),
        (SaltedReason(bytes(32), "Case closed"),),
        (SaltedReason(bytes([1] * 32), "case closed"),),
        (CLOSED,) * 2,
    ],
    ids=["none", "other words", "another salt", "twice"],
)
def test_only_what_the_document_commits_to_is_taken_for_its_reason(served, told):
    agent = served.enrol("t-1")
    held(served, agent)
    sealed = envelope.seal(
        "act", acts.encode(drawn(served, Release, hold="hold-1")), [served.person("aija").key]
    )
    with pytest.raises(RefusedError, match="not those that were signed"):
        served.person("aija").post("/v1/documents", Proposal(sealed, told), Document)


def test_a_reason_in_its_words_is_signed_by_nobody_any_more(served):
    """An earlier version's command draws it up so; and one may still wait for its second signature."""
    agent = served.enrol("t-1")
    held(served, agent)
    act = drawn(served, Release, hold="hold-1", reason="case closed")
    with pytest.raises(ConfigError, match="propose it anew"):
        propose(served, "aija", act)
    proposed = propose(served, "aija", drawn(served, Release, hold="hold-1"))
    earlier = envelope.seal("act", acts.encode(act), [served.person("aija").key])
    with writing(served.engine) as connection:
        connection.execute(update(documents).values(envelope=envelope.encode(earlier)))
    with pytest.raises(ConfigError, match="propose it anew"):
        sign(served, "dana", proposed)


def test_the_words_of_a_reason_are_told_with_their_document_alone(served):
    agent = served.enrol("t-1")
    held(served, agent)
    act = drawn(served, Release, hold="hold-1")
    both(served, act)
    dana = served.person("dana")
    assert (CLOSED,) == dana.get(f"/v1/documents/{act.id}", Document).reasons
    about = dana.get("/v1/history", Events, subject=act.id)
    assert ["propose", "sign"] == [event.verb for event in about.events]
    assert (CLOSED,) == about.document.reasons
    assert dana.get("/v1/history", Events, subject="hold-1").document is None
    (listed_one,) = dana.get("/v1/documents", Documents, all=1).documents
    assert () == listed_one.reasons
    assert b"case closed" not in agent.fetch().acts[0].payload


def test_an_activation_lets_stores_erase(served):
    agent = served.enrol("t-1")
    act = drawn(
        served,
        Activation,
        stores=("t-1",),
        record_class="terminal-image",
        through_ordinal=date(2026, 4, 1).toordinal(),
        count=10,
    )
    assert [line.state for line in listed(served)] == ["observe"]
    both(served, act, "olga", "aija")
    assert [line.state for line in listed(served)] == ["active"]
    assert len(agent.fetch().acts) == 1


def test_a_store_that_was_never_heard_is_not_activated(served):
    agent = served.enrol("t-1")
    with writing(served.engine) as connection:
        connection.execute(update(stores).values(state="invited"))
    act = drawn(
        served, Activation, stores=(agent.store,), record_class="canary", through_ordinal=1, count=1
    )
    with pytest.raises(RefusedError, match="is invited"):
        propose(served, "olga", act)


def test_a_brake_is_released_only_where_one_is_engaged(served):
    agent = served.enrol("t-1")
    act = BrakeRelease(
        id="brake-release-0123456789ab",
        at=served.clock.now,
        reason=CLOSED.commitment,
        store="t-1",
        count=500,
        expires=Instant(served.clock.now + DAY),
    )
    with pytest.raises(RefusedError, match="is not engaged"):
        propose(served, "olga", act)
    beat(agent, brake="500 items are due")
    both(served, act, "olga", "dana")
    assert len(agent.fetch().acts) == 1


def beat(agent, brake=""):
    now = agent.served.clock.now
    agent.report(
        report.Heartbeat(
            at=now,
            booted="b",
            clock_trusted=True,
            clock_offset=0,
            brake=brake,
            frozen=False,
            counts=(),
        )
    )


def test_a_store_is_not_retired_over_what_is_held_there(served):
    agent = served.enrol("t-1")
    held(served, agent)
    with pytest.raises(RefusedError, match="1 items on t-1 are held"):
        propose(served, "olga", drawn(served, Retirement, store="t-1", how="wiped"))
    with pytest.raises(ConfigError, match="not 'sold'"):
        propose(served, "olga", drawn(served, Retirement, store="t-1", how="sold"))
    both(served, drawn(served, Retirement, store="t-1", how="lost"), "olga", "dana")
    assert [(line.state, line.credential) for line in listed(served)] == [("retired", "none")]
    with reading(served.engine) as connection:
        assert tally.unbalanced(connection) == []
        (lost,) = (line for line in tally.sums(connection) if line.state == "lost")
    assert lost.items == 1
    sheet = served.person("hugo").get("/v1/holds/hold-1", HoldSheet)
    assert [store.state for store in sheet.stores] == ["retired"]


def test_the_agent_of_a_retired_store_hears_of_the_act_and_of_nothing_else(served):
    """And nobody waits for it: neither for this act nor for one that it was to carry out."""
    agent = served.enrol("t-1")
    held(served, agent)
    released = both(served, drawn(served, Release, hold="hold-1"))
    assert ("t-1",) == released.waiting_for
    agent.report(report.Freed(served.clock.now, "hold-1", ((1, 1),), served.clock.now))
    act = drawn(served, Retirement, store="t-1", how="wiped")
    assert () == both(served, act, "olga", "dana").waiting_for
    hello = Hello(epoch=agent.epoch, number=0, digest=bytes(32), booted="b")
    for ask in (
        agent.fetch,
        agent.scan,
        lambda: agent.uplink.hello(hello),
        lambda: agent.uplink.prior(0),
    ):
        with pytest.raises(RetiredError, match="store t-1 was retired") as told:
            ask()
        assert act == acts.approved(told.value.retirement, agent.chain.current)
    assert () == served.person("dana").get("/v1/documents", Documents).documents
    served.person("dana").post("/v1/stores/t-1/revoke", Empty(), Done)
    with pytest.raises(CredentialRefusedError):
        agent.fetch()


def test_a_retired_store_that_still_speaks_is_told_of(served):
    """What was wiped has no agent. A day is for whoever retires first and wipes then."""
    agent = served.enrol("t-1")
    both(served, drawn(served, Retirement, store="t-1", how="wiped"), "olga", "dana")

    def told() -> list[str]:
        with pytest.raises(RetiredError):
            agent.fetch()
        with reading(served.engine) as connection:
            found = fleet.examine(connection, agent.chain, served.clock.now)
            return [fact.sentence for fact in found if fact.subject == "stores retired"]

    assert [] == told()
    served.clock.forward(DAY)
    assert [] == told()
    served.clock.forward(60)
    assert ["The agents of t-1 were heard more than a day after that."] == told()


def test_two_boxes_are_thawed_by_two_people(served):
    agent = served.enrol("t-1")
    with pytest.raises(RefusedError, match="is not frozen"):
        propose(served, "olga", drawn(served, Thaw, store="t-1", epoch=1))
    with writing(served.engine) as connection:
        connection.execute(update(stores).values(frozen="two boxes"))
    assert agent.fetch().frozen
    both(served, drawn(served, Thaw, store="t-1", epoch=1), "olga", "dana")
    assert not agent.fetch().frozen


def test_a_ledger_that_lost_its_end_goes_on_by_two_signatures(served):
    head = LastHead(at=served.clock.now, reason=CLOSED.commitment, size=7, root=bytes(32))
    anna = served.person("anna")
    sealed = envelope.seal("act", codec.encode(head), [anna.key])
    proposed = anna.post("/v1/documents", Proposal(sealed, (CLOSED,)), Document)
    assert (proposed.kind, proposed.roles) == ("succession", ("dpo", "owner"))
    assert sign(served, "ivo", proposed).state == "approved"
    served.built.rounds.prove()
    bundle = anna.get_bytes("/v1/bundle", since="2026-06-01", through="2026-06-10")
    assert bundle.startswith(b"PK")


def test_items_are_found_by_place_and_time(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, Instant(THREE + 3600), None)
    query = ItemQuery(site="brivibas", around="03:10")
    found = served.person("hugo").post("/v1/items/find", query, ItemSheets)
    assert [sheet.id for sheet in found.items] == ["t-1/1/3", "t-1/1/1"]
    assert not found.more
    only = ItemQuery(store="t-1", source="cam-side", around="03:10")
    assert served.person("hugo").post("/v1/items/find", only, ItemSheets).items == ()


def test_nobody_finds_what_was_erased(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    agent.report(report.Erased(served.clock.now, ((1, 1),), "erasure", Outcome.ERASED_VERIFIED))
    with pytest.raises(ConfigError, match="no item t-1/1/1, or no more"):
        item(served)


def test_an_act_changes_nothing_before_its_second_signature(served):
    agent = served.enrol("t-1")
    held(served, agent)
    propose(served, "aija", drawn(served, Release, hold="hold-1"))
    with reading(served.engine) as connection:
        states = connection.execute(select(documents.c.state)).scalars().all()
    assert states == ["proposed"]
    sheet = served.person("aija").get("/v1/holds/hold-1", HoldSheet)
    assert sheet.released_at is None


def listed(served):
    return served.person("olga").get("/v1/stores", StoreLines).stores
