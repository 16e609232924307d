"""The auditor's command line: `auditor verify`, `rescan`, `rows`, `witness`.

None of them asks the enforcer anything; what it signed is read from a file.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from auditor.cli import rescan, rows, verify, witness
from auditor.cli.showing import clean
from auditor.findings import Verdict
from retention.errors import RetentionError

_COMMANDS = {
    "verify": (verify, "check a bundle offline"),
    "rescan": (rescan, "list a storage and say what is really there"),
    "rows": (rows, "look at rows that were written about calls: a CSV or a table"),
    "witness": (witness, "compare a bundle's ledger with what a Prometheus server recorded of it"),
}
_UNKNOWN = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code: 0 ok, 1 violated, 2 usage or unknown."""
    options = _parser().parse_args(argv)
    try:
        verdict: Verdict = options.run(options)
        sys.stdout.flush()
    except RetentionError as error:
        print(f"auditor: {clean(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read us has seen enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNKNOWN
    return verdict.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="auditor", description="Check what a retention enforcer says, without trusting it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, what) in _COMMANDS.items():
        below = commands.add_parser(name, help=what, description=what)
        command.declare(below)
        below.set_defaults(run=command.run)
    return parser
