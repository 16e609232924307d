"""Receipts become certificates once; heads only ever extend; salts go in time."""

import os
import threading
from collections import Counter
from datetime import date

import pytest
import small_policy
from sqlalchemy import delete, event, func, insert, select, update

from enforcer import prove
from enforcer.index import tree
from enforcer.index.engine import reading, writing
from enforcer.index.tables import checkpoints, items, leaves, nodes, stores
from retention import codec, envelope, ledger, merkle, note
from retention.calendar import DAY, Instant, parse_instant
from retention.errors import SignatureError, VerificationError
from retention.ledger import Certificate, Count, Heartbeat, ItemRecord, LastHead, Timing
from retention.note import Checkpoint, Verifier

CHAIN = small_policy.begun()
ANNA, BORIS = (small_policy.KEYS[name] for name in ("anna", "boris"))
KEY, OTHER = small_policy.LEDGER_KEY, small_policy.DIRECTIVE_KEY
ORIGIN = CHAIN.current.ledger_origin
VERIFIER = Verifier(ORIGIN, bytes(KEY.verify_key))
NOW = parse_instant("2026-03-10T12:00:00+02:00")
IN_TIME = parse_instant("2026-03-05T07:00:00+02:00")
ON = date(2026, 1, 5)


@pytest.fixture(params=["index", "postgres"])
def engine(request):
    """Each test on SQLite and, where there is one, on PostgreSQL."""
    engine = request.getfixturevalue(request.param)
    with writing(engine) as connection:
        for store, kind in (("a", "terminal"), ("b", "rows")):
            connection.execute(insert(stores).values(a_store(store, kind)))
    return engine


def a_store(store, kind):
    return {
        "id": store,
        "site": "Brīvības 12",
        "store_group": "lockers",
        "zone": "Europe/Riga",
        "region": "EEA",
        "processor": "us",
        "kind": kind,
        "state": "active",
        "commissioned_at": 0,
        "digest": b"",
    }


def an_item(number, **changes: object):
    return {
        "store": "a",
        "epoch": 1,
        "number": number,
        "record_class": "terminal-image",
        "source": "cam",
        "anchor": 1_767_600_000 + number,
        "civil": ON.toordinal(),
        "how": "exif",
        "span": 0,
        "before": 0,
        "after": 0,
        "seen": 1_767_600_100,
        "size": 1000,
        "fingerprint": number.to_bytes(16, "big"),
        "not_before": 0,
        "state": "erased",
        "erased_at": IN_TIME,
        "why": "due",
        "outcome": "erased_verified",
    } | changes


def add(engine, *rows: dict[str, object]):
    with writing(engine) as connection:
        connection.execute(insert(items), list(rows))


def certify(engine, **options: object):
    with writing(engine) as connection:
        return prove.certify(connection, CHAIN, NOW, os.urandom, **options)


def publish(engine, now=NOW):
    with writing(engine) as connection:
        return prove.publish(connection, origin=ORIGIN, key=KEY, now=now)


def grow(engine, number):
    with writing(engine) as connection:
        tree.append(connection, [tree.NewLeaf(Heartbeat(at=Instant(n))) for n in range(number)])


def stored(engine):
    with reading(engine) as connection:
        rows = connection.execute(select(leaves).order_by(leaves.c.position)).all()
    return [(row, ledger.decode(row.data)) for row in rows]


def certificates(engine):
    return [leaf for _, leaf in stored(engine) if isinstance(leaf, Certificate)]


def test_a_certificate_says_what_happened_to_a_batch(engine):
    late = IN_TIME + 2 * DAY
    add(
        engine,
        an_item(1),
        an_item(2, erased_at=late),
        an_item(3, outcome="already_absent"),
        an_item(4, why="erasure", erased_at=IN_TIME - 30 * DAY),
        an_item(5, erased_at=late, not_before=late - 60),
        an_item(6, state="present", erased_at=None, why=None, outcome=None),
    )
    assert 5 == certify(engine)
    [certificate] = certificates(engine)
    expected = (
        Count("due", "already_absent", Timing.IN_TIME, 1),
        Count("due", "erased_verified", Timing.IN_TIME, 1),
        Count("due", "erased_verified", Timing.PAST_LIMIT, 1),
        Count("due", "erased_verified", Timing.POSTPONED, 1),
        Count("erasure", "erased_verified", Timing.IN_TIME, 1),
    )
    assert expected == certificate.counts
    assert (5, ON, 1) == (certificate.items, certificate.civil, certificate.policy)
    assert date(2026, 2, 3) == certificate.first_on
    assert date(2026, 3, 7) == certificate.last_on
    assert date(2026, 6, 8) == certificate.salts_until
    assert prove.RESIDUALS["terminal"] == certificate.residuals


