"""The agent as a witness of the ledger: a head that does not extend the last one seen is refused.

Unless two people say that the ledger goes on from a backup (docs/rules.md, Coming back): which head
was the last before it, they sign, and one signature is worth one new beginning.
"""

from collections.abc import Sequence

from agents.engine.memory.catalogue import Catalogue
from retention import codec
from retention.calendar import Instant
from retention.envelope import Envelope
from retention.errors import VerificationError
from retention.ledger import LastHead, last_head, verifiers
from retention.merkle import verify_consistency
from retention.note import Checkpoint, open_note
from retention.policy import Chain


def check_head(
    catalogue: Catalogue,
    chain: Chain,
    note: str,
    consistency: Sequence[bytes],
    succession: Envelope | None = None,
    *,
    now: Instant,
) -> Checkpoint | None:
    """Remember the ledger's head, if it extends the one this agent saw last (I7).

    A ledger key of any version of the policy counts: the newest head may be older than a change of keys.
    `note` is empty while the ledger is. Raises `VerificationError`, `SignatureError` or
    `MalformedError`, and then remembers nothing: the enforcer shows different ledgers.
    """
    size, root = catalogue.one("SELECT ledger_size, ledger_root FROM agent") or (0, b"")
    if not note and not size:
        return None
    head = Checkpoint.parse(open_note(note, verifiers(chain)))
    act = None
    try:
        if size:
            verify_consistency(size, head.size, consistency, root, head.root)
    except VerificationError:
        if succession is None:
            raise
        act = _new_beginning(catalogue, last_head(succession, chain.current), size, root)
    with catalogue.transaction() as db:
        db.execute("UPDATE agent SET ledger_size = ?, ledger_root = ?", (head.size, head.root))
        if act is not None:
            db.execute("INSERT INTO acts VALUES (?, 'succession', ?)", (act, now))
    return head


def _new_beginning(catalogue: Catalogue, last: LastHead, size: int, root: bytes) -> str:
    """The id of an act by which a ledger is believed that does not extend the head seen last."""
    act = codec.digest(codec.encode(last)).hex()
    if last.size < size or (last.size == size and last.root != root):
        raise VerificationError(
            "two people signed a last head, and this agent has seen a later one"
        )
    if catalogue.one("SELECT 1 FROM acts WHERE id = ?", (act,)) is not None:
        raise VerificationError("the ledger began anew by this signature before")
    return act
