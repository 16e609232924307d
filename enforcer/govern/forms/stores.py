"""Forms about stores."""

from datetime import date

from enforcer.govern.forms.form import Form
from retention.bounds import Sentence, Word
from retention.calendar import Instant


class NewStore(Form, frozen=True):
    """A store to enrol. Nothing it holds was recorded before `commissioned_on`, unless imported."""

    id: Word
    site: Sentence
    group: Word
    commissioned_on: date
    zone: Word = "Europe/Riga"
    region: Sentence = "EEA"  # or a country and the basis of the transfer: "US: SCC 2021/914"
    processor: Sentence = "controller"  # who runs the storage
    kind: Word = "terminal"  # terminal | directory | bucket | rows


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
    epoch: int  # of the state that its agent last began with; 0 before the first


class StoreLines(Form, frozen=True):
    """All stores, by id."""

    stores: tuple[StoreLine, ...]
