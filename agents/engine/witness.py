"""The agent as a witness of the ledger: a head that does not extend the last one seen is refused."""

from collections.abc import Sequence

from agents.engine.catalogue import Catalogue
from retention.merkle import verify_consistency
from retention.note import Checkpoint, Verifier, open_note
from retention.policy import Policy


def check_head(
    catalogue: Catalogue, policy: Policy, note: str, consistency: Sequence[bytes]
) -> Checkpoint | None:
    """Remember the ledger's head, if it extends the one this agent saw last (I7).

    `note` is empty while the ledger is. Raises `VerificationError`, `SignatureError` or
    `MalformedError`, and then remembers nothing: the enforcer shows different ledgers.
    """
    size, root = catalogue.one("SELECT ledger_size, ledger_root FROM agent") or (0, b"")
    if not note and not size:
        return None
    verifiers = [Verifier(policy.ledger_origin, key) for key in policy.ledger_keys]
    head = Checkpoint.parse(open_note(note, verifiers))
    if size:
        verify_consistency(size, head.size, consistency, root, head.root)
    with catalogue.transaction() as db:
        db.execute("UPDATE agent SET ledger_size = ?, ledger_root = ?", (head.size, head.root))
    return head
