"""What people's decisions tell of a recording does not outlast it: markers are planted and looked for
in the database's very bytes (I8). The receipt stays, and is what the bundle had shown before."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
import small_policy
from fleet import CHAIN, NOW, STORE, Log, add_store, sight, table
from nacl.signing import SigningKey
from sqlalchemy import Engine, insert, update

from enforcer.govern import shedding
from enforcer.govern.papers import EXPIRES_SECONDS
from enforcer.index import tables
from enforcer.index.engine import reading, scrub, writing
from enforcer.index.scope import Scope
from enforcer.inspection import extracts
from retention import acts, codec, envelope
from retention.acts import Correction, Erasure, Lift, Release
from retention.calendar import DAY, Instant
from retention.hold import ItemRef
from retention.numbers import Keyed
from retention.outcome import Outcome
from retention.report import Erased

FINGERPRINT = b"planted: a fingerprint nobody else has"
ANCHOR = Instant(NOW - 5 * DAY - 4321)
ITEM = ItemRef(STORE, 1, 1, "front", ANCHOR, Instant(ANCHOR + 10), FINGERPRINT)
LIMIT = Instant(NOW + 57 * DAY)  # 60 days after the recording, its day to the end, and a bit
COMMON = {"id": "act-1", "at": NOW, "reason": "asked by the person concerned", "items": (ITEM,)}
ERASURE = Erasure(**COMMON)


@pytest.fixture
def log(index: Engine) -> Log:
    """A store with the recording that people decide about, and another one."""
    add_store(index)
    log = Log(index)
    log.say(sight(1, anchor=ANCHOR, fingerprint=FINGERPRINT), sight(2))
    return log


def decide(engine: Engine, act: acts.AnyAct, *, state: str = "approved") -> bytes:
    """Two people's act as it stands in the index; its bytes."""
    signed = envelope.seal("act", acts.encode(act), signers())
    data = envelope.encode(signed)
    approved_at = NOW if state == "approved" else None
    with writing(engine) as connection:
        connection.execute(
            insert(tables.documents).values(
                id=act.id,
                kind=acts.kind_of(act),
                envelope=data,
                state=state,
                proposed_at=NOW,
                approved_at=approved_at,
            )
        )
        connection.execute(insert(tables.document_stores).values(document=act.id, store=STORE))
    return data


def signers() -> list[SigningKey]:
    return [small_policy.KEYS["clara"], small_policy.KEYS["dace"]]


def shed(engine: Engine, now: Instant) -> int:
    with writing(engine) as connection:
        done = shedding.shed(connection, CHAIN, now)
    scrub(engine)
    return done


def gone(log: Log) -> None:
    """The recording is erased and certified."""
    log.say(Erased(NOW, ((1, 1),), "erasure", Outcome.ERASED_VERIFIED))
    with writing(log.engine) as connection:
        connection.execute(tables.items.delete().where(tables.items.c.state == "erased"))


def receipts(engine: Engine) -> list:
    with reading(engine) as connection:
        return extracts.acts_of(connection, CHAIN, Instant(0))[1]


