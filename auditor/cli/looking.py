"""What `rescan` and `rows` have in common: what is looked at, by whose word, and as of when."""

import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from auditor.calls import expression_of
from auditor.cli import options as given
from auditor.register import read_exceptions
from auditor.storage import Storage
from auditor.verify import read_chain
from auditor.walk import walk
from retention import bundle
from retention.calendar import Instant
from retention.errors import ConfigError
from retention.exceptions import Exceptions
from retention.policy import Chain

_SHOWN = 6
_BUCKET = "s3://"


def declare_bucket(parser: ArgumentParser) -> None:
    """Add how a bucket is reached."""
    bucket = parser.add_argument_group(
        "a bucket",
        "Credentials that may only list and read: AWS_ACCESS_KEY_ID and so on, or a profile.",
    )
    bucket.add_argument("--endpoint", metavar="URL", help="its server [AWS]")
    bucket.add_argument("--region", default="us-east-1", help="where it is [%(default)s]")
    bucket.add_argument("--profile", help="of ~/.aws/credentials, or AWS_SHARED_CREDENTIALS_FILE")


def declare_origin(parser: ArgumentParser) -> None:
    """Add where policy and exceptions come from, whose they are, and when it is."""
    origin = parser.add_mutually_exclusive_group(required=True)
    origin.add_argument("--bundle", type=Path, help="take policy and exceptions out of a bundle")
    origin.add_argument("--policy", type=Path, help="the policy's documents, one on each line")
    parser.add_argument("--exceptions", type=Path, help="the store's signed list of exceptions")
    parser.add_argument("--store", required=True, help="the store's id")
    parser.add_argument("--group", required=True, help="the store's group")
    parser.add_argument(
        "--now", type=given.instant, help="judge as of this time, such as 2026-01-15T14:20:00+02:00"
    )
    given.add_pin(parser, required=True)
    given.add_json(parser)


def declare_calls(parser: ArgumentParser) -> None:
    """Add how it is told which recordings are of one call."""
    parser.add_argument(
        "--call-in-name",
        metavar="EXPRESSION",
        type=_expression,
        help=r"what all recordings of one call have in their names, such as '\d{10}\.\d+'",
    )


def _expression(text: str) -> re.Pattern[bytes] | None:
    """None if it is empty: so a service says that there are no calls."""
    return expression_of(text) if text else None


def storage_of(where: str, options: Namespace) -> Storage:
    """What to look at. What speaks to a bucket is loaded where one is named, and nowhere else."""
    if not where.startswith(_BUCKET):
        return partial(walk, where)
    try:
        from auditor.bucket import Bucket, Place, connect  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ConfigError("install botocore to look into a bucket") from error
    place = Place.parse(where)
    client = connect(endpoint=options.endpoint, region=options.region, profile=options.profile)
    return Bucket(client, place, options.store)


def now_of(options: Namespace) -> Instant:
    """As of when to judge."""
    return Instant(int(time.time())) if options.now is None else options.now  # noqa: TID251 # the auditor's composition root: below it, now is an argument


def signed(options: Namespace) -> tuple[Chain, Exceptions | None]:
    """The policy, and the store's list of exceptions if there is one; both verified."""
    if options.bundle:
        members = given.members_of(options.bundle)
        policy, lists = members[bundle.POLICY], members[bundle.EXCEPTIONS]
    else:
        policy, lists = given.lines_of(options.policy), b""
    if options.exceptions:
        lists = given.lines_of(options.exceptions)
    chain = read_chain(policy, options.pin)
    known = read_exceptions(lists, chain)
    listed = known.get(options.store)
    if listed is None and (options.bundle or options.exceptions):
        raise ConfigError(
            f"{options.exceptions or options.bundle} has no list of store {options.store!r}, which "
            f"every store that enrolled has; it has those of {_named(sorted(known))}"
        )
    if listed is not None and listed.group != options.group:
        raise ConfigError(f"store {options.store!r} is of group {listed.group!r}")
    return chain, listed


def _named(stores: Sequence[str]) -> str:
    shown = ", ".join(stores[:_SHOWN]) or "none"
    return shown if len(stores) <= _SHOWN else f"{shown} and {len(stores) - _SHOWN} more"
