"""The composition root of the terminal agent: here its settings become a store and an agent of it."""

from pathlib import Path

from agents.service.building import Composition
from agents.service.places import TreePlace
from agents.terminal.settings import Settings


def terminal(settings: Settings) -> Composition:
    """A terminal's agent, by its settings."""
    place = TreePlace(settings.root, settings.private, anywhere=settings.any_file_system)
    events = Path(settings.events) if settings.events else None
    return Composition(settings, place, events=events)
