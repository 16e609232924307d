"""Each alert fires when it must, and no other does with it; all is quiet when all is well.

One day of a healthy fleet, and for each alert the series that something wrong changes in it.
"""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from retention.ledger import NOT_WATCHED
from retention.page.words import REASONS

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules" / "retention.yml"
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())

STEPS = 26 * 12  # of five minutes
NOW = f"{5 * STEPS}m"
FRESH = f"0+300x{STEPS}"  # a time stamp that is always the present one
AHEAD = f"604800+300x{STEPS}"  # ... or a week ahead of it
NEVER = f"0+0x{STEPS}"
NONE = NEVER
SOME = f"1+0x{STEPS}"

_IMAGE = 'class="terminal-image"'
_BOX = 'job="retention-agent",instance="riga-001"'
_CENTRE = 'job="retention-enforcer",instance="centre"'
ENFORCER = {
    f'retention_past_limit_items{{{_IMAGE},store_group="terminals"}}': NONE,
    f'retention_overdue_items{{{_IMAGE},store_group="terminals"}}': NONE,
    f"retention_unknown_next_deadline_timestamp_seconds{{{_IMAGE}}}": AHEAD,
    'retention_scan_last_complete_timestamp_seconds{store_group="terminals"}': FRESH,
    'retention_agent_last_seen_timestamp_seconds{store_group="terminals"}': FRESH,
    'retention_brake_engaged{reason="unusual"}': NONE,
    'retention_clock_trusted{role="agent"}': SOME,
    'retention_clock_offset_seconds{role="agent"}': f"-2+0x{STEPS}",
    "retention_hold_pending_stores": NONE,
    'retention_holds{ground="crime",state="standing"}': SOME,
    "retention_hold_review_overdue": NONE,
    'retention_stores_troubled{reason="disk-full"}': NONE,
    'retention_agent_difference_items{store_group="terminals"}': NONE,
    'retention_ledger_verify_last_success_timestamp_seconds{verifier="enforcer"}': FRESH,
    f"retention_lost_items_total{{{_IMAGE}}}": NONE,
    f"retention_imbalance_items{{{_IMAGE}}}": NONE,
    f"retention_ledger_tree_size{{{_CENTRE}}}": f"1+1x{STEPS}",
    f'retention_ledger_head_word{{{_CENTRE},i="0"}}': f"7+3x{STEPS}",
    f"retention_ledger_head_timestamp_seconds{{{_CENTRE}}}": FRESH,
    'enforcer_task_failures_total{task="prove"}': NONE,
    "retention_canary_overdue": NONE,
    f'retention_erasures_total{{{_IMAGE},reason="due",outcome="erased_verified"}}': f"0+1x{STEPS}",
    f'retention_items{{{_IMAGE},state="due"}}': NONE,
}
AGENTS = {
    f"retention_agent_oldest_limit_timestamp_seconds{{{_BOX},{_IMAGE}}}": AHEAD,
    f"retention_agent_scan_last_complete_timestamp_seconds{{{_BOX}}}": FRESH,
    f"retention_agent_consulted_timestamp_seconds{{{_BOX}}}": FRESH,
    f"up{{{_BOX}}}": SOME,
}
HEALTHY = ENFORCER | AGENTS

