"""How the demonstration talks: a line for each thing that happens, and numbers that move."""

import sys
from collections.abc import Callable
from time import monotonic, sleep

from demo.stage import CommandError


def say(sentence: str) -> None:
    """Begin a new chapter."""
    print(f"\n== {sentence}", flush=True)


def progress(sentence: str) -> None:
    """Say how far it is; on a terminal in the place of what was said before."""
    end = "\r" if sys.stdout.isatty() else "\n"
    print(f"  {sentence}".ljust(100), end=end, flush=True)


def count_up(read: Callable[[], int], target: int, sentence: str) -> None:
    """Show a number grow until it is `target`; `CommandError` after ten minutes in vain."""
    until, told = monotonic() + 600, -1
    while (value := read()) < target:
        if monotonic() > until:
            raise CommandError(f"waited 10 minutes in vain: {value} of {target} {sentence}")
        if value != told:
            progress(f"{value} of {target} {sentence}")
            told = value
        sleep(0.5)
    progress(f"{value} of {target} {sentence}")
    print()


def last_lines(text: str, most: int) -> str:
    """The heading of a table, and its last lines."""
    lines = text.rstrip().splitlines()
    return "\n".join(lines[:1] + lines[1:][-most:])


def abridged(text: str) -> str:
    """A table of days without those on which all is in time: there are many of them."""
    lines = text.splitlines()
    quiet = [line for line in lines if " in time " in line]
    shown = [line for line in lines if " in time " not in line]
    told = f"({len(quiet)} days with everything in time are left out)"
    return "\n".join([*shown, told] if quiet else shown)
