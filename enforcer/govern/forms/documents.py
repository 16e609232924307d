"""Forms about policies and about what takes two signatures."""

from enforcer.govern.forms.form import Event, Form
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.reasons import SaltedReason


class PolicyDocuments(Form, frozen=True):
    """The published chain, oldest first."""

    pin: str
    policies: tuple[Envelope, ...]


class Proposal(Form, frozen=True):
    """A new document with the signature of whoever drew it up, and what its reasons commit to."""

    envelope: Envelope
    reasons: tuple[SaltedReason, ...]


class Signed(Form, frozen=True):
    """A proposed document with the signature of whoever signs it as well."""

    envelope: Envelope


class Document(Form, frozen=True):
    """A document on its way to two signatures. What it says is in the envelope's payload.

    `reasons` are what the reasons there commit to, until they are shredded; not in a list of documents.
    """

    id: str
    kind: str
    state: str  # proposed | approved | applied | withdrawn
    proposed_at: Instant
    approved_at: Instant | None
    signed_by: tuple[str, ...]
    roles: tuple[str, ...]  # of which a signer needs one
    waiting_for: tuple[str, ...]  # stores that have not carried it out yet
    envelope: Envelope
    reasons: tuple[SaltedReason, ...] = ()


class Documents(Form, frozen=True):
    """Documents, newest first."""

    documents: tuple[Document, ...]


class Events(Form, frozen=True):
    """Lines of the history, and the document if they are about one."""

    events: tuple[Event, ...]
    document: Document | None = None
