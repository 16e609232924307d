"""The directive: what one store may do, as a state and not as orders.

Small, signed by the enforcer's directive key, versioned, expiring. Fetching it twice changes
nothing, losing one loses nothing. It can only ever hold back or agree: the agent derives due
dates itself, keeps every hold it ever acknowledged, and verifies two people's acts itself
(docs/rules.md, Erasing).
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from retention import codec, envelope
from retention.bounds import At, Count, Mark, Number, Small, Word
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import VerificationError
from retention.hold import StoreHold

#: How old a directive an agent may sweep under without reaching the enforcer again.
VALID_SECONDS = 72 * 3600
#: The last version that a clock can be the reason for: milliseconds to the year 2242 (`bounds.At`).
LAST_BY_CLOCK = 2**33 * 1000
#: A version further beyond the known one than any number of changes, and than any clock, is a liar's.
MOST_CHANGES = 2**20


class Due(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items of this class whose civil date is in `since`..`through` (both included) may go."""

    record_class: Word
    policy: Number
    since: date
    through: date


class Directive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the enforcer says to one store at one time."""

    store: Word
    epoch: Count
    version: Count  # max(previous + 1, unix milliseconds): grows even if the enforcer was restored
    issued_at: At
    expires_at: At
    policy: Number  # newest version, and the digest of its payload
    policy_digest: Mark
    due: tuple[Due, ...]
    holds: tuple[StoreHold, ...]
    acts: tuple[Envelope, ...]  # see `acts.AnyAct`: each carries two people's signatures
    frozen: bool = False  # two boxes speak with this store's identity
    # The longest that copies of recordings live, where that is longer than agents think by themselves.
    backup_days: Small | msgspec.UnsetType = msgspec.UNSET


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The enforcer's time, answering one question: the nonce makes an old answer worthless."""

    store: Word
    nonce: Mark
    now: At


def accept(
    sealed: Envelope, keys: Iterable[bytes], *, store: str, known_version: int | None
) -> Directive:
    """The directive in the envelope if it is this store's and not older than the known version.

    Nor so much newer that no later one would be left: an enforcer that was in hostile hands goes on
    from whatever version its agents show it. None: it may have any.

    `SignatureError`, `MalformedError`, or `VerificationError` otherwise. Whether it has expired
    is for the sweep to judge: an expired one still tells of holds.
    """
    directive = codec.decode(envelope.open_sealed(sealed, "directive", keys), Directive)
    if directive.store != store:
        raise VerificationError("this directive is for another store")
    if known_version is None:
        return directive
    if directive.version < known_version:
        raise VerificationError(
            f"directive {directive.version} is older than {known_version}, which is already in force"
        )
    if directive.version > max(LAST_BY_CLOCK, known_version + MOST_CHANGES):
        raise VerificationError(f"directive {directive.version} leaves no version for a later one")
    return directive


def opened(sealed: Envelope) -> Directive:
    """The directive in an envelope that was accepted before; nothing is verified again."""
    return codec.decode(sealed.payload, Directive)


def accept_time(sealed: Envelope, keys: Iterable[bytes], *, store: str, nonce: bytes) -> Instant:
    """The enforcer's time, if this envelope answers our nonce."""
    time = codec.decode(envelope.open_sealed(sealed, "time", keys), Time)
    if time.store != store or time.nonce != nonce:
        raise VerificationError("this time answers somebody else's question")
    return time.now
