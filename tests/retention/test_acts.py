"""What two people sign: verified by whoever carries it out, against the policy it has itself."""

from datetime import date
from itertools import combinations_with_replacement

import msgspec
import pytest
from altered import a_change, taken_for
from any_document import documents
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policy import IMAGE, KEYS, NAMES, PUBLIC, begun, continued, signed_act

from retention import acts, codec, envelope
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
from retention.calendar import Instant
from retention.errors import MalformedError, SignatureError
from retention.hold import ItemRef
from retention.people import MAY_SIGN, Person, Role
from retention.policy import Chain

NOW = Instant(1_773_135_000)
ITEM = ItemRef("riga-001", 1, 7, "front", NOW, NOW, b"f" * 16)
FACTS = {"id": "act-1", "at": NOW, "reason": "the case is closed"}
ACTS = {
    "release": Release(**FACTS, hold="hold-1"),
    "erasure": Erasure(**FACTS, items=(ITEM,)),
    "correction": Correction(**FACTS, items=(ITEM,), anchor=NOW, record_class=IMAGE),
    "lift": Lift(**FACTS, items=(ITEM,), subject_informed_at=NOW),
    "activation": Activation(
        **FACTS,
        stores=("riga-001",),
        record_class=IMAGE,
        through_ordinal=date(2026, 3, 1).toordinal(),
        count=100,
    ),
    "brake-release": BrakeRelease(**FACTS, store="riga-001", count=100, expires=NOW),
    "retirement": Retirement(**FACTS, store="riga-001", how="wiped"),
    "thaw": Thaw(**FACTS, store="riga-001", epoch=1),
    "restoration": Restoration(**FACTS, store="riga-001", since=Instant(1_767_000_000)),
}
kinds = pytest.mark.parametrize("kind", sorted(ACTS))


def test_every_kind_of_act_is_tried_here():
    assert set(AnyAct.__args__) == {type(act) for act in ACTS.values()}


@kinds
def test_an_act_knows_its_kind_and_says_it(kind):
    assert kind == acts.kind_of(ACTS[kind])
    assert f'"act":"{kind}"'.encode() in acts.encode(ACTS[kind])


@kinds
def test_two_people_who_may_approve_it_and_nobody_else_does(kind):
    policy = begun().current
    may = {p.id for p in policy.people if MAY_SIGN[kind] & set(p.roles)}

    for names in combinations_with_replacement(NAMES, 2):
        sealed = signed_act(ACTS[kind], *names)
        if len(may & set(names)) == 2:
            assert ACTS[kind] == acts.approved(sealed, policy)
        else:
            with pytest.raises(SignatureError):
                acts.approved(sealed, policy)


def test_somebody_who_left_the_policy_approves_nothing_any_more():
    before = begun()
    people = tuple(p for p in before.current.people if p.id != "clara")
    after = continued(before, people=people)
    act = signed_act(ACTS["release"], "clara", "dace")

    assert ACTS["release"] == acts.approved(act, before.current)
    with pytest.raises(SignatureError):
        acts.approved(act, after.current)


def test_signatures_on_one_act_approve_no_other():
    release = signed_act(ACTS["release"])
    moved = msgspec.structs.replace(release, payload=acts.encode(ACTS["erasure"]))

    with pytest.raises(SignatureError, match="wrong"):
        acts.approved(moved, begun().current)


def test_a_document_of_another_kind_is_no_act():
    payload = acts.encode(ACTS["release"])
    for kind in ("policy", "directive", "request"):
        sealed = envelope.seal(kind, payload, [KEYS["clara"], KEYS["dace"]])
        with pytest.raises(MalformedError):
            acts.approved(sealed, begun().current)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b'{"body":{}}',
        b'{"body":{"act":"amnesty","at":1,"id":"x","reason":""}}',
        b'{"body":{"act":"release","at":1,"id":"x","reason":""}}',
        codec.encode(ITEM),
        codec.encode(ACTS["release"]),
        acts.encode(ACTS["release"]) + b" ",
        acts.encode(ACTS["correction"]).replace(b'"anchor":1773135000', b'"anchor":-1'),
        acts.encode(ACTS["correction"]).replace(b'"anchor":1773135000', b'"anchor":8589934592'),
        acts.encode(ACTS["activation"]).replace(b'"count":100', b'"count":-1'),
        acts.encode(ACTS["activation"]).replace(b'"count":100', b'"count":9223372036854775808'),
        acts.encode(ACTS["release"]).replace(b'"act-1"', b'"' + b"x" * 65 + b'"'),
    ],
)
def test_what_is_no_act_is_malformed(payload):
    with pytest.raises(MalformedError):
        acts.decode(payload)


@kinds
@settings(max_examples=40)
@given(st.data())
def test_an_act_travels_unchanged_and_altered_it_is_another(kind, data):
    act = data.draw(documents(type(ACTS[kind])))
    known = acts.encode(act)
    altered = data.draw(a_change(known))

    assert act == acts.decode(known)
    assert known == altered or not taken_for(act, altered, acts.decode)


@given(st.data())
def test_an_altered_approval_approves_nothing_else(data):
    known = envelope.encode(signed_act(ACTS["erasure"]))
    altered = data.draw(a_change(known))
    try:
        found = acts.approved(envelope.decode(altered), begun().current)
    except (MalformedError, SignatureError):
        return

    assert ACTS["erasure"] == found


# --- acts of the past ----------------------------------------------------------------------------


def renewed(people: tuple[Person, ...], issued_at: int) -> Chain:
    facts = {"issued_at": Instant(issued_at), "effective_from": date(2026, 3, 10)}
    return continued(begun(), people=people, **facts)


def test_who_approved_an_act_of_the_past_is_judged_by_the_policy_of_its_time():
    later = tuple(
        Person(p.id, (Role.AUDITOR,), p.public_key) if p.id == "clara" else p
        for p in begun().current.people
    )
    chain = renewed(later, NOW + 1)

    assert {"clara", "dace"} == acts.approvers(signed_act(ACTS["release"]), chain)


def test_an_act_may_be_signed_after_the_next_policy_brought_a_signer():
    people = (*begun().current.people, Person("mallory", (Role.APPROVER,), PUBLIC["mallory"]))
    act = signed_act(ACTS["release"], "dace", "mallory")

    assert {"dace", "mallory"} == acts.approvers(act, renewed(people, NOW + 1))
    with pytest.raises(SignatureError):
        acts.approvers(act, begun())


def test_an_act_drawn_up_after_its_signer_left_was_approved_by_nobody():
    people = tuple(p for p in begun().current.people if p.id != "clara")

    with pytest.raises(SignatureError):
        acts.approvers(signed_act(ACTS["release"]), renewed(people, NOW))
