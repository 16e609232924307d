"""The ledger's days: each adds up, none is missing between two, and none is told twice."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from auditor.findings import Verdict
from auditor.verify import verify
from retention.calendar import start_of_day
from retention.ledger import DAY_ZONE, Day

FIRST = date(2026, 3, 1)


def a_day(day: date, **changes: object) -> Day:
    ends = start_of_day(day + timedelta(days=1), ZoneInfo(DAY_ZONE))
    facts = {"ok": 86_400, "violated": 0, "unknown": 0, "reasons": ()}
    return Day(at=ends, day=day, record_class="terminal-image", **facts | changes)


def days_of(operator, *leaves: Day) -> dict[Verdict, str]:
    for leaf in leaves:
        operator.append(leaf)
    report = verify(operator.members(), pin=operator.pin)
    found = [each for each in report.findings if each.check == "days"]
    return {v: "; ".join(f.text for f in found if f.verdict is v) for v in Verdict}


def test_days_that_follow_each_other_are_told_with_why_they_were_not_ok(empty_operator):
    told = days_of(
        empty_operator,
        a_day(FIRST),
        a_day(
            FIRST + timedelta(days=1), ok=79_200, violated=3600, unknown=3600, reasons=("overdue",)
        ),
    )
    assert (told[Verdict.VIOLATED], told[Verdict.UNKNOWN]) == ("", "")
    said = "ok for 46.0 hours of 2 days, violated 1.0, unknown 1.0 (overdue)"
    assert told[Verdict.OK] == f"by the ledger, terminal-image was {said}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ok": 90_000}, "is not as long as the day"),
        ({"ok": 172_800, "unknown": -86_400}, "is not as long as the day"),
        ({"at": start_of_day(FIRST, ZoneInfo(DAY_ZONE))}, "written before the day had ended"),
        ({"ok": 86_340, "unknown": 60}, "what is not ok has a reason"),
        ({"reasons": ("overdue",)}, "what is not ok has a reason"),
    ],
)
def test_a_day_that_contradicts_itself_is_found(empty_operator, changes, expected):
    assert expected in days_of(empty_operator, structs.replace(a_day(FIRST), **changes))["violated"]


def test_a_night_of_a_change_of_clocks_has_its_own_length(empty_operator):
    assert days_of(empty_operator, a_day(date(2026, 3, 29), ok=82_800))[Verdict.VIOLATED] == ""


def test_a_day_that_is_missing_is_unknown_and_one_told_twice_is_not_believed(empty_operator):
    told = days_of(empty_operator, a_day(FIRST), a_day(FIRST + timedelta(days=4)), a_day(FIRST))
    assert told[Verdict.UNKNOWN] == "terminal-image: 3 days between others have no entry"
    assert told[Verdict.VIOLATED] == "terminal-image, 2026-03-01: told more than once"
