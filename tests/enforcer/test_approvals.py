"""Two people's signatures, on the papers alone: whose count, on what, until when, and what is carried."""

from datetime import date
from typing import Any

import pytest
from fleet import CHAIN, NOW, STORE, add_store, place, table
from msgspec import structs
from small_policy import KEYS, next_policy
from sqlalchemy import Engine, update

from enforcer.govern import approvals
from enforcer.govern.papers import EXPIRES_SECONDS
from enforcer.index.engine import reading, writing
from enforcer.index.tables import document_stores, documents, reasons, receipts, stores
from retention import acts, codec, envelope
from retention.acts import AnyAct, Release
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import ConfigError, RefusedError, SignatureError, VerificationError
from retention.reasons import SaltedReason

WHY = SaltedReason(bytes(32), "case closed")
OTHER = "riga-002"
FIRST = "release-0123456789ab"
CLOCK = 15 * 60


@pytest.fixture
def fleet(index: Engine) -> Engine:
    """Two holds: the first on two stores, the other on one of them."""
    for store in (STORE, OTHER):
        add_store(index, store)
    place(index, "hold-1", STORE, OTHER)
    place(index, "hold-2", STORE)
    return index


def release(number: int = 1, **facts: Any) -> Release:
    common = {"id": FIRST, "at": NOW, "reason": WHY.commitment, "hold": f"hold-{number}"}
    return Release(**(common | facts))


def sealed(act: AnyAct, *names: str) -> Envelope:
    return envelope.seal("act", acts.encode(act), [KEYS[name] for name in names])


def propose(
    index: Engine,
    act: AnyAct,
    *signers: str,
    person: str = "clara",
    told: tuple[SaltedReason, ...] = (WHY,),
    now: Instant = NOW,
) -> str:
    document = sealed(act, *(signers or (person,)))
    with writing(index) as connection:
        return approvals.propose(connection, CHAIN, document, told, person=person, now=now)


def sign(
    index: Engine, document: Envelope, person: str = "dace", *, act: str = FIRST, now: Instant = NOW
) -> bool:
    with writing(index) as connection:
        paper = approvals.sign(connection, CHAIN, act, document, person=person, now=now)
    return paper is not None


def listed(index: Engine, *, all_of_them: bool = False) -> list[tuple[str, str, tuple[str, ...]]]:
    with reading(index) as connection:
        found = approvals.listed(connection, CHAIN, all_of_them=all_of_them)
    return [(each.id, each.state, each.waiting_for) for each in found]


@pytest.mark.parametrize("name", ["Release-0123456789ab", "release-0123456", "x-0123456789ab"])
def test_a_document_has_a_name_that_is_none_of_anything_else(fleet: Engine, name: str):
    with pytest.raises(ConfigError, match="cannot name a document"):
        propose(fleet, release(id=name))


@pytest.mark.parametrize("way", [-1, 1])
def test_a_document_is_proposed_within_a_quarter_of_an_hour_by_either_clock(
    fleet: Engine, way: int
):
    with pytest.raises(ConfigError, match="another time"):
        propose(fleet, release(at=Instant(NOW + way * (CLOCK + 1))))
    assert FIRST == propose(fleet, release(at=Instant(NOW + way * CLOCK)))


@pytest.mark.parametrize(
    ("person", "signers"),
    [("clara", ("dace",)), ("clara", ("clara", "dace")), ("edgars", ()), ("mallory", ())],
)
def test_who_proposes_signs_it_alone_and_may(fleet: Engine, person: str, signers: tuple[str, ...]):
    with pytest.raises(SignatureError, match=f"not signed by {person}"):
        propose(fleet, release(), *signers, person=person)
    assert [] == listed(fleet, all_of_them=True)


@pytest.mark.parametrize("told", [(), (SaltedReason(bytes(32), "other words"),), (WHY, WHY)])
def test_the_words_of_a_reason_are_those_it_commits_to(
    fleet: Engine, told: tuple[SaltedReason, ...]
):
    with pytest.raises(VerificationError, match="not those that were signed"):
        propose(fleet, release(), told=told)


