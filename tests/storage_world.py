"""The small world of tests with a storage's agent, as its settings have it: calls, and rows about them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from world import STORE, World, first_policy

from agents.storage import settings
from agents.storage.compose import storage
from agents.stores import Store
from retention.calendar import Instant
from retention.numbers import NumberKey
from retention.policy import Source


def storage_world(
    path: Path,
    now: Instant,
    *,
    recorders: Sequence[str],
    csv: Mapping[str, Any],
    keys: Iterable[NumberKey],
    sources: Iterable[Source],
    **more: object,
) -> World:
    """Recordings below `root`, rows of the CSV in `cdr`; activated, and looked at once."""
    cdr, numbers = path / "cdr", path / "numbers"
    cdr.mkdir()
    numbers.write_text("".join(f"{key.id} {key.secret.hex()}\n" for key in keys))
    numbers.chmod(0o600)
    said = {
        "state": str(path / "state"),
        "enforcer": "https://127.0.0.1:1",
        "recorders": list(recorders),
        "number_keys": str(numbers),
        "directory": {"root": str(path / "root"), "any_file_system": True},
        "csv": [{"place": "cdr", "root": str(cdr), **csv}],
        **more,
    }
    chosen = storage(settings.of(said, path / "storage.toml"))
    enrolled: list[bool] = []

    def opened(_root: Path, epoch: int) -> Store:
        if not enrolled:
            chosen.place.enrol(STORE)
            enrolled.append(True)
        return chosen.place.open(STORE, epoch)

    document = first_policy(sources=sources)
    world = World.make(path, now, document, open_store=opened, **chosen._options)
    world.activate()
    world.cycle()
    return world
