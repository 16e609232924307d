"""The bucket of an agent's settings, put together. Imported only where one is set."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.engine.clock import SystemClock
from agents.storage import settings
from agents.storage.listening import Listener
from agents.stores.bucket.access import Access
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol, look
from agents.stores.bucket.notices import Notices, offered
from agents.stores.bucket.survey import survey
from agents.stores.bucket.wire import Place as At
from agents.stores.bucket.wire import Wire
from retention.checkup import Fact, amiss, fine, unknown
from retention.errors import StoreUnreachableError


class BucketPlace:
    """A `Place` in a bucket."""

    def __init__(self, said: settings.Bucket) -> None:
        self._said = said

    def look(self) -> None:
        """See `Place.look`."""
        with self.wire() as wire:
            look(wire, self._said.prefix)

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        with self.wire() as wire:
            enrol(wire, store, prefix=self._said.prefix)

    def open(self, store: str, epoch: int) -> Bucket:
        """See `Place.open`."""
        return Bucket(self.wire, store, epoch=epoch, prefix=self._said.prefix)

    def watch(self) -> Listener:
        """See `Place.watch`."""
        return Listener(self._notices, logging.getLogger(__name__))

    def survey(self, store: str, shortest: int) -> list[Fact]:
        """See `Place.survey`."""
        with self.wire() as wire:
            return [
                *_credentials(self._said.credentials),
                *survey(wire, self._said.prefix, store, wall=SystemClock().wall, shortest=shortest),
                *self._notifications(),
            ]

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        return []

    def wire(self) -> Wire:
        """A new wire to the bucket. `ConfigError` where there are no credentials."""
        return Wire(self._at, self._access(), wall=SystemClock().wall, timeout=self._said.timeout)

    @property
    def _at(self) -> At:
        said = self._said
        return At(said.endpoint.rstrip("/"), said.name, said.region, said.ca_file)

    def _access(self) -> Access:
        file = None if self._said.credentials is None else Path(self._said.credentials)
        return Access(file, profile=self._said.profile)

    def _notices(self) -> Notices:
        return Notices(self._at, self._access(), self._said.prefix)

    def _notifications(self) -> Iterator[Fact]:
        subject = "notifications"
        try:
            told = offered(self._at, self._access(), self._said.prefix)
        except StoreUnreachableError as error:
            yield unknown(
                subject,
                str(error),
                why="What comes is then known with the next scan, and a hold on it in force.",
                remedy="See to the server, or be content with `scan_every`.",
            )
            return
        if told:
            yield fine(subject, "The server tells what comes: it is known within seconds.")
        else:
            yield fine(
                subject, "It does not tell us what comes: each scan finds it (`scan_every`)."
            )


def _credentials(file: str | None) -> Iterator[Fact]:
    if file is not None and Path(file).exists() and Path(file).stat().st_mode & 0o077:
        yield amiss(
            "credentials",
            f"Others than the agent's user may read {file}.",
            why="Whoever reads it can delete recordings.",
            remedy=f"Run `chmod 600 {file}`, and make new keys if others have been there.",
        )
