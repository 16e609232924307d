"""Unknown is never green: each input that is missing shows, to `enforcer status` and on the dashboard.

Every enforcer here is healthy but for one thing. A real Prometheus scrapes them all and is asked what
the dashboard asks; `enforcer status` is asked about the same index.
"""

import json
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_server import Server, running
from sqlalchemy import Engine, insert
from test_canaries import CHAIN as WITH_CANARIES
from test_comply import CHAIN, NOW, STORE, Store
from world import at

from dashboards.boards import BOARDS
from enforcer import comply
from enforcer.cli import client, status
from enforcer.govern.forms.compliance import Status
from enforcer.index.engine import open_index, reading, writing
from enforcer.index.tables import hold_stores, holds, rescans, totals
from enforcer.metrics import Facts
from enforcer.tasks.rounds import verified_gauge
from enforcer.web.desk import Asked
from enforcer.web.people.compliance import status as answer
from retention.calendar import DAY
from retention.classes import CANARY
from retention.policy import Chain
from retention.report import Heartbeat

PANELS = {panel.title: panel for _, panels in BOARDS.values() for panel in panels}
HOUR = 3600


def healthy(store: Store) -> None:
    """Nothing is missing."""


def unheard_past_its_deadline(store: Store) -> None:
    store.sight(at("2026-01-15 12:00"))  # own target 2026-03-15 22:00 UTC
    store.set(last_seen_at=at("2026-03-15 20:00"))


def time_unknown(store: Store) -> None:
    store.sight(at("2026-03-10 12:00"), how="latest", before=60 * DAY)


def hold_pending(store: Store) -> None:
    of_hold = {"id": "hold-1", "ground": "crime", "owner": "edgars", "origin": "person"}
    when = {"scope": b"{}", "begins": 0, "ends": 1, "placed_at": NOW - HOUR, "review_on": 10**6}
    with writing(store.index) as connection:
        connection.execute(insert(holds).values(**of_hold, **when))
        connection.execute(insert(hold_stores).values(hold="hold-1", store=STORE))


def count_differs(store: Store) -> None:
    counts = (("terminal-image", "present", 2),)
    store.say(Heartbeat(NOW, "boot", True, 0, "", False, counts))


def books_do_not_balance(store: Store) -> None:
    line = {"store": STORE, "record_class": "terminal-image", "state": "erased"}
    with writing(store.index) as connection:
        connection.execute(insert(totals).values(**line, items=1, bytes=1))


def has(**columns: object) -> Callable[[Store], None]:
    """One column of the store's row is otherwise than in health."""
    return lambda store: store.set(**columns)


#: What is missing, and by which reason it is told.
MISSING: dict[str, tuple[Callable[[Store], None], str]] = {
    "a store unheard past its deadline": (unheard_past_its_deadline, "unconfirmed"),
    "a store silent for a week": (has(last_seen_at=NOW - 8 * DAY), "silent"),
    "an old scan": (has(scan_complete_at=NOW - 13 * HOUR), "scan_stale"),
    "no scan": (has(scan_complete_at=None), "never_scanned"),
    "the time when something came": (time_unknown, "time_unknown"),
    "a hold nobody acknowledged": (hold_pending, "hold_pending"),
    "an agent's clock": (has(clock_trusted=False), "clock"),
    "our own clock": (has(last_seen_at=NOW + HOUR), "our_clock"),
    "an agent's count": (count_differs, "contradiction"),
    "a fact that cannot be": (has(contradictions=1), "contradiction"),
    "the balance of the books": (books_do_not_balance, "imbalance"),
    "a sweep": (has(brake="too many"), "brake"),
    "the store's root": (has(notes='["root-missing"]'), "root_missing"),
    "room to index": (has(notes='["disk-full"]'), "disk_full"),
    "an agent's belief in the ledger": (has(notes='["ledger-refused"]'), "ledger_refused"),
    "an agent's belief in the policy": (has(notes='["policy-refused"]'), "policy_refused"),
    "an agent's belief in the directive": (
        has(notes='["directive-refused"]'),
        "directive_refused",
    ),
    "an agent that may erase": (has(paused=True), "paused"),
    "one of two boxes": (has(frozen="two boxes"), "frozen"),
    "what an agent knows after a restore": (has(restored=True), "restored"),
    "a sweep since a backup came back": (has(notes='["from-backup"]'), "from_backup"),
    "a readable report": (has(refused="not an entry"), "log_refused"),
    "room for a canary": (has(notes='["canary-not-planted"]'), "canary_not_planted"),
    "an activation": (has(state="observe"), "not_activated"),
    "an agent": (has(state="invited"), "not_enrolled"),
}
NOTHING_MISSING = "nothing"
NO_CANARY = "today's canary"


class _Chains:
    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def read(self, _connection: object) -> Chain:
        return self._chain


