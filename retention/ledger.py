"""What the ledger's leaves say, in bytes that never change (docs/ledger-format.md).

A leaf is permanent, so it says nothing of a person (I8): days instead of seconds where a recording
is meant, and single items only as salted commitments, which mean nothing to anybody once the
salts are shredded.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256, shake_256

import msgspec

from retention import codec, merkle
from retention.calendar import DAY, Instant, Limits
from retention.envelope import Envelope
from retention.errors import SignatureError, VerificationError
from retention.note import Verifier
from retention.people import require_two
from retention.policy import Chain, Policy

HEARTBEAT_SECONDS = 600
"""How often a leaf says that the ledger is alive, whether or not anything was erased."""

SALT_SECONDS = 90 * DAY
"""How long single items stay provable after their certificate; then the seed is shredded."""

SEED_BYTES = 32
SALT_BYTES = 32


class Timing(StrEnum):
    """How an erasure stood to the limits of the recording's civil date."""

    EARLY = "early"  # before it was due, and nobody had asked for it (I1)
    IN_TIME = "in_time"  # by our own target
    POSTPONED = "postponed"  # later, as a released hold, a correction or a late arrival demanded
    OVERDUE = "overdue"  # our own target was missed, the promise was not
    PAST_LIMIT = "past_limit"  # the promise was broken (I3)
    RETURNED = "returned"  # erased before, came back from a backup, erased again (I11)


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """So many items ended this way, for this reason (`report.Erased`), at such a time."""

    why: str
    outcome: str
    timing: Timing
    items: int


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="leaf"):
    """What every leaf says: when it was written, by the enforcer's clock."""

    at: Instant


class Certificate(Leaf, frozen=True, kw_only=True, tag="certificate"):
    """These items of one store, class and civil date are gone.

    Certificates of one batch add up. `policy` is the version in force on the civil date;
    `first_on`..`last_on` are the days of erasing in the class's zone; `commitments` is the root
    of the tree of `items` salted commitments, whose salts are shredded after `salts_until`.
    `residuals` names, in plain words, what an erasure on such a store does not reach.
    """

    store: str
    record_class: str
    civil: date
    policy: int
    items: int
    counts: tuple[Count, ...]
    first_on: date
    last_on: date
    commitments: bytes
    salts_until: date
    residuals: tuple[str, ...]


class Heartbeat(Leaf, frozen=True, kw_only=True, tag="heartbeat"):
    """The ledger was alive."""


DAY_ZONE = "Europe/Riga"
"""Where the civil days of the leaves of days begin and end: the operator's, not a class's."""


NOT_WATCHED = "not_watched"
"""The reason of a day's seconds in which nobody looked: they are unknown."""


class Day(Leaf, frozen=True, kw_only=True, tag="day"):
    """How many seconds of one civil day a class spent ok, violated and unknown, and why."""

    day: date
    record_class: str
    ok: int
    violated: int
    unknown: int
    reasons: tuple[str, ...]


class LastHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What two people sign when a ledger has to go on from an older state: the last head known."""

    at: Instant
    reason: str
    size: int
    root: bytes


class Succession(Leaf, frozen=True, kw_only=True, tag="succession"):
    """The ledger went on from a backup; `approval` holds the `LastHead` that two people signed."""

    approval: Envelope


AnyLeaf = Certificate | Heartbeat | Day | Succession


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: AnyLeaf


def encode(leaf: AnyLeaf) -> bytes:
    """Canonical bytes of a leaf: what is hashed into the tree."""
    return codec.encode(_Document(leaf))


def decode(data: bytes) -> AnyLeaf:
    """The leaf that these bytes are, or `MalformedError`."""
    return codec.decode(data, _Document).body


def kind_of(leaf: AnyLeaf) -> str:
    """`certificate`, `heartbeat`, `day` or `succession`."""
    return str(type(leaf).__struct_config__.tag)


def verifiers(chain: Chain) -> tuple[Verifier, ...]:
    """Whose signature on a head counts: every version's ledger keys, since an old key signed an old head."""
    named = {(p.ledger_origin, key) for p in chain.policies for key in p.ledger_keys}
    return tuple(Verifier(*each) for each in sorted(named))


def last_head(approval: Envelope, policy: Policy) -> LastHead:
    """What these two people signed; raises if they are not two of this policy who may."""
    require_two(approval, "succession", policy.people)
    return codec.decode(approval.payload, LastHead)


