"""What `enforcer doctor` asks the Prometheus server that watches us: it can only witness what it keeps.

A `Finding` that is not known is never taken for a good one: the server may be down, or another.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from enforcer.checkup import Finding
from enforcer.prometheus import Look
from retention.errors import UnreachableError
from retention.witness import JOB

KEPT_DAYS = 400
"""A ledger is compared with what was recorded of it for a year, and the time to audit that year."""

ALERTS = frozenset(
    [
        "RetentionPastLimit",
        "RetentionOverdue",
        "RetentionDeadlineUnconfirmed",
        "RetentionForecastPastLimit",
        "RetentionScanStale",
        "RetentionStoreSilent",
        "RetentionStoreTroubled",
        "RetentionCountsDiffer",
        "RetentionNotProven",
        "RetentionBrake",
        "RetentionClock",
        "RetentionHoldNotEffective",
        "RetentionHoldUnconfirmed",
        "RetentionReviewOverdue",
        "RetentionHeldItemLost",
        "RetentionImbalance",
        "RetentionLedgerShrunk",
        "RetentionLedgerForked",
        "RetentionLedgerStalled",
        "RetentionLedgerNotVerified",
        "RetentionCanaryOverdue",
        "RetentionUnwitnessed",
        "RetentionTaskFailing",
        "RetentionAgentPastLimit",
        "RetentionAgentScanStale",
        "RetentionAgentUnheard",
        "RetentionAgentDown",
        "RetentionWatchdog",
    ]
)
"""The alerts of `deploy/prometheus/rules`."""

_DAYS_OF = {"y": 365.0, "w": 7.0, "d": 1.0, "h": 1 / 24, "m": 1 / 1440, "s": 0.0, "ms": 0.0}
_SEEN = quote(f'retention_ledger_tree_size{{job="{JOB}"}}')

Sight = tuple[bool | None, str]


def examine(look: Look) -> Iterator[Finding]:
    """Whether it keeps, refuses to forget, warns, tells somebody, and sees us."""
    looks: dict[str, Callable[[Look], Sight]] = {
        "prometheus keeps": _keeps,
        "prometheus deletes": _deletes,
        "prometheus alerts": _alerts,
        "prometheus tells": _tells,
        "prometheus sees us": _sees,
    }
    for what, judge in looks.items():
        try:
            yield Finding(what, *judge(look))
        except UnreachableError as error:
            yield Finding(what, None, f"{error}; so nobody knows: start it, or correct its address")
        except (KeyError, TypeError, ValueError):
            yield Finding(what, None, "its answer is not understood: is it a Prometheus server?")


def days_of(duration: str) -> float:
    """A duration as Prometheus writes it, such as 1y35d, in days."""
    return sum(
        int(number) * _DAYS_OF[unit] for number, unit in re.findall(r"(\d+)(ms|[ywdhms])", duration)
    )


def _keeps(look: Look) -> Sight:
    # Not the flag: it is 0s where nobody set one, and then 15 days are kept.
    kept, _, size = str(look("status/runtimeinfo")["storageRetention"]).partition(" or ")
    if days_of(kept) < KEPT_DAYS:
        return False, (
            f"it keeps {kept or 'no certain time'}, and what it forgot witnesses nothing: start it "
            f"with --storage.tsdb.retention.time={KEPT_DAYS}d"
        )
    if size:
        return None, (
            f"it keeps {kept}, but forgets sooner when it has {size}: see that so long fits, or "
            "take the limit of size away"
        )
    return True, f"for {kept}"


def _deletes(look: Look) -> Sight:
    if look("status/flags")["web.enable-admin-api"] != "false":
        return False, (
            "its admin API is on, by which anybody who reaches it takes a witness back: start it "
            "without --web.enable-admin-api"
        )
    return True, "nothing on request"


def _alerts(look: Look) -> Sight:
    rules = [rule for group in look("rules?type=alert")["groups"] for rule in group["rules"]]
    missing = sorted(ALERTS - {rule["name"] for rule in rules})
    if missing:
        return False, (
            f"{len(missing)} of our alerts are not loaded ({', '.join(missing[:3])}...), so nobody "
            "is warned: name prometheus/rules/*.yml in its rule_files"
        )
    failing = sorted(r["name"] for r in rules if r["name"] in ALERTS and r["health"] == "err")
    if failing:
        return False, f"it cannot evaluate {', '.join(failing[:3])}: its log says why"
    return True, f"all {len(ALERTS)} are loaded"


def _tells(look: Look) -> Sight:
    if not look("alertmanagers")["activeAlertmanagers"]:
        return False, (
            "it knows no Alertmanager, so an alert reaches nobody: name one in `alerting` of its "
            "configuration"
        )
    return True, "an Alertmanager"


def _sees(look: Look) -> Sight:
    found: list[Any] = look(f"query?query={_SEEN}")["result"]
    if not found:
        return False, (
            f"it has no head of our ledger of the last minutes in job {JOB}, so it witnesses "
            "nothing: look at its page of targets (our address, its ca_file)"
        )
    return True, f"{found[0]['value'][1]} leaves at its last look"
