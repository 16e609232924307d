"""The bucket of an agent's settings, put together. Imported only where one is set."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.engine.clock import SystemClock
from agents.storage import settings
from agents.stores.bucket.access import Access
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol, look
from agents.stores.bucket.survey import survey
from agents.stores.bucket.wire import Place, Wire
from retention.checkup import Fact, amiss


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

    def watch(self) -> None:
        """See `Place.watch`."""

    def survey(self, store: str, shortest: int) -> list[Fact]:
        """See `Place.survey`."""
        with self.wire() as wire:
            return [
                *_credentials(self._said.credentials),
                *survey(wire, self._said.prefix, store, wall=SystemClock().wall, shortest=shortest),
            ]

    def roots(self) -> Sequence[tuple[Path, ...]]:
        """See `Place.roots`."""
        return []

    def wire(self) -> Wire:
        """A new wire to the bucket. `ConfigError` where there are no credentials."""
        said = self._said
        file = None if said.credentials is None else Path(said.credentials)
        place = Place(said.endpoint.rstrip("/"), said.name, said.region, said.ca_file)
        return Wire(place, Access(file, profile=said.profile), timeout=said.timeout)


def _credentials(file: str | None) -> Iterator[Fact]:
    if file is not None and Path(file).exists() and Path(file).stat().st_mode & 0o077:
        yield amiss(
            "credentials",
            f"Others than the agent's user may read {file}.",
            why="Whoever reads it can delete recordings.",
            remedy=f"Run `chmod 600 {file}`, and make new keys if others have been there.",
        )
