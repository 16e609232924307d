"""The policy chain as this agent has verified it, from the pin of its enrolment on."""

import threading
from collections.abc import Iterable

from agents.engine.memory.catalogue import Catalogue
from retention import envelope, policy
from retention.envelope import Envelope
from retention.policy import Chain


class PolicyChain:
    """Called, it gives the verified chain; `extend` follows it to newer versions."""

    def __init__(self, catalogue: Catalogue, pin: bytes) -> None:
        self._catalogue = catalogue
        self._pin = pin
        self._turn = threading.Lock()
        self._chain: Chain | None = None

    def __call__(self) -> Chain:
        """The whole chain; `VerificationError` if the catalogue holds none, or another."""
        if self._chain is None:
            rows = self._catalogue.rows("SELECT envelope FROM policies ORDER BY version")
            chain = policy.follow((envelope.decode(row[0]) for row in rows), self._pin)
            with self._turn:
                # Another thread may have been faster, and perhaps followed it on.
                if self._chain is None:
                    self._chain = chain
        return self._chain

    def extend(self, documents: Iterable[Envelope]) -> None:
        """Follow newer versions; raises at the first that does not follow on, keeping those before."""
        for document in documents:
            chain = self().extended(document)
            with self._catalogue.transaction() as db:
                db.execute(
                    "INSERT INTO policies (version, envelope) VALUES (?, ?)",
                    (chain.current.version, envelope.encode(document)),
                )
            with self._turn:
                self._chain = chain
