"""A day as a column: how much of it was well, violated and unknown."""

from collections.abc import Sequence

from retention.ledger import Day
from retention.page.markup import Html, tag

_HEIGHT = 100
_WIDTH, _GAP = 10, 2
_MONTH = 31  # a few days do not become broad
_SEEN = 12  # of the height: what happened at all is seen, however short it was


def strip(days: Sequence[Day]) -> Html:
    """A column for each day, what is wrong on top, so that it is seen."""
    bars = (bar for at, day in enumerate(days) for bar in _bars(at * _WIDTH, day))
    return Html(
        f'<svg viewBox="0 0 {max(len(days), _MONTH) * _WIDTH} {_HEIGHT}" preserveAspectRatio="none"'
        f' role="img">{"".join(bars)}</svg>'
    )


def legend(*words: str) -> Html:
    """What the colours mean: well, violated, unknown."""
    entries = (
        tag(
            "span",
            Html(f'<svg viewBox="0 0 1 1"><rect class="{kind}" width="1" height="1"/></svg>'),
            word,
        )
        for kind, word in zip(("ok", "violated", "unknown"), words, strict=True)
    )
    return tag("div", *entries, class_="legend")


def _bars(x: int, day: Day) -> list[str]:
    total = max(day.ok + day.violated + day.unknown, 1)
    bars, y = [], 0
    for kind in ("violated", "unknown", "ok"):
        seconds: int = getattr(day, kind)
        if not seconds:
            continue
        height = max(_HEIGHT * seconds // total, _SEEN)
        height = min(height, _HEIGHT - y) if kind != "ok" else _HEIGHT - y
        bars.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{_WIDTH - _GAP}" height="{height}"/>'
        )
        y += height
    return bars
