"""`retention-agent doctor`: what a person would otherwise find out later."""

import argparse
import json

from agents.cli.configured import composed
from agents.service.building import Composition
from agents.stores.survey import Fact
from retention.errors import RetentionError


def run(arguments: argparse.Namespace) -> int:
    """Look at the store, the state and the enforcer; change nothing. 1 if anything is amiss."""
    chosen = composed(arguments.config)
    facts = [*chosen.survey(), _enforcer(chosen)]
    if arguments.json:
        print(json.dumps([fact._asdict() for fact in facts]))
    else:
        for fact in facts:
            print(f"{'ok  ' if fact.fine else 'LOOK'}  {fact.subject}: {fact.sentence}")
    return 0 if all(fact.fine for fact in facts) else 1


def _enforcer(chosen: Composition) -> Fact:
    built = chosen.build()
    try:
        built.agent.exchange.consult()
    except RetentionError as error:
        return Fact("enforcer", False, str(error))
    finally:
        built.close()
    offset = built.agent.time.offset
    return Fact("enforcer", True, f"it answers; this clock is {offset} s ahead of it")
