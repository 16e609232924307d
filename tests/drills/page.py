"""The page that the drills play: its commands, one after another, and not one of them left out."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "backup-and-restore.md"

_COMMAND = re.compile(r"^ {4,}(\S.*)$")


def headings() -> list[str]:
    """Every section that has something to type."""
    return [title for title, text in _sections().items() if _commands(text)]


class Section:
    """The commands of one section of the page, in order."""

    def __init__(self, heading: str) -> None:
        self.heading = heading
        self._left = _commands(_sections()[heading])

    def next(self, expected: str) -> str:
        """The next command, which has to be the one that the drill is about to type."""
        assert self._left, f"the page ends before: {expected}"
        command = self._left.pop(0)
        assert expected == command, f"{self.heading}: the page and its drill part ways"
        return command

    def end(self) -> None:
        """Nothing of the section is left to type."""
        assert [] == self._left, f"{self.heading}: the page goes on, and the drill does not"


def _sections() -> dict[str, str]:
    _, *parts = re.split(r"^## +(.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _commands(text: str) -> list[str]:
    """Indented lines; one that ends in a backslash goes on in the next."""
    joined = text.replace("\\\n", "")
    found = (match[1] for line in joined.splitlines() if (match := _COMMAND.match(line)))
    return [re.sub(r"\s{2,}", " ", command) for command in found if not command.startswith("#")]
