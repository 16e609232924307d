"""One figure: what was measured, what was asked for, and whether it was reached."""

import sys
from dataclasses import dataclass
from typing import NoReturn

#: Lines that begin with this are figures; `python -m bench` gathers them into its table.
MARK = "= "
#: How a bench ends: all figures reached, one missed, or not run here (automake's word for it).
REACHED, MISSED, SKIPPED = 0, 1, 77


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its bound, and what we would rather have."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    aim: float | None = None

    @property
    def reached(self) -> bool:
        below = self.at_most is None or self.value <= self.at_most
        return below and (self.at_least is None or self.value >= self.at_least)

    def __str__(self) -> str:
        wanted = (
            f"at most {self.at_most:g}" if self.at_least is None else f"at least {self.at_least:g}"
        )
        aim = "" if self.aim is None else f", aim {self.aim:g}"
        verdict = "reached" if self.reached else "MISSED"
        return f"{MARK}{self.what}: {self.value:.3g} {self.unit} ({wanted}{aim}): {verdict}"


def conclude(*figures: Figure) -> NoReturn:
    """Print the figures, the ratio last, and end the bench."""
    for figure in figures:
        print(figure)
    sys.exit(REACHED if all(figure.reached for figure in figures) else MISSED)


def skip(why: str) -> NoReturn:
    """End the bench without a figure."""
    print(f"{MARK}skipped: {why}")
    sys.exit(SKIPPED)
