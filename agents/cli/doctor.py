"""`retention-agent doctor`: what a person would otherwise find out later."""

import argparse
import json
import os

from agents.stores.survey import SUITABLE, Fact, survey
from agents.terminal import compose, credential, settings
from agents.terminal.settings import Settings
from retention.errors import RetentionError


def run(arguments: argparse.Namespace) -> int:
    """Look at the store, the state and the enforcer; change nothing. 1 if anything is amiss."""
    chosen = settings.load(arguments.config)
    facts = [*_store(chosen), _enforcer(chosen)]
    if arguments.json:
        print(json.dumps([fact._asdict() for fact in facts]))
    else:
        for fact in facts:
            print(f"{'ok  ' if fact.fine else 'LOOK'}  {fact.subject}: {fact.sentence}")
    return 0 if all(fact.fine for fact in facts) else 1


def _store(chosen: Settings) -> list[Fact]:
    known = credential.load(chosen.state_directory / compose.CREDENTIAL_FILE)
    suitable = SUITABLE | {"tmpfs", "overlay"} if chosen.any_file_system else SUITABLE
    private = None if chosen.private is None else os.fsencode(chosen.private)
    return survey(os.fsencode(chosen.root), known.store, private=private, suitable=suitable)


def _enforcer(chosen: Settings) -> Fact:
    built = compose.build(chosen)
    try:
        built.agent.exchange.consult()
    except RetentionError as error:
        return Fact("enforcer", False, str(error))
    finally:
        built.close()
    offset = built.agent.time.offset
    return Fact("enforcer", True, f"it answers; this clock is {offset} s ahead of it")
