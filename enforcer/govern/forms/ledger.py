"""Forms about the proof."""

from enforcer.govern.forms.form import Form


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
