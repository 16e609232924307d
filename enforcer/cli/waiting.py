"""Waiting for stores to acknowledge a hold: what is connected answers within two minutes."""

import time

from enforcer.cli import show
from enforcer.cli.client import Client
from enforcer.govern.forms.holds import HoldSheet

WAIT_SECONDS = 120
_EVERY_SECONDS = 2
_CONNECTED_SECONDS = 15 * 60
"""Who was silent for longer will not answer now; waiting for it would only cost the night."""


def acknowledged(me: Client, sheet: HoldSheet) -> HoldSheet:
    """The sheet once nobody connected is still to answer, or two minutes later.

    The hold is placed already: to interrupt ends the waiting only.
    """
    told = False
    try:
        for _ in range(WAIT_SECONDS // _EVERY_SECONDS):
            awaited = _connected(sheet, me)
            if not awaited:
                break
            if not told:
                told = True
                show.warn(
                    f"{sheet.id} is placed; waiting for {', '.join(awaited)} (Ctrl-C: do not wait)"
                )
            time.sleep(_EVERY_SECONDS)
            sheet = me.get(f"/v1/holds/{sheet.id}", HoldSheet)
    except KeyboardInterrupt:
        pass
    return sheet


def _connected(sheet: HoldSheet, me: Client) -> list[str]:
    since = me.now() - _CONNECTED_SECONDS
    return [
        each.store
        for each in sheet.stores
        if each.state == "pending" and (each.last_seen_at or 0) >= since
    ]
