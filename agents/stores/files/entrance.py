"""The way into an enrolled tree: its root and its private directory, opened at first use.

Whoever comes in again is shown that the path still leads to the same root, and whoever is about
to change something, that the private directory still is the enrolled store's own.
"""

from agents.stores import Batch
from agents.stores.files.beneath import Root, components, must_be_component
from agents.stores.files.private import Private, hidden_in
from retention.errors import StoreUnreachableError


class Entrance:
    """`root` is an absolute path, `store` the id it was enrolled as.

    `private` is the absolute path of its private directory when that is not `.retention` in the
    root. Whoever stops using it closes it.
    """

    def __init__(
        self, root: bytes, store: str, *, epoch: int, private: bytes | None = None
    ) -> None:
        self._path = root
        self._store = store
        self._epoch = epoch
        self._private_path = private
        self._entered: tuple[Root, Private] | None = None
        self._claims = False  # whoever comes in, comes to erase

    def check(self) -> None:
        """See `Store.check`."""
        root, private = self.enter()
        try:
            private.check(root)
        except StoreUnreachableError:
            self.close()
            raise

    def enter(self) -> tuple[Root, Private]:
        """Open the root and the private directory, or see that they still are what the path says."""
        if self._entered is None:
            self._entered = self._opened()
        elif not self._entered[0].is_at_its_path():
            self.close()
            raise StoreUnreachableError("The root of this store was unmounted or replaced.")
        if self._claims:
            self._entered[1].claim()
        return self._entered

    def enter_for(self, batch: Batch) -> tuple[Root, Private]:
        """Check all that a batch rests on before anything of it is touched."""
        for directory, wanted in batch.items():
            components(directory)
            for want in wanted:
                must_be_component(want.name)
        self.check()
        return self.enter()

    def claim(self) -> None:
        """See `Store.claim`."""
        self._claims = True
        self.check()

    def begin(self, epoch: int) -> None:
        """See `Store.begin`."""
        self.close()
        self._epoch = epoch

    def close(self) -> None:
        """See `Store.close`."""
        if self._entered is not None:
            for part in self._entered:
                part.close()
            self._entered = None

    def _opened(self) -> tuple[Root, Private]:
        try:
            root = Root(self._path, hidden_in(self._path, self._private_path))
        except OSError as error:
            raise StoreUnreachableError(
                f"The root of this store cannot be opened: {error.strerror}."
            ) from error
        try:
            return root, Private(root, self._private_path, self._store, self._epoch)
        except StoreUnreachableError:
            root.close()
            raise
