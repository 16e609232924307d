"""Published heads as files, one for each day: copied elsewhere, nobody can take them back.

They outlive the index. If it is restored from a backup, the newest file tells that we know less than
we once said: then the ledger stands still until two people sign which head was the last anybody
knows, and no store gets a directive before its agent has said what it knows (docs/rules.md, Coming
back).
"""

from datetime import UTC
from pathlib import Path

from sqlalchemy import Connection, select

from enforcer.index import tree
from enforcer.index.tables import leaves
from enforcer.index.tree import Head
from retention import codec, ledger, merkle, note
from retention.calendar import Instant, civil_date
from retention.envelope import Envelope
from retention.errors import ConfigError, RetentionError, VerificationError
from retention.ledger import LastHead, Succession, verifiers
from retention.note import Checkpoint
from retention.policy import Chain


def show(directory: Path, head: Head) -> None:
    """Publish a head, after its commit: it takes the place of an earlier one of the same day.

    In the turn of a write transaction, lest another enforcer's older one takes its place.
    """
    path = directory / f"{civil_date(Instant(head.at), UTC)}.note"
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_text(head.note, encoding="utf-8")
        unfinished.rename(path)
    except OSError as error:
        raise ConfigError(f"cannot publish a head in {directory}: {error.strerror}") from error


def require_memory(connection: Connection, chain: Chain, directory: Path) -> None:
    """`VerificationError` that says what to do, if we published more than we know.

    Needs a connection that has read nothing yet: an enforcer at work publishes meanwhile.
    """
    head = _newest(directory, chain)
    if head is None or _known(connection, head) or succession(connection, head.size) is not None:
        return
    raise VerificationError(
        f"a head over {head.size} leaves was published, and the index has {tree.size(connection)} "
        f"others: it was restored; two people sign `enforcer ledger succeed "
        f"{head.size}:{head.root.hex()}`"
    )


def _newest(directory: Path, chain: Chain) -> Checkpoint | None:
    """The last one published; what is none of ours is passed over."""
    for path in sorted(directory.glob("*.note"), reverse=True):
        try:
            text = note.open_note(path.read_text(encoding="utf-8"), verifiers(chain))
            return Checkpoint.parse(text)
        except (RetentionError, OSError, UnicodeDecodeError):
            continue
    return None


def _known(connection: Connection, head: Checkpoint) -> bool:
    if head.size > tree.size(connection):
        return False
    return merkle.root_from(head.size, tree.node(connection)) == head.root


def succession(connection: Connection, size: int) -> Envelope | None:
    """What two people signed of a head of this size or a later one: it was the last; None if nothing."""
    query = select(leaves.c.data).where(leaves.c.kind == "succession").order_by(leaves.c.position)
    signed = [ledger.decode(data) for data in connection.execute(query).scalars()]
    return next(
        (
            leaf.approval
            for leaf in reversed(signed)
            if isinstance(leaf, Succession)
            and codec.decode(leaf.approval.payload, LastHead).size >= size
        ),
        None,
    )
