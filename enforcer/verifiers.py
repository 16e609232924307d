"""Whose signature on a head of the ledger counts."""

from retention.note import Verifier
from retention.policy import Chain


def verifiers(chain: Chain) -> tuple[Verifier, ...]:
    """The ledger keys of every policy version: an old head was signed by an old key."""
    named = {(p.ledger_origin, key) for p in chain.policies for key in p.ledger_keys}
    return tuple(Verifier(*each) for each in sorted(named))
