"""The enforcer's own keys are lost, or somebody saw them: the next policy names others."""

import re

import pytest
from drills.page import Section
from drills.stage import Stage, days_ago

from retention.errors import RefusedError

WAKE = "retention-agent run --once --config terminal.toml"
VERSION = "sqlite3 enforcer.db 'SELECT directive_version FROM stores'"


def test_agents_and_auditors_follow_the_policy_to_new_keys(stage: Stage):
    page = Section("The enforcer has other keys")
    held = days_ago(stage.time, 58)
    riga = stage.enrol("riga-1", held)
    hold = stage.hold(held)
    stage.wake()
    old = (stage.centre.home / "keys" / "directive.key").read_text()

    stage.type("root", page.next("systemctl stop retention-enforcer"))
    stage.type("root", page.next("rm -f keys/directive.key keys/ledger.key"))
    make = "openssl rand -hex 32 > keys/{}.key"
    both = f"(umask 077; {make.format('directive')}; {make.format('ledger')})"
    stage.type("root", page.next(both))
    assert old != (stage.centre.home / "keys" / "directive.key").read_text()
    told = stage.type("root", page.next("enforcer doctor --config enforcer.toml"), code=1).out
    directive, ledger = (
        re.search(rf"{name}\.key, whose public key is ([0-9a-f]{{64}})", told)[1]
        for name in ("directive", "ledger")
    )
    stage.type("root", page.next("systemctl start retention-enforcer"))
    stage.type("root@riga-1", WAKE)
    with pytest.raises(RefusedError, match="does not name our ledger key"):
        stage.centre.prove()
    refused = stage.type("anna", "enforcer bundle unsigned.zip", code=1)
    assert "does not name our directive key" in refused.err
    assert {riga.name_of(held)} == riga.pictures()

    change = page.next("enforcer policy keys --directive DIRECTIVE --ledger LEDGER")
    named = change.replace("DIRECTIVE", directive).replace("LEDGER", ledger)
    document = stage.type("anna", named).document
    stage.type("boris", page.next("enforcer approve ID").replace("ID", document))
    publish = page.next("enforcer policy publish ID").replace("ID", document)
    page.end()
    stage.type("anna", publish)
    stage.wake()
    assert set() == stage.reasons("riga-1")
    assert "2 versions" in stage.verify("bundle.zip", code=0)
    stage.live(days=3)
    assert {riga.name_of(held)} == riga.pictures()
    assert "effective since" in stage.type("hugo", f"enforcer hold show {hold}").out
    stage.verify("later.zip", code=0)


def test_a_new_key_that_nobody_named_is_believed_by_nobody(stage: Stage):
    """The old one, back in somebody's hands, is worth nothing once the policy has gone on."""
    stage.enrol("riga-1")
    stage.type("root", "cp keys/directive.key keys/stolen.key")
    stage.type("root", "systemctl stop retention-enforcer")
    stage.type("root", "openssl rand -hex 32 > keys/directive.key")
    told = stage.type("root", "enforcer doctor --config enforcer.toml", code=1).out
    new = re.search(r"directive\.key, whose public key is ([0-9a-f]{64})", told)[1]
    stage.type("root", "systemctl start retention-enforcer")
    document = stage.type("anna", f"enforcer policy keys --directive {new}").document
    stage.type("boris", f"enforcer approve {document}")
    stage.type("anna", f"enforcer policy publish {document}")
    stage.wake()
    stage.type("root", "systemctl stop retention-enforcer")
    stage.type("root", "cp keys/stolen.key keys/directive.key")
    stage.type("root", "systemctl start retention-enforcer")
    before = stage.type("root", VERSION).out
    stage.type("root@riga-1", WAKE)
    assert before == stage.type("root", VERSION).out, "it was told nothing"
