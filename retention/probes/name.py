"""Times in names, by a pattern that somebody declared for the source.

A declared pattern is the operator's word that this is where the recorder writes its time; what
merely looks like a date is `guess`'s business, and told apart for good (`TimeSource`).
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from retention.errors import MalformedError
from retention.probes.candidate import Candidate, TimeSource
from retention.probes.strptime import CODES, candidate_of

_TOKEN = re.compile(r"%(?P<code>.?)|(?P<wildcard>[*?])|(?P<literal>[^%*?]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A glob with strptime codes in it, such as `cam1/%Y-%m-%d/*-%H%M%S.jpg`; see `parse`."""

    text: str
    _expression: re.Pattern[bytes]

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
        _check(text, codes)
        return cls(text, re.compile(expression))

    def match(self, name: bytes) -> Candidate | None:
        """Return the time in this name (a path, '/' between its parts); None if there is none."""
        tail = name.split(b"/")[-self.text.count("/") - 1 :]
        matched = self._expression.fullmatch(b"/".join(tail))
        if matched is None:
            return None
        fields = {code: digits.decode() for code, digits in matched.groupdict().items()}
        return candidate_of(TimeSource.NAME, fields, tag=self.text)


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
    return f"(?P<{code}>{CODES[code]})".encode()


def _check(text: str, codes: AbstractSet[str]) -> None:
    """Raise MalformedError unless the codes make a moment, or at least a day."""
    if "s" in codes:
        return
    if not (codes & {"Y", "y"} and ("j" in codes or {"m", "d"} <= codes)):
        raise MalformedError(
            f"The name pattern {text!r} gives no whole date: "
            "it needs %Y (or %y) with %m and %d (or %j), or %s."
        )
    if ("S" in codes and "M" not in codes) or ("M" in codes and "H" not in codes):
        raise MalformedError(
            f"The name pattern {text!r} gives minutes or seconds without what they are part of."
        )
