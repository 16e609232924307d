"""`retention-agent item ...`: paths of recordings, which no centre knows."""

import argparse
import sys

from agents.cli.configured import composed
from agents.cli.lines import print_rows, utc
from retention.calendar import Instant, parse_instant
from retention.errors import MalformedError, RefusedError
from retention.hold import RESTRICTION

# All files of an item: of a call, each of its parts.
_FOUND = f"""
SELECT item.number, path, items.name, item.anchor,
       lower(hex(sha256)),
       EXISTS (SELECT 1 FROM item_holds WHERE number = item.number AND hold GLOB '{RESTRICTION}*')
  FROM items
  LEFT JOIN parts ON parts.number = items.number
  JOIN items AS item ON item.number = coalesce(parts.item, items.number)
  JOIN directories ON directories.id = items.directory JOIN words ON words.id = item.source
  LEFT JOIN digests ON (digests.number, digests.inode, digests.size, digests.mtime_ns)
                     = (items.number, items.inode, items.size, items.mtime_ns)
 WHERE word = ?
   AND (item.anchor IS NULL OR (item.anchor - item.before <= ? AND item.anchor + item.after >= ?))
 ORDER BY item.number, items.number
"""  # noqa: S608 - a constant of ours


def declare(find: argparse.ArgumentParser) -> None:
    """Add the options of `find`."""
    find.add_argument(
        "--source", required=True, metavar="ID", help="camera or queue, as the policy calls it"
    )
    for name, where, text in (("from", "begins", "not before"), ("to", "ends", "not after")):
        find.add_argument(
            f"--{name}",
            dest=where,
            required=True,
            type=_moment,
            metavar="TIME",
            help=f"{text}, such as 2026-01-15T03:10:00+02:00",
        )


def _moment(text: str) -> Instant:
    try:
        return parse_instant(text)
    except MalformedError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write it with its offset, as 2026-01-15T03:10:00+02:00"
        ) from error


def find(arguments: argparse.Namespace) -> int:
    """A line for each file; 1 if all that was found is restricted."""
    built = composed(arguments.config).build()
    try:
        if built.agent.restorations.quarantined:
            raise RefusedError(
                "what is here came from a backup, and no sweep has gone through it yet: what should be "
                "gone is not shown; a hold can be placed all the same"
            )
        found = built.catalogue.rows(_FOUND, (arguments.source, arguments.ends, arguments.begins))
        kept_back = {number for number, *_, restricted in found if restricted}
        rows = [
            {
                "item": number,
                "path": (path + b"/" + name if path else name).decode(errors="backslashreplace"),
                "anchor": None if anchor is None else utc(anchor),
                "sha256": digest,
            }
            for number, path, name, anchor, digest, restricted in found
            if not restricted
        ]
        none = "" if kept_back else "nothing of that source and time is known"
        print_rows(rows, as_json=arguments.json, none=none)
        if kept_back:
            told = "restricted (GDPR article 18), and so not shown before two people lift that"
            print(f"{told}: {', '.join(map(str, sorted(kept_back)))}", file=sys.stderr)
    finally:
        built.close()
    return 1 if kept_back and not rows else 0
