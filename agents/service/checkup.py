"""What `retention-agent doctor` looks at besides the recordings: the agent's own things.

Each is something that works when the agent is installed and fails when it matters: on the night of
an incident, after a boot, or when a certificate ends.
"""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from agents.engine.clockwatch import WRONG_SECONDS
from agents.engine.finding.recorders import skewed
from agents.engine.memory.catalogue import LOG_BYTES
from agents.engine.memory.reserve import reserve_of
from agents.service.building import CATALOGUE_FILE, CREDENTIAL_FILE, Built, Composition
from agents.service.places import surveyed
from agents.service.started import service
from agents.stores.files.room import room
from agents.stores.tree.survey import overlaps
from retention.calendar import DAY, Instant, Period
from retention.checkup import Fact, amiss, fine, in_words, unknown
from retention.errors import RetentionError, UnreachableError

LEAST_ROOM = 64 << 20
"""The reserve, a catalogue of some thousands of items, and its log."""
RENEW_WITHIN_DAYS = 30
_MOST_SCANS = 2
_OTHERS = 0o077
_UNITS = (DAY, "days"), (3600, "hours"), (60, "minutes")
_OTHERS_WRITE = 0o022


def examine(
    chosen: Composition, built: Built, config: Path, others: Iterable[Composition], now: Instant
) -> list[Fact]:
    """Look at an enrolled agent; change nothing. `others`: agents of other settings beside these."""
    store = built.catalogue.value("SELECT store FROM agent")
    group = built.catalogue.value("SELECT store_group FROM agent")
    shortest = Period.parse(built.agent.chain().strictest(group).period).roughly_days
    return [
        *surveyed(partial(chosen.place.survey, store, shortest)),
        *_neighbours(chosen, others),
        *_files(chosen, config),
        *_state(chosen),
        *service(config, chosen.place.roots(), chosen.settings.state_directory),
        _scanned(chosen, built, now),
        *_recorders(built, now),
        *_enforcer(chosen, built, now),
    ]


def _neighbours(chosen: Composition, others: Iterable[Composition]) -> Iterator[Fact]:
    """No two agents of one machine may look after the same files, or write to the same ones."""
    ours = chosen.settings
    for other in others:
        theirs = list(chain.from_iterable(other.place.roots()))
        for path in chain.from_iterable(chosen.place.roots()):
            yield from overlaps(os.fsencode(path), map(os.fsencode, theirs))
        if other.settings.state_directory == ours.state_directory:
            yield amiss(
                "other agents",
                f"Another agent's settings name the same state, {ours.state}.",
                why="Two agents with one credential contradict each other; the enforcer freezes both.",
                remedy="Give each a state of its own, and enrol it as a store of its own.",
            )
        port = ours.metrics_port
        if port is not None and other.settings.metrics_port == port:
            yield amiss(
                "other agents",
                f"Another agent's settings name the same metrics_port, {port}.",
                why="Whichever starts second does not start.",
                remedy="Give each a port of its own.",
            )


def _files(chosen: Composition, config: Path) -> Iterator[Fact]:
    """Who else may read what only the agent should, or write what it obeys."""
    state = chosen.settings.state_directory
    if _mode(state / CREDENTIAL_FILE) & _OTHERS:
        yield amiss(
            "credential",
            f"Others may read {state / CREDENTIAL_FILE}.",
            why="Whoever has read it can speak in this store's name.",
            remedy="Ask the centre for a new token, and enrol again.",
        )
    else:
        yield fine("credential", "It is for the agent's eyes only.")
    if _mode(state) & _OTHERS:
        yield amiss(
            "state",
            f"Others may look into {state}.",
            why="The catalogue there names every recording, and recorders write numbers into names.",
            remedy=f"Run `chmod 700 {state}`.",
        )
    if _mode(config) & _OTHERS_WRITE:
        yield amiss(
            "settings",
            f"Others may write {config}.",
            why="They could have the agent look elsewhere, or trust another enforcer.",
            remedy=f"Run `chmod go-w {config}`.",
        )


def _mode(path: Path) -> int:
    return path.stat().st_mode


