"""Forms about the state of things, and what comes."""

from datetime import date

from enforcer.govern.forms.form import Form
from retention.calendar import Instant


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


class ClassStatus(Form, frozen=True):
    """One class over all stores: the strict state, and how many stores are proven; since when."""

    record_class: str
    state: str  # ok | violated | unknown
    proven: int
    total: int
    since: Instant | None  # of this state; None: it changed within the last minute
    not_ok_since: Instant | None


class Reason(Form, frozen=True):
    """Why a state is not ok: a word for programs, a sentence for people."""

    state: str
    word: str
    sentence: str
    number: int = 0  # of items or holds, where the sentence names a number


class StoreStatus(Form, frozen=True):
    """One store and class. `counts` are the exclusive states of its items.

    `partly_erased` are calls of which a part is gone: each counts in the state of the rest.
    """

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
    partly_erased: int = 0


class Status(Form, frozen=True):
    """The state of compliance as of `at`."""

    at: Instant
    classes: tuple[ClassStatus, ...]
    stores: tuple[StoreStatus, ...]
