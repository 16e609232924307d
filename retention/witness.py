"""What a Prometheus server recorded of the ledger, of states and alerts, and what it did not see.

The enforcer shows the size and the root of its newest head as gauges, and the state of each class.
Whoever scrapes them has written down, at his own time and on his own disk, what the enforcer once
said: a witness. Here is how a root travels as numbers, and how what was recorded is read; who fetches
it is given as `Ask`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal, cast

import msgspec

from retention.bounds import At, Sentence, Size, Word
from retention.calendar import DAY, Instant
from retention.errors import MalformedError
from retention.merkle import HASH_SIZE

JOB = "retention-enforcer"
"""What the enforcer's job is called in `deploy/prometheus/`."""

GAP_SECONDS = 900
"""A head stands for ten minutes at most (`ledger.HEARTBEAT_SECONDS`): so long nobody may miss it."""

QUIET_SECONDS = 300
"""An alert that was not evaluated as firing for so long had ended."""

NEAR_SECONDS = 120
"""Of the time between two scrapes so near each other it is known what was shown."""

ALERT_LABELS = frozenset({"class", "ground", "reason", "role", "severity", "store_group", "task"})
"""What of an alert is kept: none of it names a person or a recording (I8)."""

WORD_BYTES = 6
"""The root in words of 48 bits, the last of 16: each is exact in a float64."""

_TREE_SIZE, _HEAD_WORD, _UP = "retention_ledger_tree_size", "retention_ledger_head_word", "up"
_NOT_OK = 'retention_compliance_state{{state=~"violated|unknown",job="{job}"}}'
_WORDS = math.ceil(HASH_SIZE / WORD_BYTES)
_MOST = 1 << 46  # `bounds.Size`
_CHUNK_SECONDS = DAY  # some 3000 scrapes in one answer

Ask = Callable[[str, Instant], bytes]
"""Send Prometheus an instant query as of a time; gives the body of its answer, or raises."""

Series = tuple[dict[str, str], list[tuple[float, float]]]
"""Labels, and values by unix time."""


class Cause(StrEnum):
    """Why nothing was seen, as far as the server's own record can tell."""

    NOT_SCRAPED = "not_scraped"  # no `up`: the server was down, was not told to, or has forgotten
    NO_ANSWER = "no_answer"  # `up` 0: the enforcer was down, or could not be reached
    NO_HEAD = "no_head"  # `up` 1: it answered, and showed no head


class Sighting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One head of one target, from the first to the last scrape in a row that showed it."""

    target: Sentence
    size: Size
    root: bytes
    first: At
    last: At


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time in which no target showed a head."""

    since: At
    until: At
    cause: Cause


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert that fired, from its first to its last evaluation in a row."""

    name: Word
    labels: tuple[tuple[Word, Sentence], ...]
    first: At
    last: At


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time in which scrapes that followed each other closely showed a class not to be ok."""

    target: Sentence
    record_class: Word
    state: Literal["violated", "unknown"]
    first: At
    last: At


