"""Forms about holds."""

from datetime import date

from enforcer.govern.forms.form import Event, Form
from retention.bounds import Sentence, Word
from retention.calendar import Instant


class Placement(Form, frozen=True):
    """A hold to place. `id` is made by whoever asks: asking again places nothing twice.

    Where: a `site` as people call it, or `stores`; of them all sources or only `sources`. When:
    `around` a time, or `since`..`until`, in the site's zone (see `govern.moments`). Or neither,
    and `items` ("STORE/EPOCH/NUMBER"). `number`: only calls made with that telephone number, in all
    stores if none is said. `requested_on`: a person's request for access came in.
    """

    id: Word
    ground: Word
    site: Sentence = ""
    stores: tuple[Word, ...] = ()
    sources: tuple[Word, ...] = ()
    items: tuple[Sentence, ...] = ()
    around: Word = ""
    since: Word = ""
    until: Word = ""
    number: Word = ""
    case: Sentence = ""
    citation: Sentence = ""
    requested_on: date | None = None
    review_on: date | None = None


class Review(Form, frozen=True):
    """A hold looked at again: until when it is good, and what was still missing."""

    review_on: date
    case: Sentence = ""
    citation: Sentence = ""


class Confirmation(Form, frozen=True):
    """A hold that the locker's software began, taken on by a person."""

    ground: Word
    case: Sentence = ""
    citation: Sentence = ""


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
    number_keys: tuple[str, ...]  # by which keys it tells a telephone number; none: it names none
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