def planted(document: bytes) -> dict[str, bytes]:
    """What of the recording lies in a document: as it was signed, and within the envelope."""
    payload = envelope.decode(document).payload
    inner = payload[payload.index(b"fingerprint") :][:60]
    return {
        "fingerprint": FINGERPRINT,
        "fingerprint, coded": b64encode(FINGERPRINT)[:40],
        "second": str(ANCHOR).encode(),
        "signed": inner,
        "envelope": document[len(document) // 3 :][:60],
        "readable": datetime.fromtimestamp(ANCHOR, UTC).isoformat()[:19].encode(),
    }


def left(tmp_path: Path, markers: dict[str, bytes]) -> list[str]:
    files = b"".join(path.read_bytes() for path in tmp_path.glob("index.db*"))
    return [name for name, marker in markers.items() if marker in files]


@pytest.mark.parametrize(
    "act",
    [ERASURE, Correction(anchor=ANCHOR, **COMMON), Lift(subject_informed_at=NOW, **COMMON)],
    ids=acts.kind_of,
)
def test_nothing_of_the_recording_stays_in_the_files_and_its_receipt_does(
    log: Log, tmp_path: Path, act: acts.AnyAct
):
    document = decide(log.engine, act)
    markers = planted(document)
    before = receipts(log.engine)
    assert {"fingerprint", "envelope"} <= set(left(tmp_path, markers)), (
        "the test finds what is there"
    )
    gone(log)
    assert 1 == shed(log.engine, LIMIT)
    assert [] == left(tmp_path, markers)
    assert before == receipts(log.engine)
    assert [("act-1", 1, ("clara", "dace"))] == [(r.id, r.items, r.signed_by) for r in before]
    assert codec.digest(envelope.decode(document).payload) == before[0].digest
    assert [] == table(log.engine, "document_stores")
    assert 0 == shed(log.engine, LIMIT)


def test_an_agent_that_loses_its_memory_hears_of_it_until_the_limit(log: Log):
    decide(log.engine, ERASURE)
    gone(log)
    assert 0 == shed(log.engine, Instant(ANCHOR + 60 * DAY))
    assert 1 == len(table(log.engine, "documents"))


@pytest.mark.parametrize("where", ["items", "another number", "prior_items"])
def test_it_stays_as_long_as_the_index_knows_the_recording(log: Log, where: str):
    """A hold may keep it beyond its limit, under another number after a loss."""
    decide(log.engine, ERASURE)
    if where != "items":
        gone(log)
    if where == "another number":
        log.say(sight(3, anchor=ANCHOR, fingerprint=FINGERPRINT))
    with writing(log.engine) as connection:
        if where == "prior_items":
            connection.execute(
                insert(tables.prior_items).values(
                    store=STORE,
                    number=1,
                    record_class="terminal-image",
                    civil=1,
                    source="front",
                    fingerprint=FINGERPRINT,
                    anchor=ANCHOR,
                    seen=NOW,
                    size=1,
                    held=False,
                )
            )
    assert 0 == shed(log.engine, LIMIT)


def test_a_date_corrected_to_a_later_one_is_needed_for_as_long(log: Log):
    decide(log.engine, Correction(anchor=Instant(ANCHOR + 4 * DAY), **COMMON))
    gone(log)
    assert 0 == shed(log.engine, LIMIT)
    assert 1 == shed(log.engine, Instant(LIMIT + 4 * DAY))


def test_a_lift_of_a_part_stays_while_the_restriction_stands(log: Log):
    other = ItemRef(STORE, 1, 2, "front", ANCHOR, ANCHOR, b"other")
    hold(log.engine, "restriction-1", Scope(items=(ITEM, other)), released=None)
    decide(log.engine, Lift(subject_informed_at=NOW, **COMMON))
    gone(log)
    assert 0 == shed(log.engine, LIMIT)


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        ("withdrawn", NOW, 1),
        ("proposed", Instant(NOW + EXPIRES_SECONDS), 0),
        ("proposed", Instant(NOW + EXPIRES_SECONDS + 1), 1),
    ],
)
def test_what_was_never_approved_leaves_nothing(
    log: Log, tmp_path: Path, state: str, now: Instant, expected: int
):
    markers = planted(decide(log.engine, ERASURE, state=state))
    gone(log)
    assert expected == shed(log.engine, now)
    assert bool(expected) == ([] == left(tmp_path, markers))
    assert [] == receipts(log.engine)


def test_an_act_that_names_no_item_stays(log: Log):
    decide(log.engine, Release(id="act-1", at=NOW, reason="closed", hold="hold-1"))
    assert 0 == shed(log.engine, Instant(NOW + 4000 * DAY))


def hold(engine: Engine, name: str, scope: Scope, *, released: Instant | None) -> None:
    with writing(engine) as connection:
        connection.execute(
            insert(tables.holds).values(
                id=name,
                ground="statute",
                owner="anna",
                origin="request",
                scope=codec.encode(scope),
                begins=1,
                ends=0,
                placed_at=NOW,
                review_on=1,
                released_at=released,
            )
        )
        connection.execute(insert(tables.hold_stores).values(hold=name, store=STORE))


def test_a_released_hold_forgets_what_it_named_when_its_stores_have_let_go(
    log: Log, tmp_path: Path
):
    scope = Scope(sources=("front",), items=(ITEM,), numbers=(Keyed("k1", b"planted number mac"),))
    hold(log.engine, "hold-1", scope, released=NOW)
    gone(log)
    markers = {"scope": codec.encode(scope)[-80:], "mac": b64encode(b"planted number mac")}
    assert 0 == shed(log.engine, LIMIT), "the store has not let go yet"
    assert ["scope", "mac"] == left(tmp_path, markers)
    with writing(log.engine) as connection:
        connection.execute(update(tables.hold_stores).values(freed_at=NOW))
    assert 0 == shed(log.engine, Instant(NOW + DAY - 1)), "its day of grace"
    assert 1 == shed(log.engine, LIMIT)
    assert [] == left(tmp_path, markers)
    [(kept,)] = table(log.engine, "holds", "scope")
    assert Scope(sources=("front",)) == codec.decode(kept, Scope)


DIGITS = "hmac-sha256:a32345612345" + "b" * 52  # a personal code, if it were words


@pytest.mark.parametrize(
    ("reason", "inspected"),
    [(DIGITS, True), (DIGITS[:-1], False), ("case closed", True), ("ask 29123456", False)],
    ids=["commitment", "almost one", "words", "words that look like a number"],
)
def test_an_inspector_is_shown_an_act_unless_its_reason_may_name_somebody(
    log: Log, reason: str, inspected: bool
):
    """The words are those of an earlier version: its signers were told that they are read."""
    data = decide(log.engine, Release(id="act-1", at=NOW, reason=reason, hold="hold-1"))
    with reading(log.engine) as connection:
        shown, behind = extracts.acts_of(connection, CHAIN, Instant(0))
    assert ([envelope.decode(data)] if inspected else []) == shown
    assert ([] if inspected else ["act-1"]) == [receipt.id for receipt in behind]
