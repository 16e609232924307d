"""Commands that run beside the enforcer's own files: which settings they use."""

from argparse import ArgumentParser, Namespace
from os import environ
from pathlib import Path

from enforcer.settings import Settings, load

VARIABLE = "ENFORCER_CONFIG"
USUAL = Path("enforcer.toml")


def declare(parser: ArgumentParser) -> None:
    """Add the option for the settings file."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the settings [${VARIABLE}, or ./{USUAL}]"
    )


def settings(arguments: Namespace) -> Settings:
    """What the file says; `ConfigError` as `settings.load`."""
    return load(path(arguments))


def path(arguments: Namespace) -> Path:
    """The settings file, named or usual."""
    return Path(arguments.config or environ.get(VARIABLE, USUAL))
