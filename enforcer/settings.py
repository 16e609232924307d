"""What the person who runs the enforcer may set: a TOML file, and the environment above it.

`ENFORCER_LISTEN` stands above `listen` of the file, and so on for each. Paths are relative to the
file. Nothing below `compose.py` sees this class.
"""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from retention.errors import ConfigError

PREFIX = "ENFORCER_"
_OF_COMMANDS = {"ENFORCER_CONFIG", "ENFORCER_AS"}
_FILE_URL = "sqlite:///"
_LAST_PORT = 65_535

Seconds = Annotated[int, Field(ge=1, le=86_400)]


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ADDRESS:PORT, an IPv6 address in brackets; else `ConfigError`."""
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= _LAST_PORT):
        raise ConfigError(f"{text!r} is nowhere to listen: write ADDRESS:PORT, as 0.0.0.0:8443")
    return host.strip("[]"), int(port)


def _address(text: str) -> str:
    try:
        parse_address(text)
    except ConfigError as error:
        raise PydanticCustomError("address", "write ADDRESS:PORT, as 0.0.0.0:8443") from error
    return text


class Settings(BaseSettings):
    """One enforcer."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    listen: Annotated[str, AfterValidator(_address)] = "127.0.0.1:8443"
    """Address and port of all that the enforcer serves: agents, people, metrics."""
    index: str = "sqlite:///enforcer.db"
    """SQLAlchemy URL: SQLite, or `postgresql+psycopg://...` beyond one machine."""
    policy_pin: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the first policy document, in hex: what the chain of policies is checked from."""
    tls_certificate: Path = Path("tls/server.pem")
    tls_key: Path = Path("tls/server.key")
    directive_key: Path = Path("keys/directive.key")
    ledger_key: Path = Path("keys/ledger.key")
    number_keys: Path | None = None
    """Keys by which calls are found by telephone number; the agents of calls have the same file."""
    heads: Path = Path("heads")
    """Directory of published checkpoints: copy it to where this machine cannot write."""
    prove_seconds: Seconds = 60
    """How often receipts become certificates."""
    watch_seconds: Annotated[int, Field(ge=1, le=60)] = 60
    """How often the state is looked at, so that each day can be told how long it was what."""
    prometheus: str = ""
    """Address of the Prometheus server that watches us; a bundle has a copy of what it recorded."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file."""
        return env_settings, init_settings

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        return parse_address(self.listen)

    def below(self, directory: Path) -> "Settings":
        """The same with every relative path counted from this directory."""
        paths = {
            name: directory / value
            for name, value in self.__dict__.items()
            if isinstance(value, Path)
        }
        return self.model_copy(update={**paths, "index": _index_below(self.index, directory)})


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this file; `ConfigError` with one sentence about the first mistake."""
    for name in environ:
        if name.startswith(PREFIX) and name not in _OF_COMMANDS:
            _refuse_unknown(name.removeprefix(PREFIX).lower(), f"environment variable {name}")
    try:
        return Settings(**_toml(path)).below(path.resolve().parent)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(error)}") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for name in found:
        _refuse_unknown(name, f"setting {name!r} in {path}")
    return found


def _refuse_unknown(name: str, what: str) -> None:
    known = Settings.model_fields
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
    raise ConfigError(f"unknown {what}{hint}")


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{name} is missing"
    return f"{name} = {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _index_below(url: str, directory: Path) -> str:
    file = url.removeprefix(_FILE_URL)
    return url if file == url else f"{_FILE_URL}{directory / file}"
