"""How lines are printed: for people, or as JSON for programs."""

import json
import sys
from datetime import UTC

from retention.calendar import Instant, iso


def one_line(text: str) -> str:
    """The same on one line, without what could move a terminal's cursor: a name can be any bytes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_rows(rows: list[dict[str, object]], *, as_json: bool, none: str = "") -> None:
    """A line for each, or one JSON list; `none` is said on standard error where there is none."""
    if as_json:
        print(json.dumps(rows))
        return
    if not rows and none:
        print(none, file=sys.stderr)
    for row in rows:
        print("  ".join("-" if each is None else one_line(str(each)) for each in row.values()))


def utc(instant: int) -> str:
    """An instant in ISO 8601."""
    return iso(Instant(instant), UTC)
