"""What `enforcer doctor` looks at, without asking a running enforcer and without changing anything."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import Engine

from enforcer import heads, prove
from enforcer.checkup import files, fleet, rules
from enforcer.index.engine import look_at_index, reading
from enforcer.index.policies import Chains
from enforcer.index.tables import leaves, stores
from enforcer.settings import Settings
from retention.calendar import Instant
from retention.checkup import Fact, amiss, fine, in_words, unknown
from retention.errors import RetentionError
from retention.ledger import verifiers
from retention.policy import Chain

WRONG_SECONDS = 120
"""A clock this far off is wrong; agents count the same."""
_WITNESSES = 3
"""So many agents that say the same of our clock are more likely right than it is."""

Synchronised = Callable[[], bool | None]


def examine(
    settings: Settings, config: Path, now: Instant, synchronised: Synchronised
) -> Iterator[Fact]:
    """Everything that can be seen from beside the enforcer's own files. `config` is its settings'."""
    yield from files.examine(settings, config, now)
    yield _kept_right(synchronised())
    try:
        engine = look_at_index(settings.index)
    except RetentionError as error:
        yield amiss(
            "index",
            in_words(error),
            why="Without it nobody is directed, and nothing is proved.",
            remedy="Look at `index` in the settings; restore it (docs/backup-and-restore.md) if lost.",
        )
        return
    try:
        yield from _known(engine, settings, now)
    finally:
        engine.dispose()


def _known(engine: Engine, settings: Settings, now: Instant) -> Iterator[Fact]:
    """What the index says, in one consistent state."""
    with reading(engine) as connection:
        yield files.room_of_index(connection, settings.index)
        try:
            chain = Chains(bytes.fromhex(settings.policy_pin)).read(connection)
        except RetentionError as error:
            yield amiss(
                "policy",
                in_words(error),
                why="Agents follow the chain from the same pin, and believe nothing else.",
                remedy="Compare `policy_pin` with what `enforcer init` printed; restore the index.",
            )
            return
        said = f"It is version {chain.current.version}, verified from its pin."
        yield fine("policy", said)
        yield _ledger(engine, chain, settings.heads)
        yield from _agreed(connection, now)
        yield from files.signing_keys(settings, chain.current)
        yield from rules.examine(chain.current, _groups(connection), now)
        yield from fleet.examine(connection, chain, now)


def _ledger(engine: Engine, chain: Chain, directory: Path) -> Fact:
    """Hashed anew as a whole, and held against every head and the last one that was published."""
    try:
        with reading(engine) as connection:
            heads.require_memory(connection, chain, directory)
            head = prove.check(connection, verifiers(chain))
    except RetentionError as error:
        return amiss(
            "ledger",
            in_words(error),
            why="What was proved by it is in doubt, and agents refuse its next checkpoint.",
            remedy="Keep a copy of the index as it is, and go on by docs/runbooks/ledger.md.",
        )
    count = 0 if head is None else head.size
    return fine("ledger", f"It is as it was signed, in all of its {count} entries.")


def _groups(connection: Connection) -> Sequence[str]:
    query = select(stores.c.store_group).where(stores.c.state != "retired").distinct()
    return sorted(connection.execute(query).scalars())


def _kept_right(known: bool | None) -> Fact:  # noqa: FBT001 - yes, no, or nobody knows
    if known:
        return fine("clock", "The kernel says that it is kept right.")
    return unknown(
        "clock",
        "Nothing on this machine keeps it right, as far as the kernel knows.",
        why="Agents measure theirs by it; certificates and limits are dated by it.",
        remedy="Let it be set by a time server: `timedatectl set-ntp true`. In a container, see that "
        "its host does.",
    )


def _agreed(connection: Connection, now: Instant) -> Iterator[Fact]:
    """What the ledger and the agents say of this clock."""
    newest = connection.execute(select(func.max(leaves.c.at))).scalar() or 0
    told = [-each for each in connection.execute(_OFFSETS).scalars()]
    ahead = sorted(told)[len(told) // 2] if told else 0
    if newest > now + WRONG_SECONDS:
        sentence = f"It is {newest - now} s behind the newest entry of the ledger."
    elif len(told) >= _WITNESSES and abs(ahead) > WRONG_SECONDS:
        sentence = f"It is {ahead} s ahead of the clocks of most agents."
    else:
        return
    yield amiss(
        "clock",
        sentence,
        why="Agents that trust it date wrongly; those that do not erase nothing until it is explained.",
        remedy="Compare it with a time server, and look which of the two was set wrong.",
    )


_OFFSETS = select(stores.c.clock_offset).where(
    stores.c.clock_offset.is_not(None), stores.c.state != "retired"
)
