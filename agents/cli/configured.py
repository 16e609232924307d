"""Which kind of agent a file of settings describes: a terminal's, or one on a storage."""

from pathlib import Path

from agents.service.building import Composition
from agents.service.settings import read
from agents.terminal import settings as terminals
from agents.terminal.compose import terminal

_OF_STORAGES = {"directory", "bucket", "csv", "tables", "files", "recorders", "number_keys"}


def composed(path: Path) -> Composition:
    """The agent that a file describes. A terminal has a `root`; a storage has what no terminal has."""
    data = read(path)
    if data.keys() & _OF_STORAGES:
        # Imported here: no terminal has a use for it.
        from agents.storage import settings as storages  # noqa: PLC0415
        from agents.storage.compose import storage  # noqa: PLC0415

        return storage(storages.of(data, path))
    return terminal(terminals.of(data, path))
