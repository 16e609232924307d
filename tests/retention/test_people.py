"""Taking protection away takes two different people, each with a role that may."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_policy import KEYS, NAMES, PUBLIC, ROLES

from retention import acts
from retention.envelope import Envelope, Signature, key_id, seal
from retention.errors import MalformedError, SignatureError
from retention.people import MAY_SIGN, Person, Role, require_two, signed_by

PEOPLE = tuple(Person(name, roles, PUBLIC[name]) for name, roles in ROLES.items())
KINDS = sorted(MAY_SIGN)

#: Who can put a name to what, written out: the table in the code is not asked here.
ENTITLED = {
    "policy": {"anna", "boris"},
    "release": {"clara", "dace"},
    "erasure": {"clara", "dace"},
    "correction": {"clara", "dace"},
    "lift": {"clara", "dace"},
    "activation": {"boris", "clara", "dace", "fricis"},
    "brake-release": {"boris", "clara", "dace", "fricis"},
    "retirement": {"boris", "clara", "dace", "fricis"},
    "thaw": {"boris", "clara", "dace", "fricis"},
    "restoration": {"boris", "clara", "dace", "fricis"},
    "succession": {"anna", "boris", "dace"},
}


def signed(kind: str, *names: str) -> Envelope:
    return seal("policy" if kind == "policy" else "act", b"words", [KEYS[n] for n in names])


def test_every_act_has_people_who_may_sign_it():
    kinds = {kind.__struct_config__.tag for kind in acts.AnyAct.__args__}

    assert kinds | {"policy", "succession"} == set(MAY_SIGN)
    assert set(ENTITLED) == set(MAY_SIGN)


@pytest.mark.parametrize("kind", KINDS)
def test_two_people_with_the_role_are_enough_and_no_other_two(kind):
    for pair in combinations(NAMES, 2):
        sealed = signed(kind, *pair)
        if set(pair) <= ENTITLED[kind]:
            assert frozenset(pair) == require_two(sealed, kind, PEOPLE)
        else:
            with pytest.raises(SignatureError, match="two different people"):
                require_two(sealed, kind, PEOPLE)


@pytest.mark.parametrize("kind", KINDS)
def test_auditors_and_handlers_take_no_protection_away(kind):
    assert not MAY_SIGN[kind] & {Role.AUDITOR, Role.HANDLER}


@pytest.mark.parametrize("kind", KINDS)
def test_one_person_who_signs_twice_is_one_person(kind):
    name = min(ENTITLED[kind])

    with pytest.raises(SignatureError, match=f"signed so far: {name}"):
        require_two(signed(kind, name, name), kind, PEOPLE)


def test_one_person_with_two_keys_is_one_person():
    twofold = (
        Person("clara", (Role.APPROVER,), PUBLIC["clara"]),
        Person("clara", (Role.APPROVER,), PUBLIC["mallory"]),
    )

    with pytest.raises(SignatureError):
        require_two(signed("release", "clara", "mallory"), "release", twofold)


def test_one_key_under_two_names_is_one_person():
    twofold = (
        Person("clara", (Role.APPROVER,), PUBLIC["clara"]),
        Person("carla", (Role.APPROVER,), PUBLIC["clara"]),
    )

    with pytest.raises(SignatureError):
        require_two(signed("release", "clara", "clara"), "release", twofold)


def test_two_roles_of_one_person_are_one_person():
    [clara] = [Person("clara", (Role.APPROVER, Role.DPO), PUBLIC["clara"])]

    with pytest.raises(SignatureError):
        require_two(signed("release", "clara"), "release", [clara])


def test_a_forged_second_signature_is_tampering():
    [true] = signed("release", "clara").signatures
    [forged] = signed("release", "mallory").signatures
    sealed = Envelope(
        b"words",
        signed("release").payload_type,
        (true, Signature(key_id(PUBLIC["dace"]), forged.sig)),
    )

    with pytest.raises(SignatureError, match="wrong"):
        require_two(sealed, "release", PEOPLE)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"policy"}))
def test_signatures_on_a_policy_approve_no_act(kind):
    with pytest.raises(MalformedError):
        require_two(signed("policy", "boris", "dace"), kind, PEOPLE)


@given(st.sampled_from(KINDS), st.lists(st.sampled_from(NAMES), max_size=4))
def test_exactly_the_entitled_who_signed_are_named(kind, names):
    assert ENTITLED[kind] & set(names) == signed_by(signed(kind, *names), kind, PEOPLE)