def succeeded(leaf: Succession, chain: Chain) -> LastHead:
    """The head that two people signed as the last one, by any policy there was; else raises."""
    refusal = SignatureError("nobody signed this succession")
    for policy in reversed(chain.policies):
        try:
            return last_head(leaf.approval, policy)
        except SignatureError as error:
            refusal = error
    raise refusal


def timing(
    erased_at: Instant, why: str, not_before: Instant, limits: Limits | None, lead: int
) -> Timing:
    """Judge one erasure.

    `limits` are those of its civil date (None: no period of its class ever ends), `lead` the
    longest in seconds that any policy version gave the class. Where the item might not go before
    `not_before`, both limits move to as long after that as sweeping may take, which is `lead`.
    """
    if why == "zombie":
        return Timing.RETURNED
    if limits is None:
        return Timing.EARLY if why == "due" else Timing.IN_TIME
    target = limits.must_be_gone_by
    moved = max(0, not_before + lead - target)
    if why == "due" and erased_at < target - lead:
        return Timing.EARLY
    if erased_at <= target:
        return Timing.IN_TIME
    if erased_at <= target + moved:
        return Timing.POSTPONED
    return Timing.OVERDUE if erased_at <= limits.outer_bound + moved else Timing.PAST_LIMIT


class ItemRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an item commitment commits to: all the enforcer knew of the item; see `report.Sighted`."""

    epoch: int
    number: int
    source: str
    anchor: Instant | None
    how: str
    span: int
    seen: Instant
    size: int
    fingerprint: bytes
    erased_at: Instant
    why: str
    outcome: str


class Disclosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item out of a certificate, opened: nothing is learned of its neighbours."""

    index: int
    salt: bytes
    record: ItemRecord
    proof: tuple[bytes, ...]


def salts(seed: bytes, count: int) -> list[bytes]:
    """The first `count` salts of a seed: SHAKE256 (FIPS 202) of it, cut into 32 byte pieces.

    One seed shredded is every salt shredded; one salt disclosed says nothing of the others.
    """
    stream = shake_256(seed).digest(SALT_BYTES * count)
    return [stream[at : at + SALT_BYTES] for at in range(0, len(stream), SALT_BYTES)]


# HMAC's two pads for a key of 32 bytes, which 32 zero bytes fill up to SHA-256's block (RFC 2104).
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_REST, _OUTER_REST = b"\x36" * 32, b"\x5c" * 32


def commitment(salt: bytes, record: bytes) -> bytes:
    """HMAC-SHA256 of a record under its 32 byte salt.

    Spelled out, because `hmac.digest` takes half as long again to set itself up for each key, and
    every erased item has one of its own.
    """
    inner = sha256(salt.translate(_INNER) + _INNER_REST + record).digest()
    return sha256(salt.translate(_OUTER) + _OUTER_REST + inner).digest()


def commit(seed: bytes, records: Sequence[ItemRecord]) -> bytes:
    """The root of the tree of commitments to these records, in this order."""
    return merkle.root(_hashes(seed, records))


def disclose(seed: bytes, records: Sequence[ItemRecord], index: int) -> Disclosure:
    """Open one item of a batch whose seed is not shredded yet; `records` as they were committed."""
    nodes = merkle.subtrees_of(list(_hashes(seed, records)))
    proof = merkle.inclusion_proof(index, len(records), nodes)
    return Disclosure(index, salts(seed, index + 1)[index], records[index], tuple(proof))


def verify_disclosure(disclosed: Disclosure, certificate: Certificate) -> None:
    """`VerificationError` unless the item is one of those the certificate counts."""
    if len(disclosed.salt) != SALT_BYTES:
        raise VerificationError(f"a salt has {SALT_BYTES} bytes")
    committed = commitment(disclosed.salt, codec.encode(disclosed.record))
    merkle.verify_inclusion(
        merkle.leaf_hash(committed),
        disclosed.index,
        certificate.items,
        disclosed.proof,
        certificate.commitments,
    )


def _hashes(seed: bytes, records: Sequence[ItemRecord]) -> Iterable[bytes]:
    encoded = map(codec.encode, records)
    return map(merkle.leaf_hash, map(commitment, salts(seed, len(records)), encoded))