class Watched(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that one server recorded between two times, in order."""

    since: At
    until: At
    sightings: tuple[Sighting, ...]
    gaps: tuple[Gap, ...]
    alarms: tuple[Alarm, ...]
    stretches: tuple[Stretch, ...] | msgspec.UnsetType = msgspec.UNSET
    """Unset in a record from before states were asked for."""


def root_words(root: bytes) -> list[int]:
    """A 32-byte root as six integers below 2^48, most significant first."""
    return [int.from_bytes(root[at : at + WORD_BYTES]) for at in range(0, len(root), WORD_BYTES)]


def root_of(words: Mapping[int, float]) -> bytes:
    """The root that these words are, by their index; `MalformedError` if they are none."""
    root = b""
    for index in range(_WORDS):
        length = min(WORD_BYTES, HASH_SIZE - len(root))
        root += _whole(words.get(index, -1.0), below=1 << 8 * length).to_bytes(length)
    return root


def watched(ask: Ask, since: Instant, until: Instant, *, job: str = JOB) -> Watched:
    """Read all that a server recorded from `since` to `until`, a day at a time.

    Raises what `ask` raises, and `MalformedError` if that is no answer of Prometheus.
    """
    heads, alarms, states = _Heads(since), _Alarms(), _States()
    begin = since
    while begin < until:
        end = Instant(min(begin + _CHUNK_SECONDS, until))
        span = f"[{end - begin}s]"
        shown = f'{{__name__=~"{_TREE_SIZE}|{_HEAD_WORD}|{_UP}",job="{job}"}}{span}'
        heads.read(_series(ask(shown, end), after=begin))
        fired = f'ALERTS{{alertstate="firing",alertname=~"Retention.*"}}{span}'
        alarms.read(_series(ask(fired, end), after=begin))
        states.read(_series(ask(_NOT_OK.format(job=job) + span, end), after=begin))
        begin = end
    sightings, gaps = heads.conclude(until)
    return Watched(since, until, sightings, gaps, alarms.conclude(), states.conclude())


def _series(answer: bytes, *, after: Instant) -> list[Series]:
    """The series of a range. Some servers count both of its ends: the earlier is ours already."""
    try:
        document: Any = msgspec.json.decode(answer)
        return [
            (dict(each["metric"]), [(at, float(v)) for at, v in each["values"] if at > after])
            for each in document["data"]["result"]
        ]
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise MalformedError(f"this is no answer of Prometheus: {answer[:80]!r}") from error


class _Scrape:
    """What one scrape of one target brought."""

    __slots__ = ("size", "words")

    def __init__(self) -> None:
        self.size: float | None = None
        self.words: dict[int, float] = {}


class _Heads:
    """Joins what was scraped together, and keeps only where something changed."""

    def __init__(self, since: Instant) -> None:
        self._running: dict[str, Sighting] = {}
        self._done: list[Sighting] = []
        self._gaps: list[Gap] = []
        self._last_seen = since
        self._up: list[tuple[Instant, float]] = []  # of the time since then

    def read(self, found: Iterable[Series]) -> None:
        """Take what was recorded in one stretch of time, later than all before."""
        scrapes: defaultdict[tuple[float, str], _Scrape] = defaultdict(_Scrape)
        for labels, values in found:
            name, target = labels.get("__name__"), labels.get("instance", "")
            for at, value in values:
                if name == _UP:
                    self._up.append((Instant(int(at)), value))
                elif name == _TREE_SIZE:
                    scrapes[at, target].size = value
                else:
                    scrapes[at, target].words[_index(labels)] = value
        for at, target in sorted(scrapes):
            scrape = scrapes[at, target]
            if scrape.size is not None:
                size, root = _whole(scrape.size, below=_MOST), root_of(scrape.words)
                self._saw(Instant(int(at)), target, size, root)
        self._up = [each for each in self._up if each[0] >= self._last_seen]

    def conclude(self, until: Instant) -> tuple[tuple[Sighting, ...], tuple[Gap, ...]]:
        """Sightings by target and time, and gaps."""
        self._notice_gap(until)
        sightings = sorted(
            (*self._done, *self._running.values()), key=lambda s: (s.target, s.first)
        )
        return tuple(sightings), tuple(self._gaps)

    def _saw(self, at: Instant, target: str, size: int, root: bytes) -> None:
        self._notice_gap(at)
        self._last_seen = at
        running = self._running.get(target)
        first = at
        if running is not None and (running.size, running.root) == (size, root):
            first = running.first
        elif running is not None:
            self._done.append(running)
        self._running[target] = Sighting(target, size, root, first, at)

    def _notice_gap(self, at: Instant) -> None:
        if at - self._last_seen > GAP_SECONDS:
            values = {value for when, value in self._up if self._last_seen < when < at}
            self._gaps.append(Gap(self._last_seen, at, _cause(values)))


class _Alarms:
    """Joins evaluations of one alert that follow each other."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, tuple[tuple[str, str], ...]], Alarm] = {}
        self._done: list[Alarm] = []

    def read(self, found: Iterable[Series]) -> None:
        """Take what was recorded in one stretch of time, later than all before."""
        for labels, values in found:
            kept = tuple((name, labels[name]) for name in sorted(ALERT_LABELS & labels.keys()))
            for at, _ in values:
                self._fired(labels.get("alertname", ""), kept, Instant(int(at)))

    def conclude(self) -> tuple[Alarm, ...]:
        """All of them, by time."""
        found = (*self._done, *self._running.values())
        return tuple(sorted(found, key=lambda alarm: (alarm.first, alarm.name, alarm.labels)))

    def _fired(self, name: str, labels: tuple[tuple[str, str], ...], at: Instant) -> None:
        running = self._running.get((name, labels))
        if running is not None and at - running.last > QUIET_SECONDS:
            self._done.append(running)
            running = None
        # Two series may differ in a label that is not kept: the same time is met twice then.
        first, last = (running.first, running.last) if running else (at, at)
        self._running[name, labels] = Alarm(name, labels, min(first, at), max(last, at))


class _States:
    """Joins scrapes of one target that showed a class in the same state, and it was not ok."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str, str], Stretch] = {}
        self._done: list[Stretch] = []

    def read(self, found: Iterable[Series]) -> None:
        """Take what was recorded in one stretch of time, later than all before."""
        for labels, values in found:
            key = labels.get("instance", ""), labels.get("class", ""), labels.get("state", "")
            for at, value in values:
                if value:
                    self._showed(key, Instant(int(at)))
                elif key in self._running:
                    self._done.append(self._running.pop(key))

    def conclude(self) -> tuple[Stretch, ...]:
        """All of them, by target, class and time."""
        found = (*self._done, *self._running.values())
        return tuple(sorted(found, key=lambda s: (s.target, s.record_class, s.first)))

    def _showed(self, key: tuple[str, str, str], at: Instant) -> None:
        running = self._running.get(key)
        if running is not None and at - running.last > NEAR_SECONDS:
            self._done.append(running)
            running = None
        target, record_class, state = key
        first = running.first if running else at
        shown = cast("Literal['violated', 'unknown']", state)  # of others nothing was asked
        self._running[key] = Stretch(target, record_class, shown, first, at)


def shrunk(sightings: Sequence[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Yield what a target showed before and after its tree became smaller."""
    for before, after in pairwise(sightings):
        if before.target == after.target and after.size < before.size:
            yield before, after


def forked(sightings: Iterable[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Yield two sightings of one size and two roots, the first such of each size."""
    by_size: dict[int, Sighting] = {}
    told: set[int] = set()
    for sighting in sightings:
        other = by_size.setdefault(sighting.size, sighting)
        if other.root != sighting.root and sighting.size not in told:
            told.add(sighting.size)
            yield other, sighting


def _cause(values: set[float]) -> Cause:
    if not values:
        return Cause.NOT_SCRAPED
    return Cause.NO_ANSWER if 0 in values else Cause.NO_HEAD


def _index(labels: Mapping[str, str]) -> int:
    word = labels.get("i", "")
    return int(word) if word.isascii() and word.isdigit() else -1


def _whole(value: float, *, below: int) -> int:
    if not 0 <= value < below or value != int(value):
        raise MalformedError(f"{value} was recorded, and no ledger shows such a number")
    return int(value)
