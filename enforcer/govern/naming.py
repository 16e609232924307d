"""How people name an item: STORE/EPOCH/NUMBER."""

from typing import NamedTuple

from retention.errors import ConfigError


class Name(NamedTuple):
    """An item in the index."""

    store: str
    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.store}/{self.epoch}/{self.number}"


def parse(text: str) -> Name:
    """The name in this text, or `ConfigError`."""
    store, _, rest = text.partition("/")
    epoch, _, number = rest.partition("/")
    if not (store and epoch.isdecimal() and number.isdecimal()):
        raise ConfigError(f"{text!r} is no item: write STORE/EPOCH/NUMBER as `item find` shows it")
    return Name(store, int(epoch), int(number))
