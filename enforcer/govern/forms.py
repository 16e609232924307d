"""The forms people fill in and the slips they get back: the bodies of the people's API.

Nothing here touches a database, so that the command line can build and read them by itself.
Instants are seconds since 1970 UTC, days are civil dates in the site's zone.
"""

from datetime import date

import msgspec

from retention.calendar import Instant
from retention.envelope import Envelope
from retention.hold import ItemRef


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root of all of them."""


class Empty(Form, frozen=True):
    """The address says it all."""


class Done(Form, frozen=True):
    """There is nothing more to say."""


class Event(Form, frozen=True):
    """One line of the history. `person` is a person's id of the policy."""

    at: Instant
    person: str
    verb: str
    subject: str
    detail: str = ""


class Events(Form, frozen=True):
    """Lines of the history."""

    events: tuple[Event, ...]


class NewStore(Form, frozen=True):
    """A store to enrol. Nothing it holds was recorded before `commissioned_on`, unless imported."""

    id: str
    site: str
    group: str
    commissioned_on: date
    zone: str = "Europe/Riga"
    region: str = "EEA"  # or a country and the basis of the transfer: "US: SCC 2021/914"
    processor: str = "controller"  # who runs the storage
    kind: str = "terminal"  # terminal | directory | bucket | rows


class NewStores(Form, frozen=True):
    """Several: all are enrolled or none."""

    stores: tuple[NewStore, ...]


class Invitation(Form, frozen=True):
    """What an agent is started with: a code that works once, until it expires."""

    store: str
    code: str
    expires_at: Instant


class Invitations(Form, frozen=True):
    """The codes, in the order of the stores, and what an agent pins."""

    pin: str  # SHA-256 of the first policy document, hex
    invitations: tuple[Invitation, ...]


class StoreLine(Form, frozen=True):
    """A store as `store list` shows it."""

    id: str
    site: str
    group: str
    kind: str
    state: str
    frozen: str
    region: str
    processor: str
    last_seen_at: Instant | None
    scan_complete_at: Instant | None
    brake: str
    credential: str  # invited | valid | none


class StoreLines(Form, frozen=True):
    """All stores, by id."""

    stores: tuple[StoreLine, ...]


class PolicyDocuments(Form, frozen=True):
    """The published chain, oldest first."""

    pin: str
    policies: tuple[Envelope, ...]


class Placement(Form, frozen=True):
    """A hold to place. `id` is made by whoever asks: asking again places nothing twice.

    Where: a `site` as people call it, or `stores`; of them all sources or only `sources`. When:
    `around` a time, or `since`..`until`, in the site's zone (see `govern.moments`). Or neither,
    and `items` ("STORE/EPOCH/NUMBER"). `requested_on`: a person's request for access came in.
    """

    id: str
    ground: str
    site: str = ""
    stores: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    around: str = ""
    since: str = ""
    until: str = ""
    case: str = ""
    citation: str = ""
    requested_on: date | None = None
    review_on: date | None = None


class Review(Form, frozen=True):
    """A hold looked at again: until when it is good, and what was still missing."""

    review_on: date
    case: str = ""
    citation: str = ""


class Confirmation(Form, frozen=True):
    """A hold that the locker's software began, taken on by a person."""

    ground: str
    case: str = ""
    citation: str = ""


class Counted(Form, frozen=True):
    """So many items of one civil date."""

    day: date
    items: int


class HoldAtStore(Form, frozen=True):
    """A hold on one store. Only `effective` says that the store's agent acknowledged it."""

    store: str
    site: str
    state: str  # effective | pending | already gone | released
    effective_at: Instant | None
    last_seen_at: Instant | None
    next_deletion_at: Instant | None  # of anything, while pending
    items: int  # held there now
    gone: tuple[Counted, ...]  # erased before the hold came, by civil date


class HoldSheet(Form, frozen=True):
    """All about one hold. `missing` says what is still due, by `complete_by`."""

    id: str
    ground: str
    clause: str
    case: str
    citation: str
    owner: str
    origin: str
    site: str
    sources: tuple[str, ...]
    items: tuple[str, ...]
    begins: Instant
    ends: Instant
    placed_at: Instant
    review_on: date
    complete_by: Instant
    missing: tuple[str, ...]
    confirmed_at: Instant | None
    released_at: Instant | None
    stores: tuple[HoldAtStore, ...]
    history: tuple[Event, ...]


class HoldLine(Form, frozen=True):
    """A hold as `hold list` shows it. `attention` says what somebody has to do."""

    id: str
    ground: str
    case: str
    owner: str
    site: str
    placed_at: Instant
    review_on: date
    released_at: Instant | None
    stores: int
    pending: int
    attention: tuple[str, ...]


class HoldLines(Form, frozen=True):
    """Holds, newest first."""

    holds: tuple[HoldLine, ...]


