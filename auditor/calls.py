"""Which recordings are of one call: by their names, as the inspector declares them.

The signed list names a call by one of its recordings. What else is of that call and past its time is
excepted with it: a leg by its name, and the second name of a leg by its content. The list does not
vouch for that, only the name does, so what is excepted by it is counted apart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from retention.errors import ConfigError
from retention.exceptions import Reason

Of = TypeVar("Of")


class Waiting(NamedTuple, Generic[Of]):
    """Something past its time that the list does not name itself."""

    what: Of
    call: bytes | None
    fingerprint: bytes


@dataclass(slots=True)
class Calls(Generic[Of]):
    """Calls whose name `expression` finds in the names of their recordings.

    `named` are those of which the list names a recording, and why; `met` what it names itself.
    """

    expression: re.Pattern[bytes]
    named: dict[bytes, Reason] = field(default_factory=dict)
    met: set[bytes] = field(default_factory=set)
    waiting: list[Waiting[Of]] = field(default_factory=list)

    def call_of(self, name: bytes) -> bytes | None:
        """The call that a recording of this name is of; None: of none."""
        found = self.expression.search(name)
        return None if found is None else found[found.lastindex or 0]

    def listed(self, name: bytes, fingerprint: bytes, reason: Reason) -> None:
        """Be told that the list names this recording."""
        self.met.add(fingerprint)
        call = self.call_of(name)
        if call is not None:
            self.named.setdefault(call, reason)

    def wait(self, what: Of, name: bytes, fingerprint: bytes) -> None:
        """Keep something until all is looked at: what the list names may be met later."""
        self.waiting.append(Waiting(what, self.call_of(name), fingerprint))

    def settle(self) -> Iterator[tuple[Of, Reason | None]]:
        """Yield what waited, each with the reason of its call; None: its call is not on the list."""
        by_content = {
            each.fingerprint: self.named[each.call]
            for each in self.waiting
            if each.call in self.named
        }
        for each in self.waiting:
            yield each.what, by_content.get(each.fingerprint)
        self.waiting = []


def expression_of(text: str) -> re.Pattern[bytes]:
    """What finds a call's name in a recording's: its last group, or all of it; `ConfigError`."""
    try:
        return re.compile(text.encode())
    except re.error as error:
        raise ConfigError(f"{text!r} is no regular expression: {error}") from error