def _state(chosen: Composition) -> Iterator[Fact]:
    state = chosen.settings.state_directory
    why = "An agent that cannot write its catalogue finds, holds and reports nothing new."
    yield from room(state, "agent's room", least=LEAST_ROOM, why=why)
    reserve = reserve_of(state / CATALOGUE_FILE)
    if not reserve.exists():
        yield fine("reserve", "It is made when the agent starts.")
    elif reserve.stat().st_blocks * 512 < LOG_BYTES:
        yield amiss(
            "reserve",
            f"{reserve} holds less room than it says.",
            why="On a full disk there is no room to write down what is erased, and it stays.",
            remedy="Remove it and start the agent again, on a file system that keeps what it promised.",
        )
    else:
        yield fine("reserve", f"{LOG_BYTES >> 20} MiB are kept for a day when the disk is full.")


def _scanned(chosen: Composition, built: Built, now: Instant) -> Fact:
    ended = built.catalogue.value("SELECT max(ended) FROM scans JOIN agent USING (epoch)")
    if ended is None:
        return fine("scan", "There was none yet: the first begins when the agent is started.")
    ago = f"The last complete one ended {_told(max(now - ended, 0))} ago."
    if now - ended > _MOST_SCANS * chosen.settings.scan_every:
        return amiss(
            "scan",
            ago,
            why="What came since may be known to nobody; the store counts as unknown.",
            remedy="See that the agent runs; if it does, `retention-agent status` and its log say "
            "what it could not read.",
        )
    return fine("scan", ago)


def _told(seconds: int) -> str:
    """A span in the largest unit of which there are two."""
    size, unit = next((each for each in _UNITS if seconds >= 2 * each[0]), (1, "seconds"))
    return f"{seconds // size} {unit}"


def _recorders(built: Built, now: Instant) -> Iterator[Fact]:
    """Their clocks, by what they wrote in the last day."""
    for source, ahead in skewed(built.catalogue, now):
        late = "behind, or it delivers so late"
        yield amiss(
            f"recorder {source}",
            f"Its clock is {_told(abs(ahead))} {'ahead' if ahead > 0 else late}.",
            why="What it dates so is dated by when it appeared; a hold by the minute reaches it less sharply.",
            remedy="Set its clock and its zone, and have a time server keep them; or have the policy allow it more "
            "time to deliver (max_delay_seconds).",
        )


def _enforcer(chosen: Composition, built: Built, now: Instant) -> Iterator[Fact]:
    exchange, time = built.agent.exchange, built.agent.time
    try:
        exchange.consult()
    except RetentionError as error:
        if exchange.retired:
            yield amiss(
                "enforcer",
                in_words(error),
                why="The books are closed: whatever is recorded here from now on nobody at the centre knows.",
                remedy="Wipe the recordings and remove the agent, or enrol this place as a new store.",
            )
            return
        yield amiss(
            "enforcer",
            in_words(error),
            why="Holds do not arrive and nothing is reported; after 72 hours the offline rule counts.",
            remedy="Look at `enforcer` and `ca_file` here, at the network, and at the enforcer.",
        )
        return
    yield fine("enforcer", "It answers, and knows this agent.")
    yield _clock(time.offset)
    for refused in (exchange.policy_refused, exchange.ledger_refused):
        if refused:
            yield amiss(
                "enforcer's word",
                f"The agent refuses it: {refused}.",
                why="It may have been restored from a backup, or be in other hands.",
                remedy="Tell the owners of the policy before anybody enrols this store again.",
            )
    yield from _certificate(chosen, now)


def _clock(ahead: int) -> Fact:
    if abs(ahead) <= WRONG_SECONDS:
        return fine("clock", f"It is {ahead} s ahead of the enforcer's.")
    return amiss(
        "clock",
        f"It is {ahead} s ahead of the enforcer's.",
        why="Recordings get wrong dates, and nothing is erased until that is explained.",
        remedy="Have one of them set by a time server: `timedatectl set-ntp true`.",
    )


def _certificate(chosen: Composition, now: Instant) -> Iterator[Fact]:
    try:
        ends = chosen.uplink(lambda: None).certificate_ends()
    except UnreachableError as error:
        yield unknown(
            "enforcer's certificate",
            in_words(error),
            why="When it ends, no agent speaks to the enforcer any more.",
            remedy="Run `doctor` again.",
        )
        return
    if ends is None:
        return
    days = (ends - now) // DAY
    if days < RENEW_WITHIN_DAYS:
        yield amiss(
            "enforcer's certificate",
            f"It ends in {days} days.",
            why="Then no agent speaks to the enforcer any more: no hold arrives.",
            remedy="At the centre: `enforcer certificate`, and start the enforcer again.",
        )
    else:
        yield fine("enforcer's certificate", f"It is good for {days} days.")
