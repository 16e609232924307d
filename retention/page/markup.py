"""HTML, put together so that no text of others can become part of it."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

_NARROW = 2  # columns that a telephone has room for; more of them are moved from side to side


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any value as HTML; what is HTML already stays as it is."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def tag(name: str, *content: object, **attributes: str) -> Html:
    """An element; `class_` is the attribute `class`."""
    given = "".join(f' {key.strip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{''.join(map(text, content))}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """One after the other."""
    return Html("\n".join(map(text, parts)))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> Html:
    """A table whose last `numbers` columns are numbers."""
    first = len(head) - numbers

    def kind(at: int, cell: object) -> str:
        if at >= first:
            return "n"
        return "day" if isinstance(cell, date) else ""

    def cells(name: str, row: Sequence[object]) -> Html:
        marked = ((kind(at, cell), cell) for at, cell in enumerate(row))
        return tag(
            "tr", *(tag(name, cell, class_=k) if k else tag(name, cell) for k, cell in marked)
        )

    body = joined(cells("td", row) for row in rows)
    whole = tag("table", tag("thead", cells("th", head)), tag("tbody", body))
    return whole if len(head) <= _NARROW else tag("div", whole, class_="wide")
