"""`retention-agent doctor`: what a person would otherwise find out later."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from agents.cli.configured import composed
from agents.engine.clock import SystemClock
from agents.service.building import Composition
from agents.service.checkup import examine
from retention.checkup import Fact, exit_code, in_words, told, unknown
from retention.errors import ConfigError

_EXAMPLE = ".example.toml"


def run(arguments: argparse.Namespace) -> int:
    """Look at the store, the agent and the enforcer. 1 if anything is amiss, 2 if not known."""
    config: Path = arguments.config.absolute()
    chosen = composed(config)
    others, unread = _beside(config)
    built = chosen.build()
    try:
        facts = [*examine(chosen, built, config, others, SystemClock().wall()), *unread]
    finally:
        built.close()
    if arguments.json:
        print(json.dumps([fact._asdict() for fact in facts]))
    else:
        print("\n".join(told(facts)))
    return exit_code(facts)


def _beside(config: Path) -> tuple[list[Composition], list[Fact]]:
    """Agents that the other files of settings in its directory describe; and which cannot be read."""
    others, unread = [], []
    for path in _settings_beside(config):
        try:
            others.append(composed(path))
        except ConfigError as error:
            unread.append(
                unknown(
                    "other agents",
                    in_words(error),
                    why="So nobody knows whether that agent looks after the same files.",
                    remedy="Correct that file, or move it away.",
                )
            )
    return others, unread


def _settings_beside(config: Path) -> Iterator[Path]:
    for path in sorted(config.parent.glob("*.toml")):
        if path != config and not path.name.endswith(_EXAMPLE):
            yield path
