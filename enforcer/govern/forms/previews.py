"""Forms about what a hold would cover."""

from enforcer.govern.forms.form import Form
from enforcer.govern.forms.holds import Counted
from retention.calendar import Instant


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
