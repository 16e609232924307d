"""The chain of policies as the index keeps it, verified from the pinned first document on."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from enforcer.index.tables import policies
from retention import envelope
from retention.envelope import Envelope
from retention.errors import ConfigError
from retention.policy import Chain, follow


def published(connection: Connection, *, after: int = 0) -> Sequence[Envelope]:
    """The documents of versions greater than `after`, oldest first."""
    rows = connection.execute(
        select(policies.c.envelope).where(policies.c.version > after).order_by(policies.c.version)
    )
    return [envelope.decode(data) for data in rows.scalars()]


def publish(connection: Connection, version: int, document: Envelope) -> None:
    """Add the next document; that it follows on is for the caller to have verified."""
    connection.execute(insert(policies).values(version=version, envelope=envelope.encode(document)))


class Chains:
    """The verified chain, read again only when a version was added.

    `pin` is the SHA-256 of the first document: not even our own database may show another.
    """

    def __init__(self, pin: bytes) -> None:
        self._pin = pin
        self._chain: Chain | None = None

    def read(self, connection: Connection) -> Chain:
        """The chain as of this transaction; raises what `policy.follow` raises.

        `ConfigError` if there is none: the index was never founded, or is not the one that was.
        """
        newest = connection.execute(select(func.max(policies.c.version))).scalar()
        if newest is None:
            raise ConfigError(
                "the index holds no policy: `enforcer init` founds one, a backup brings one back"
            )
        chain = self._chain  # once: another thread may see another state, and another chain
        if chain is None or chain.current.version != newest:
            chain = self._chain = follow(published(connection), self._pin)
        return chain
