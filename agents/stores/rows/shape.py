"""How the rows of one table or file are declared, and what that makes of a row.

A column is meant by its name. What a row says is taken from declared columns and guessed from
nothing: a row whose time cannot be read has none, and is an item without a date.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from agents.stores import Part, Role
from retention.calendar import to_instant
from retention.errors import ConfigError, MalformedError
from retention.probes import (
    Candidate,
    Finding,
    NamePattern,
    Span,
    Telephone,
    TimeSource,
    ZoneKnowledge,
)

ALONE = b"row "
"""Begins the whole of a row that names no call: it is one by itself, and no call's id begins so."""

DEFAULT_TIME = "%Y-%m-%d %H:%M:%S"

ASTERISK = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
    *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("uniqueid", "userfield"),
)
"""What Asterisk writes into `Master.csv`, the last two only where `cdr.conf` asks for them."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
"""A date and a time as ISO 8601 has them: understood besides the declared format, as databases write so."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The declared columns of a table.

    `time` is when the call began, written as `time_format` (see `NamePattern`) by a clock of
    `zone`; `duration` is in whole seconds. `call` is the call's id, `numbers` are telephone
    numbers, and `name`, if there is one, is what people call a row by.
    """

    time: str
    zone: ZoneInfo
    time_format: NamePattern
    call: str = ""
    duration: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is declared."""
        return tuple(c for c in (self.time, self.call, self.duration, *self.numbers) if c)

    def part(self, row: Mapping[str, object], name: bytes) -> Part:
        """What a row is part of; `name` is its own, for one that says of no call."""
        call = _text(row.get(self.call)).strip()
        whole = call.encode("utf-8", "surrogateescape") if call else ALONE + name
        return Part(whole, Role.ROW)

    def stated(self, row: Mapping[str, object]) -> tuple[Finding, ...]:
        """When its call began, how long it took, and with which numbers it was made."""
        return tuple(self._findings(row))

    def _findings(self, row: Mapping[str, object]) -> list[Finding]:
        try:
            found = self._began(row.get(self.time))
        except (OverflowError, ValueError):
            found = None  # a time that no calendar has
        findings: list[Finding] = [] if found is None else [found]
        seconds = _text(row.get(self.duration)).strip()
        if seconds.isdecimal() and len(seconds) < 10:
            findings.append(Span(int(seconds)))
        written = (_text(row.get(column)).strip() for column in self.numbers)
        findings.extend(Telephone(number) for number in written if number)
        return findings

    def _began(self, value: object) -> Candidate | None:
        if isinstance(value, datetime):
            moment = value.replace(microsecond=0)
            if moment.tzinfo is not None:
                return _stated(moment.astimezone(UTC), moment.astimezone(UTC), self.time)
            return self._local(moment)
        text = _text(value).strip()
        found = self.time_format.match(text.encode("utf-8", "surrogateescape"))
        if found is None:
            return self._began(datetime.fromisoformat(text)) if _ISO.match(text) else None
        if found.zone is ZoneKnowledge.LOCAL:
            local = self._local(found.value)
            wider = found.precision_seconds - 1
            return replace(local, precision_seconds=local.precision_seconds + wider)
        return replace(found, source=TimeSource.STATED, tag=self.time)

    def _local(self, value: datetime) -> Candidate:
        """A time on the wall of the declared zone: where it exists twice or never, both readings."""
        readings = [value.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return _stated(min(readings), max(readings), self.time)


def shape(
    *,
    time: str,
    zone: str,
    time_format: str = DEFAULT_TIME,
    call: str = "",
    duration: str = "",
    numbers: tuple[str, ...] = (),
) -> Shape:
    """A shape out of the words of a configuration; `ConfigError` says what cannot be."""
    try:
        known = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{zone!r} is no time zone; write it as Europe/Riga or UTC") from error
    try:
        written = NamePattern.parse(time_format)
    except MalformedError as error:
        raise ConfigError(str(error)) from error
    return Shape(time, known, written, call, duration, numbers)


def _stated(first: datetime, last: datetime, column: str) -> Candidate:
    """Said to have begun in [first, last]: more than a second only where a clock was set back."""
    width = to_instant(last) - to_instant(first) + 1
    return Candidate(TimeSource.STATED, first, ZoneKnowledge.UTC, column, precision_seconds=width)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