@contextmanager
def served(index: Engine, chain: Chain = CHAIN, verified_at: int | None = None) -> Iterator[int]:
    registry = CollectorRegistry()
    if verified_at is not None:
        verified_gauge(registry).set(verified_at)
    registry.register(Facts(index, _Chains(chain), lambda: NOW))  # type: ignore[arg-type]
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    """One for each thing that is missing, and a healthy one."""
    made = {}
    for name, (take_away, _) in {NOTHING_MISSING: (healthy, ""), **MISSING}.items():
        made[name] = open_index(f"sqlite:///{tmp_path_factory.mktemp('index') / 'index.db'}")
        store = Store(made[name])
        store.sight(at("2026-03-10 12:00"))
        store.set(clock_offset=0, clock_trusted=True)
        take_away(store)
    yield made
    for index in made.values():
        index.dispose()


@pytest.fixture(scope="module")
def no_canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A healthy store that plants canaries, but for today's."""
    index = open_index(f"sqlite:///{tmp_path_factory.mktemp('index') / 'index.db'}")
    healthy(Store(index))
    yield index
    index.dispose()


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory,
    need: Callable[[str], str],
    indexes: dict[str, Engine],
    no_canary: Engine,
) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as opened:
        ports = {name: opened.enter_context(served(index)) for name, index in indexes.items()}
        ports[NO_CANARY] = opened.enter_context(served(no_canary, WITH_CANARIES))
        jobs = {"retention-enforcer": ports}
        # So many are served by this one process: none may be late for the next scrape.
        server = opened.enter_context(running(need("prometheus"), home, jobs, every="10s"))
        yield server.settled(f"count(retention_stores_total{{{IMAGE}}}) == {len(ports)}")


IMAGE = 'class="terminal-image"'


def shown(
    prometheus: Server, title: str, instance: str, record_class: str = "terminal-image"
) -> dict[str, float]:
    """What a panel has of one enforcer's class: value by reason, or by nothing."""
    return {
        series["metric"].get("reason", ""): float(series["value"][1])
        for _, query in PANELS[title].asked
        for series in prometheus.ask(query)
        if series["metric"].get("instance", instance) == instance
        and series["metric"].get("class") == record_class
    }


