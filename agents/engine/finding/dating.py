"""From a file on a store to a dated recording: open it, ask the probes, decide which time to believe.

Reads the file, writes nothing. The source is where the file lies; the class is the source's
(docs/rules.md, Dating).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from agents.engine.clockwatch import WRONG_SECONDS
from agents.engine.memory.numbering import Keying
from agents.engine.memory.recording import Early, Recording, Sight
from agents.stores import Found, Opened, Part, Store
from retention.anchor import Dated, Window, date_recording
from retention.calendar import DAY, Instant
from retention.classes import RecordClass
from retention.fingerprint import fingerprint
from retention.media import MediaKind
from retention.policy import UNREGISTERED, Chain, Source
from retention.probes import (
    ByteSource,
    BytesSource,
    Candidate,
    Finding,
    NamePattern,
    Probed,
    TimeSource,
    probe,
)
from retention.probes.strptime import UNIX_EPOCH

NANOSECONDS = 10**9
MOST_SECONDS_BEGUN = DAY
"""How long what is uploaded while it is recorded may go on: nobody tells, and a hold has to match all of it."""
_NOTHING = BytesSource(b"")

Parts = Callable[[bytes, bytes], Part | None]
"""Asked, by directory and title, what a file is part of; None: of nothing, it stands for itself."""

Clocks = Callable[[Instant], Sequence[tuple[int, int]]]
"""Asked by how many seconds each clock was ahead, and can have been, that may have written an mtime.

None: nobody watched.
"""

Tells = Callable[[bytes, bytes, ByteSource], Sequence[Finding]]
"""Asked, by directory and title, what a file tells in its name, or as a sidecar, of what it is part of."""

Registered = tuple[Source | None, RecordClass]
"""The source that a directory belongs to, None if it is in no register, and the class it has."""


class Dater:
    """Dates the files of one store under the policy in force."""

    def __init__(
        self,
        store: Store,
        *,
        group: str,
        commissioned_at: Instant,
        chain: Callable[[], Chain],
        parts: Parts = lambda _directory, _title: None,
        tells: Tells = lambda _directory, _title, _source: (),
        keying: Keying = lambda _number: (),
        clocks: Clocks = lambda _written: ((0, 0),),
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._parts = parts
        self._tells = tells
        self._keying = keying
        self._group = group
        self._commissioned_at = commissioned_at
        self._chain = chain
        self._looked_up: tuple[Chain, bytes, Registered] | None = None

    def date(self, directory: bytes, found: Found, sight: Sight) -> Recording | None:
        """The recording that this file is; None if it is none.

        Raises what `Store.open` and reading raise: a file that cannot be read is not undated.
        """
        source, record_class = self._source(directory)
        part = found.part or self._parts(directory, found.called)
        with self._store.open(directory, found.name) as opened:
            generation = opened.generation
            existed = opened.existed
            mtime_ns = generation.mtime_ns - sight.offset * NANOSECONDS
            probed = _probed(
                opened,
                name=_below(source, directory, found.called),
                mtime_ns=None if existed is not None else mtime_ns,
                patterns=_patterns(source),
                stated=[*opened.stated, *self._tells(directory, found.called, opened)],
            )
            if probed.kind is MediaKind.OTHER and part is None and not opened.unfinished:
                return None
            mark = opened.content or fingerprint(opened)
        span = probed.span_seconds or 0
        modified = Instant(generation.mtime_ns // NANOSECONDS)
        written = self._clocks(modified)
        anchor = partial(self._anchor, source, record_class, span, existed=existed)
        dated = anchor(probed.candidates, sight, written=[a - sight.offset for a, _ in written])
        early = sight.early
        if early is None and any(ahead != most for ahead, most in written):
            early = Early(sight.seen, sight.window, sight.seen)
        if early is not None:
            sooner = sight.seen - early.seen if modified >= early.since else 0
            dated = dated.or_as_early_as(
                anchor(
                    _sooner(probed.candidates, sooner),
                    sight._replace(seen=early.seen, window=early.window),
                    written=[most - sight.offset - sooner for _, most in written],
                )
            )
        if opened.unfinished and dated.latest is not None:
            dated = replace(dated, latest=Instant(dated.latest + MOST_SECONDS_BEGUN))
        return Recording(
            directory=directory,
            name=found.name,
            generation=generation,
            links=found.links,
            fingerprint=mark,
            kind=probed.kind,
            source=UNREGISTERED if source is None else source.id,
            record_class=record_class,
            span=span,
            dated=dated,
            candidates=probed.candidates,
            sight=sight,
            part=part,
            numbers=tuple(each for number in probed.numbers for each in self._keying(number)),
        )

    def reads_otherwise(self, directory: bytes) -> bool:
        """Whether some earlier version of the policy read names in this directory otherwise than now."""
        found = (source_of(p.sources_of(self._group), directory) for p in self._chain().policies)
        return len({None if source is None else source.name_pattern for source in found}) > 1

    def zone_of(self, source: str) -> ZoneInfo:
        """The zone in which the civil dates of a source's recordings are counted."""
        chain = self._chain()
        registered = {each.id: each for each in chain.current.sources_of(self._group)}
        record_class = (
            chain.current.record_class(registered[source].record_class)
            if source in registered
            else None
        )
        return ZoneInfo((record_class or chain.strictest(self._group)).zone)

    def _anchor(
        self,
        source: Source | None,
        record_class: RecordClass,
        span: int,
        candidates: Sequence[Candidate],
        sight: Sight,
        *,
        existed: Instant | None,
        written: Sequence[int],
    ) -> Dated:
        return date_recording(
            candidates,
            zone=ZoneInfo(record_class.zone),
            first_seen=sight.seen,
            commissioned=self._commissioned_at,
            window=sight.window,
            existed=existed,
            span=span,
            max_delay=0 if source is None else source.max_delay_seconds,
            imports=source is not None and source.imports,
            restored=sight.restored,
            written=written,
        )

    def _source(self, directory: bytes) -> Registered:
        """What `_registered` says, remembered for the next file of the same directory."""
        chain, last = self._chain(), self._looked_up
        if last is None or last[0] is not chain or last[1] != directory:
            last = self._looked_up = (chain, directory, self._registered(chain, directory))
        return last[2]

    def _registered(self, chain: Chain, directory: bytes) -> Registered:
        """The registered source whose directory this is or lies below: the longest that fits."""
        source = source_of(chain.current.sources_of(self._group), directory)
        if source is None:
            return None, chain.strictest(self._group)
        record_class = chain.current.record_class(source.record_class)
        assert record_class is not None, "Policy.check saw to it"
        return source, record_class


