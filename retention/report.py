"""What an agent reports: one numbered, hash-chained log per (store, epoch).

Entry n's digest covers entry n and the digest of n - 1, so the enforcer can name the exact point
it knows, a gap shows, and two boxes that speak with one identity show too: they chain different
entries under one number. On the wire an entry is a line of JSON, an array headed by its kind; a
batch is lines, compressed with zlib. No entry carries a path, a name, a call, or a number otherwise than keyed
(docs/rules.md, The way of a file).
"""

import zlib
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Literal

import msgspec

from retention.bounds import (
    At,
    Count,
    Difference,
    Mark,
    Number,
    Ordinal,
    Sentence,
    Size,
    Small,
    Word,
)
from retention.calendar import Instant
from retention.errors import MalformedError
from retention.numbers import Keyed
from retention.outcome import Outcome

#: The digest before a log's first entry.
GENESIS = bytes(32)

#: A batch may not unpack to more: an agent sends smaller ones.
MAX_BATCH_BYTES = 8 * 1024 * 1024

#: The shortest entry takes 14 bytes of a batch: what has more lines is there to fill a memory.
MAX_BATCH_LINES = MAX_BATCH_BYTES // 14

#: Runs of item numbers, first and last included: [[1, 5000], [5007, 5007]].
Runs = tuple[tuple[Number, Number], ...]


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The root of all entries. `at` is the agent's wall clock."""


class Sighted(Entry, frozen=True, tag="s"):
    """An item is in the catalogue. Numbers grow by one per item within an epoch.

    The recording began at `anchor` (None: undated) as `how` tells (docs/rules.md, Dating), lasted
    `span` seconds, and at the widest lay in anchor - before .. anchor + after. `not_before` is the
    earliest instant it may go even if due (late arrival), 0 if none.
    """

    item: Number
    record_class: Word
    source: Word
    anchor: At | None
    how: Word
    span: Small
    before: Small
    after: Small
    seen: At
    size: Size
    fingerprint: Mark
    state: Literal["present", "undated", "late"] = "present"
    not_before: At = Instant(0)


class Changed(Entry, frozen=True, tag="c"):
    """An item's place, date or state is another now; all of its facts as they are now."""

    at: At
    item: Number
    record_class: Word
    source: Word
    anchor: At | None
    how: Word
    span: Small
    before: Small
    after: Small
    seen: At
    size: Size
    fingerprint: Mark
    state: Literal["present", "undated", "late", "restricted"] = "present"
    not_before: At = Instant(0)


class Gone(Entry, frozen=True, tag="g"):
    """Items that somebody else removed: `lost` if they were held, the worst alarm there is."""

    at: At
    items: Runs
    how: Literal["gone_elsewhere", "lost"]


class Erased(Entry, frozen=True, tag="e"):
    """Items whose intents ended with their absence verified (I5, I15)."""

    at: At
    items: Runs
    why: Literal["due", "erasure", "undated", "late", "zombie"]
    outcome: Outcome


class Refused(Entry, frozen=True, tag="r"):
    """Items that were due and are still there, and the outcome that says why."""

    at: At
    items: Runs
    outcome: Outcome


class Held(Entry, frozen=True, tag="h"):
    """Items that a hold matched. They stay held until its release."""

    at: At
    hold: Word
    items: Runs


class Freed(Entry, frozen=True, tag="f"):
    """Items that a released hold held. They go at `not_before`, if nothing else holds them."""

    at: At
    hold: Word
    items: Runs
    not_before: At


class Marked(Entry, frozen=True, tag="m"):
    """The locker's own software marked an incident: held at once, for a person to confirm."""

    at: At
    hold: Word
    begins: At
    ends: At
    sources: tuple[Word, ...]
    kind: Literal["sidecar", "attribute", "event", "tag"]