class Span(Form, frozen=True):
    """A stretch of time."""

    begins: Instant
    ends: Instant


class SourcePreview(Form, frozen=True):
    """What one source of a store has of the time in question."""

    source: str
    items: int
    held: int  # of them, by other holds already
    undated: int  # of them: may be from then, and are held too
    gaps: tuple[Span, ...]  # without any recording


class DueOn(Form, frozen=True):
    """So many items that are due at one moment."""

    due_at: Instant
    items: int


class StorePreview(Form, frozen=True):
    """What one store has."""

    store: str
    site: str
    last_seen_at: Instant | None
    scanned_at: Instant | None
    unreported: bool  # no complete scan began since: there may be more
    sources: tuple[SourcePreview, ...]
    due: tuple[DueOn, ...]
    gone: tuple[Counted, ...]  # of these civil dates and classes, whatever the hour


class Preview(Form, frozen=True):
    """What a hold would cover, before anybody places it."""

    site: str
    begins: Instant
    ends: Instant
    stores: tuple[StorePreview, ...]


class Signed(Form, frozen=True):
    """A document with the signature of whoever sends it: to propose it, or to sign it as well."""

    envelope: Envelope


class Document(Form, frozen=True):
    """A document on its way to two signatures. Its words are in the envelope's payload."""

    id: str
    kind: str
    state: str  # proposed | approved | applied | withdrawn
    proposed_at: Instant
    approved_at: Instant | None
    signed_by: tuple[str, ...]
    roles: tuple[str, ...]  # of which a signer needs one
    waiting_for: tuple[str, ...]  # stores that have not carried it out yet
    envelope: Envelope


class Documents(Form, frozen=True):
    """Documents, newest first."""

    documents: tuple[Document, ...]


class ItemSheet(Form, frozen=True):
    """What the centre knows of one item: never its name or path. `reference` is for acts."""

    id: str
    record_class: str
    source: str
    anchor: Instant | None
    how: str
    span: int
    seen: Instant
    size: int
    state: str
    holds: tuple[str, ...]
    due_at: Instant | None
    must_be_gone_by: Instant | None
    outer_bound: Instant | None
    reference: ItemRef


class ItemSheets(Form, frozen=True):
    """Items, by time; `more` says that the list was cut."""

    items: tuple[ItemSheet, ...]
    more: bool


class ItemQuery(Form, frozen=True):
    """Which items: of a site or store, of a source, around a time or between two."""

    site: str = ""
    store: str = ""
    source: str = ""
    around: str = ""
    since: str = ""
    until: str = ""


class Restriction(Form, frozen=True):
    """Items to keep but not to use (GDPR article 18). Placed by one, lifted by two."""

    id: str
    items: tuple[str, ...]
    reason: str


class ForecastLine(Form, frozen=True):
    """So many items of one store and class that go from `due_at` on; a past one: now."""

    store: str
    record_class: str
    due_at: Instant
    items: int
    active: bool  # False: the store only observes, and erases nothing before its activation


class BrakeForecast(Form, frozen=True):
    """A store whose next sweep would be braked."""

    store: str
    due: int
    allowed: int


class Forecast(Form, frozen=True):
    """What goes until a moment, were nothing held besides what is held now."""

    until: Instant
    lines: tuple[ForecastLine, ...]
    brakes: tuple[BrakeForecast, ...]


class Checkpoint(Form, frozen=True):
    """The newest head of the ledger as a signed note (C2SP); "" while there is none."""

    note: str


class Verified(Form, frozen=True):
    """The ledger is what its heads say, up to `proved` of its `leaves`."""

    proved: int
    leaves: int


class Proof(Form, frozen=True):
    """A leaf's position and canonical bytes, and its inclusion proof (RFC 9162 section 2.1.3)."""

    position: int
    leaf: bytes
    inclusion: tuple[bytes, ...]


class Proofs(Form, frozen=True):
    """Leaves, and the head that they are proved to be under."""

    checkpoint: str
    proofs: tuple[Proof, ...]


class ClassStatus(Form, frozen=True):
    """One class over all stores: the strict state, and how many stores are proven."""

    record_class: str
    state: str  # ok | violated | unknown
    proven: int
    total: int


class Reason(Form, frozen=True):
    """Why a state is not ok: a word for programs, a sentence for people."""

    state: str
    word: str
    sentence: str


class StoreStatus(Form, frozen=True):
    """One store and class. `counts` are the exclusive states of its items."""

    store: str
    record_class: str
    state: str
    reasons: tuple[Reason, ...]
    counts: dict[str, int]
    overdue: int
    past_limit: int
    oldest: date | None
    next_deadline: Instant | None
    valid_until: Instant | None


class Status(Form, frozen=True):
    """The state of compliance as of `at`."""

    at: Instant
    classes: tuple[ClassStatus, ...]
    stores: tuple[StoreStatus, ...]
