"""What `retention-agent doctor` says of the agent's own things: each is broken here once, and told."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from msgspec import structs
from world import World

from agents.service.building import Built, Composition
from agents.service.checkup import examine
from agents.terminal.compose import terminal
from agents.terminal.settings import Settings
from enforcer import certificates
from retention.calendar import DAY, Instant
from retention.checkup import Fact, exit_code, fine, told, unknown

ELSEWHERE = "https://127.0.0.1:1"


class Terminal:
    """An enrolled terminal whose enforcer answers, as far as the agent can tell."""

    def __init__(self, world: World, **said: Any) -> None:
        self.world = world
        self.config = world.state.parent / "terminal.toml"
        self.config.touch(0o600)
        self.state = world.state
        self.state.chmod(0o700)
        (self.state / "credential").touch(0o600)
        self.settings = Settings(
            **{
                "root": str(world.root),
                "state": str(world.state),
                "enforcer": ELSEWHERE,
                "any_file_system": True,
                **said,
            }
        )

    def facts(self, *others: Composition) -> dict[str, list[Fact]]:
        agent = self.world.agent
        assert agent is not None
        built = Built(agent, agent.catalogue, lambda: None)
        now = self.world.clock.wall()
        found: dict[str, list[Fact]] = {}
        for fact in examine(terminal(self.settings), built, self.config, others, now):
            assert bool(fact.why and fact.remedy) == (fact.fine is not True)
            found.setdefault(fact.subject, []).append(fact)
        return found

    def told(self, subject: str, *others: Composition) -> Fact:
        (found,) = self.facts(*others)[subject]
        return found


@pytest.fixture
def here(world: World) -> Terminal:
    world.room = {}  # all that a real agent keeps
    world.crash()
    return Terminal(world)


def test_an_agent_that_is_well_is_told_so_and_its_service_is_missed(here: Terminal):
    here.world.scan()
    facts = here.facts()
    for subject in ("credential", "reserve", "scan", "enforcer", "clock", "agent's room"):
        assert [True] == [fact.fine for fact in facts[subject]], subject
    assert [None] == [fact.fine for fact in facts["service"]]
    assert not {"settings", "other agents", "other roots"} & set(facts)


def test_who_else_may_read_the_credential_or_write_the_settings_is_told(here: Terminal):
    (here.state / "credential").chmod(0o640)
    here.config.chmod(0o664)
    facts = here.facts()
    for subject in ("credential", "settings"):
        assert [False] == [fact.fine for fact in facts[subject]], subject
    assert "state" not in facts
    here.state.chmod(0o755)
    assert f"chmod 700 {here.state}" in here.told("state").remedy


def test_a_root_that_is_not_there_is_named_and_told_beside_all_else(here: Terminal):
    away = here.world.root.with_name("away")
    here.settings = structs.replace(here.settings, root=str(away))
    facts = here.facts()
    [storage] = facts["storage"]
    assert f"{away} cannot be opened as a directory" in storage.sentence
    assert [True] == [fact.fine for fact in facts["credential"]]


def test_a_reserve_that_has_no_blocks_is_none(here: Terminal):
    reserve = here.state / "reserve"
    reserve.unlink()
    assert "when the agent starts" in here.told("reserve").sentence
    with reserve.open("wb") as file:
        file.truncate(8 << 20)
    assert here.told("reserve").fine is False


def test_a_scan_that_is_two_turns_old_is_told(here: Terminal):
    assert "none yet" in here.told("scan").sentence
    here.world.scan()
    here.world.true.pass_(90 * 60)
    assert here.told("scan").sentence.endswith("ended 90 minutes ago.")
    here.world.true.pass_(12 * 3600 - 90 * 60)
    assert here.told("scan").fine
    here.world.true.pass_(3600)
    assert "13 hours ago" in here.told("scan").sentence
    assert here.told("scan").fine is False


def test_a_clock_that_is_more_than_two_minutes_off_is_told(here: Terminal):
    here.world.clock.ahead = 120
    assert here.told("clock").fine
    here.world.clock.ahead = -121
    assert here.told("clock").fine is False
    assert "-121 s ahead" in here.told("clock").sentence


def test_an_enforcer_that_is_away_and_one_that_is_not_believed_are_told(here: Terminal):
    here.world.centre.away = True
    facts = here.facts()
    assert [False] == [fact.fine for fact in facts["enforcer"]]
    assert "clock" not in facts, "nobody said what time it is"
    here.world.centre.away = False

    for _ in range(2):
        here.world.centre.leaves.append(b"a leaf")
        here.facts()
    here.world.centre.leaves = [*here.world.centre.leaves[:1], b"another"]
    assert "refuses it" in here.told("enforcer's word").sentence


@contextmanager
def tls(certificate: Path, key: Path) -> Iterator[int]:
    """A server that shows this certificate; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def shake() -> None:
            with listening.accept()[0] as peer, context.wrap_socket(peer, server_side=True):
                pass

        thread = threading.Thread(target=shake)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(("days", "well"), [(31, True), (29, False)])
