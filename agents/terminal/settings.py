"""The terminal agent's settings: one TOML file, read here and nowhere else.

`config/terminal.example.toml` explains each. A name that is not known, or a value of another
type, is one sentence and exit code 2.
"""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from agents.storage.settings import BucketSettings
from retention.errors import ConfigError


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a terminal's agent must be told. Times are whole seconds."""

    state: str  # the agent's own directory: catalogue, credential, reserve
    enforcer: str  # https://centre.example:8443
    root: str = ""  # where the recorder writes
    bucket: BucketSettings | None = None  # instead of root, for central storage
    ca_file: str | None = None  # PEM; None: the system's authorities
    private: str | None = None  # on the file system of root; None: .retention below root
    events: str | None = None  # where the locker software drops event files
    freeze: str | None = None  # a technician's marker file; None: freeze in state
    offline: Literal["delete", "keep"] = "delete"
    scan_every: int = 6 * 3600
    sweep_every: int = 600
    talk_every: int = 60
    settle: int = 2
    spread: int = 2 * 3600  # sweeps of a fleet begin within this long of each other
    any_file_system: bool = False  # for trials: also where inodes are not stable
    metrics_port: int | None = None  # on loopback

    @property
    def state_directory(self) -> Path:
        """Where the agent keeps its own files."""
        return Path(self.state)


def load(path: Path) -> Settings:
    """The settings in a file; `ConfigError` says what is wrong and where."""
    try:
        data = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    try:
        settings = msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    _check(settings, path)
    return settings


def _check(settings: Settings, path: Path) -> None:
    for name in ("scan_every", "sweep_every", "talk_every"):
        if getattr(settings, name) < 1:
            raise ConfigError(f"{path}: {name} must be at least 1 second")
    for name in ("settle", "spread"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"{path}: {name} must not be negative")
    if settings.bucket is not None:
        settings.bucket.check(path)
    if bool(settings.root) == (settings.bucket is not None):
        raise ConfigError(f"{path}: name either root, a directory, or a [bucket]")
    for place in filter(None, (settings.root, settings.state)):
        if not Path(place).is_absolute():
            raise ConfigError(f"{path}: root and state must be absolute paths")
