"""A machine that boots: installed without a network, enrolled, erasing, rebooted, upgraded, removed.

One story from top to bottom, because every act stands on the one before. Centre, terminal and
auditor share the machine; nothing of them knows it.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from machine import Machine

from enforcer.clock import wall_clock

PASSPHRASE = {"RETENTION_PASSPHRASE": "correct horse battery"}
RECORDINGS = "/var/lib/motion"
CENTRE = "/etc/retention-enforcer"
CONFIG = ("--config", "/etc/retention-agent/terminal.toml")
SOURCE = """
[[source]]
id = "front"
group = "terminals"
directory = "front"
record_class = "terminal-image"
purpose = "people in front of the terminal"
name_pattern = "%Y%m%d-%H%M%S.jpg"
max_delay_seconds = 60
"""
SETTINGS = f"""
root = "{RECORDINGS}"
state = "/var/lib/retention-agent"
enforcer = "https://localhost:8443"
ca_file = "/etc/retention-agent/authority.pem"
talk_every = 1
sweep_every = 1
scan_every = 5
spread = 0
any_file_system = true
"""


@pytest.fixture
def machine(debian: Machine) -> Iterator[Machine]:
    """It is up."""
    try:
        debian.boot()
        yield debian
    finally:
        debian.stop()


def person(machine: Machine, name: str, *words: str, may_fail: bool = False) -> str:
    """What the command says that a person gives."""
    who = ("--as", f"{CENTRE}/people/{name}.toml")
    return machine.run("enforcer", *words, *who, env=PASSPHRASE, may_fail=may_fail)


def two_sign(machine: Machine, *words: str) -> None:
    """Ben proposes, anna signs as the second person."""
    signed = ("--reason", "looked at", "--yes", "--json")
    act = json.loads(person(machine, "ben", *words, *signed))
    person(machine, "anna", "approve", act["id"], "--yes")


def counts(machine: Machine) -> dict[str, int]:
    """What the centre has on its books for the store."""
    told = json.loads(person(machine, "anna", "status", "--json", may_fail=True))
    (line,) = (s for s in told["stores"] if s["record_class"] == "terminal-image")
    return {state: number for state, number in line["counts"].items() if number}


def record(machine: Machine, moment: datetime) -> str:
    """A picture that the recorder wrote at this moment; its path."""
    path = f"{RECORDINGS}/front/{moment:%Y%m%d-%H%M%S}.jpg"
    inside = machine.root / path.lstrip("/")
    inside.write_bytes(b"\xff\xd8\xff" + path.encode())
    os.utime(inside, (moment.timestamp(), moment.timestamp()))
    machine.run("chown", "recorder:", path)
    return path


def bounds(moment: datetime) -> tuple[str, ...]:
    """The hours around a moment. A name without a zone is read by the terminal's, east of here."""
    around = timedelta(hours=4)
    words = (f"{moment + sign * around:%Y-%m-%dT%H:%MZ}" for sign in (-1, 1))
    return tuple(chain.from_iterable(zip(("--from", "--to"), words, strict=True)))


def is_there(machine: Machine, path: str) -> bool:
    return (machine.root / path.lstrip("/")).exists()


def remembered(machine: Machine, day: datetime) -> dict[str, object]:
    """What the agent's catalogue knows and no scan could find again."""
    told = json.loads(machine.run("retention-agent", "status", *CONFIG, "--json"))
    query = ("item", "find", "--store", "riga-001", *bounds(day), "--json")
    sighted = json.loads(person(machine, "anna", *query))
    return {
        **{name: told[name] for name in ("store", "items", "holds", "policy")},
        "names at the centre": {item["id"] for item in sighted["items"]},
    }


def is_ok(machine: Machine) -> bool:
    told = json.loads(person(machine, "anna", "status", "--json", may_fail=True))
    return all(s["state"] == "ok" for s in told["stores"] if s["record_class"] != "canary")


def package(machine: Machine, name: str, *, older: bool) -> str:
    """The file of a package in /opt; the agent is there in two versions."""
    found = sorted(path.name for path in (machine.root / "opt").glob(f"{name}_*.deb"))
    return found[0] if older else found[-1]


def service(machine: Machine, unit: str, fact: str) -> str:
    return machine.run("systemctl", "show", "--value", "-p", fact, unit).strip()


