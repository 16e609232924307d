"""`enforcer status`: whether the promise is kept."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from enforcer.cli import client as asking
from enforcer.cli import show
from enforcer.cli.language import reason, say
from enforcer.govern.forms.compliance import ClassStatus, Status, StoreStatus

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
    if not shown:
        print(say("No such store is enrolled: nothing is known."))
    if wanted:
        heads = [say(head) for head in ("STORE", "CLASS", "STATE", "WHY")]
        show.table(heads, _rows(wanted if everything else wanted[:MOST_LINES]))
    if len(wanted) > MOST_LINES and not everything:
        print(say("and {more} more: --all", more=len(wanted) - MOST_LINES))


def _headline(found: ClassStatus) -> str:
    """The strict state, and beside it how many stores are proven."""
    since = "" if found.since is None else say(" since {moment}", moment=show.moment(found.since))
    said = say(
        "{record_class}: {state}{since}; {proven} of {total} stores proven",
        record_class=found.record_class,
        state=say(found.state),
        since=since,
        proven=found.proven,
        total=found.total,
    )
    unproven = found.total - found.proven
    if not unproven:
        return said
    began = say("this moment") if found.not_ok_since is None else show.moment(found.not_ok_since)
    return said + say("; {unproven} not, since {moment}", unproven=unproven, moment=began)


def _rows(wanted: Iterable[StoreStatus]) -> Iterable[tuple[str, str, str, str]]:
    for each in wanted:
        why = "; ".join(reason(one) for one in each.reasons)
        if not why:
            why = say("proven until {moment}", moment=show.moment(each.valid_until))
        if each.partly_erased:
            why += "; " + say("{number} erased in part", number=each.partly_erased)
        yield each.store, each.record_class, say(each.state), why


def _exit_code(shown: Iterable[StoreStatus]) -> int:
    """Violated comes before unknown; nothing at all is not known to be well."""
    states = {each.state for each in shown} or {"unknown"}
    for state in ("violated", "unknown"):
        if state in states:
            return EXIT_CODES[state]
    return EXIT_CODES["ok"]
