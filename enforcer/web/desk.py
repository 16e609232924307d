"""What a handler is given: the enforcer it works for, and what a person asks of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import msgspec
from nacl.signing import SigningKey
from sqlalchemy import Engine

from enforcer import home
from enforcer.index.policies import Chains
from retention import codec
from retention.calendar import Instant
from retention.errors import ConfigError, MalformedError
from retention.numbers import Keyed, NumberKey, asked
from retention.people import Person
from retention.policy import Chain
from retention.witness import Ask

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of one enforcer that answer people."""

    engine: Engine
    chains: Chains
    clock: Callable[[], Instant]
    pin: str  # of the first policy, in hex
    directive_key: SigningKey
    number_keys: Callable[[], tuple[NumberKey, ...]] = tuple
    ask: Ask | None = None  # the Prometheus server that watches us, if we were told of one


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a person who is known."""

    desk: Desk
    chain: Chain
    person: Person
    now: Instant
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def today(self) -> date:
        """The civil date where the operator is."""
        return home.today(self.now)

    def form(self, type_: type[T]) -> T:
        """The document in the body, or `MalformedError`."""
        return codec.decode(self.body, type_)

    def keyed(self, number: str) -> tuple[Keyed, ...]:
        """A telephone number under every key in use, none for none; it goes no further itself.

        `MalformedError` if it is no number, `ConfigError` if there is no key to tell it by.
        """
        if not number:
            return ()
        keys = self.desk.number_keys()
        if not keys:
            raise ConfigError("calls cannot be told by number here: no number_keys are configured")
        return asked(number, keys)

    def number(self, name: str) -> int:
        """A whole number out of the query, or `MalformedError`."""
        try:
            return int(self.query[name])
        except (KeyError, ValueError) as error:
            raise MalformedError(f"{name} is missing or no whole number") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, and what the history says of it: whom or what it was about.

    Bytes go back as they are.
    """

    document: msgspec.Struct | bytes
    subject: str = ""
    detail: str = ""