def identity(machine: Machine) -> tuple[str, str]:
    """Of the running agent: whose process it is, and what it may do (proc(5))."""
    number = service(machine, "retention-agent", "MainPID")
    status = machine.run("cat", f"/proc/{number}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["Uid"].split()[1], fields["CapEff"].strip()


@pytest.mark.slow
def test_the_packages_live_on_a_machine_that_boots(machine: Machine):
    today = datetime.fromtimestamp(wall_clock(), UTC)
    due, held, asked_for, young = (today - timedelta(days=n) for n in (75, 69, 10, 3))

    # The centre, from its archive.
    (archive,) = (machine.root / "opt").glob("*.tar.gz")
    machine.run("tar", "xf", f"/opt/{archive.name}", "-C", "/opt")
    unpacked = archive.name.removesuffix(".tar.gz")
    machine.run(f"/opt/{unpacked}/install.sh")
    classes = machine.root / "opt/policy.toml"
    classes.write_text(Path("enforcer/govern/first-policy.toml").read_text() + SOURCE)
    people = (
        "--person",
        "anna:owner,dpo,approver",
        "--person",
        "ben:owner,operator,approver,handler",
    )
    where = (CENTRE, "--state", "/var/lib/retention-enforcer", "--policy", "/opt/policy.toml")
    machine.run("enforcer", "init", *where, *people, env=PASSPHRASE)
    with (machine.root / f"{CENTRE}/enforcer.toml".lstrip("/")).open("a") as settings:
        settings.write("prove_seconds = 1\n")
    machine.run("systemctl", "enable", "--now", "retention-enforcer")
    assert "0700 root" == machine.run("stat", "-c", "%#a %U", CENTRE).strip()

    # A terminal with a recorder of its own, and the agent of the version before.
    machine.run("useradd", "--system", "recorder")
    machine.run("install", "-d", RECORDINGS)
    machine.run("install", "-d", "-o", "recorder", f"{RECORDINGS}/front")
    paths = {moment: record(machine, moment) for moment in (due, held, asked_for, young)}
    machine.run("dpkg", "-i", f"/opt/{package(machine, 'retention-agent', older=True)}")
    (machine.root / "etc/retention-agent/terminal.toml").write_text(SETTINGS)
    machine.run("cp", f"{CENTRE}/tls/authority.pem", "/etc/retention-agent/")
    invited = json.loads(
        person(
            machine,
            *("ben", "store", "enrol", "riga-001", "--site", "Brivibas 12"),
            *("--group", "terminals", "--commissioned", "2025-01-01", "--json"),
        )
    )
    token = f"{invited['invitations'][0]['code']}.{invited['pin']}"
    machine.run("retention-agent", "enrol", *CONFIG, token)
    told = json.loads(machine.run("retention-agent", "doctor", *CONFIG, "--json", may_fail=True))
    assert ["service"] == [fact["subject"] for fact in told if not fact["fine"]]
    credential = machine.run("stat", "-c", "%U", "/var/lib/retention-agent/credential")
    assert "retention-agent" == credential.strip(), "root enrolled it, in the service's name"

    # It looks, it is told of an incident, and what two people let go goes.
    machine.run("systemctl", "enable", "--now", "retention-agent")
    machine.wait_for("all is indexed", lambda: counts(machine).get("seen") == 4)
    told = json.loads(machine.run("retention-agent", "doctor", *CONFIG, "--json"))
    assert [] == [fact for fact in told if not fact["fine"]]
    person(machine, *("ben", "hold", "place", "crime", "--site", "Brivibas 12"), *bounds(held))
    machine.wait_for("it is held", lambda: counts(machine).get("held") == 1)
    activation = ("store", "activate", "riga-001", "--class", "terminal-image", "--count", "10")
    two_sign(machine, *activation)
    machine.wait_for("what is due is erased", lambda: counts(machine).get("erased") == 1)
    assert [False, True, True, True] == [is_there(machine, path) for path in paths.values()]
    uid, rights = identity(machine)
    assert uid != "0"
    assert rights == f"{1 << 1 | 1 << 3:016x}", "CAP_DAC_OVERRIDE and CAP_FOWNER alone"

    # Power comes and goes.
    machine.reboot()
    machine.wait_for(
        "both are up",
        lambda: all(
            service(machine, f"retention-{name}", "ActiveState") == "active"
            for name in ("enforcer", "agent")
        ),
    )
    query = ("item", "find", "--store", "riga-001", *bounds(asked_for), "--json")
    found = json.loads(person(machine, "anna", *query))
    two_sign(machine, "item", "erase", found["items"][0]["id"])
    machine.wait_for("what was asked for is erased", lambda: counts(machine).get("erased") == 2)
    assert [False, True, False, True] == [is_there(machine, path) for path in paths.values()]

    # The new version: the catalogue goes on, and nothing that was known is asked or told again.
    known = remembered(machine, young)
    process = service(machine, "retention-agent", "MainPID")
    machine.run("dpkg", "-i", f"/opt/{package(machine, 'retention-agent', older=False)}")
    assert process != service(machine, "retention-agent", "MainPID")
    assert "active" == service(machine, "retention-agent", "ActiveState")
    assert known == remembered(machine, young)
    newest = record(machine, today - timedelta(minutes=5))
    machine.wait_for("it goes on", lambda: counts(machine).get("seen") == 5)

    # What a bucket or a database needs comes and goes; the agent beside it stays.
    machine.run("dpkg", "-i", f"/opt/{package(machine, 'retention-agent-storage', older=False)}")
    loads = "import sys; sys.path.insert(0, sys.argv[1]); import botocore.session, psycopg"
    library = "/usr/lib/retention-agent"
    machine.run("/usr/bin/python3", "-IS", "-c", loads, library)
    machine.run("dpkg", "--purge", "retention-agent-storage")
    assert not (machine.root / library.lstrip("/") / "botocore").exists()
    machine.run("retention-agent", "status", *CONFIG)

    # An auditor who believes neither looks with rights of their own.
    machine.run("dpkg", "-i", f"/opt/{package(machine, 'retention-auditor', older=False)}")
    machine.wait_for("it is all certified", lambda: is_ok(machine))
    person(machine, "anna", "bundle", "/etc/retention-auditor/bundle.zip")
    machine.run("chmod", "644", "/etc/retention-auditor/bundle.zip")
    (machine.root / "etc/retention-auditor/audit.env").write_text(
        f"ROOT={RECORDINGS}\nSTORE=riga-001\nGROUP=terminals\nPIN={invited['pin']}\n"
    )
    machine.run("systemctl", "start", "retention-auditor.service")
    assert "success" == service(machine, "retention-auditor", "Result")

    # Removed and purged, it leaves what it knows, and every recording.
    machine.run("dpkg", "--purge", "retention-agent")
    assert (machine.root / "var/lib/retention-agent/catalogue.sqlite").exists()
    assert all(is_there(machine, path) for path in (paths[held], paths[young], newest))
