"""What `enforcer doctor` finds: a founded enforcer is broken here in one way after the other."""

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey
from ports import free_port
from sqlalchemy import insert, update

from enforcer import certificates, checkup, heads, prove
from enforcer.checkup import fleet, rules
from enforcer.cli import doctor, main
from enforcer.index.engine import open_index, reading, writing
from enforcer.index.policies import Chains
from enforcer.index.tables import documents, holds, leaves, stores
from enforcer.settings import Settings, load
from retention.calendar import DAY, Instant, civil_date
from retention.checkup import Fact
from retention.people import Person, Role
from retention.policy import Policy


@pytest.fixture
def tidy(home: Path) -> Path:
    """A founded enforcer whose people took their keys away, and somebody the authority's."""
    (home / "tls" / "authority.key").unlink()
    for path in (home / "people").iterdir():
        path.unlink()
    return home


@pytest.fixture
def look(tidy: Path, clock) -> Callable[..., dict[str, Fact]]:
    def facts(*, synchronised: bool | None = True, **said: object) -> dict[str, Fact]:
        config = tidy / "enforcer.toml"
        settings = load(config, {}).model_copy(update=said)
        found = list(checkup.examine(settings, config, clock.now, lambda: synchronised))
        for fact in found:
            assert fact.sentence.endswith(".")
            assert bool(fact.why and fact.remedy) == (fact.fine is not True)
        return {fact.subject: fact for fact in found}  # of two people, the last

    return facts


def test_a_tidy_new_enforcer_lacks_only_backups(look):
    facts = look()
    assert {"backups": None} == {s: f.fine for s, f in facts.items() if f.fine is not True}
    assert {"index", "ledger", "policy", "clock", "published heads"} <= set(facts)


def test_the_command_says_why_and_what_to_do_and_counts(home: Path, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "synchronised", lambda: True)
    config = ["doctor", "--config", str(home / "enforcer.toml")]
    assert main(config) == 1
    out = capsys.readouterr().out
    assert f"BAD  authority's key: {home}/tls/authority.key lies beside the server." in out
    assert "     -> Take it off this machine" in out
    assert "BAD  people's keys: Keys of aija, anna, ben" in out
    assert "?    prometheus: No server is named." in out
    assert "2 to mend, 2 not known." in out
    (home / "tls" / "authority.key").unlink()
    for path in (home / "people").glob("*.key"):
        path.unlink()
    assert main(config) == 2
    assert "0 to mend" in capsys.readouterr().out


def test_nothing_is_known_of_a_prometheus_that_does_not_answer(tidy: Path, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "synchronised", lambda: True)
    address = f"http://127.0.0.1:{free_port()}"
    config = ["doctor", "--config", str(tidy / "enforcer.toml"), "--prometheus", address]
    assert main(config) == 2
    assert capsys.readouterr().out.count(f"{address[1:]} does not answer") == 5
    assert main([*config[:-1], "localhost:9090"]) == 2
    assert "is no address such as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("enforcer.toml", "settings"),
        ("tls/server.key", "its key"),
        ("keys/directive.key", "directive key"),
        ("keys/ledger.key", "ledger key"),
        ("enforcer.db", "index"),
        ("numbers", "number keys"),
    ],
)
def test_what_others_may_read_is_told_one_by_one(tidy: Path, look, path: str, subject: str):
    (tidy / "numbers").touch(0o600)
    said = {"number_keys": tidy / "numbers"}
    assert look(**said)[subject].fine
    (tidy / path).chmod(0o644)
    facts = look(**said)
    assert [subject] == [s for s, f in facts.items() if f.fine is False]
    assert "thers may read" in facts[subject].sentence


def test_a_key_that_the_policy_does_not_name_is_told(tidy: Path, look):
    path = tidy / "keys" / "ledger.key"
    path.write_text(SigningKey.generate().encode().hex())
    assert "does not name" in look()["ledger key"].sentence


