"""Sidecars: what stands beside a recording and says when that began and who spoke, where declared.

JSON says it in a field, text in a line. A number counts seconds or milliseconds since 1970; words
are a date as in ISO 8601, or as the declared format has it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from retention.probes.candidate import Candidate, Finding, Span, Telephone, TimeSource
from retention.probes.name import NamePattern
from retention.probes.source import Reader
from retention.probes.strptime import candidate_of, fields_of

MOST_BYTES = 256 * 1024
"""Where the start of a call stands: a transcript that is longer than this is not read to its end."""

MOST_NUMBERS = 16
"""Of one sidecar: a conference has some; a file full of digits is no sidecar."""

_UNIX = re.compile(r"(\d{10})(?:\d{3})?(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Where a sidecar says when its recording began, for how many seconds it went on, and who spoke.

    Each is the path of a field of JSON, its parts joined by dots; or, with `line`, the pattern of a
    line of text that has the time in it. `written` is how a field is written, if not as ISO 8601.
    `numbers` are fields too, or, with `number`, what every match of an expression in the text has
    in its groups.
    """

    field: str = ""
    written: NamePattern | None = None
    seconds: str = ""
    line: NamePattern | None = None
    numbers: tuple[str, ...] = ()
    number: re.Pattern[bytes] | None = None

    def read(self, reader: Reader) -> Iterator[Finding]:
        """Yield the start, the span and the numbers; nothing where the file does not say."""
        data = reader.head(MOST_BYTES)
        if self.line is not None:
            yield from _in_lines(data, self.line)
        if self.number is not None:
            yield from _in_text(data, self.number)
        if not (self.field or self.numbers):
            return
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return  # cut short, or no JSON
        yield from self._started(_at(document, self.field))
        length = _at(document, self.seconds) if self.seconds else None
        if isinstance(length, int | float) and 0 < length < 2**31:
            yield Span(-int(-length // 1))
        written = chain.from_iterable(_all_at(document, path) for path in self.numbers)
        told = (each for each in written if isinstance(each, str | int))
        yield from (Telephone(str(each)) for each in islice(told, MOST_NUMBERS))

    def _started(self, value: Any) -> Iterator[Candidate]:
        text = str(value) if isinstance(value, int | float | str) else ""
        found = self._moment(text)
        if found is not None:
            yield replace(found, source=TimeSource.SIDECAR, tag=self.field)

    def _moment(self, text: str) -> Candidate | None:
        if self.written is not None:
            return self.written.match(text.encode())
        unix = _UNIX.fullmatch(text)
        fields = {"s": unix[1]} if unix else fields_of(text)
        return candidate_of(TimeSource.SIDECAR, fields, tag=self.field)


def _in_lines(data: bytes, pattern: NamePattern) -> Iterator[Candidate]:
    for line in data.splitlines():
        found = pattern.match(line)
        if found is not None:
            yield replace(found, source=TimeSource.SIDECAR)
            return


def _in_text(data: bytes, number: re.Pattern[bytes]) -> Iterator[Telephone]:
    for found in islice(number.finditer(data), MOST_NUMBERS):
        yield from (Telephone(each.decode(errors="replace")) for each in found.groups() if each)


def _all_at(document: Any, path: str) -> Iterator[Any]:
    """Everything that stands at a path; a list on the way is all that is in it."""
    found = [document]
    for name in path.split("."):
        found = [each.get(name) for each in _flat(found) if isinstance(each, dict)]
    return _flat(found)


def _flat(values: list[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _at(document: Any, path: str) -> Any:
    """What stands at a path of names in nested objects; None if there is nothing."""
    for name in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document