def test_what_could_not_be_carried_out_is_not_proposed(fleet: Engine):
    with pytest.raises(ConfigError, match="no hold is called 'hold-9'"):
        propose(fleet, release(9))


def test_a_name_is_used_once_also_where_only_a_receipt_is_left(fleet: Engine):
    propose(fleet, release())
    with pytest.raises(RefusedError, match="was proposed before"):
        propose(fleet, release(2))
    with writing(fleet) as connection:
        connection.execute(reasons.delete())
        connection.execute(documents.delete())
        connection.execute(receipts.insert().values(id=FIRST, approved_at=NOW, receipt=b""))
    with pytest.raises(RefusedError, match="was proposed before"):
        propose(fleet, release(2))
    with pytest.raises(ConfigError, match="only its receipt is kept"):
        sign(fleet, sealed(release(), "dace"))


def test_what_waits_is_proposed_once_and_what_withered_or_was_taken_back_again(fleet: Engine):
    propose(fleet, release())
    twin = release(id="release-000000000002", reason=SaltedReason(bytes(32), "again").commitment)
    again = (SaltedReason(bytes(32), "again"),)
    with pytest.raises(RefusedError, match=f"{FIRST} asks for the same"):
        propose(fleet, twin, told=again)
    propose(fleet, release(2, id="release-000000000003"))
    late = Instant(NOW + EXPIRES_SECONDS)
    with pytest.raises(RefusedError, match=f"{FIRST} asks for the same"):
        propose(fleet, structs.replace(twin, at=late), told=again, now=late)
    later = Instant(late + 1)
    propose(fleet, structs.replace(twin, at=later), told=again, now=later)
    with writing(fleet) as connection:
        approvals.withdraw(connection, twin.id, later)
    propose(fleet, release(id="release-000000000004", at=later), now=later)


def test_a_second_person_signs_what_the_first_did_and_it_is_carried_to_its_stores(fleet: Engine):
    propose(fleet, release())
    with pytest.raises(RefusedError, match="clara has signed release-"):
        sign(fleet, sealed(release(), "clara"), "clara")
    with pytest.raises(VerificationError, match="not on release-"):
        sign(fleet, sealed(release(2), "dace"))
    other_type = structs.replace(sealed(release(), "dace"), payload_type="application/x")
    with pytest.raises(VerificationError, match="not on release-"):
        sign(fleet, other_type)
    for signers in (("clara",), ("edgars",), ("clara", "dace")):
        with pytest.raises(SignatureError, match="not signed by dace"):
            sign(fleet, sealed(release(), *signers))
    with pytest.raises(SignatureError, match="not signed by edgars"):
        sign(fleet, sealed(release(), "edgars"), "edgars")
    assert [(FIRST, "proposed", ())] == listed(fleet)
    assert {None} == {at for (at,) in table(fleet, "holds", "released_at")}
    assert sign(fleet, sealed(release(), "dace"), now=Instant(NOW + 60))
    assert [(FIRST, "approved", (STORE, OTHER))] == listed(fleet)
    assert [("hold-1", NOW + 60), ("hold-2", None)] == table(fleet, "holds", "id", "released_at")
    assert [(FIRST, OTHER), (FIRST, STORE)] == sorted(
        table(fleet, "document_stores", "document", "store"), key=lambda row: row[1], reverse=True
    )
    with pytest.raises(RefusedError, match="is approved already"):
        sign(fleet, sealed(release(), "clara"), "clara")


def test_a_document_can_be_signed_for_thirty_days(fleet: Engine):
    propose(fleet, release())
    propose(fleet, release(2, id="release-000000000002"))
    last = Instant(NOW + EXPIRES_SECONDS)
    with pytest.raises(RefusedError, match="more than 30 days ago"):
        sign(fleet, sealed(release(), "dace"), now=Instant(last + 1))
    with pytest.raises(RefusedError, match="more than 30 days ago"), writing(fleet) as connection:
        approvals.withdraw(connection, FIRST, Instant(last + 1))
    assert sign(fleet, sealed(release(), "dace"), now=last)
    states = [("release-000000000002", "proposed"), (FIRST, "approved")]
    assert states == table(fleet, "documents", "id", "state")


