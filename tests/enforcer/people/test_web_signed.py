"""A request is a person's only if they signed that very request, just now, and once."""

from base64 import b64decode, b64encode
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from nacl.signing import SigningKey

from enforcer.cli.client import Client
from enforcer.govern import drafts
from enforcer.govern.forms.stores import StoreLines
from enforcer.index.engine import writing
from enforcer.index.policies import publish
from enforcer.web import people_api, signed
from enforcer.web.desk import Desk
from retention import codec, envelope
from retention.calendar import DAY, Instant, civil_date
from retention.errors import RefusedError, SignatureError
from retention.people import Person, Role
from retention.policy import Policy

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
NOW = Instant(1_800_000_000)
ASKED = {"method": "POST", "path": "/v1/holds?a=1", "body": b"{}"}


def policy() -> Policy:
    people = tuple(
        Person(name, (Role.OWNER,), bytes(key.verify_key))
        for name, key in (("anna", KEY), ("ben", OTHER))
    )
    return drafts.first_policy(
        drafts.read(drafts.built_in(), "anna"),
        people=people,
        directive_key=bytes(32),
        ledger_origin="x",
        ledger_key=bytes(32),
        now=NOW,
        today=civil_date(NOW, UTC),
    )


def header(key=KEY, person="anna", now=NOW, **asked: object):
    return signed.authorization(key, person, now=now, **(ASKED | asked))


@pytest.mark.parametrize(
    "other", [{"method": "GET"}, {"path": "/v1/holds?a=2"}, {"path": "/v1/holds"}, {"body": b""}]
)
def test_a_signature_is_for_one_request_only(other):
    with pytest.raises(SignatureError, match="another request"):
        signed.verified(header(), policy(), now=NOW, **(ASKED | other))


@pytest.mark.parametrize(("key", "person"), [(OTHER, "anna"), (KEY, "ben"), (KEY, "carl")])
def test_a_key_signs_for_its_own_person_only(key, person):
    with pytest.raises(SignatureError, match="not signed by a person"):
        signed.verified(header(key, person), policy(), now=NOW, **ASKED)


@pytest.mark.parametrize("seconds", [-signed.VALID_SECONDS, 0, signed.VALID_SECONDS])
def test_who_signed_is_known_for_five_minutes_either_way(seconds):
    person, _ = signed.verified(header(now=Instant(NOW + seconds)), policy(), now=NOW, **ASKED)
    assert "anna" == person.id


@pytest.mark.parametrize("seconds", [-signed.VALID_SECONDS - 1, signed.VALID_SECONDS + 1])
def test_an_older_or_later_one_is_refused_and_the_clock_named(seconds):
    with pytest.raises(SignatureError, match=f"{abs(seconds)} seconds away"):
        signed.verified(header(now=Instant(NOW + seconds)), policy(), now=NOW, **ASKED)


@given(st.one_of(st.text(), st.binary().map(lambda data: "Signed " + b64encode(data).decode())))
def test_whatever_else_stands_in_the_header_is_one_refusal(given):
    with pytest.raises(SignatureError):
        signed.verified(given, policy(), now=NOW, **ASKED)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_bit_of_the_header_may_change(position, flip):
    data = bytearray(b64decode(header().removeprefix("Signed ")))
    data[position % len(data)] ^= flip
    with pytest.raises(SignatureError):
        signed.verified("Signed " + b64encode(data).decode(), policy(), now=NOW, **ASKED)


def test_a_request_counts_once(served, monkeypatch):
    anna: Client = served.person("anna")
    caught = signed.authorization(
        anna.key, "anna", method="GET", path="/v1/stores", body=b"", now=served.clock.now
    )
    monkeypatch.setattr(signed, "authorization", lambda *_, **__: caught)
    anna.get("/v1/stores", StoreLines)
    with pytest.raises(RefusedError, match="made before"):
        anna.get("/v1/stores", StoreLines)


def test_somebody_who_left_the_policy_is_nobody(served):
    stranger = served.person("anna")
    stranger.key = SigningKey.generate()
    with pytest.raises(RefusedError, match="not signed by a person"):
        stranger.get("/v1/stores", StoreLines)


def test_who_asks_while_a_policy_is_published_asks_once_more(served, monkeypatch):
    """By the one before, somebody might decide who may not any more."""
    spend, anna, ben = people_api._spend, served.person("anna"), served.person("ben")

    def published_meanwhile(desk: Desk, nonce: bytes, now: Instant) -> None:
        spend(desk, nonce, now)
        monkeypatch.undo()
        with writing(desk.engine) as connection:
            chain = desk.chains.read(connection)
            effective = civil_date(Instant(now + 30 * DAY), UTC)
            new = structs.replace(
                chain.current,
                version=2,
                previous=chain.head,
                issued_at=now,
                effective_from=effective,
            )
            sealed = envelope.seal("policy", codec.encode(new), [anna.key, ben.key])
            publish(connection, 2, sealed)

    monkeypatch.setattr(people_api, "_spend", published_meanwhile)
    with pytest.raises(RefusedError, match="a new policy was published just now"):
        anna.get("/v1/stores", StoreLines)
    anna.get("/v1/stores", StoreLines)
