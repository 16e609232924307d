"""The `enforcer` command: one file per noun, loaded only when its noun is typed."""

import os
import sys
from argparse import REMAINDER, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import import_module

from enforcer.cli import language
from retention.errors import RetentionError

COMMANDS: Mapping[str, str] = {
    "init": "make a directory with all that an enforcer needs",
    "serve": "run the enforcer",
    "certificate": "another certificate for the server, before the present one ends",
    "doctor": "look for what is wrong, or soon will be",
    "status": "the state of compliance per class, and why",
    "forecast": "what will go, and when",
    "bundle": "the inspector's file, checked offline by `auditor verify`",
    "backup": "copies that somebody keeps, and for how long: list, add, remove",
    "policy": "the rules: show, check, explain, propose, sign, keys, publish",
    "person": "who may do what: list, add, key",
    "source": "cameras and queues: list, add",
    "store": "terminals and storages: enrol, list, activate, replace, retire, thaw, restored, credential",
    "hold": "keep what an incident needs: place, preview, list, show, review, confirm, release",
    "item": "single recordings: find, show, correct, erase, restrict, lift",
    "brake": "sweeps that wait for a person: show, release",
    "approve": "sign, as the second person, what another proposed",
    "history": "who did what, and who looked at what",
    "ledger": "the proof: verify, checkpoint, prove, succeed",
}

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done; 1 refused or violated; 2 usage or unknown. A bug is a traceback."""
    top = ArgumentParser(
        prog="enforcer",
        description="Keeps, and proves, the promise to delete recordings in time.",
        epilog="\n".join(f"  {name:13}{what}" for name, what in COMMANDS.items()),
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    top.add_argument("rest", nargs=REMAINDER, metavar="...", help="`enforcer COMMAND --help`")
    typed = top.parse_args(argv)
    arguments = parser_of(typed.command).parse_args(typed.rest)
    language.choose(getattr(arguments, "lang", None), os.environ)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except RetentionError as error:
        print(f"enforcer: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` for one, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def parser_of(command: str) -> ArgumentParser:
    """What may follow this command; its file is loaded only now."""
    parser = ArgumentParser(prog=f"enforcer {command}", description=COMMANDS[command])
    import_module(f"{__name__}.{command}").declare(parser)
    return parser
