"""`enforcer forecast`: what will go, and when."""

from argparse import ArgumentParser, Namespace
from collections import Counter

from enforcer.cli import client as asking
from enforcer.cli import show
from enforcer.cli.language import say
from enforcer.govern.forms.compliance import Forecast, ForecastLine
from retention.calendar import Instant


def declare(parser: ArgumentParser) -> None:
    """Add the options of `forecast`."""
    parser.add_argument("--days", type=int, default=7, help="how far ahead [%(default)s]")
    parser.add_argument("--store", metavar="ID", help="this one only, line by line")
    asking.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """A line for each moment and class; exit code 1 if a brake would engage."""
    found = asking.client(arguments).get("/v1/forecast", Forecast, days=arguments.days)
    lines = [line for line in found.lines if arguments.store in {None, line.store}]
    if arguments.json:
        show.as_json(Forecast(found.until, tuple(lines), found.brakes))
        return int(bool(found.brakes))
    _print(lines, found.until)
    for each in found.brakes:
        said = "BRAKE: {store} would have {due} due, {allowed} are usual"
        print(say(said, store=each.store, due=each.due, allowed=each.allowed))
    return int(bool(found.brakes))


def _print(lines: list[ForecastLine], until: Instant) -> None:
    if not lines:
        print(say("Nothing is to go until {moment}.", moment=show.moment(until)))
        return
    items, stores = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for line in lines:
        key = (
            show.moment(line.due_at),
            line.record_class,
            say("goes") if line.active else say("would go, were its store activated"),
        )
        items[key] += line.items
        stores[key] += 1
    show.table(
        (say("FROM"), say("CLASS"), say("ITEMS"), say("STORES"), ""),
        (
            (moment, record_class, str(items[key]), str(stores[key]), what)
            for key in sorted(items)
            for moment, record_class, what in [key]
        ),
    )
