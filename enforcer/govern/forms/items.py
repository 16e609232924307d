"""Forms about single recordings."""

from enforcer.govern.forms.form import Form
from retention.bounds import Sentence, Word
from retention.calendar import Instant
from retention.hold import ItemRef


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
    """Which items: of a site or store, of a source, around a time or between two.

    Or calls made with a telephone `number`, wherever and whenever, if no place and time is given.
    """

    site: Sentence = ""
    store: Word = ""
    source: Word = ""
    around: Word = ""
    since: Word = ""
    until: Word = ""
    number: Word = ""


class Restriction(Form, frozen=True):
    """Items to keep but not to use (GDPR article 18). Placed by one, lifted by two."""

    id: Word
    items: tuple[Sentence, ...]
    reason: Sentence
