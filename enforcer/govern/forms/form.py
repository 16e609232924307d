"""The root of all forms, and what every noun uses."""

import msgspec

from retention.calendar import Instant


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root of all of them."""


class Empty(Form, frozen=True):
    """The address says it all."""


class Done(Form, frozen=True):
    """There is nothing more to say."""


class Event(Form, frozen=True):
    """One line of the history. `person` is a person's id of the policy."""

    at: Instant
    person: str
    verb: str
    subject: str
    detail: str = ""
