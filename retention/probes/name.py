"""Times in names, by a pattern that somebody declared for the source.

A declared pattern is the operator's word that this is where the recorder writes its time; what
merely looks like a date is `guess`'s business, and told apart for good (`TimeSource`).
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from retention.errors import MalformedError
from retention.probes.candidate import Candidate, TimeSource, ZoneKnowledge

CODES: Mapping[str, bytes] = {
    "Y": rb"\d{4}",
    "y": rb"\d{2}",
    "m": rb"(?:0[1-9]|1[0-2])",
    "d": rb"(?:0[1-9]|[12]\d|3[01])",
    "j": rb"\d{3}",
    "H": rb"(?:[01]\d|2[0-3])",
    "M": rb"[0-5]\d",
    "S": rb"(?:[0-5]\d|60)",  # a leap second, in case a recorder knows of them
    "f": rb"\d{1,9}",
    "z": rb"(?:Z|[+-]\d{2}(?::?\d{2})?)",
    "s": rb"\d{10}",  # 2001 to 2286; so `%s%f` and `%s*` read milliseconds too
}
"""strptime code -> how it looks in a name."""

_TOKEN = re.compile(r"%(?P<code>.?)|(?P<wildcard>[*?])|(?P<literal>[^%*?]+)", re.DOTALL)
_FINEST_FIRST = (("S", 1), ("M", 60), ("H", 3600))
_DAY_SECONDS = 86_400
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A glob with strptime codes in it, such as `cam1/%Y-%m-%d/*-%H%M%S.jpg`; see `parse`."""

    text: str
    _expression: re.Pattern[bytes]
    _parts: int
    _precision_seconds: int

    @classmethod
    def parse(cls, text: str) -> "NamePattern":
        """Read a pattern: `*` and `?` inside one part of a path, and strptime codes.

        %Y %y (of this century) %m %d %j %H %M %S %f (a fraction, dropped) %z (+0200, +02:00, Z)
        %s (seconds since 1970; it alone counts then) %%. A code that stands twice must say the
        same twice. With a '/' the pattern is for the last parts of the path, else for the base
        name. Between two stars the leftmost fit is taken.

        Raises MalformedError if a code is unknown or a name could not give a whole date.
        """
        expression, codes = _compile(text)
        return cls(text, re.compile(expression), text.count("/") + 1, _precision(text, codes))

    def match(self, name: bytes) -> Candidate | None:
        """Return the time in this name (a path, '/' between its parts); None if there is none."""
        tail = b"/".join(name.split(b"/")[-self._parts :])
        matched = self._expression.fullmatch(tail)
        if matched is None:
            return None
        fields = {code: digits.decode() for code, digits in matched.groupdict().items()}
        return candidate_of(
            TimeSource.NAME, fields, tag=self.text, precision=self._precision_seconds
        )


def candidate_of(
    source: TimeSource, fields: Mapping[str, str], *, tag: str, precision: int
) -> Candidate | None:
    """Make a candidate of strptime codes and their text; None for a date no calendar has."""
    try:
        value = _moment(fields)
    except (ValueError, OverflowError):
        return None
    zone = ZoneKnowledge.LOCAL if value.tzinfo is None else ZoneKnowledge.OFFSET
    if "s" in fields:
        zone = ZoneKnowledge.UTC
    return Candidate(source, value, zone, tag=tag, precision_seconds=precision)


def _moment(fields: Mapping[str, str]) -> datetime:
    """Put the fields together; raises ValueError or OverflowError where they are no date."""
    if "s" in fields:
        return _UNIX_EPOCH + timedelta(seconds=int(fields["s"]))
    year = int(fields["Y"]) if "Y" in fields else 2000 + int(fields["y"])
    if "j" in fields:
        day = datetime(year, 1, 1) + timedelta(days=int(fields["j"]) - 1)  # noqa: DTZ001 - wall time
        if day.year != year:
            raise ValueError("no such day of the year")
    else:
        day = datetime(year, int(fields["m"]), int(fields["d"]))  # noqa: DTZ001 - wall time
    hour, minute, second = (int(fields.get(code, 0)) for code in "HMS")
    return day.replace(
        hour=hour, minute=minute, second=min(second, 59), tzinfo=_offset(fields.get("z"))
    )


def _offset(text: str | None) -> timezone | None:
    """Read `+0200`, `+02:00`, `+02` or `Z`; raises ValueError for a day or more."""
    if text is None:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _compile(text: str) -> tuple[bytes, AbstractSet[str]]:
    """Translate a pattern; return a regular expression and the codes in it.

    What stands between two stars is an atomic group, taken where it fits first: with no way back,
    no name can make a match take longer than its length times the pattern's.
    """
    codes: set[str] = set()
    pieces = [b""]
    for token in _TOKEN.finditer(text):
        if token["wildcard"] == "*":
            pieces.append(b"")
        else:
            pieces[-1] += _translate(text, token, codes)
    if len(pieces) == 1:
        return pieces[0], codes
    first, *between, last = pieces
    held = b"".join(b"(?>[^/]*?" + piece + b")" for piece in between)
    return first + held + b"[^/]*" + last, codes


def _translate(text: str, token: re.Match[str], codes: set[str]) -> bytes:
    """Translate a token other than `*`, and note its code."""
    code = token["code"]
    if token["wildcard"]:
        return b"[^/]"
    if code is None or code == "%":
        return re.escape((token["literal"] or "%").encode("utf-8", "surrogateescape"))
    if code not in CODES:
        known = " ".join(f"%{known}" for known in CODES)
        raise MalformedError(f"The name pattern {text!r} has %{code}; it may have {known} %%.")
    if code in codes:
        return f"(?P={code})".encode()
    codes.add(code)
    return f"(?P<{code}>".encode() + CODES[code] + b")"


def _precision(text: str, codes: AbstractSet[str]) -> int:
    """Return how many seconds the finest code leaves open."""
    if "s" in codes:
        return 1
    if not (codes & {"Y", "y"} and ("j" in codes or {"m", "d"} <= codes)):
        raise MalformedError(
            f"The name pattern {text!r} gives no whole date: "
            "it needs %Y (or %y) with %m and %d (or %j), or %s."
        )
    if ("S" in codes and "M" not in codes) or ("M" in codes and "H" not in codes):
        raise MalformedError(f"The name pattern {text!r} has a finer time without a coarser one.")
    return next((seconds for code, seconds in _FINEST_FIRST if code in codes), _DAY_SECONDS)