#: Alert: what is wrong, as (a part of the series' name, its values; None: it is missing).
WRONG: dict[str, list[tuple[str, str | None]]] = {
    "RetentionPastLimit": [("past_limit_items", SOME)],
    "RetentionOverdue": [("overdue_items", SOME)],
    "RetentionForecastPastLimit": [("next_deadline", f"3600+300x{STEPS}")],
    "RetentionDeadlineUnconfirmed": [],
    "RetentionNotProven": [],
    "RetentionStoreTroubled": [("troubled", SOME)],
    "RetentionCountsDiffer": [("difference", SOME)],
    "RetentionLedgerNotVerified": [("verify", f"-172800+0x{STEPS}")],
    "RetentionScanStale": [("retention_scan_last_complete", NEVER)],
    "RetentionStoreSilent": [("agent_last_seen", NEVER)],
    "RetentionBrake": [("brake", SOME)],
    "RetentionClock": [("clock_trusted", NONE)],
    "RetentionHoldNotEffective": [("pending", SOME)],
    "RetentionHoldUnconfirmed": [("retention_holds", None)],
    "RetentionReviewOverdue": [("review", SOME)],
    "RetentionHeldItemLost": [("lost", f"0+0x{STEPS - 10} 1+0x10")],
    "RetentionImbalance": [("imbalance", SOME)],
    "RetentionLedgerShrunk": [("tree_size", f"1+1x{STEPS - 10} 9+1x10")],
    "RetentionLedgerForked": [("tree_size", SOME)],
    "RetentionLedgerStalled": [("head_timestamp", NEVER)],
    "RetentionCanaryOverdue": [("canary_overdue", SOME)],
    "RetentionUnwitnessed": [("tree_size", None)],
    "RetentionTaskFailing": [("task_failures", f"0+1x{STEPS}")],
    "RetentionAgentPastLimit": [("agent_oldest_limit", NEVER)],
    "RetentionAgentScanStale": [("agent_scan_last", NEVER)],
    "RetentionAgentUnheard": [("agent_consulted", NEVER)],
    "RetentionAgentDown": [("up{", NONE)],
}
_UNPROVEN = f'retention_stores_unproven{{{_IMAGE},state="unknown",reason='
EXTRA = {
    "RetentionDeadlineUnconfirmed": {_UNPROVEN + '"unconfirmed"}': SOME},
    "RetentionNotProven": {_UNPROVEN + '"frozen"}': SOME},
    "RetentionHoldUnconfirmed": {'retention_holds{ground="crime",state="unconfirmed"}': SOME},
}


def changed(alert: str) -> dict[str, str]:
    series = dict(HEALTHY)
    for part, values in WRONG[alert]:
        (name,) = [each for each in series if part in each]
        series.pop(name)
        if values is not None:
            series[name] = values
    return series | EXTRA.get(alert, {})


