"""The `retention-agent` command: a daemon on a terminal, and what a technician asks of it."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from agents.cli import doctor, item, probe, status, work
from agents.cli.configured import composed
from agents.service.credential import Token
from retention.errors import RetentionError

#: The settings of a terminal's agent, as its package names them; a storage has one for each store.
USUAL = Path("/etc/retention-agent/terminal.toml")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done, 1 refused, 2 usage or unknown; a user's error is one sentence."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except RetentionError as error:
        print(f"retention-agent: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retention-agent", description="Finds, dates and erases recordings on this machine."
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    probe.declare(_verb(verbs, "probe", probe.run, "say what time files were recorded, and why"))
    for name, run, text in (
        ("enrol", _enrol, "exchange a one-time token for this agent's credential"),
        ("run", work.run, "look, sweep and report until stopped: the daemon"),
        ("scan", work.scan, "look at everything once, and erase nothing"),
        ("sweep", work.sweep, "erase what is due, or only say what would go"),
        ("status", status.run, "say what this agent knows"),
        ("doctor", doctor.run, "look for what is wrong, or soon will be"),
    ):
        verb = _verb(verbs, name, run, text)
        _declare_config(verb)
        if name == "enrol":
            verb.add_argument(
                "token", metavar="TOKEN", help="CODE.PIN, as `enforcer store enrol` prints it"
            )
        if name == "run":
            verb.add_argument("--once", action="store_true", help="one scan and sweep, then end")
        if name == "sweep":
            verb.add_argument("--dry-run", action="store_true", help="erase nothing")
    items = verbs.add_parser("item", help="find recordings on this store: find")
    of_items = items.add_subparsers(required=True, metavar="VERB")
    found = _verb(of_items, "find", item.find, "paths of recordings of a source and a time")
    _declare_config(found)
    item.declare(found)
    return parser


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    """A command that prints facts."""
    verb = verbs.add_parser(name, help=text, description=text)
    verb.add_argument("--json", action="store_true", help="print one JSON document")
    verb.set_defaults(run=run)
    return verb


def _declare_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=USUAL,
        metavar="FILE",
        help="the agent's settings (TOML) [%(default)s]",
    )


def _enrol(arguments: argparse.Namespace) -> int:
    store = composed(arguments.config).enrol(Token.parse(arguments.token))
    if arguments.json:
        print(json.dumps({"store": store}))
    else:
        print(f"enrolled as store {store}; it only observes until two people activate it")
    return 0
