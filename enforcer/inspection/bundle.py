"""The inspector's bundle, out of one consistent state of the index (docs/ledger-format.md).

Nothing in it tells of a person (I8): acts that name single items stay behind, with a receipt for
each, and a hold comes without its case, its interval and its people. Of a reason it has the commitment.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date
from typing import BinaryIO

from msgspec import Raw
from nacl.signing import SigningKey
from sqlalchemy import Connection, and_, or_, select

from enforcer import keys
from enforcer.index import policies, tree
from enforcer.index.tables import leaves, stores
from enforcer.index.tree import Head
from enforcer.inspection import extracts
from enforcer.inspection.exceptions import exceptions_of
from retention import bundle, codec, envelope, exceptions, excerpt
from retention.bundle import Manifest, Node, Placed, Published
from retention.calendar import Instant, civil_date, start_of_day
from retention.envelope import Envelope
from retention.errors import ConfigError, RefusedError
from retention.page import page
from retention.policy import Chain
from retention.witness import Watched


def make(
    connection: Connection,
    file: BinaryIO,
    *,
    chain: Chain,
    key: SigningKey,
    since: date,
    through: date,
    now: Instant,
    random: Callable[[int], bytes],
    watched: Watched | None = None,
) -> None:
    """Write the bundle of recordings of civil dates `since`..`through` (both included).

    `key` is a directive key of the current policy; `random` gives bytes nobody can guess. Every
    head that was published from the first day on can be checked against it: somebody may have
    seen it. `watched` is what a Prometheus server recorded, if one was asked. `ConfigError` if the
    range is empty, `RefusedError` if no head was published yet.
    """
    keys.require_named("directive", key, chain.current.directive_keys)
    if since > through:
        raise ConfigError(f"{since} is after {through}")
    newest = tree.last_head(connection)
    if newest is None:
        raise RefusedError("the ledger has no published head yet: there is nothing to prove")
    began = start_of_day(since, UTC)
    placed = list(_placed(connection, newest.size, since, through, began))
    shown = list(_shown(connection, began))
    since_then = (head.size for head in tree.heads(connection) if head.at >= began)
    sizes = sorted({*(head.size for head in shown), *since_then})
    open_acts, item_acts = extracts.acts_of(connection, chain, began)
    contents = {
        bundle.READ_ME: bundle.ABOUT.encode(),
        bundle.POLICY: bundle.lines(policies.published(connection)),
        bundle.CHECKPOINTS: bundle.lines(Published(Instant(h.at), h.note) for h in shown),
        bundle.LEAVES: bundle.lines(placed),
        bundle.SUBTREES: bundle.lines(_beside(connection, placed, sizes)),
        bundle.BOOKS: bundle.lines(extracts.books(connection, newest.size, since, through)),
        bundle.HOLDS: bundle.lines(extracts.holds_of(connection, began)),
        bundle.ACTS: bundle.lines(open_acts),
        bundle.ITEM_ACTS: bundle.lines(item_acts),
        bundle.EXCEPTIONS: bundle.lines(_exceptions(connection, chain, key, now, random)),
        bundle.BACKUPS: bundle.lines(extracts.backups(connection)),
        bundle.RESCANS: bundle.lines(extracts.rescans_of(connection, began)),
        bundle.WITNESS: bundle.lines([watched] if watched else []),
    }
    contents[bundle.PAGE] = page(contents, chain, made_at=now, since=since, through=through)
    members, unchecked = bundle.members_of(contents), bundle.not_checked(contents)
    manifest = Manifest(now, since, through, members, unchecked, bundle.EDITION)
    sealed = envelope.seal(bundle.KIND, codec.encode(manifest), [key])
    bundle.write(file, envelope.encode(sealed), contents)


def exceptions_list(
    connection: Connection,
    chain: Chain,
    store: str,
    *,
    key: SigningKey,
    now: Instant,
    random: Callable[[int], bytes],
) -> Envelope:
    """The signed list of one store's exceptions."""
    nonce = random(exceptions.NONCE_BYTES)
    found = exceptions_of(connection, chain, store, now, nonce)
    return envelope.seal(exceptions.KIND, codec.encode(found), [key])


def _placed(
    connection: Connection, size: int, since: date, through: date, began: Instant
) -> Iterator[Placed]:
    """Yield the certificates of these recordings, and every other leaf since the first day."""
    c = leaves.c
    ours = and_(c.kind == "certificate", c.civil.between(since.toordinal(), through.toordinal()))
    timely = and_(c.kind != "certificate", c.at >= began)
    for position, data in connection.execute(
        select(c.position, c.data).where(c.position < size, or_(ours, timely)).order_by(c.position)
    ):
        yield Placed(position, Raw(data))


def _shown(connection: Connection, began: Instant) -> Iterator[Head]:
    """Yield the last head of each day, from the one before the first day on."""
    waiting: Head | None = None
    for head in tree.heads(connection):
        if waiting is not None and _day(head) > max(_day(waiting), civil_date(began, UTC)):
            yield waiting
        waiting = head
    if waiting is not None:
        yield waiting


def _day(head: Head) -> date:
    return civil_date(Instant(head.at), UTC)


def _beside(
    connection: Connection, placed: Sequence[Placed], sizes: Sequence[int]
) -> Iterator[Node]:
    positions = [each.position for each in placed]
    for subtree in excerpt.subtrees_beside(positions, sizes, tree.node(connection)):
        yield Node(subtree.level, subtree.index, subtree.hash)


def _exceptions(
    connection: Connection,
    chain: Chain,
    key: SigningKey,
    now: Instant,
    random: Callable[[int], bytes],
) -> Iterator[Envelope]:
    known = select(stores.c.id).where(stores.c.state != "invited").order_by(stores.c.id)
    for store in connection.execute(known).scalars().all():
        yield exceptions_list(connection, chain, store, key=key, now=now, random=random)
