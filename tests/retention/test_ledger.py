"""Leaves keep their bytes, commitments say nothing without their salt, timing is judged by the rule."""

import hmac
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from retention import codec, envelope, ledger, merkle
from retention.calendar import Instant, Limits
from retention.errors import MalformedError, SignatureError, VerificationError
from retention.ledger import (
    Certificate,
    Count,
    Day,
    Heartbeat,
    ItemRecord,
    LastHead,
    Succession,
    Timing,
)
from retention.people import Person, Role
from retention.policy import Policy

instants = st.integers(0, 2**33).map(Instant)
words = st.text(max_size=12)
dates = st.dates()
counts = st.builds(Count, words, words, st.sampled_from(Timing), st.integers(1, 2**40))
records = st.builds(
    ItemRecord,
    epoch=st.integers(1, 9),
    number=st.integers(1, 2**50),
    source=words,
    anchor=st.none() | instants,
    how=words,
    span=st.integers(0, 10**6),
    seen=instants,
    size=st.integers(0, 2**50),
    fingerprint=st.binary(min_size=16, max_size=16),
    erased_at=instants,
    why=words,
    outcome=words,
)
certificates = st.builds(
    Certificate,
    at=instants,
    store=words,
    record_class=words,
    civil=dates,
    policy=st.integers(1, 99),
    items=st.integers(1, 2**40),
    counts=st.tuples(counts),
    first_on=dates,
    last_on=dates,
    commitments=st.binary(min_size=32, max_size=32),
    salts_until=dates,
    residuals=st.tuples(words),
)
leaves = st.one_of(
    certificates,
    st.builds(Heartbeat, at=instants),
    st.builds(
        Day,
        at=instants,
        day=dates,
        record_class=words,
        ok=st.integers(0, 90_000),
        violated=st.integers(0, 90_000),
        unknown=st.integers(0, 90_000),
        reasons=st.tuples(words),
    ),
    st.builds(
        Succession,
        at=instants,
        approval=st.builds(lambda data: envelope.seal("act", data, []), st.binary(max_size=40)),
    ),
)
SEED = bytes(range(32))


@given(leaves)
def test_every_leaf_comes_back_from_its_bytes(leaf):
    assert leaf == ledger.decode(ledger.encode(leaf))


def test_each_kind_of_leaf_has_its_word():
    found = [
        ledger.kind_of(Heartbeat(at=Instant(1))),
        ledger.kind_of(a_certificate([a_record(1)])),
        ledger.kind_of(Succession(at=Instant(1), approval=envelope.seal("act", b"", []))),
    ]
    assert ["heartbeat", "certificate", "succession"] == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"body":{"at":1,"leaf":"heartbeat"}} ',
        b'{"body":{"leaf":"heartbeat","at":1}}',
        b'{"body":{"at":1,"leaf":"heartbeat","more":2}}',
        b'{"body":{"at":1.0,"leaf":"heartbeat"}}',
        b'{"body":{"at":1,"leaf":"nothing"}}',
    ],
)
def test_bytes_that_no_leaf_is_written_in_are_refused(data):
    with pytest.raises(MalformedError):
        ledger.decode(data)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_a_commitment_is_hmac_sha256(salt, record):
    assert hmac.digest(salt, record, "sha256") == ledger.commitment(salt, record)


@given(st.lists(records, max_size=9))
def test_a_batch_is_the_tree_of_its_commitments(batch):
    hashes = [
        merkle.leaf_hash(hmac.digest(salt, codec.encode(record), "sha256"))
        for salt, record in zip(ledger.salts(SEED, len(batch)), batch, strict=True)
    ]
    assert merkle.root(hashes) == ledger.commit(SEED, batch)


def test_salts_differ_and_do_not_depend_on_how_many_are_asked_for():
    many = ledger.salts(SEED, 1000)
    assert 1000 == len(set(many))
    assert many[:10] == ledger.salts(SEED, 10)
    assert not set(many) & set(ledger.salts(bytes(32), 1000))


def a_record(number):
    return ItemRecord(
        epoch=1,
        number=number,
        source="cam",
        anchor=Instant(1_767_600_000 + number),
        how="exif",
        span=0,
        seen=Instant(1_767_600_100),
        size=30_000,
        fingerprint=number.to_bytes(16, "big"),
        erased_at=Instant(1_772_700_000),
        why="due",
        outcome="erased_verified",
    )


