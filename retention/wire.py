"""What agent and enforcer say to each other over HTTPS (docs/wire-format.md).

Bodies are canonical JSON of these documents, except the log, which travels as `report.pack`ed
lines. The agent presents its credential as `Authorization: Bearer STORE.SECRET`; it speaks for
that store only.

    POST /agent/v1/enrol                                     Enrolment -> Enrolled   (no credential)
    POST /agent/v1/hello                                     Hello -> Welcome
    GET  /agent/v1/prior?after=N&earliest=1&undated=1        -> Prior
    POST /agent/v1/log?epoch=E&first=N                       packed lines -> Applied
    GET  /agent/v1/directive?epoch=E&nonce=H&policy=V&ledger=S   -> Fetched

An answer that is not 200 carries a `Problem`; 409 to a log whose first number does not follow
(the agent sends again from what `hello` says), 423 when two boxes speak with one identity, 401
when the credential is unknown or revoked, 410 when its store was retired.
"""

import msgspec

from retention.bounds import At, Count, Mark, Number, Text, Word
from retention.envelope import Envelope


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time code, exchanged for a credential."""

    code: Text


class Enrolled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the agent is from now on. The policy's first document is checked against the agent's pin."""

    store: Word
    group: Text
    secret: Text
    commissioned_at: At  # no recording of this store is older, unless imported
    policies: tuple[Envelope, ...]


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent that has just started says what it knows; `epoch` None: its state is lost.

    `directive` is the newest directive it has: a restored enforcer takes its holds back from it.
    """

    epoch: Count | None
    number: Count  # of the last log entry written, 0 if none
    digest: Mark
    booted: Word
    directive: Envelope | None = None


class Welcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the enforcer stands: the agent's epoch (a new one if its state was lost), and the log.

    `prior` says that an older epoch's anchors can be fetched, as candidates by fingerprint.
    """

    epoch: Count
    applied: Count
    digest: Mark
    group: Text
    prior: bool = False


class PriorItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """What an older epoch knew of a file: its dating evidence, found again by fingerprint."""

    number: Number
    fingerprint: Mark
    source: Word
    anchor: At
    seen: At


class PriorUndated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """When an older epoch first saw a file that has no date: its week began then."""

    number: Number
    fingerprint: Mark
    seen: At


class Prior(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of them, by number; an empty page is the end.

    `earliest` has, by number, how early those can be whose anchor is the latest that it can be, or how early
    an undated one can have been seen. It and `undated` are told to those who ask for them, and nothing where
    there are none: agents of earlier versions do not know them.
    """

    items: tuple[PriorItem, ...]
    earliest: tuple[tuple[Number, At], ...] | msgspec.UnsetType = msgspec.UNSET
    undated: tuple[PriorUndated, ...] | msgspec.UnsetType = msgspec.UNSET


class Applied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the enforcer has applied the log, and the digest there."""

    applied: Count
    digest: Mark


class Fetched(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a sweep needs: the enforcer's time, its directive, newer policies, its ledger's head.

    `consistency` proves that the checkpoint's tree extends the one of the size asked with. If it
    cannot, because the enforcer was restored, two people have signed so in `succession`.
    """

    time: Envelope
    directive: Envelope
    policies: tuple[Envelope, ...]  # versions after the one asked with, in order
    checkpoint: str  # a signed note, "" while the ledger is empty
    consistency: tuple[bytes, ...]
    succession: Envelope | msgspec.UnsetType = msgspec.UNSET


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why not: one sentence. To the agent of a retired store also the act by which two people said so."""

    error: str
    retirement: Envelope | msgspec.UnsetType = msgspec.UNSET
