"""Whoever types `--help` learns what a command does, what to write, and how a program reads it."""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import pytest

import agents.cli
import auditor.cli
from enforcer.cli import COMMANDS, parser_of

PRINT_NO_FACTS = {"enforcer serve"}
"""What runs until it is stopped, and logs."""


class Command(NamedTuple):
    """What can be typed, and nothing can follow it but its arguments."""

    name: str
    parser: argparse.ArgumentParser

    @property
    def arguments(self) -> list[argparse.Action]:
        shown = (each for each in self.parser._actions if each.help != argparse.SUPPRESS)
        return [each for each in shown if not isinstance(each, argparse._HelpAction)]


def _below(name: str, parser: argparse.ArgumentParser) -> Iterator[Command]:
    verbs = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not verbs:
        yield Command(name, parser)
    for each in verbs:
        for verb, below in each.choices.items():
            yield from _below(f"{name} {verb}", below)


ALL = [
    *(c for noun in COMMANDS for c in _below(f"enforcer {noun}", parser_of(noun))),
    *_below("retention-agent", agents.cli._parser()),
    *_below("auditor", auditor.cli._parser()),
]
every_command = pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)


def test_all_three_programs_are_walked():
    assert {"enforcer", "retention-agent", "auditor"} == {c.name.split()[0] for c in ALL}
    assert len(ALL) > 50


@pytest.mark.parametrize("noun", COMMANDS)
def test_the_list_of_commands_names_every_verb(noun):
    commands = _below(f"enforcer {noun}", parser_of(noun))
    verbs = {verb for command in commands for verb in command.name.split()[2:3]}
    told = COMMANDS[noun].partition(": ")[2]
    assert verbs == set(filter(None, told.split(", ")))


@every_command
def test_it_says_what_it_does(command):
    assert command.parser.description


@every_command
def test_every_argument_says_what_to_write(command):
    said = {action.dest: action.help for action in command.arguments}
    assert [] == [name for name, text in said.items() if not text]
    silent = [name for name, text in said.items() if text.startswith("[")]
    assert [] == silent, "only a default"


@every_command
def test_what_is_to_be_replaced_stands_in_capitals(command):
    written = [a.metavar for a in command.arguments if a.metavar is not None]
    bare = [a.dest for a in command.arguments if not a.option_strings and a.metavar is None]
    assert [] == bare
    assert [] == [each for each in written if each.upper() != each]


@every_command
def test_it_prints_facts_for_programs_too(command):
    has = any("--json" in action.option_strings for action in command.arguments)
    assert has != (command.name in PRINT_NO_FACTS)


def test_the_same_option_says_the_same_everywhere():
    """Of those that every command understands alike."""
    alike = {"--json", "--as", "--lang", "--pin", "--passphrase-file", "--reason", "--yes"}
    said = {
        (option, action.help)
        for command in ALL
        for action in command.arguments
        for option in action.option_strings
        if option in alike
    }
    assert alike == {option for option, _ in said}
    assert len(alike) == len(said), sorted(said)


@every_command
def test_the_help_can_be_printed(command, capsys):
    """A bare % in a help text is found only when somebody asks for it."""
    with pytest.raises(SystemExit) as ended:
        command.parser.parse_args(["--help"])
    assert 0 == ended.value.code
    assert command.name in capsys.readouterr().out
