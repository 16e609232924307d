"""`enforcer bundle`: the inspector's file."""

from argparse import ArgumentParser, Namespace
from datetime import date, timedelta
from pathlib import Path

import msgspec

from enforcer import home, keys
from enforcer.cli import client as asking
from enforcer.cli import show, signing
from enforcer.cli.typed import day
from enforcer.govern.forms.form import Done
from retention import codec
from retention.bundle import Rescanned
from retention.calendar import Period
from retention.errors import ConfigError, MalformedError
from retention.policy import Chain

#: Beyond the longest period: so long after it its last erasures are shown.
USUAL_DAYS = 31


class Written(msgspec.Struct, frozen=True):
    """A bundle of recordings of these days, `bytes` long, and the pin in hex to check it by."""

    file: str
    since: date
    through: date
    bytes: int
    pin: str


def declare(parser: ArgumentParser) -> None:
    """Add the options of `bundle`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="is written; must not be there yet")
    parser.add_argument(
        "--from",
        dest="since",
        type=day,
        metavar="DATE",
        help="recordings from this day on [a month more ago than the longest period]",
    )
    parser.add_argument(
        "--to",
        dest="through",
        type=day,
        metavar="DATE",
        help="recordings up to this day [today]",
    )
    parser.add_argument(
        "--rescan",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="put a report of `auditor rescan --save` into it, and into those to come; once for each",
    )
    asking.declare(parser)
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Fetch and write it."""
    me = asking.client(arguments)
    through = arguments.through or home.today(me.now())
    since = arguments.since or _usual(signing.chain(me), through)
    for path in arguments.rescan:
        me.post("/v1/rescans", _report(path), Done)
    data = me.get_bytes("/v1/bundle", since=since.isoformat(), through=through.isoformat())
    keys.write_private(arguments.file, data)
    if arguments.json:
        show.as_json(Written(str(arguments.file), since, through, len(data), me.pin.hex()))
        return 0
    print(f"{arguments.file}: recordings of {since} to {through}, {len(data)} bytes.")
    print(f"Check it anywhere: auditor verify {arguments.file} --pin {me.pin.hex()}")
    return 0


def _usual(chain: Chain, through: date) -> date:
    """Early enough that of every class there is something that had to go."""
    periods = (
        Period.parse(each.period) for each in chain.current.classes if each.bound == "maximum"
    )
    return min(each.before(through) for each in periods) - timedelta(days=USUAL_DAYS)


def _report(path: Path) -> Rescanned:
    try:
        return codec.decode(path.read_bytes().rstrip(b"\n"), Rescanned)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except MalformedError as error:
        raise ConfigError(f"{path} is no report that `auditor rescan --save` made") from error
