"""The agent's own word: what it says must not need the enforcer's."""

import socket

from prometheus_client import CollectorRegistry, start_http_server
from world import World, at

from agents.engine.metrics import Metrics
from retention import permit
from retention.calendar import Instant
from retention.permit import WAITS, Standing, waits_for


def test_the_oldest_limit_and_the_last_scan_are_told_without_the_enforcer(world: World):
    registry = CollectorRegistry()
    metrics = Metrics(registry, world.agent)
    oldest = "retention_agent_oldest_limit_timestamp_seconds"
    scanned = "retention_agent_scan_last_complete_timestamp_seconds"
    consulted = "retention_agent_consulted_timestamp_seconds"
    labels = {"class": "terminal-image"}
    assert registry.get_sample_value(oldest, labels) is None
    assert 0 == registry.get_sample_value(consulted)
    world.centre.away = True
    world.record(at("2026-03-10 12:00"))
    world.record(at("2026-01-20 12:00"))
    world.scan()
    assert at("2026-03-21 22:00") == registry.get_sample_value(oldest, labels)
    assert world.true.now == registry.get_sample_value(scanned)
    metrics.talked()
    assert world.true.now == registry.get_sample_value(consulted)


def test_why_a_sweep_waits_what_is_amiss_and_what_is_not_reported_is_told(world: World):
    registry = CollectorRegistry()
    Metrics(registry, world.agent)
    value = registry.get_sample_value
    waiting, unreported = "retention_agent_sweep_waiting", "retention_agent_unreported_entries"
    assert 0 == sum(value(waiting, {"reason": word}) for word in WAITS)
    world.centre.away = True
    world.record(at("2026-03-10 12:00"))
    world.scan()
    assert value(unreported) > 0
    world.agent.exchange.ledger_refused = "forked"
    assert 1 == value("retention_agent_troubled", {"reason": "ledger-refused"})
    world.agent.waiting = "the wall clock jumped or is wrong"
    told = {word: value(waiting, {"reason": word}) for word in WAITS}
    assert {word: int(word == "clock") for word in WAITS} == told


def comes_and_goes(world: World) -> bool:
    """Whether a picture is found, and erased when it is due."""
    moment = Instant(world.true.now - 30)
    picture = world.record(moment)
    world.cycle()
    world.true.now = Instant(world.due_at(moment) + 60)
    world.cycle()
    return not picture.exists()


def test_a_scrape_that_is_held_open_blocks_neither_a_scan_nor_a_sweep(world: World):
    """After each thing it shows it stands still while a picture comes and goes."""
    registry = CollectorRegistry()
    Metrics(registry, world.agent)
    world.activate()
    names = []
    for family in registry.collect():
        names.append(family.name)
        assert comes_and_goes(world), f"after {family.name}"
    assert "retention_agent_troubled" == names[-1]


def test_a_client_that_does_not_read_its_scrape_blocks_nothing(world: World):
    registry = CollectorRegistry()
    Metrics(registry, world.agent)
    world.activate()
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        client.recv(1)  # the answer has begun
        assert comes_and_goes(world)
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_reason_of_a_sweep_that_waits_has_a_word():
    """The sentences travel to people, the words to programs; a new sentence wants one."""
    standing = Standing(
        *(None, at("2026-03-10 12:00"), False, "two boxes", at("2026-03-10 11:00")),
        *(frozenset(), None, False, "keep"),
    )
    words = [waits_for(refusal.reason) for refusal in permit._refusals(standing)]
    assert ["observed", "other", "clock", "technician", "clock", "away", "away"] == words
