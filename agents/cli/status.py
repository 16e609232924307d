"""`retention-agent status`: what this agent knows."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from agents.cli.configured import composed
from agents.cli.lines import utc
from agents.service.building import Built


def run(arguments: argparse.Namespace) -> int:
    """By its catalogue alone: asks nobody, looks at no file."""
    built = composed(arguments.config).build()
    try:
        tell(built, as_json=arguments.json)
    finally:
        built.close()
    return 0


def tell(built: Built, *, as_json: bool) -> None:
    """What this agent knows."""
    facts = _facts(built)
    if as_json:
        print(json.dumps(facts))
    else:
        _print_status(facts)


def _facts(built: Built) -> Mapping[str, Any]:
    agent, catalogue = built.agent, built.catalogue
    scanned = catalogue.value("SELECT max(ended) FROM scans JOIN agent USING (epoch)")
    number, _ = agent.outbox.end()
    [(store, epoch)] = catalogue.rows("SELECT store, epoch FROM agent")
    return {
        "store": store,
        "epoch": epoch,
        "sweeps": agent.would_wait(),
        "retired": agent.exchange.retired,
        "last_complete_scan": None if scanned is None else utc(scanned),
        "items": [
            {"class": name, "state": state, "items": items} for name, state, items in agent.counts()
        ],
        "holds": catalogue.value("SELECT count(*) FROM holds WHERE released_at IS NULL"),
        "unreported": number - catalogue.value("SELECT log_acknowledged FROM agent"),
        "from_backup": agent.restorations.quarantined,
        "policy": agent.chain().current.version,
    }


def _print_status(facts: Mapping[str, Any]) -> None:
    waiting = facts["sweeps"]
    where = f"{facts['store']}, epoch {facts['epoch']}"
    print(f"store               {where}, by version {facts['policy']} of the policy")
    if facts["retired"]:
        print(f"out of service      two people retired this store ({facts['retired']})")
    print(f"erases              {f'nothing: {waiting}' if waiting else 'what is due'}")
    print(f"last complete scan  {facts['last_complete_scan'] or 'none yet'}")
    print(f"holds               {facts['holds']}")
    print(f"not reported yet    {facts['unreported']}")
    for line in facts["items"]:
        print(f"{line['class']:19} {line['items']} {line['state'].replace('_', ' ')}")
