"""What a bucket keeps beside an object: the user metadata that a recorder wrote with it.

Agent and auditor read it alike, so that one cannot date an object by what the other does not see.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from math import ceil

from retention.calendar import Instant
from retention.probes.candidate import Candidate, Finding, Span, TimeSource, ZoneKnowledge

CAPTURED_AT = "captured-at"
"""User metadata: when the recording began, ISO 8601; naive is the wall time of its class's zone."""
DURATION = "duration"
"""User metadata: how long it lasts, in seconds."""


def read_metadata(metadata: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what user metadata say, by their names without `x-amz-meta-`; what is no date says nothing."""
    with suppress(KeyError, ValueError):
        value = datetime.fromisoformat(metadata[CAPTURED_AT].strip()).replace(microsecond=0)
        known = ZoneKnowledge.OFFSET if value.tzinfo else ZoneKnowledge.LOCAL
        yield Candidate(TimeSource.STATED, value, known, CAPTURED_AT)
    with suppress(KeyError, ValueError, OverflowError):
        yield Span(ceil(float(metadata[DURATION])))


def initiated(at: Instant) -> Candidate:
    """An upload that nobody completed is as old as its beginning, and never older."""
    begun = datetime.fromtimestamp(at, UTC)
    return Candidate(TimeSource.STATED, begun, ZoneKnowledge.UTC, "initiated")