def told(index: Engine, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of `enforcer status` about an index; what it prints is captured."""

    class Client:
        def get(self, _path: str, _form: type[Status]) -> Status:
            with reading(index) as connection:
                asked = Asked(None, CHAIN, None, NOW, {}, {}, b"")  # type: ignore[arg-type]
                return answer(connection, asked).document  # type: ignore[return-value]

    monkeypatch.setattr(client, "client", lambda _: Client())
    parser = ArgumentParser()
    status.declare(parser)
    return status.run(parser.parse_args(words))


@pytest.mark.slow
def test_a_healthy_store_is_proven_to_everybody(
    prometheus: Server, indexes: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
):
    assert {"": 0} == shown(prometheus, "Strict state", NOTHING_MISSING)
    assert {"": 0} == shown(prometheus, "Stores not proven", NOTHING_MISSING)
    with reading(indexes[NOTHING_MISSING]) as connection:
        found = comply.positions(connection, CHAIN, NOW)
    assert ["ok"] * len(found) == [position.state for position in found]
    assert 0 == told(indexes[NOTHING_MISSING], monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_unknown_to_everybody(
    prometheus: Server,
    indexes: dict[str, Engine],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
):
    reason = MISSING[what][1]
    assert {"": 1} == shown(prometheus, "Strict state", what), "1 is unknown, 0 would be ok"
    assert {"": 1} == shown(prometheus, "Stores not proven", what)
    query = f'retention_stores_unproven{{{IMAGE},state="unknown",reason="{reason}"}} == 1'
    assert what in {series["metric"]["instance"] for series in prometheus.ask(query)}
    assert 2 == told(indexes[what], monkeypatch)
    headline, *_, line = capsys.readouterr().out.strip().splitlines()
    assert "terminal-image: unknown" in headline
    assert "0 of 1 store proven; 1 not" in headline
    assert STORE in line
    assert 2 == told(indexes[what], monkeypatch, "--json")
    assert f'"word":"{reason}"' in capsys.readouterr().out


@pytest.mark.slow
def test_a_canary_that_nobody_saw_today_is_unknown_and_the_pictures_stay_proven(
    prometheus: Server,
):
    assert {"": 1} == shown(prometheus, "Strict state", NO_CANARY, CANARY)
    assert {"": 1} == shown(prometheus, "Stores not proven", NO_CANARY, CANARY)
    assert {"no_canary": 1} == shown(prometheus, "Not known, by reason", NO_CANARY, CANARY)
    assert {"": 0} == shown(prometheus, "Strict state", NO_CANARY)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("away", "part"), [((), 1), (range(6, 12), 0.75), (range(6, 24), 0.25), (range(24), 0)]
)
def test_of_the_hours_that_prometheus_was_down_nobody_says_that_they_were_witnessed(
    tmp_path: Path, need: Callable[[str], str], away: Collection[int], part: float
):
    """It has no sample of them, not even one that says that something did not answer."""
    now = int(time.time())  # noqa: TID251 - Prometheus' clock is the real one
    labels = 'job="retention-enforcer",instance="centre"'
    samples = [
        f"{name}{{{labels}}} {value} {now - ago}"
        for name, value in (("up", 1), ("retention_ledger_tree_size", 7))
        for ago in range(26 * HOUR, -1, -60)
        if ago // HOUR not in away
    ]
    (tmp_path / "samples").write_text("\n".join([*samples, "# EOF", ""]))
    command = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run([*command, tmp_path / "samples", tmp_path / "data"], check=True)
    panel = PANELS["Part of the last 24 hours that was witnessed"]
    with running(need("prometheus"), tmp_path, {}) as server:
        server.wait_for("vector(1)")
        ((_, query),) = panel.asked
        ((_, value),) = [each["value"] for each in server.ask(query)]
    assert part == pytest.approx(float(value), abs=0.01)
    assert panel.red_below == 0.99, "six hours are red"


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Iterator[Server]:
    """It scrapes an enforcer whose index cannot be read."""
    home = tmp_path_factory.mktemp("prometheus")
    path = tmp_path_factory.mktemp("index") / "index.db"
    index = open_index(f"sqlite:///{path}")
    Store(index)
    index.dispose()
    for each in path.parent.iterdir():
        each.write_bytes(b"\xff" * each.stat().st_size)
    with served(index) as port:
        jobs = {"retention-enforcer": port}
        with running(need("prometheus"), home, jobs) as server:
            server.wait_for("up == 0")
            yield server


#: Days since the whole ledger was last hashed and since an auditor last looked; None: never.
LOOKS = {
    "both of late": (0.5, 20, {"ledger": True, "re-scan": True}),
    "an old ledger check": (2.5, 20, {"ledger": False, "re-scan": True}),
    "no ledger check": (None, 20, {"ledger": False, "re-scan": True}),
    "an old re-scan": (0.5, 32, {"ledger": True, "re-scan": False}),
    "no re-scan": (0.5, None, {"ledger": True, "re-scan": False}),
}
LOOKED = {
    "ledger": "Since the whole ledger was checked",
    "re-scan": "Since an auditor looked at a storage",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LOOKS)
def test_what_nobody_looked_at_of_late_is_unknown(
    tmp_path: Path, need: Callable[[str], str], what: str
):
    checked, rescanned, known = LOOKS[what]
    now = int(time.time())  # noqa: TID251 - Prometheus' clock is the real one
    index = open_index(f"sqlite:///{tmp_path / 'index.db'}")
    if rescanned is not None:
        row = {"digest": b"", "at": now - rescanned * DAY, "report": b""}
        with writing(index) as connection:
            connection.execute(insert(rescans).values(row))
    verified_at = 0 if checked is None else now - int(checked * DAY)
    with (
        served(index, verified_at=verified_at) as port,
        running(need("prometheus"), tmp_path, {"retention-enforcer": port}) as server,
    ):
        seen = server.settled("up == 1")
        ages = {}
        for name, title in LOOKED.items():
            ((_, query),) = PANELS[title].asked
            ((_, age),) = [each["value"] for each in seen.ask(query)]
            ages[name] = float(age)
    index.dispose()
    assert known == {name: age >= 0 for name, age in ages.items()}
    assert {-1} >= {age for name, age in ages.items() if not known[name]}


JUDGED = [
    pytest.param(query, id=f"{panel.title}: {legend}")
    for panel in PANELS.values()
    if panel.shape in {"number", "states"} and panel.judged
    for legend, query in panel.asked
]


@pytest.mark.slow
@pytest.mark.parametrize("query", JUDGED)
def test_where_nothing_is_measured_nothing_is_green(blind: Server, query: str):
    """An index that nobody can read, and likewise an enforcer that is down: there is no series."""
    found = {series["value"][1] for series in blind.ask(query)}
    if "everything" in query:
        assert {"1"} == found  # unknown
    else:
        assert {"-1"} == found  # shown as "unknown", in its colour


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "dashboards").glob("*.json")))
def test_what_means_unknown_is_shown_as_that_word(path: Path):
    for panel in json.loads(path.read_text())["panels"]:
        asked = [target["expr"] for target in panel["targets"]]
        mappings = panel["fieldConfig"]["defaults"]["mappings"]
        words = {
            number: (result["text"], result["color"])
            for mapping in mappings
            for number, result in mapping["options"].items()
        }
        if any("vector(-1)" in each for each in asked):
            assert {"-1": ("unknown", "purple")} == words, panel["title"]
        if "state-timeline" == panel["type"]:
            assert ("unknown", "purple") == words["1"], panel["title"]
