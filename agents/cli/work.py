"""`retention-agent run`, `scan` and `sweep`: what the daemon does, and each part of it once."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from agents.cli.configured import composed
from agents.cli.lines import one_line, print_rows
from agents.cli.status import tell
from agents.engine.agent import Agent
from agents.service.building import Built
from retention import permit
from retention.errors import RetentionError
from retention.outcome import Outcome

#: A command waits this long for files to settle; the daemon dates what takes longer.
TURN_SECONDS = 0.5
WAIT_TURNS = 20


def run(arguments: argparse.Namespace) -> int:
    """The daemon, until it is stopped; or one scan and sweep."""
    chosen = composed(arguments.config)
    built = chosen.build()
    try:
        if arguments.once:
            return _once(built, as_json=arguments.json)
        daemon = chosen.daemon(built)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.stop())
        daemon.run()
        return 0
    finally:
        built.close()


def _once(built: Built, *, as_json: bool) -> int:
    agent = built.agent
    agent.begin()
    _look_at_everything(agent)
    with suppress(RetentionError):  # there is a rule for sweeping without; the last report says why
        agent.exchange.report()
    _sweep_now(built, as_json=as_json)
    agent.heartbeat()
    agent.exchange.report()
    return 0


def scan(arguments: argparse.Namespace) -> int:
    """One scan, and what could not be read."""
    built = composed(arguments.config).build()
    try:
        built.agent.begin()
        _look_at_everything(built.agent)
        tell(built, as_json=arguments.json)
        for path, why in built.agent.scanner.unread:
            print(f"could not read {one_line(os.fsdecode(path))}: {why}", file=sys.stderr)
    finally:
        built.close()
    return 0


def _look_at_everything(agent: Agent) -> None:
    """One scan, and a short wait for files that were still being written."""
    for _ in agent.scan():
        pass
    for _ in range(WAIT_TURNS):
        if not agent.scanner.settling:
            return
        time.sleep(TURN_SECONDS)
        agent.look()


def sweep(arguments: argparse.Namespace) -> int:
    """One sweep, or what it would erase. 1: a rule refuses it; 2: not known whether it may."""
    built = composed(arguments.config).build()
    try:
        if not arguments.dry_run:
            built.agent.begin()
            return _sweep_now(built, as_json=arguments.json)
        agent = built.agent
        standing = agent.standing(fresh=True)
        refusal = permit.refusal(standing)
        if refusal is not None:
            print(f"nothing would go: {refusal.reason}", file=sys.stderr)
            print_rows([], as_json=arguments.json)
            return _refusal_code(refusal)
        rules = permit.rules(standing, agent.chain())
        rows = [
            {"class": name, "civil_date": date.fromordinal(civil).isoformat(), "items": items}
            for name, civil, items in agent.sweeper.preview(rules)
        ]
        if braked := agent.sweeper.braking(rules).reason:
            print(f"nothing would go before two people let it: {braked}", file=sys.stderr)
            print_rows(rows, as_json=arguments.json)
            return 1
        print_rows(rows, as_json=arguments.json, none="nothing is due")
    finally:
        built.close()
    return 0


def _refusal_code(refusal: permit.Refusal) -> int:
    """1: a rule refuses; 2: it is not known whether anything may go."""
    return 2 if refusal.outcome == "refused_clock" else 1


def _sweep_now(built: Built, *, as_json: bool) -> int:
    """Sweep, and say what became of what was due. 1 if nothing may go."""
    outcomes: Mapping[Outcome, int] = {}
    for swept in built.agent.sweep():
        outcomes = swept.outcomes
    waiting, stays = built.agent.waiting, built.agent.stays
    if waiting:
        print(f"nothing was erased: {waiting}", file=sys.stderr)
    if as_json:
        print(json.dumps({"outcomes": outcomes, "waiting": waiting, "stays": stays}))
    elif not waiting:
        counted = (f"{n} {outcome.replace('_', ' ')}" for outcome, n in outcomes.items())
        print(", ".join(counted) or "nothing is due")
        for why, items in stays.items():
            print(f"{items} could not be erased: {why}", file=sys.stderr)
    return 1 if waiting else 0