class Acknowledged(Entry, frozen=True, tag="a"):
    """A directive is in force: its holds are effective from this entry on (I2, I15).

    `gone` says what each new hold came too late for: (hold, civil date ordinal, count).
    """

    at: At
    version: Count
    holds: tuple[Word, ...]
    gone: tuple[tuple[Word, Ordinal, Count], ...] = ()
    acts: tuple[Word, ...] = ()  # ids of the two-person acts in force here


class Numbered(Entry, frozen=True, tag="p"):
    """Telephone numbers that a call was made with, keyed; those that were told before stay."""

    at: At
    item: Number
    numbers: tuple[Keyed, ...]


class Scanned(Entry, frozen=True, tag="n"):
    """A scan ended. `began` is when it started; complete only if nothing was unreadable."""

    at: At
    began: At
    files: Count
    unreadable: Small


class Heartbeat(Entry, frozen=True, tag="b"):
    """How the agent is. `counts` is (class, state, items) as its own catalogue has them (I14)."""

    at: At
    booted: Word  # random id of the boot
    clock_trusted: bool
    clock_offset: Difference  # wall clock minus the enforcer's, seconds
    brake: Sentence  # "" or why a sweep waits
    frozen: bool
    counts: tuple[tuple[Word, Word, Count], ...]
    notes: tuple[Word, ...] = ()  # words out of a closed list: "disk-full", "root-missing", ...


AnyEntry = (
    Sighted
    | Changed
    | Gone
    | Erased
    | Refused
    | Held
    | Freed
    | Marked
    | Acknowledged
    | Numbered
    | Scanned
    | Heartbeat
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)


def encode(entry: AnyEntry) -> bytes:
    """An entry's line, without the line feed.

    `MalformedError` if nobody could decode it: what is once in the chain cannot be taken back, and
    an entry that the other side refuses would end the log there.
    """
    try:
        line = _ENCODER.encode(entry)
    except UnicodeEncodeError as error:
        raise MalformedError("a log entry holds text that is not Unicode") from error
    decode(line)
    return line


def decode(line: bytes) -> AnyEntry:
    """The entry that this line is, in its one spelling, or `MalformedError`."""
    try:
        entry = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"not a log entry: {error}") from error
    if _ENCODER.encode(entry) != line:
        raise MalformedError("not the canonical form of a log entry")
    items: Runs | None = getattr(entry, "items", None)  # five kinds have some; isinstance is slow
    if items is not None and not _ascending(items):
        raise MalformedError("the runs of a log entry overlap or go backwards")
    return entry


def chained(digest: bytes, line: bytes) -> bytes:
    """The digest after one more entry."""
    return sha256(digest + line).digest()


def pack(lines: Iterable[bytes]) -> bytes:
    """A batch as it travels: lines, compressed."""
    return zlib.compress(b"\n".join(lines), 6)


def unpack(batch: bytes) -> list[bytes]:
    """The lines of a batch; `MalformedError` if it is broken, or larger than a batch may be."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(batch, MAX_BATCH_BYTES + 1)
    except zlib.error as error:
        raise MalformedError(f"not a compressed batch: {error}") from error
    if len(data) > MAX_BATCH_BYTES or not inflater.eof or inflater.unused_data:
        raise MalformedError("a batch is cut short, has something behind it, or is too large")
    if data.count(b"\n") >= MAX_BATCH_LINES:
        raise MalformedError("a batch has more lines than entries fit into it")
    return data.split(b"\n") if data else []


def runs(numbers: Sequence[int]) -> Runs:
    """Ascending distinct numbers as runs, first and last included."""
    if not numbers:
        return ()
    breaks = [index + 1 for index, (a, b) in enumerate(pairwise(numbers)) if b != a + 1]
    starts = [0, *breaks]
    ends = [*breaks, len(numbers)]
    return tuple(
        (numbers[start], numbers[end - 1]) for start, end in zip(starts, ends, strict=True)
    )


def _ascending(found: Runs) -> bool:
    ends = [0, *(last for _, last in found)]
    return all(end < first <= last for end, (first, last) in zip(ends, found, strict=False))