def test_certificates_are_renewed_two_months_ahead_and_their_authority_a_year(
    tidy: Path, look, clock
):
    ends = certificates.expires_at(tidy / "tls" / "server.pem")
    clock.now = Instant(ends - 60 * DAY)
    assert look()["certificate"].fine
    clock.now = Instant(ends - 60 * DAY + 1)
    assert look()["certificate"].fine is False
    ends = certificates.expires_at(tidy / "tls" / "authority.pem")
    clock.now = Instant(ends - 400 * DAY)
    assert "authority" not in look()
    clock.now = Instant(ends - 400 * DAY + 1)
    assert "399 days" in look()["authority"].sentence


def test_an_index_is_looked_at_and_never_made_or_brought_up_to_date(tidy: Path, look):
    assert "there is no index" in look(index=f"sqlite:///{tidy}/none.db")["index"].sentence.lower()
    assert not (tidy / "none.db").exists()
    (tidy / "empty.db").touch(0o600)
    facts = look(index=f"sqlite:///{tidy}/empty.db")
    assert "older version" in facts["index"].sentence
    assert (tidy / "empty.db").stat().st_size <= 4096, "no table was made"


def test_an_index_on_a_full_disk_is_told(look, monkeypatch):
    monkeypatch.setattr(checkup.files, "FREE_BYTES", 1 << 60)
    facts = look()
    assert ["published heads", "index"] == [s for s, f in facts.items() if f.fine is False]


def test_a_clock_that_nobody_keeps_or_that_the_ledger_or_agents_contradict_is_told(
    tidy: Path, look, clock
):
    assert look(synchronised=None)["clock"].fine is None
    assert look(synchronised=False)["clock"].fine is None
    invite(tidy, 3, clock_offset=-300)
    change(tidy, update(stores).where(stores.c.id == "s-0").values(clock_offset=None))
    assert look()["clock"].fine, "two agents are too few to know better"
    change(tidy, update(stores).values(clock_offset=-300))
    assert "300 s ahead of the clocks of most agents" in look()["clock"].sentence
    change(tidy, update(stores).where(stores.c.id != "s-0").values(clock_offset=10))
    assert look()["clock"].fine, "one agent may be wrong by itself"
    leaf = {"kind": "heartbeat", "data": b"", "at": clock.now + 121, "position": 0}
    change(tidy, insert(leaves).values(leaf))
    assert "121 s behind the newest entry" in look()["clock"].sentence


def test_a_ledger_that_was_edited_is_told(served, look):
    served.built.rounds.prove()
    engine = served.engine
    with writing(engine) as connection:
        connection.execute(update(leaves).values(data=b"{}"))
    config = served.home / "enforcer.toml"
    found = checkup.examine(load(config, {}), config, served.clock.now, lambda: True)
    (fact,) = [fact for fact in found if fact.subject == "ledger"]
    assert fact.fine is False


def test_a_policy_that_two_people_could_not_change_or_that_fits_no_store_is_told(tidy: Path, clock):
    policy = first(tidy)

    def told(policy: Policy, *groups: str) -> dict[str, bool | None]:
        return {f.subject: f.fine for f in rules.examine(policy, groups, clock.now) if not f.fine}

    assert {} == told(policy, "terminal")
    assert {"sources": False} == told(policy, "terminal", "calls")
    late = [msgspec.structs.replace(each, lead_seconds=0) for each in policy.classes]
    assert {"lead": False} == told(msgspec.structs.replace(policy, classes=tuple(late)))
    few = (person("anna", Role.OWNER), person("ben", Role.OWNER), person("olga", Role.OPERATOR))
    few_can = msgspec.structs.replace(policy, people=few)
    found = {f.subject: f.sentence for f in rules.examine(few_can, (), clock.now) if not f.fine}
    assert {"two people", "somebody who may place a hold"} == set(found)
    pairs = [f for f in rules.examine(few_can, (), clock.now) if f.subject == "two people"]
    by_kind = {kind: f.fine for f in pairs for kind in f.sentence[3:].partition(":")[0].split(", ")}
    assert by_kind["policy"]
    assert by_kind["release"] is False
    assert by_kind["activation"] is False
    clock.now = Instant(policy.issued_at + 365 * DAY)
    assert {"review of the policy": None} == told(policy)


