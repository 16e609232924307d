"""The auditor's command line: `auditor verify` and `auditor rescan`.

Neither needs a network, a database, or anything of the enforcer but what it signed.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from auditor.evidence import Seen
from auditor.findings import Report, Verdict
from auditor.register import read_exceptions
from auditor.rescan import Judged, Rescan, Standing, printable
from auditor.verify import read_chain, verify
from retention import bundle
from retention.calendar import Instant, parse_instant
from retention.errors import ConfigError, RetentionError
from retention.exceptions import Exceptions
from retention.policy import Chain

_DIGEST_BYTES = 32
_UNKNOWN = 2

_CONCLUSIONS = {
    Verdict.OK: "OK: all that could be checked is as it should be.",
    Verdict.VIOLATED: "VIOLATED: something is not as it should be, see above.",
    Verdict.UNKNOWN: "UNKNOWN: nothing wrong was found, and not everything could be established.",
}

_REMARKABLE = (Standing.OVERDUE, Standing.PAST_LIMIT, Standing.UNDATED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code: 0 ok, 1 violated, 2 usage or unknown."""
    options = _parser().parse_args(argv)
    try:
        verdict: Verdict = options.command(options)
        sys.stdout.flush()
    except RetentionError as error:
        print(f"auditor: {_clean(str(error))}", file=sys.stderr)
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
    _add_verify(commands.add_parser("verify", help="check a bundle offline"))
    _add_rescan(commands.add_parser("rescan", help="list a storage and say what is really there"))
    return parser


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_verify)
    parser.add_argument("bundle", metavar="BUNDLE", type=Path)
    _add_pin(parser, required=False)
    parser.add_argument(
        "--head",
        metavar="SIZE:ROOT",
        type=_seen,
        action="append",
        default=[],
        help="a head of the ledger that a witness saw: leaves, and the root in hex",
    )
    _add_json(parser)


def _add_rescan(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_rescan)
    parser.add_argument("root", metavar="ROOT", help="the storage's directory")
    origin = parser.add_mutually_exclusive_group(required=True)
    origin.add_argument("--bundle", type=Path, help="take policy and exceptions out of a bundle")
    origin.add_argument("--policy", type=Path, help="the policy's documents, one on each line")
    parser.add_argument("--exceptions", type=Path, help="the store's signed list of exceptions")
    parser.add_argument("--store", required=True, help="the store's id")
    parser.add_argument("--group", required=True, help="the store's group")
    parser.add_argument(
        "--now", type=_instant, help="judge as of this time, such as 2026-01-15T14:20:00+02:00"
    )
    _add_pin(parser, required=True)
    _add_json(parser)


def _add_pin(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--pin",
        metavar="HEX",
        type=_digest,
        required=required,
        help="SHA-256 of the operator's first policy document, from where the operator published it",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _verify(options: argparse.Namespace) -> Verdict:
    with _open(options.bundle) as file:
        members = bundle.read(file)
    report = verify(members, pin=options.pin, seen=options.head)
    if options.json:
        _print_json(_summary(report) | {"not_checked": bundle.NOT_CHECKED})
        return report.verdict
    _print_findings(report)
    for text in bundle.NOT_CHECKED:
        print(f"not checked: {text}")
    print(_CONCLUSIONS[report.verdict])
    return report.verdict


def _rescan(options: argparse.Namespace) -> Verdict:
    chain, listed = _signed(options)
    now = Instant(int(time.time())) if options.now is None else options.now  # noqa: TID251 # the auditor's composition root: below it, now is an argument
    rescan = Rescan(options.root, chain=chain, group=options.group, exceptions=listed, now=now)
    told = (each for each in rescan.recordings() if each.standing in _REMARKABLE)
    return _print_rescan_json(rescan, told) if options.json else _print_rescan(rescan, told)


def _signed(options: argparse.Namespace) -> tuple[Chain, Exceptions | None]:
    """The policy, and the store's list of exceptions if there is one; both verified."""
    if options.bundle:
        with _open(options.bundle) as file:
            members = bundle.read(file)
        policy, lists = members[bundle.POLICY], members[bundle.EXCEPTIONS]
    else:
        policy, lists = _lines(options.policy), b""
    if options.exceptions:
        lists = _lines(options.exceptions)
    chain = read_chain(policy, options.pin)
    listed = read_exceptions(lists, chain).get(options.store)
    if listed is None and options.exceptions:
        raise ConfigError(f"{options.exceptions} is no list of store {options.store!r}")
    if listed is not None and listed.group != options.group:
        raise ConfigError(f"store {options.store!r} is of group {listed.group!r}")
    return chain, listed


def _print_findings(report: Report) -> None:
    for finding in report.findings:
        print(f"{finding.verdict:8}  {finding.check:12}  {_clean(finding.text)}")


def _print_rescan(rescan: Rescan, told: Iterable[Judged]) -> Verdict:
    for each in told:
        when = each.civil or "undated"
        print(f"{each.standing:10}  {when}  {printable(each.path)}  ({_clean(each.note)})")
    print(f"{'class':24}  {'date':10}  {'standing':10}  {'files':>9}  {'bytes':>15}")
    for batch, tally in _sorted_counts(rescan):
        print(
            f"{batch.record_class:24}  {batch.civil or '-'!s:10}  {batch.standing:10}"
            f"  {tally.files:9}  {tally.bytes:15}"
        )
    print(f"{rescan.others} files are no recordings")
    report = rescan.conclude()
    _print_findings(report)
    print(_CONCLUSIONS[report.verdict])
    return report.verdict


def _print_rescan_json(rescan: Rescan, told: Iterable[Judged]) -> Verdict:
    """Print while looking, so that memory does not grow with what is found."""
    separator = '{"recordings":['
    for each in told:
        document = each._asdict() | {"path": printable(each.path)}
        sys.stdout.write(separator + msgspec.json.encode(document).decode())
        separator = ","
    if separator != ",":
        sys.stdout.write(separator)
    report = rescan.conclude()
    counts = [batch._asdict() | _amount(tally) for batch, tally in _sorted_counts(rescan)]
    rest = {"counts": counts, "kept": _amount(rescan.kept), "others": rescan.others}
    print("]," + msgspec.json.encode(rest | _summary(report)).decode()[1:])
    return report.verdict


def _sorted_counts(rescan: Rescan) -> list[tuple[Any, Any]]:
    return sorted(rescan.counts.items(), key=lambda each: tuple(map(str, each[0])))


def _amount(tally: Any) -> dict[str, int]:
    return {"files": tally.files, "bytes": tally.bytes}


def _summary(report: Report) -> dict[str, Any]:
    return {"verdict": report.verdict, "findings": report.findings}


def _print_json(document: dict[str, Any]) -> None:
    print(msgspec.json.encode(document).decode())


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _lines(path: Path) -> bytes:
    """A file of documents, one on each line; the last line's end may be missing."""
    with _open(path) as file:
        data = file.read(bundle.MAX_BYTES)
    return data if data.endswith(b"\n") or not data else data + b"\n"


def _clean(text: str) -> str:
    """What others wrote, as one line that does nothing to a terminal."""
    return printable(text.encode("utf-8", "surrogatepass"))


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != _DIGEST_BYTES:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a SHA-256 of 64 hex digits")
    return digest


def _seen(text: str) -> Seen:
    size, _, root = text.partition(":")
    if not (size.isascii() and size.isdigit() and len(size) < 20):  # below 2**63
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not SIZE:ROOT")
    return Seen(int(size), _digest(root))


def _instant(text: str) -> Instant:
    try:
        return parse_instant(text)
    except RetentionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
