"""What every agent has to be told, wherever it runs; each kind's settings say what is its own.

A file is TOML. A name that is not known, or a value of another type, is one sentence and exit code 2.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from retention.errors import ConfigError

_LAST_PORT = 65_535


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What any agent must be told. Times are whole seconds."""

    state: str  # the agent's own directory: catalogue, credential, reserve
    enforcer: str  # https://centre.example:8443
    ca_file: str | None = None  # PEM; None: the system's authorities
    freeze: str | None = None  # a technician's marker file; None: freeze in state
    offline: Literal["delete", "keep"] = "delete"
    scan_every: int = 6 * 3600
    sweep_every: int = 600
    talk_every: int = 60
    settle: int = 2
    spread: int = 2 * 3600  # sweeps of a fleet begin within this long of each other
    metrics_port: int | None = None  # on loopback

    @property
    def state_directory(self) -> Path:
        """Where the agent keeps its own files."""
        return Path(self.state)


Chosen = TypeVar("Chosen", bound=Service)


def read(path: Path) -> Mapping[str, Any]:
    """What a file of settings says; `ConfigError` if it cannot be read, or is not TOML."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def understood(data: Mapping[str, Any], kind: type[Chosen], path: Path) -> Chosen:
    """These as settings of one kind; `ConfigError` says what is wrong and where."""
    try:
        settings = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(error)}") from error
    for name in ("scan_every", "sweep_every", "talk_every"):
        if getattr(settings, name) < 1:
            raise ConfigError(f"{path}: {name} must be at least 1 second")
    for name in ("settle", "spread"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"{path}: {name} must not be negative")
    port = settings.metrics_port
    if port is not None and not 0 < port <= _LAST_PORT:
        raise ConfigError(f"{path}: metrics_port must be 1 to {_LAST_PORT}")
    must_be_absolute(path, state=settings.state)
    return settings


def _sentence(error: msgspec.ValidationError) -> str:
    """What msgspec says of an object's fields, said of settings."""
    said, _, place = str(error).partition(" - at `$")
    said = re.sub(r"Object contains unknown field (`.*`)", r"there is no setting \1", said)
    said = re.sub(r"Object missing required field (`.*`)", r"the setting \1 is missing", said)
    name = place.strip("`.")
    return f"{name}: {said}" if name else said


def must_be_absolute(path: Path, **places: str) -> None:
    """`ConfigError` unless all of these places are absolute paths."""
    for name, place in places.items():
        if not Path(place).is_absolute():
            raise ConfigError(f"{path}: {name} must be an absolute path")