def a_certificate(batch):
    return Certificate(
        at=Instant(1_772_800_000),
        store="terminal-1",
        record_class="terminal-image",
        civil=date(2026, 1, 5),
        policy=1,
        items=len(batch),
        counts=(Count("due", "erased_verified", Timing.IN_TIME, len(batch)),),
        first_on=date(2026, 3, 5),
        last_on=date(2026, 3, 5),
        commitments=ledger.commit(SEED, batch),
        salts_until=date(2026, 6, 3),
        residuals=("blocks",),
    )


BATCH = [a_record(number) for number in range(1, 8)]


@pytest.mark.parametrize("index", range(len(BATCH)))
def test_one_item_can_be_opened_without_its_neighbours(index):
    disclosed = ledger.disclose(SEED, BATCH, index)
    assert BATCH[index] == disclosed.record
    ledger.verify_disclosure(disclosed, a_certificate(BATCH))


@pytest.mark.parametrize("field", ["salt", "record", "index"])
def test_an_opened_item_proves_nothing_else(field):
    disclosed = ledger.disclose(SEED, BATCH, 3)
    other = ledger.disclose(SEED, BATCH, 4)
    changes = {name: getattr(disclosed, name) for name in ("index", "salt", "record", "proof")}
    forged = type(disclosed)(**changes | {field: getattr(other, field)})
    with pytest.raises(VerificationError):
        ledger.verify_disclosure(forged, a_certificate(BATCH))


DAY = 86_400
LEAD = 18 * 3600
TARGET, LIMIT = Instant(100 * DAY), Instant(101 * DAY)
LIMITS = Limits(date(2026, 1, 5), date(2026, 3, 6), Instant(TARGET - LEAD), TARGET, LIMIT)


@pytest.mark.parametrize(
    ("erased_at", "why", "not_before", "expected"),
    [
        (TARGET - LEAD, "due", 0, Timing.IN_TIME),
        (TARGET - LEAD - 1, "due", 0, Timing.EARLY),
        (TARGET - 50 * DAY, "erasure", 0, Timing.IN_TIME),
        (TARGET, "due", 0, Timing.IN_TIME),
        (TARGET + 1, "due", 0, Timing.OVERDUE),
        (LIMIT, "due", 0, Timing.OVERDUE),
        (LIMIT + 1, "due", 0, Timing.PAST_LIMIT),
        (TARGET + 30 * DAY, "due", TARGET + 30 * DAY, Timing.POSTPONED),
        (TARGET + 30 * DAY + LEAD, "due", TARGET + 30 * DAY, Timing.POSTPONED),
        (TARGET + 30 * DAY + LEAD + 1, "due", TARGET + 30 * DAY, Timing.OVERDUE),
        (TARGET + 31 * DAY + LEAD + 1, "due", TARGET + 30 * DAY, Timing.PAST_LIMIT),
        (TARGET, "late", TARGET + 30 * DAY, Timing.IN_TIME),
        (LIMIT + 400 * DAY, "zombie", 0, Timing.RETURNED),
        (TARGET - 20 * DAY, "undated", 0, Timing.IN_TIME),
    ],
)
def test_an_erasure_is_timed_against_its_limits(erased_at, why, not_before, expected):
    assert expected == ledger.timing(erased_at, why, not_before, LIMITS, LEAD)


def test_what_nothing_limits_is_never_due():
    assert Timing.EARLY == ledger.timing(TARGET, "due", 0, None, 0)
    assert Timing.IN_TIME == ledger.timing(TARGET, "erasure", 0, None, 0)


def test_a_succession_needs_two_people_who_may():
    owner, dpo, operator = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
    people = tuple(
        Person(name, (role,), bytes(key.verify_key))
        for name, role, key in (
            ("anna", Role.OWNER, owner),
            ("dace", Role.DPO, dpo),
            ("olaf", Role.OPERATOR, operator),
        )
    )
    policy = Policy(1, None, date(2024, 3, 1), Instant(0), (), (), people, (), "x", ())
    last = LastHead(Instant(5), "the disk died", 7, bytes(32))

    def signed(*keys: SigningKey):
        return envelope.seal("act", codec.encode(last), keys)

    assert last == ledger.last_head(signed(owner, dpo), policy)
    for too_few in (signed(owner), signed(owner, owner), signed(owner, operator)):
        with pytest.raises(SignatureError):
            ledger.last_head(too_few, policy)
