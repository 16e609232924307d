"""The list names what an auditor would take for a violation and is none, and nothing else."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
import small_policy
from fleet import add_store
from sqlalchemy import insert

from enforcer.index.engine import reading, writing
from enforcer.index.tables import items
from enforcer.inspection.bundle import exceptions_list
from enforcer.inspection.exceptions import exceptions_of
from retention import exceptions
from retention.calendar import DAY, civil_date, parse_instant
from retention.exceptions import Reason, Recogniser

CHAIN = small_policy.begun()
NOW = parse_instant("2026-03-10T12:00:00+02:00")
RIGA = ZoneInfo("Europe/Riga")
NONCE = bytes(range(32))
COMMISSIONED = parse_instant("2025-06-01T00:00:00Z")


@pytest.fixture
def store(index):
    add_store(index, "a", store_group="lockers", commissioned_at=COMMISSIONED)
    return index


def on(day, hour=9):
    return parse_instant(f"{day}T{hour:02}:00:00+02:00")


def reason_of(engine, **changes: object):
    """Why the list names an item, which is recorded in February and present but for the changes."""
    anchor = changes.pop("anchor", on("2026-02-20"))
    known = civil_date(anchor, RIGA) if anchor else date(2026, 2, 20)
    row = {
        "store": "a",
        "epoch": 1,
        "number": 1,
        "record_class": "terminal-image",
        "source": "cam",
        "anchor": anchor,
        "civil": known.toordinal(),
        "how": "exif",
        "span": 0,
        "before": 0,
        "after": 0,
        "seen": NOW,
        "size": 1000,
        "fingerprint": b"f" * 16,
        "not_before": 0,
        "state": "present",
    }
    with writing(engine) as connection:
        connection.execute(insert(items).values(row | changes))
    with reading(engine) as connection:
        listed = exceptions_of(connection, CHAIN, "a", NOW, NONCE)
    assert len(listed.items) <= 1
    return Recogniser(listed).reason(b"f" * 16)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("present", None),
        ("held", Reason.HELD),
        ("restricted", Reason.RESTRICTED),
        ("undated", Reason.UNDATED),
        ("late", Reason.LATE_ARRIVAL),
        ("blocked", Reason.BLOCKED),
        ("erased", None),
    ],
)
def test_a_state_gives_its_reason(store, state, reason):
    assert reason is reason_of(store, state=state)


def test_what_is_simply_overdue_is_not_excused(store):
    assert reason_of(store, anchor=on("2026-01-01"), before=40 * DAY) is None


@pytest.mark.parametrize("ago", [-1, 0, DAY - 1])
def test_a_released_item_is_named_as_long_as_the_enforcer_waits_for_its_sweep(store, ago):
    """Its day of grace, and a day in which the next sweep takes it (I4)."""
    assert Reason.RELEASED is reason_of(store, anchor=on("2026-01-01"), not_before=NOW - ago)


def test_a_day_of_grace_that_is_over_excuses_nothing(store):
    assert reason_of(store, anchor=on("2026-01-01"), not_before=NOW - DAY) is None


def test_a_corrected_item_is_named(store):
    assert Reason.CORRECTED is reason_of(store, how="corrected")


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (0, None),
        (30 * DAY, None),
        # It was seen to appear in February; its oldest date is of 11 January, due on 10 March.
        (on("2026-02-20") - on("2026-01-11"), Reason.APPEARED),
        (on("2026-02-20") - on("2026-01-13"), None),
        (300 * DAY, Reason.APPEARED),
    ],
)
def test_an_item_that_carries_a_date_that_would_be_due_is_named(store, before, reason):
    assert reason is reason_of(store, before=before)


def test_an_undated_item_without_an_anchor_is_listed(store):
    assert Reason.UNDATED is reason_of(store, anchor=None, state="undated")


def test_the_list_is_signed_and_each_has_a_nonce_of_its_own(store):
    nonces = iter((b"1" * 32, b"2" * 32))
    with reading(store) as connection:
        sealed = [
            exceptions_list(
                connection,
                CHAIN,
                "a",
                key=small_policy.DIRECTIVE_KEY,
                now=NOW,
                random=lambda _: next(nonces),
            )
            for _ in range(2)
        ]
    first_, second = (exceptions.accept(each, CHAIN.current.directive_keys) for each in sealed)
    assert (b"1" * 32, b"2" * 32) == (first_.nonce, second.nonce)
    assert ("a", "lockers", COMMISSIONED, NOW) == (
        first_.store,
        first_.group,
        first_.commissioned_at,
        first_.at,
    )
