"""What `enforcer doctor` asks the Prometheus server that watches us: it can only witness what it keeps.

A fact that is not known is never taken for a good one: the server may be down, or another.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from enforcer.prometheus import Look
from retention.checkup import Fact, amiss, fine, in_words, unknown
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
_SEEN = quote(f'last_over_time(retention_ledger_tree_size{{job="{JOB}"}}[5m])')  # not one scrape

Judge = Callable[[str, Look], Fact]


def examine(look: Look) -> Iterator[Fact]:
    """Whether it keeps, refuses to forget, warns, tells somebody, and sees us."""
    judges: dict[str, Judge] = {
        "prometheus keeps": _keeps,
        "prometheus deletes": _deletes,
        "prometheus alerts": _alerts,
        "prometheus tells": _tells,
        "prometheus sees us": _sees,
    }
    for what, judge in judges.items():
        try:
            yield judge(what, look)
        except UnreachableError as error:
            yield _dark(what, in_words(error))
        except (KeyError, TypeError, ValueError):
            yield _dark(what, "What answers there is not understood.")


def _dark(what: str, sentence: str) -> Fact:
    return unknown(
        what,
        sentence,
        why="So nobody knows whether anybody watches.",
        remedy="Start it, or correct its address: that of a Prometheus server.",
    )


def days_of(duration: str) -> float:
    """A duration as Prometheus writes it, such as 1y35d, in days."""
    return sum(
        int(number) * _DAYS_OF[unit] for number, unit in re.findall(r"(\d+)(ms|[ywdhms])", duration)
    )


def _keeps(what: str, look: Look) -> Fact:
    # Not the flag: it is 0s where nobody set one, and then 15 days are kept.
    kept, _, size = str(look("status/runtimeinfo")["storageRetention"]).partition(" or ")
    why = "What it forgot witnesses nothing."
    if days_of(kept) < KEPT_DAYS:
        return amiss(
            what,
            f"It keeps {kept or 'no certain time'}.",
            why=why,
            remedy=f"Start it with --storage.tsdb.retention.time={KEPT_DAYS}d.",
        )
    if size:
        return unknown(
            what,
            f"It keeps {kept}, but forgets sooner when it has {size}.",
            why=why,
            remedy="See that so long fits, or take the limit of size away.",
        )
    return fine(what, f"For {kept}.")


def _deletes(what: str, look: Look) -> Fact:
    if look("status/flags")["web.enable-admin-api"] != "false":
        return amiss(
            what,
            "Its admin API is on.",
            why="By that anybody who reaches it takes a witness back.",
            remedy="Start it without --web.enable-admin-api.",
        )
    return fine(what, "Nothing on request.")


def _alerts(what: str, look: Look) -> Fact:
    rules = [rule for group in look("rules?type=alert")["groups"] for rule in group["rules"]]
    missing = sorted(ALERTS - {rule["name"] for rule in rules})
    if missing:
        return amiss(
            what,
            f"{len(missing)} of our alerts are not loaded ({', '.join(missing[:3])}...).",
            why="Nobody is warned.",
            remedy="Name prometheus/rules/*.yml in its rule_files.",
        )
    failing = sorted(r["name"] for r in rules if r["name"] in ALERTS and r["health"] == "err")
    if failing:
        return amiss(
            what,
            f"It cannot evaluate {', '.join(failing[:3])}.",
            why="These never warn.",
            remedy="Its log says why.",
        )
    return fine(what, f"All {len(ALERTS)} are loaded.")


def _tells(what: str, look: Look) -> Fact:
    if not look("alertmanagers")["activeAlertmanagers"]:
        return amiss(
            what,
            "It knows no Alertmanager.",
            why="An alert reaches nobody.",
            remedy="Name one in `alerting` of its configuration.",
        )
    return fine(what, "An Alertmanager is named; that it answers, only the watchdog shows.")


def _sees(what: str, look: Look) -> Fact:
    found: list[Any] = look(f"query?query={_SEEN}")["result"]
    if not found:
        return amiss(
            what,
            f"It saw nothing of our ledger in the last minutes, in job {JOB}.",
            why="It witnesses nothing.",
            remedy="Look at its page of targets (our address, its ca_file).",
        )
    return fine(what, f"A ledger of size {found[0]['value'][1]} at its last look.")