def test_the_rows_of_certified_items_go_and_no_others(engine):
    add(engine, an_item(1), an_item(2, state="present"), an_item(3, state="held"))
    certify(engine)
    with reading(engine) as connection:
        left = connection.execute(select(items.c.number).order_by(items.c.number)).scalars().all()
    assert [2, 3] == left


def test_a_batch_is_a_store_a_class_and_a_civil_date(engine):
    add(
        engine,
        an_item(1),
        an_item(2, store="b"),
        an_item(3, civil=ON.toordinal() + 1),
        an_item(4, record_class="canary"),
        an_item(5),
    )
    certify(engine)
    expected = [
        ("a", "canary", ON, 1),
        ("a", "terminal-image", ON, 2),
        ("a", "terminal-image", date(2026, 1, 6), 1),
        ("b", "terminal-image", ON, 1),
    ]
    found = [(c.store, c.record_class, c.civil, c.items) for c in certificates(engine)]
    assert expected == found


def test_an_item_can_be_opened_with_the_seed_and_no_other_way(engine):
    rows = [an_item(number) for number in range(60, 0, -1)]
    add(engine, *rows)
    certify(engine)
    [(row, certificate)] = stored(engine)
    records = [
        ItemRecord(**{name: each[name] for name in ItemRecord.__struct_fields__})
        for each in sorted(rows, key=lambda each: each["number"])
    ]
    ledger.verify_disclosure(ledger.disclose(row.seed, records, 7), certificate)
    with pytest.raises(VerificationError):
        ledger.verify_disclosure(ledger.disclose(bytes(32), records, 7), certificate)


def test_items_are_taken_in_portions_and_each_once(engine):
    add(engine, *(an_item(number) for number in range(1, 8)))
    assert [3, 3, 1, 0] == [certify(engine, most=3) for _ in range(4)]
    assert 7 == sum(certificate.items for certificate in certificates(engine))


def test_nothing_is_certified_twice_or_lost_wherever_it_is_stopped(index):
    """A fault at each statement in turn; then the next call goes on (I5, I6)."""
    with writing(index) as connection:
        connection.execute(insert(stores).values(a_store("a", "terminal")))
    add(index, *(an_item(number) for number in range(1, 4)))
    for fault in range(1, 50):
        if not stopped_at(index, fault):
            break
        with reading(index) as connection:
            waiting = connection.execute(
                select(func.count()).select_from(items).where(items.c.state == "erased")
            ).scalar_one()
        assert 3 == waiting + sum(certificate.items for certificate in certificates(index))
    assert fault > 5
    assert [3] == [certificate.items for certificate in certificates(index)]


class PowerCutError(Exception):
    """The machine is off."""


def stopped_at(engine, statement):
    """Certify and publish with a fault at the n-th statement; whether it came to that."""
    left = [statement]

    def count(conn, clauseelement, multiparams, params, execution_options):
        left[0] -= 1
        if not left[0]:
            raise PowerCutError

    try:
        with writing(engine) as connection:
            event.listen(connection, "before_execute", count)
            prove.certify(connection, CHAIN, NOW, os.urandom)
            prove.publish(connection, origin=ORIGIN, key=KEY, now=NOW)
    except PowerCutError:
        return True
    return False


def test_stored_hashes_are_those_of_the_tree(engine):
    for number in (1, 1, 3, 9, 50):
        grow(engine, number)
    with reading(engine) as connection:
        data = connection.execute(select(leaves.c.data).order_by(leaves.c.position)).scalars()
        hashes = [merkle.leaf_hash(each) for each in data]
        rows = connection.execute(select(nodes)).all()
    whole = merkle.subtrees_of(hashes)
    assert 64 == len(hashes)
    assert {(r.level, r.position): r.hash for r in rows} == {
        (level, at): whole(level, at) for level in range(7) for at in range(64 >> level)
    }


def test_a_heartbeat_comes_every_ten_minutes_however_often_it_is_asked_for(engine):
    added = []
    for now in (0, 1, 599, 600, 700, 1199, 1200):
        with writing(engine) as connection:
            added.append(prove.heartbeat(connection, Instant(now)))
    assert [True, False, False, True, False, False, True] == added


def test_a_clock_set_back_does_not_silence_the_heart(engine):
    with writing(engine) as connection:
        prove.heartbeat(connection, NOW)
        assert prove.heartbeat(connection, Instant(NOW - 40 * DAY))


def test_a_head_is_a_signed_checkpoint_over_all_leaves(engine):
    assert publish(engine) is None
    grow(engine, 5)
    head = publish(engine)
    signed = Checkpoint.parse(note.open_note(head.note, [VERIFIER]))
    hashes = [merkle.leaf_hash(row.data) for row, _ in stored(engine)]
    assert Checkpoint(ORIGIN, 5, merkle.root(hashes)) == signed
    assert head == publish(engine, now=Instant(NOW + 1))


