"""`enforcer status`: whether the promise is kept."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from enforcer.cli import client as asking
from enforcer.cli import show
from enforcer.govern.forms.compliance import ClassStatus, Status, StoreStatus
from retention.calendar import Instant

EXIT_CODES = {"ok": 0, "violated": 1, "unknown": 2}
MOST_LINES = 20


def declare(parser: ArgumentParser) -> None:
    """Add the options of `status`."""
    parser.add_argument("--store", metavar="ID", help="this one only")
    parser.add_argument("--all", action="store_true", help="every line, the good ones too")
    asking.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Exit code 0 ok, 1 violated, 2 unknown: the strictest of all that is shown."""
    found = asking.client(arguments).get("/v1/status", Status)
    shown = [each for each in found.stores if arguments.store in {None, each.store}]
    if arguments.json:
        show.as_json(Status(found.at, found.classes, tuple(shown)))
    else:
        _print(found, shown, everything=arguments.all)
    return _exit_code(shown)


def _print(found: Status, shown: list[StoreStatus], *, everything: bool) -> None:
    for each in found.classes:
        print(_headline(each))
    wanted = [each for each in shown if everything or each.state != "ok"]
    if wanted:
        show.table(
            ("STORE", "CLASS", "STATE", "WHY"), _rows(wanted if everything else wanted[:MOST_LINES])
        )
    if len(wanted) > MOST_LINES and not everything:
        print(f"and {len(wanted) - MOST_LINES} more: --all")


def _headline(found: ClassStatus) -> str:
    """The strict state, and beside it how many stores are proven."""
    said = f"{found.record_class}: {found.state}{_since(found.since)}"
    said += f"; {found.proven} of {found.total} stores proven"
    if found.proven == found.total:
        return said
    return f"{said}; {found.total - found.proven} not,{_since(found.not_ok_since) or ' since just now'}"


def _since(moment: Instant | None) -> str:
    return "" if moment is None else f" since {show.moment(moment)}"


def _rows(wanted: Iterable[StoreStatus]) -> Iterable[tuple[str, str, str, str]]:
    for each in wanted:
        why = "; ".join(reason.sentence for reason in each.reasons)
        if not why:
            why = f"proven until {show.moment(each.valid_until)}"
        yield each.store, each.record_class, each.state, why


def _exit_code(shown: Iterable[StoreStatus]) -> int:
    """Violated comes before unknown; nothing at all is not known to be well."""
    states = {each.state for each in shown} or {"unknown"}
    for state in ("violated", "unknown"):
        if state in states:
            return EXIT_CODES[state]
    return EXIT_CODES["ok"]
