"""Forms about policies and about what takes two signatures."""

from enforcer.govern.forms.form import Form
from retention.calendar import Instant
from retention.envelope import Envelope


class PolicyDocuments(Form, frozen=True):
    """The published chain, oldest first."""

    pin: str
    policies: tuple[Envelope, ...]


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