@pytest.fixture
def holds(need: Callable[[str], str], tmp_path: Path) -> Callable[..., None]:
    """Have promtool say whether a query gives these values after so long."""

    def check(series: dict[str, str], query: str, values: list[dict], when: str = NOW) -> None:
        test = {
            "rule_files": [str(RULES)],
            "evaluation_interval": "5m",
            "tests": [
                {
                    "interval": "5m",
                    "input_series": [{"series": n, "values": v} for n, v in series.items()],
                    "promql_expr_test": [{"expr": query, "eval_time": when, "exp_samples": values}],
                }
            ],
        }
        path = tmp_path / "test.yml"
        path.write_text(json.dumps(test))
        done = subprocess.run(
            [need("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stdout + done.stderr

    return check


def firing(*alerts: str) -> tuple[str, list[dict]]:
    query = 'group by (alertname) (ALERTS{alertstate="firing"})'
    names = sorted({*alerts, "RetentionWatchdog"})
    return query, [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in names]


def test_every_alert_has_a_case_and_a_runbook_and_every_runbook_an_alert():
    assert {*WRONG, "RetentionWatchdog"} == set(ALERTS)
    named = set(re.findall(r"runbook: (\S+)", RULES.read_text()))
    assert {
        f"docs/runbooks/{path.name}" for path in (ROOT / "docs" / "runbooks").iterdir()
    } == named


def test_an_alert_speaks_as_people_do_and_names_no_store():
    """What a template may say: the number, and labels of the contract, of which none is a store's."""
    ours = re.compile(r"\b(epoch|lea(f|ves)|heads?|roots?|directives?|intents?|outbox)\b")
    told = re.findall(r"summary: (.+)", RULES.read_text())
    assert len(told) == len(ALERTS)
    assert not [text for text in told if ours.search(text)]
    assert not [text for text in told if text.startswith('"{{ $value')], "1 stores is no English"
    templated = set(re.findall(r"\{\{ *(.+?) *\}\}", RULES.read_text()))
    labels = ("class", "store_group", "reason", "role", "task", "verifier", "instance")
    assert templated <= {"$value", *(f"$labels.{label}" for label in labels)}


def test_promtool_finds_nothing_to_say_against_rules_and_configuration(
    need: Callable[[str], str],
):
    example = RULES.parent.parent / "prometheus.example.yml"
    for words in (["rules", RULES], ["config", "--syntax-only", example]):
        done = subprocess.run([need("promtool"), "check", *words], capture_output=True, check=False)
        assert (0, b"") == (done.returncode, done.stderr)


def test_amtool_finds_nothing_to_say_against_the_example(need: Callable[[str], str]):
    example = ROOT / "deploy" / "alertmanager" / "alertmanager.example.yml"
    done = subprocess.run([need("amtool"), "check-config", example], check=False)
    assert 0 == done.returncode


def test_all_is_quiet_when_all_is_well(holds: Callable[..., None]):
    holds(HEALTHY, *firing())


@pytest.mark.parametrize("alert", WRONG)
def test_it_fires_when_it_must_and_alone(holds: Callable[..., None], alert: str):
    holds(changed(alert), *firing(alert))


@pytest.mark.parametrize(
    ("seconds", "alerts"), [(-120, ()), (-121, ("RetentionClock",)), (121, ("RetentionClock",))]
)
def test_a_clock_is_wrong_that_is_more_than_two_minutes_off(
    holds: Callable[..., None], seconds: int, alerts: tuple[str, ...]
):
    off = {'retention_clock_offset_seconds{role="agent"}': f"{seconds}+0x{STEPS}"}
    holds(HEALTHY | off, *firing(*alerts))


#: Reasons that another alert tells, or that are no trouble.
TOLD_OTHERWISE = (
    *("not_activated", "not_enrolled", "past_limit", "overdue", "lost", "unconfirmed"),
    *("silent", "scan_stale", "brake", "clock", "hold_pending"),
)


def test_every_other_reason_is_told_as_unproven_and_stands_in_the_runbook(
    holds: Callable[..., None],
):
    reasons = {*REASONS} - {NOT_WATCHED}
    runbook = (ROOT / "docs" / "runbooks" / "not-proven.md").read_text()
    named = set(re.findall(r"\*(\w+)\*", runbook))
    assert reasons - {*TOLD_OTHERWISE} == named
    query = 'group by (reason) (ALERTS{alertname="RetentionNotProven",alertstate="firing"})'
    told = [{"labels": f'{{reason="{each}"}}', "value": 1} for each in sorted(named)]
    holds({f'{_UNPROVEN}"{each}"}}': SOME for each in reasons}, query, told)


@pytest.mark.parametrize("alert", [each for each in WRONG if "Agent" in each])
def test_an_enforcer_that_says_ok_cannot_keep_the_agents_quiet(alert: str):
    """What fires alone above does so while every series of the enforcer is as in health."""
    series = changed(alert)
    assert ENFORCER == {name: series[name] for name in ENFORCER}


def test_what_came_due_in_a_day_is_what_went_and_what_still_waits(holds: Callable[..., None]):
    (due,) = [each for each in HEALTHY if 'state="due"' in each]
    waiting = HEALTHY | {due: f"0+1x{STEPS}"}
    for series, factor in ((HEALTHY, 1), (waiting, 2)):
        query = (
            "round(class:retention_came_due_items:increase1d"
            " / class:retention_erased_items:increase1d, 0.01)"
        )
        holds(series, query, [{"labels": f"{{{_IMAGE}}}", "value": factor}])