def test_what_waits_for_somebody_is_told_when_it_waited_too_long(tidy: Path, clock):
    def told() -> dict[str, str]:
        engine = open_index(load(tidy / "enforcer.toml", {}).index)
        with reading(engine) as connection:
            chain = Chains(bytes.fromhex(load(tidy / "enforcer.toml", {}).policy_pin))
            found = list(fleet.examine(connection, chain.read(connection), clock.now))
        engine.dispose()
        return {fact.subject: fact.sentence for fact in found if fact.fine is False}

    invite(tidy, 7, state="invited", code_expires_at=clock.now)
    change(
        tidy,
        insert(documents).values(
            id="p-1", kind="release", envelope=b"", state="proposed", proposed_at=clock.now
        ),
    )
    day = civil_date(clock.now, UTC).toordinal()
    change(
        tidy,
        insert(holds).values(
            id="h-1",
            ground="crime",
            owner="anna",
            origin="person",
            scope=b"{}",
            begins=0,
            ends=1,
            placed_at=0,
            review_on=day + 7,
        ),
    )
    assert {} == told()
    clock.forward(1)
    assert "s-0, s-1, s-2, s-3, s-4 and 2 more never" in told()["stores invited"]
    clock.forward(7 * DAY)
    assert "p-1 wait" in told()["papers"]
    assert "Of 1 holds" in told()["reviews"]


def test_a_store_that_only_observes_is_told_once_something_in_it_is_late(served, clock):
    agent = served.enrol("t-1")
    config = served.home / "enforcer.toml"

    def told() -> bool | None:
        found = checkup.examine(load(config, {}), config, clock.now, lambda: True)
        return next(f.fine for f in found if f.subject == "stores that only observe")

    agent.sight(Instant(clock.now - 50 * DAY))
    agent.scan()
    assert told()
    clock.forward(11 * DAY)
    agent.scan()
    assert told() is False


def test_a_registered_backup_is_named_with_its_longest_time(settings: Settings, live, type_):
    def told() -> Fact:
        config = live.home / "enforcer.toml"
        found = checkup.examine(settings, config, Instant(0), lambda: True)
        return next(fact for fact in found if fact.subject == "backups")

    assert told().fine is None
    assert type_("olga", "backup", "add", "nightly", "--of", "index", "--days", "14").code == 0
    assert "up to 14 days" in told().sentence


def person(name: str, *roles: Role) -> Person:
    return Person(name, roles, name.encode().ljust(32))


def first(home: Path) -> Policy:
    settings = load(home / "enforcer.toml", {})
    engine = open_index(settings.index)
    with reading(engine) as connection:
        chain = Chains(bytes.fromhex(settings.policy_pin)).read(connection)
    engine.dispose()
    return chain.current


def change(home: Path, *statements: object) -> None:
    engine = open_index(load(home / "enforcer.toml", {}).index)
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)
    engine.dispose()


def invite(home: Path, count: int, **said: object) -> None:
    row = {
        "site": "x",
        "store_group": "terminal",
        "zone": "Europe/Riga",
        "region": "EEA",
        "processor": "us",
        "kind": "terminal",
        "state": "active",
        "commissioned_at": 0,
        "digest": bytes(32),
        **said,
    }
    change(home, *(insert(stores).values(id=f"s-{number}", **row) for number in range(count)))


def test_an_enforcer_that_publishes_while_it_is_looked_at_was_not_restored(tidy: Path, clock):
    """What the doctor sees of the index is older by then than the newest head in the directory."""
    config = tidy / "enforcer.toml"
    settings = load(config, {})
    engine = open_index(settings.index)
    key = SigningKey(bytes.fromhex((tidy / "keys" / "ledger.key").read_text().strip()))

    def publish(said: Fact) -> None:
        if said.subject == "policy":
            with writing(engine) as connection:
                chain = Chains(bytes.fromhex(settings.policy_pin)).read(connection)
                prove.heartbeat(connection, Instant(clock.now + DAY))
                origin = chain.current.ledger_origin
                head = prove.publish(connection, origin=origin, key=key, now=clock.now)
            assert head is not None
            heads.show(settings.heads, head)

    facts = {}
    for fact in checkup.examine(settings, config, clock.now, lambda: True):
        facts[fact.subject] = fact
        publish(fact)
    engine.dispose()
    assert "as it was signed" in facts["ledger"].sentence
