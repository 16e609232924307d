"""The list of exceptions: what may lawfully lie on a store although its own dates say it should not.

The enforcer signs one per store. An auditor who holds a file recognises it in the list by its
fingerprint; whoever holds only the list learns how many exceptions there are and why, and nothing
else: each is marked with an HMAC whose input nobody can guess without the file.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from retention import codec, envelope
from retention.calendar import DAY, Instant
from retention.envelope import Envelope
from retention.errors import VerificationError

KIND = "exceptions"
NONCE_BYTES = 32

GOOD_FOR_SECONDS = DAY
"""So long an auditor may use a list: what will be due by then, the enforcer looks at as if it were."""


class Reason(StrEnum):
    """Why an item is no violation."""

    HELD = "held"
    RESTRICTED = "restricted"  # GDPR article 18
    UNDATED = "undated"  # people have seven days to date it
    BLOCKED = "blocked"  # due, and something keeps it from being erased: an alarm
    LATE_ARRIVAL = "late_arrival"  # came when it was old already; its day of grace runs
    RELEASED = "released"  # its hold has ended; its day of grace runs
    CORRECTED = "corrected"  # two people gave it another date than the one it carries
    APPEARED = "appeared"  # it carries an older date, but was seen to appear later


REASON_OF_STATE: Mapping[str, Reason] = {
    "held": Reason.HELD,
    "restricted": Reason.RESTRICTED,
    "undated": Reason.UNDATED,
    "blocked": Reason.BLOCKED,
    "late": Reason.LATE_ARRIVAL,
}
"""Why all that the double entry (I14) has in such a state is an exception, whatever its date."""


class Excepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """One item: why, and the mark by which to recognise its file."""

    reason: Reason
    mark: bytes


class Exceptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All exceptions of one store at one time, by mark, so that their order tells nothing.

    `commissioned_at` goes with them because no date before it is believed (docs/rules.md, Dating).
    """

    store: str
    group: str
    commissioned_at: Instant
    at: Instant
    nonce: bytes
    items: tuple[Excepted, ...]
    # True: its recordings came from a backup, and no sweep has gone through all of them yet.
    from_backup: bool | msgspec.UnsetType = msgspec.UNSET


FROM_BACKUP = "its recordings came from a backup, and no sweep has gone through all of them yet"


def mark(nonce: bytes, fingerprint: bytes) -> bytes:
    """HMAC-SHA256 of an item's fingerprint under the nonce of the list."""
    return hmac.digest(nonce, fingerprint, "sha256")


def listed(nonce: bytes, found: Iterable[tuple[Reason, bytes]]) -> tuple[Excepted, ...]:
    """The entries of a list, from reasons and fingerprints."""
    marked = {Excepted(reason, mark(nonce, fingerprint)) for reason, fingerprint in found}
    return tuple(sorted(marked, key=lambda each: (each.mark, each.reason)))


def accept(sealed: Envelope, keys: Iterable[bytes]) -> Exceptions:
    """The list in the envelope; `SignatureError` or `MalformedError` if it is not the enforcer's."""
    return codec.decode(envelope.open_sealed(sealed, KIND, keys), Exceptions)


def in_grace(lists: Iterable[Exceptions]) -> Counter[str]:
    """How many items of each store a day of grace keeps, after a hold or a correction."""
    return Counter(
        each.store for each in lists for item in each.items if item.reason is Reason.RELEASED
    )


class Recogniser:
    """Tells of a fingerprint whether, and why, a list names it."""

    def __init__(self, exceptions: Exceptions) -> None:
        if len(exceptions.nonce) != NONCE_BYTES:
            raise VerificationError("the nonce of a list of exceptions has 32 bytes")
        self._nonce = exceptions.nonce
        self._reasons: Mapping[bytes, Reason] = {e.mark: e.reason for e in exceptions.items}

    def reason(self, fingerprint: bytes) -> Reason | None:
        """Why the item of this fingerprint is an exception; None if it is none."""
        return self._reasons.get(mark(self._nonce, fingerprint))
