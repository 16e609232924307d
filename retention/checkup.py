"""What a `doctor` tells: one fact after the other, and what a person should do about it.

The agent and the enforcer look at different things and speak of them in one way.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from retention.errors import RetentionError

_MARKS = {True: "ok ", False: "BAD", None: "?  "}
_INDENT = " " * 5


class Fact(NamedTuple):
    """One thing that was looked at. `fine` False: somebody has to act; None: nobody knows.

    `why` says what comes of it and `remedy` what to do; a fact that is fine has neither.
    """

    subject: str
    fine: bool | None
    sentence: str
    why: str = ""
    remedy: str = ""


def fine(subject: str, sentence: str) -> Fact:
    """Something is as it should be."""
    return Fact(subject, True, sentence)


def amiss(subject: str, sentence: str, *, why: str, remedy: str) -> Fact:
    """Something will go wrong, or does."""
    return Fact(subject, False, sentence, why, remedy)


def unknown(subject: str, sentence: str, *, why: str, remedy: str) -> Fact:
    """Something could not be seen, which is not well."""
    return Fact(subject, None, sentence, why, remedy)


def in_words(error: RetentionError) -> str:
    """What an error says, as a sentence: errors begin small and end without a point."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def exit_code(facts: Iterable[Fact]) -> int:
    """What a command ends with: 0 all is fine, 1 something is amiss, 2 something is not known."""
    seen = {fact.fine for fact in facts}
    if False in seen:
        return 1
    return 2 if None in seen else 0


def told(facts: Sequence[Fact]) -> Iterator[str]:
    """The facts in lines for a person, the count of those to act on last."""
    for fact in facts:
        yield f"{_MARKS[fact.fine]}  {fact.subject}: {fact.sentence}"
        if fact.why:
            yield f"{_INDENT}{fact.why}"
        if fact.remedy:
            yield f"{_INDENT}-> {fact.remedy}"
    bad = sum(fact.fine is False for fact in facts)
    dark = sum(fact.fine is None for fact in facts)
    yield f"{len(facts)} things were looked at: {bad} to mend, {dark} not known."
