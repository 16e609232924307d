"""The terminal agent's settings; `config/terminal.example.toml` explains each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.service.settings import Service, must_be_absolute, read, understood


class Settings(Service, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a terminal's agent must be told."""

    root: str  # where the recorder writes
    private: str | None = None  # on the file system of root; None: .retention below root
    events: str | None = None  # where the locker software drops event files
    any_file_system: bool = False  # for trials: also where inodes are not stable


def load(path: Path) -> Settings:
    """The settings in a file; `ConfigError` says what is wrong and where."""
    return of(read(path), path)


def of(data: Mapping[str, Any], path: Path) -> Settings:
    """What a file says, as a terminal's settings."""
    settings = understood(data, Settings, path)
    must_be_absolute(path, root=settings.root)
    return settings
