"""Whose a bucket, or a prefix of one, is: written at enrolment, read before anything is believed.

It also says which epoch its agent is in. Where an agent lost its state and enrolled again, or a
copy of it was given a newer epoch, the older one reads here that it is not this store's any more,
though it may reach no enforcer that would tell it. In one epoch it is swept by the one whose state is
the file that is named here: who has a copy of that reads that he is not the one.
"""

from typing import NamedTuple

from agents.stores.bucket.keys import OWN
from agents.stores.bucket.listing import first_page
from agents.stores.bucket.trouble import ABSENT, S3Error, reaching
from agents.stores.bucket.wire import Wire
from retention.errors import ConfigError, RefusedError, StoreUnreachableError, UnreadableError

PRIVATE = OWN.decode() + "/"
IDENTITY = PRIVATE + "store"


class Identity:
    """The mark of one store at its prefix."""

    def __init__(self, wire: Wire, prefix: str, store: str) -> None:
        self._wire = wire
        self.key = prefix + IDENTITY
        self._store = store

    def check(self, epoch: int, state: int) -> None:
        """`StoreUnreachableError` unless it is this store's, no newer epoch's, and no other agent's.

        `state`: see `Store.claim`; 0 of who only looks.
        """
        with reaching():
            found = _read(self._wire, self.key)
        if found is None:
            raise StoreUnreachableError("This bucket was never enrolled, or was emptied since.")
        store, known, sweeper = found
        if store != self._store:
            raise StoreUnreachableError(f"This bucket is enrolled as another store: {store!r}.")
        if known > epoch:
            raise StoreUnreachableError(
                "Another agent of this store has begun a newer epoch: this one may not sweep it."
            )
        if known < epoch or (epoch and state and not sweeper):
            self.write(epoch, state)
        elif state and sweeper not in {0, state}:
            raise StoreUnreachableError(
                "Another agent sweeps this bucket, of whose state this one's is a copy: enrol this one"
                " anew, with no state, if the other is no more."
            )

    def write(self, epoch: int, state: int = 0) -> None:
        """Say whose it is, in which epoch, and by which agent it is swept in it."""
        with reaching():
            self._wire.ask("PUT", self.key, body=f"{self._store}\n{epoch}\n{state}\n".encode())


def enrol(wire: Wire, store: str, *, prefix: str = "") -> None:
    """Write who this store is into its bucket; done twice, it changes nothing.

    `ConfigError` when the bucket cannot be used, `RefusedError` when it already is another store,
    or when its prefix lies in one or has one below it.
    """
    try:
        found = None
        for inside in _enclosing(prefix):
            found = read_identity(wire, inside)
            if found is not None and (found != store or inside != prefix):
                raise RefusedError(f"This bucket is already enrolled as another store: {found!r}.")
        if found is None:
            _must_have_none_below(wire, prefix)
            Identity(wire, prefix, store).write(0)
    except (StoreUnreachableError, UnreadableError) as error:
        raise ConfigError(str(error)) from error


def look(wire: Wire, prefix: str) -> None:
    """`ConfigError` where a bucket, or what of one has a prefix, cannot be read."""
    try:
        first_page(wire, prefix, size=1)
    except StoreUnreachableError as error:
        raise ConfigError(str(error)) from error


def read_identity(wire: Wire, prefix: str) -> str | None:
    """The id of the store that lies at this prefix; None if it was never enrolled."""
    with reaching():
        found = _read(wire, prefix + IDENTITY)
    return None if found is None else found.store


def stores_below(wire: Wire, prefix: str) -> list[str]:
    """The prefixes below this one at which other stores are enrolled. A request per directory."""
    found: list[str] = []
    waiting = [prefix]
    while waiting:
        inside, after = waiting.pop(), None
        while True:
            page, after = first_page(wire, inside, delimiter="/", after=after)
            for key in page.prefixes:
                if not key.endswith("/" + PRIVATE) and key != PRIVATE:
                    waiting.append(key)
                elif inside != prefix and read_identity(wire, inside) is not None:
                    found.append(inside)
            if after is None:
                break
    return found


def _must_have_none_below(wire: Wire, prefix: str) -> None:
    below = stores_below(wire, prefix)
    if below:
        raise RefusedError(f"Another store is enrolled below it, at {below[0]!r}.")


class _Told(NamedTuple):
    store: str
    epoch: int
    state: int


def _read(wire: Wire, key: str) -> _Told | None:
    """What the mark says; None if there is none."""
    try:
        text = wire.ask("GET", key).body.decode("utf-8", "replace")
    except S3Error as error:
        if error.code in ABSENT:
            return None
        raise
    store, *numbers = text.strip().split("\n")
    epoch, state, *_ = [*(int(each) if each.isdecimal() else 0 for each in numbers), 0, 0]
    return _Told(store, epoch, state)


def _enclosing(prefix: str) -> list[str]:
    """The prefixes that a store at this one would lie in, itself last."""
    parts = prefix.split("/")[:-1]
    return ["/".join([*parts[:depth], ""]) for depth in range(len(parts) + 1)]
