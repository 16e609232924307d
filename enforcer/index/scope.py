"""What a hold covers, as it stands in `holds.scope`, and the name by which it finds an item again."""

from typing import Any

import msgspec
from sqlalchemy import Row

from retention.calendar import Instant
from retention.hold import ItemRef
from retention.numbers import Keyed


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold's reach besides its interval (`holds.begins`, `holds.ends`) and its stores.

    `site` is the site's name if a whole site was meant: a store that joins the site later is held
    too. No `sources` means all of them. `items` are held whatever the interval. With `numbers`
    only calls that were made with one of them are meant.
    """

    site: str = ""
    sources: tuple[str, ...] = ()
    items: tuple[ItemRef, ...] = ()
    numbers: tuple[Keyed, ...] | msgspec.UnsetType = msgspec.UNSET


def reference(row: Row[Any]) -> ItemRef:
    """The lasting name of a row of `items`: source, interval and fingerprint find it in a later epoch."""
    anchor = row.seen if row.anchor is None else row.anchor
    return ItemRef(
        store=row.store,
        epoch=row.epoch,
        number=row.number,
        source=row.source,
        begins=Instant(anchor - row.before),
        ends=Instant(anchor + row.after),
        fingerprint=row.fingerprint,
    )
