"""The bucket of an agent's settings, put together. Imported only where one is set."""

from pathlib import Path

from agents.storage.settings import BucketSettings
from agents.stores.bucket.access import Access
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol, look
from agents.stores.bucket.wire import Place, Wire


class BucketPlace:
    """A `Place` in a bucket."""

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings

    def look(self) -> None:
        """See `Place.look`."""
        with self.wire() as wire:
            look(wire, self._settings.prefix)

    def enrol(self, store: str) -> None:
        """See `Place.enrol`."""
        with self.wire() as wire:
            enrol(wire, store, prefix=self._settings.prefix)

    def open(self, store: str, epoch: int) -> Bucket:
        """See `Place.open`."""
        return Bucket(self.wire, store, epoch=epoch, prefix=self._settings.prefix)

    def watch(self) -> None:
        """See `Place.watch`."""

    def wire(self) -> Wire:
        """A new wire to the bucket. `ConfigError` where there are no credentials."""
        said = self._settings
        file = None if said.credentials is None else Path(said.credentials)
        place = Place(said.endpoint.rstrip("/"), said.name, said.region, said.ca_file)
        return Wire(place, Access(file, profile=said.profile), timeout=said.timeout)