def test_a_certificate_that_ends_within_a_month_is_told(
    world: World, tmp_path: Path, days: int, well: bool
):
    real_now = Instant(int(time.clock_gettime(time.CLOCK_REALTIME)))  # TLS knows no other
    made = Instant(real_now - (certificates.SERVER_DAYS - 1 - days) * DAY)
    authority = certificates.make_authority(made)
    paths = [tmp_path / name for name in ("authority.pem", "authority.key", "s.pem", "s.key")]
    certificates.write_authority(authority, certificate=paths[0], key=paths[1])
    certificates.write_server(authority, ("127.0.0.1",), made, certificate=paths[2], key=paths[3])
    world.true.now = real_now
    with tls(paths[2], paths[3]) as port:
        address = f"https://127.0.0.1:{port}"
        there = Terminal(world, enforcer=address, ca_file=str(paths[0]))
        fact = there.told("enforcer's certificate")
    assert well == fact.fine
    assert f"{days} days" in fact.sentence


def test_two_agents_of_one_machine_may_share_no_file(here: Terminal, tmp_path: Path):
    def other(**said: Any) -> Composition:
        base = {"root": str(tmp_path / "else"), "state": str(tmp_path / "s"), "enforcer": ELSEWHERE}
        return terminal(Settings(**{**base, **said}))

    assert not {"other agents", "other roots"} & set(here.facts(other()))
    assert "front" in here.told("other roots", other(root=f"{here.world.root}/front")).sentence
    assert here.told("other roots", other(private=str(here.world.root))).fine is False
    assert "same state" in here.told("other agents", other(state=str(here.state))).sentence
    here.settings = Settings(
        root=str(here.world.root), state=str(here.state), enforcer=ELSEWHERE, metrics_port=9633
    )
    assert "9633" in here.told("other agents", other(metrics_port=9633)).sentence
    assert "other agents" not in here.facts(other(metrics_port=9634))


def test_facts_are_told_in_lines_and_the_exit_code_by_the_worst():
    good, dark = fine("a", "It is well."), unknown("b", "It is not.", why="So.", remedy="Do.")
    assert ["ok   a: It is well.", "1 things were looked at: 0 to mend, 0 not known."] == list(
        told([good])
    )
    assert ["?    b: It is not.", "     So.", "     -> Do."] == list(told([dark]))[:3]
    assert [0, 2, 1] == [exit_code([good]), exit_code([good, dark]), exit_code([dark, bad()])]


def bad() -> Fact:
    return Fact("c", False, "It is broken.", "So.", "Do.")


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (-3 * DAY, "2 days behind, or it delivers so late"),
        (5 * 3600 + 900, "5 hours ahead"),
        (300, "5 minutes ahead"),
        (60, ""),
    ],
)
def test_a_recorder_whose_clock_is_off_is_named_by_its_source(world: World, off: int, said: str):
    world.scan()
    world.true.pass_(3600)
    world.record(Instant(world.clock.wall() + off))
    world.scan()
    terminal = Terminal(world)
    assert bool(said) == ("recorder front" in terminal.facts())
    assert bool(said) == ("recorder-clock" in set(world.agent.notes()))
    if said:
        assert f"Its clock is {said}." == terminal.told("recorder front").sentence
    world.true.pass_(DAY + 1)
    assert "recorder front" not in terminal.facts(), "that was yesterday"