def test_every_head_is_a_prefix_of_every_later_one(engine):
    heads = []
    for number in (1, 2, 4, 1, 9):
        grow(engine, number)
        heads.append(publish(engine))
    with reading(engine) as connection:
        for earlier in heads:
            for later in heads[heads.index(earlier) :]:
                proof = prove.consistency(connection, earlier.size, later.size)
                merkle.verify_consistency(earlier.size, later.size, proof, earlier.root, later.root)


def test_every_leaf_is_proved_under_every_head(engine):
    grow(engine, 11)
    head = publish(engine)
    hashes = [merkle.leaf_hash(row.data) for row, _ in stored(engine)]
    with reading(engine) as connection:
        for position, leaf in enumerate(hashes):
            proof = prove.inclusion(connection, position, head.size)
            merkle.verify_inclusion(leaf, position, head.size, proof, head.root)
        with pytest.raises(VerificationError, match="11 leaves, not 12"):
            prove.inclusion(connection, 3, 12)


def test_a_tree_that_does_not_extend_the_last_head_is_never_signed(engine):
    grow(engine, 4)
    publish(engine)
    with writing(engine) as connection:
        connection.execute(
            update(nodes).where(nodes.c.level == 2, nodes.c.position == 0).values(hash=bytes(32))
        )
    grow(engine, 3)
    with pytest.raises(VerificationError):
        publish(engine)


def test_a_tree_that_lost_leaves_is_never_signed(engine):
    grow(engine, 4)
    publish(engine)
    with writing(engine) as connection:
        connection.execute(delete(leaves).where(leaves.c.position >= 2))
    with pytest.raises(VerificationError, match="a head over 4 leaves was published"):
        publish(engine)


def test_a_ledger_in_order_checks_out(engine):
    with reading(engine) as connection:
        assert prove.check(connection, [VERIFIER]) is None
    for number in (3, 4, 5):
        grow(engine, number)
        head = publish(engine)
    with reading(engine) as connection:
        assert head == prove.check(connection, [VERIFIER])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            update(leaves).where(leaves.c.position == 1).values(data=b"forged"),
            "the first 3 leaves are not those of their head",
        ),
        (delete(leaves).where(leaves.c.position == 5), "leaf 5 is missing"),
        (delete(leaves).where(leaves.c.position == 6), "leaf 6 is missing"),
        (
            update(checkpoints).where(checkpoints.c.size == 7).values(root=bytes(32)),
            "the first 7 leaves are not those of their head",
        ),
        (
            update(checkpoints).where(checkpoints.c.size == 7).values(size=6),
            "the first 6 leaves are not those of their head",
        ),
    ],
)
def test_a_ledger_that_was_changed_is_found_out(index, change, expected):
    for number in (3, 4):
        grow(index, number)
        publish(index)
    with writing(index) as connection:
        connection.execute(change)
    with reading(index) as connection, pytest.raises(VerificationError, match=expected):
        prove.check(connection, [VERIFIER])


def test_a_head_by_another_key_is_found_out(index):
    grow(index, 3)
    publish(index)
    with reading(index) as connection, pytest.raises(SignatureError):
        prove.check(connection, [Verifier(ORIGIN, bytes(OTHER.verify_key))])


def test_seeds_are_destroyed_after_90_days_and_the_leaf_stays_as_it_is(engine):
    add(engine, an_item(1))
    certify(engine)
    [(before, _)] = stored(engine)
    for now, expected in ((NOW + 90 * DAY, 0), (NOW + 90 * DAY + 1, 1), (NOW + 91 * DAY, 0)):
        with writing(engine) as connection:
            assert expected == prove.shred(connection, Instant(now))
    [(after, _)] = stored(engine)
    assert after.seed is None
    assert before.data == after.data


def test_a_succession_is_written_only_with_two_signatures(engine):
    last = codec.encode(LastHead(NOW, "the disk died", 7, bytes(32)))
    with writing(engine) as connection, pytest.raises(SignatureError):
        prove.succeed(connection, CHAIN, envelope.seal("act", last, [ANNA]), NOW)
    with writing(engine) as connection:
        prove.succeed(connection, CHAIN, envelope.seal("act", last, [ANNA, BORIS]), NOW)
    assert ["succession"] == [row.kind for row, _ in stored(engine)]


def test_two_enforcers_at_once_write_one_ledger(postgres):
    """PostgreSQL: writers take turns, and no position is given twice."""
    with writing(postgres) as connection:
        connection.execute(insert(stores).values(a_store("a", "terminal")))
    add(postgres, *(an_item(number) for number in range(1, 41)))

    def work():
        for _ in range(10):
            certify(postgres, most=2)
            publish(postgres)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = Counter(certificate.items for certificate in certificates(postgres))
    assert {2: 20} == numbers
    with reading(postgres) as connection:
        assert 20 == prove.check(connection, [VERIFIER]).size
