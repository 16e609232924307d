"""From receipts to proof: certificates, the ledger they stand in, and its signed head.

The life of a leaf (docs/ledger-format.md): `certify` takes the items whose erasure was reported,
writes a certificate per store, class and civil date and forgets the items, in one transaction;
`publish` signs a head over all leaves; `inclusion` and `consistency` prove to anybody that a leaf
is under it and that nothing before it was changed; `shred` makes single items unrecognisable.

Every function works in the transaction it is given and leaves nothing half done: whatever stops
the enforcer, the next call goes on from the last commit, and no item is certified twice (I6).
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from nacl.signing import SigningKey
from sqlalchemy import Connection, delete, insert, select, tuple_, update
from sqlalchemy.sql.dml import ReturningDelete

from enforcer.index import tree
from enforcer.index.tables import checkpoints, items, leaves, stores
from enforcer.index.tree import Head, NewLeaf
from retention import ledger, merkle, note
from retention.calendar import Instant, civil_date
from retention.envelope import Envelope
from retention.errors import VerificationError
from retention.ledger import Certificate, Count, Heartbeat, ItemRecord, Succession, Timing
from retention.note import Checkpoint, Verifier
from retention.policy import Chain

MOST_ITEMS = 100_000
"""Certified by one call, so that a transaction stays short: some two seconds on a small machine."""

RESIDUALS: Mapping[str, tuple[str, ...]] = {
    "terminal": ("blocks of the file system until it writes over them",),
    "directory": ("blocks of the file system until it writes over them", "backups of the storage"),
    "bucket": ("replicas and backups that the provider keeps",),
    "rows": ("free pages, write-ahead log and backups of the operator's database",),
}
"""By the store's kind, what no erasure of ours reaches; certificates name it."""

Random = Callable[[int], bytes]
"""Give so many bytes that nobody can guess."""

_KEY = (items.c.store, items.c.epoch, items.c.number)
_BATCH = (items.c.store, items.c.record_class, items.c.civil)
_RECORD = tuple(items.c[name] for name in ItemRecord.__struct_fields__)


class _Gone(NamedTuple):
    """An item as it is taken out of the index."""

    record: ItemRecord
    not_before: Instant


def certify(
    connection: Connection, chain: Chain, now: Instant, random: Random, *, most: int = MOST_ITEMS
) -> int:
    """Turn up to `most` erased items into certificates; give how many there were.

    Their rows go, their tallies stay. A batch that is cut in two has two certificates. Needs a
    write transaction; call it again until it gives 0.
    """
    taken = sorted(connection.execute(_take(most)).all(), key=itemgetter(0, 1, 2, 3, 4))
    kinds = _kinds(connection)
    new = []
    for (store, record_class, civil), rows in groupby(taken, key=itemgetter(0, 1, 2)):
        gone = [_Gone(ItemRecord(*row[3:-1]), row[-1]) for row in rows]
        batch = _Batch(chain, store, record_class, date.fromordinal(civil))
        seed = random(ledger.SEED_BYTES)
        new.append(
            NewLeaf(batch.certificate(gone, seed, now, RESIDUALS.get(kinds[store], ())), seed)
        )
    tree.append(connection, new)
    return len(taken)


def heartbeat(connection: Connection, now: Instant) -> bool:
    """Append a heartbeat if the last is ten minutes old; whether it was. Needs a write transaction."""
    last = connection.execute(
        select(leaves.c.at)
        .where(leaves.c.kind == "heartbeat")
        .order_by(leaves.c.position.desc())
        .limit(1)
    ).scalar()
    if last is not None and last <= now < last + ledger.HEARTBEAT_SECONDS:
        return False
    tree.append(connection, [NewLeaf(Heartbeat(at=now))])
    return True


def succeed(connection: Connection, chain: Chain, approval: Envelope, now: Instant) -> None:
    """Go on after a restore: append the last head anybody knows of, signed by two people.

    Raises what `ledger.last_head` raises. Needs a write transaction.
    """
    ledger.last_head(approval, chain.current)
    tree.append(connection, [NewLeaf(Succession(at=now, approval=approval))])


def publish(connection: Connection, *, origin: str, key: SigningKey, now: Instant) -> Head | None:
    """Sign a head over all leaves; give the newest one, None while there is no leaf.

    `VerificationError` if the stored tree does not extend the head published last: such a head is
    never signed (I7). Needs a write transaction; show the head to others only after its commit.
    """
    size, last = tree.size(connection), tree.last_head(connection)
    if last is not None and size < last.size:
        raise VerificationError(
            f"a head over {last.size} leaves was published, and the ledger has only {size}"
        )
    if size == (last.size if last else 0):
        return last
    root = merkle.root_from(size, tree.node(connection))
    if last is not None:
        proof = consistency(connection, last.size, size)
        merkle.verify_consistency(last.size, size, proof, last.root, root)
    text = note.sign_note(Checkpoint(origin, size, root).encode(), origin, key)
    head = Head(size, root, text, now)
    connection.execute(insert(checkpoints).values(head._asdict()))
    return head


