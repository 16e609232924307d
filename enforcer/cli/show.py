"""How facts are printed: for people in columns, for programs as JSON."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import msgspec

from enforcer import home
from enforcer.cli import language
from enforcer.cli.language import say
from retention.calendar import Instant, iso


def declare(parser: ArgumentParser) -> None:
    """Add --json, and --lang for those who read it."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    language.declare(parser)


def as_json(document: object) -> None:
    """Print a document as one line of JSON."""
    print(msgspec.json.encode(document, order="sorted").decode())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns under their heads, each as wide as its widest cell; or that there is nothing."""
    lines = [list(head), *(list(row) for row in rows)]
    if len(lines) == 1:
        print(say("There are none."))
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def moment(instant: Instant | None, zone: ZoneInfo = home.ZONE) -> str:
    """An instant as people write it, to the minute; "never" if there is none."""
    if instant is None:
        return say("never")
    date, _, time = iso(instant, zone).partition("T")
    return f"{date} {time[:5]}"


def warn(sentence: str) -> None:
    """Say something that is not the command's answer."""
    print(sentence, file=sys.stderr)