def test_what_could_not_be_carried_out_any_more_is_not_signed(fleet: Engine):
    propose(fleet, release())
    with writing(fleet) as connection:
        connection.exec_driver_sql("UPDATE holds SET released_at = 1 WHERE id = 'hold-1'")
    with pytest.raises(RefusedError, match="was released already"):
        sign(fleet, sealed(release(), "dace"))


def test_a_paper_is_open_until_each_store_in_service_has_heard_of_it(fleet: Engine):
    propose(fleet, release())
    sign(fleet, sealed(release(), "dace"))
    later = Instant(NOW + 1)
    propose(fleet, release(2, id="release-000000000002", at=later), now=later)
    with writing(fleet) as connection:
        heard = document_stores.c.store == STORE
        connection.execute(update(document_stores).where(heard).values(acknowledged_at=NOW))
    newest = ("release-000000000002", "proposed", ())
    assert [newest, (FIRST, "approved", (OTHER,))] == listed(fleet)
    with writing(fleet) as connection:
        connection.execute(update(stores).where(stores.c.id == OTHER).values(state="retired"))
        approvals.withdraw(connection, "release-000000000002", later)
    assert [] == listed(fleet)
    done = [("release-000000000002", "withdrawn", ()), (FIRST, "approved", ())]
    assert done == listed(fleet, all_of_them=True)


def test_only_the_next_policy_is_signed_and_only_when_two_owners_did_it_is_published(
    fleet: Engine,
):
    draft = next_policy(CHAIN, issued_at=NOW, effective_from=date(2026, 3, 17))

    def bare(**changes: Any) -> Envelope:
        return envelope.seal("policy", codec.encode(structs.replace(draft, **changes)), [])

    def by(name: str, **changes: Any) -> Envelope:
        return envelope.countersign(bare(**changes), KEYS[name])

    for changes in ({"version": 3}, {"previous": bytes(32)}):
        with (
            pytest.raises(VerificationError, match="propose it anew"),
            writing(fleet) as connection,
        ):
            approvals.propose(connection, CHAIN, by("anna", **changes), (), person="anna", now=NOW)
    with writing(fleet) as connection:
        name = approvals.propose(connection, CHAIN, by("anna"), (), person="anna", now=NOW)
    with pytest.raises(RefusedError, match="no policy that two"), writing(fleet) as connection:
        approvals.publish(connection, CHAIN, name)
    assert sign(fleet, by("boris"), "boris", act=name)
    assert [(name, "approved", ())] == listed(fleet)
    assert [] == table(fleet, "document_stores")
    with writing(fleet) as connection:
        assert 2 == approvals.publish(connection, CHAIN, name)
    assert [] == listed(fleet)
    propose(fleet, release())
    sign(fleet, sealed(release(), "dace"))
    for other in (name, FIRST):
        with pytest.raises(RefusedError, match="no policy that two"), writing(fleet) as connection:
            approvals.publish(connection, CHAIN, other)


def test_what_is_not_there_is_said_to_be_not_there(fleet: Engine):
    with reading(fleet) as connection:
        assert approvals.found(connection, CHAIN, FIRST) is None
        with pytest.raises(ConfigError, match="no document is called"):
            approvals.shown(connection, CHAIN, FIRST)
    propose(fleet, release())
    with reading(fleet) as connection:
        assert approvals.found(connection, CHAIN, "release-000000000002") is None
        shown = approvals.found(connection, CHAIN, FIRST)
    assert shown is not None
    assert (("clara",), ("approver", "dpo"), (WHY,)) == (
        shown.signed_by,
        shown.roles,
        shown.reasons,
    )
