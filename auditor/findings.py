"""What an auditor found, and what a program may conclude from it."""

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import ParamSpec, TypeVar

import msgspec

from retention import bundle
from retention.errors import MalformedError, RetentionError

MOST_TOLD = 20
"""Sentences of one check that anybody reads; the rest is a number."""

SUCH_AS = ", such as "
"""Between a sentence and names that others gave."""

_AFTER_ONE = re.compile(r"(?<![\w.-])1((?: [a-z]+)+)")
_NOUNS = re.compile(
    r"\b(certificate|checkpoint|day|file|marker|minute|name|part|recording|row|store|upload|version)s\b"
)
_VERBS = {
    "are": "is",
    "were": "was",
    "have": "has",
    "wait": "waits",
    "stand": "stands",
    "name": "names",
}

P = ParamSpec("P")
T = TypeVar("T")


class Verdict(StrEnum):
    """Nothing in between: what could not be established is never ok."""

    OK = "ok"
    VIOLATED = "violated"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """What a command ends with."""
        return {"ok": 0, "violated": 1, "unknown": 2}[self.value]


class Finding(msgspec.Struct, frozen=True):
    """The result of one check, as a sentence."""

    check: str
    verdict: Verdict
    text: str


class Report:
    """Findings as they are made.

    `later`: what is looked at says that it is of a later edition, so bytes of an unknown form may well
    be in order. They are unknown then, never ok.
    """

    def __init__(self, *, later: bool = False) -> None:
        self.findings: list[Finding] = []
        self._later = later

    @property
    def verdict(self) -> Verdict:
        """The worst there is: violated before unknown before ok; no finding at all is unknown."""
        found = {finding.verdict for finding in self.findings}
        if Verdict.VIOLATED in found:
            return Verdict.VIOLATED
        return Verdict.OK if found == {Verdict.OK} else Verdict.UNKNOWN

    def texts(self, verdict: Verdict) -> list[str]:
        """The sentences of one verdict."""
        return [finding.text for finding in self.findings if finding.verdict is verdict]

    def ok(self, check: str, text: str) -> None:
        """Something was established."""
        self._tell(check, Verdict.OK, text)

    def unknown(self, check: str, text: str) -> None:
        """Something could not be established."""
        self._tell(check, Verdict.UNKNOWN, text)

    def violated(self, check: str, texts: Iterable[str]) -> bool:
        """Something is not as it should be, one sentence for each; whether there was any."""
        told = list(texts)
        shown = told[:MOST_TOLD]
        if len(told) > len(shown):
            shown.append(f"and {len(told) - len(shown)} more like these")
        for text in shown:
            self._tell(check, Verdict.VIOLATED, text)
        return bool(told)

    def _tell(self, check: str, verdict: Verdict, text: str) -> None:
        ours, such_as, names = text.partition(SUCH_AS)  # a name is told as it is
        said = _AFTER_ONE.sub(_singular, ours) + such_as + names
        self.findings.append(Finding(check, verdict, said))

    def attempt(
        self, check: str, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """What the step gives; None, and a finding, if it refuses what it was given."""
        try:
            return step(*args, **kwargs)
        except RetentionError as error:
            if self._later and isinstance(error, MalformedError):
                self.unknown(check, f"{bundle.LATER} ({error})")
            else:
                self.violated(check, [str(error)])
            return None


def _singular(match: re.Match[str]) -> str:
    """What follows a 1, up to its verb, as English has it of one: sentences are written for many."""
    before, verb, after = re.split(rf"\b({'|'.join(_VERBS)}|$)\b", match[1], maxsplit=1)
    said = _NOUNS.sub(r"\1", before).replace("entries", "entry")
    return f"1{said}{_VERBS.get(verb, verb)}{after}"