def _probed(
    opened: Opened,
    *,
    name: bytes,
    mtime_ns: int | None,
    patterns: tuple[NamePattern, ...],
    stated: Sequence[Finding],
) -> Probed:
    """What a file claims. Its bytes are read last where the storage knows its content without."""
    if opened.unfinished:
        return probe(_NOTHING, name=b"", mtime_ns=None, stated=stated)
    return probe(
        opened,
        name=name,
        mtime_ns=mtime_ns,
        patterns=patterns,
        stated=stated,
        sparing=bool(opened.content),
    )


def or_earlier(sight: Sight, seen: Instant, began: Instant | None, since: Instant) -> Sight:
    """The same, and beside it that it can have been `seen` sooner, after a scan that `began` sooner.

    Not for the sake of seconds. What wrote the mtime `since` this is the clock that saw it.
    """
    after = None if sight.window is None else sight.window.after
    apart = max(sight.seen - seen, 0 if after is None or began is None else after - began)
    if apart <= WRONG_SECONDS:
        return sight
    return sight._replace(early=Early(seen, None if began is None else Window(began, seen), since))


def _sooner(candidates: Sequence[Candidate], seconds: int) -> Sequence[Candidate]:
    """The same, with the mtime so much earlier; one from before 1970 is nobody's date anyway."""
    return [
        replace(each, value=each.value - timedelta(seconds=seconds))
        if each.source is TimeSource.MTIME and each.value > UNIX_EPOCH
        else each
        for each in candidates
    ]


def source_of(sources: tuple[Source, ...], directory: bytes) -> Source | None:
    """The source that a directory belongs to, or None: it is in no register."""
    fitting = [s for s in sources if _contains(s.directory.encode(), directory)]
    return max(fitting, key=lambda source: len(source.directory), default=None)


def _contains(parent: bytes, directory: bytes) -> bool:
    return not parent or directory == parent or directory.startswith(parent + b"/")


def _below(source: Source | None, directory: bytes, name: bytes) -> bytes:
    """The path below the source's directory."""
    parent = b"" if source is None else source.directory.encode()
    rest = directory[len(parent) :].lstrip(b"/")
    return rest + b"/" + name if rest else name


def _patterns(source: Source | None) -> tuple[NamePattern, ...]:
    if source is None or source.name_pattern is None:
        return ()
    return (_parsed(source.name_pattern),)


@lru_cache(maxsize=64)
def _parsed(pattern: str) -> NamePattern:
    return NamePattern.parse(pattern)