def shred(connection: Connection, now: Instant) -> int:
    """Destroy the seeds of certificates older than 90 days; give how many. Needs a write transaction."""
    return connection.execute(
        update(leaves)
        .where(leaves.c.seed.is_not(None), leaves.c.at < now - ledger.SALT_SECONDS)
        .values(seed=None)
    ).rowcount


def inclusion(connection: Connection, position: int, size: int) -> list[bytes]:
    """Prove that leaf `position` is among the first `size` (RFC 9162 section 2.1.3.1)."""
    _require_stored(connection, size)
    return merkle.inclusion_proof(position, size, tree.node(connection))


def consistency(connection: Connection, size1: int, size2: int) -> list[bytes]:
    """Prove that the first `size2` leaves begin with the first `size1` (section 2.1.4.1)."""
    _require_stored(connection, size2)
    return merkle.consistency_proof(size1, size2, tree.node(connection))


def check(connection: Connection, verifiers: Iterable[Verifier]) -> Head | None:
    """Hash every leaf again and hold every published head against it; give the newest head.

    `VerificationError` or `SignatureError` names what does not agree. Reads the whole ledger once.
    """
    known, edge, head = tuple(verifiers), tree.Edge(0, _nothing_stored), None
    with closing(_leaf_hashes(connection)) as hashes:
        for head in tree.heads(connection):
            signed = Checkpoint.parse(note.open_note(head.note, known))
            for leaf in islice(hashes, head.size - edge.size):
                edge.append(leaf)
            if edge.size != head.size:
                raise VerificationError(f"leaf {edge.size} is missing from the ledger")
            if not edge.root() == signed.root == head.root or signed.size != head.size:
                raise VerificationError(f"the first {head.size} leaves are not those of their head")
    return head


def _take(most: int) -> ReturningDelete[Any]:
    """Delete erased items, whole batches before the next as far as `most` goes, and give them."""
    chosen = select(*_KEY).where(tree.ERASED).order_by(*_BATCH).limit(most)
    returned = (*_BATCH, *_RECORD, items.c.not_before)
    return delete(items).where(tuple_(*_KEY).in_(chosen)).returning(*returned)


def _kinds(connection: Connection) -> dict[str, str]:
    return dict(connection.execute(select(stores.c.id, stores.c.kind)).all())


class _Batch:
    """What all items of one store, class and civil date have in common."""

    def __init__(self, chain: Chain, store: str, record_class: str, civil: date) -> None:
        self._store, self._class, self._civil = store, record_class, civil
        self._policy = chain.in_force(civil).version
        self._limits = chain.limits_of(record_class, civil)
        versions = [c for p in chain.policies if (c := p.record_class(record_class))]
        self._lead = max((c.lead_seconds for c in versions), default=0)
        self._zone = ZoneInfo(versions[-1].zone) if versions else UTC

    def certificate(
        self, gone: Sequence[_Gone], seed: bytes, now: Instant, residuals: tuple[str, ...]
    ) -> Certificate:
        records = [each.record for each in gone]
        ended = [record.erased_at for record in records]
        return Certificate(
            at=now,
            store=self._store,
            record_class=self._class,
            civil=self._civil,
            policy=self._policy,
            items=len(records),
            counts=self._counts(gone),
            first_on=civil_date(min(ended), self._zone),
            last_on=civil_date(max(ended), self._zone),
            commitments=ledger.commit(seed, records),
            salts_until=civil_date(Instant(now + ledger.SALT_SECONDS), UTC),
            residuals=residuals,
        )

    def _counts(self, gone: Sequence[_Gone]) -> tuple[Count, ...]:
        # Judged once per ending and not per item: a sweep ends thousands in the same second.
        endings = Counter((r.why, r.outcome, r.erased_at, not_before) for r, not_before in gone)
        counted = Counter[tuple[str, str, Timing]]()
        for (why, outcome, erased_at, not_before), number in endings.items():
            timing = ledger.timing(erased_at, why, not_before, self._limits, self._lead)
            counted[why, outcome, timing] += number
        return tuple(sorted(Count(*ending, number) for ending, number in counted.items()))


def _leaf_hashes(connection: Connection) -> Generator[bytes, None, None]:
    """Hash every leaf from its bytes, in order, up to the first gap."""
    chosen = select(leaves.c.position, leaves.c.data).order_by(leaves.c.position)
    with connection.execute(chosen, execution_options={"yield_per": 10_000}) as rows:
        for expected, (position, data) in enumerate(rows):
            if position != expected:
                return
            yield merkle.leaf_hash(data)


def _nothing_stored(level: int, index: int) -> bytes:
    raise VerificationError(f"nothing was hashed yet of {level}/{index}")


def _require_stored(connection: Connection, size: int) -> None:
    stored = tree.size(connection)
    if size > stored:
        raise VerificationError(f"the ledger has {stored} leaves, not {size}")
