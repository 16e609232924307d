"""An agent is stopped, its deadline passes: the state is unknown, and somebody is told.

All of the way is real: an enforcer that serves, Prometheus with our rules, Alertmanager with the
configuration we ship, and a receiver of webhooks; once also the agent, a process on a directory. Only
the days that pass are made: the enforcer's clock goes ahead, and with it that of the agent's machine.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from subprocess import DEVNULL, Popen
from zoneinfo import ZoneInfo

import pytest
from ports import free_port
from prometheus_server import Server, running
from sqlalchemy import update
from terminal import Ahead, Terminal
from waiting import NEVER_SECONDS

from dashboards.boards import BOARDS
from enforcer.index.engine import writing
from enforcer.index.tables import stores
from retention.calendar import DAY, civil_date, start_of_day
from retention.outcome import Outcome
from retention.report import Erased

ROOT = Path(__file__).parents[3]
RIGA = ZoneInfo("Europe/Riga")
STATE = next(p for p in BOARDS["compliance"][1] if p.title == "Strict state").asked[0][1]
OK, UNKNOWN = (
    f'({STATE}) == {state} and on (class) retention_stores_total{{class="terminal-image"}}'
    for state in (0, 1)
)


@pytest.fixture
def clock() -> Ahead:
    """The enforcer's."""
    return Ahead()


@pytest.fixture
def receiver() -> Iterator[tuple[int, Queue[tuple[str, dict]]]]:
    """A port of loopback, and each alert that was sent there with the path it was sent to."""
    told: Queue[tuple[str, dict]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for alert in body["alerts"]:
                told.put((self.path, alert))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def alertmanager(
    need: Callable[[str], str], tmp_path: Path, receiver: tuple[int, Queue]
) -> Iterator[int]:
    """The port of an Alertmanager that goes by our example, and waits for nothing."""
    text = (ROOT / "deploy" / "alertmanager" / "alertmanager.example.yml").read_text()
    text = text.replace("127.0.0.1:9099", f"127.0.0.1:{receiver[0]}")
    text = text.replace("group_wait: 30s", "group_wait: 0s")
    text = text.replace("group_interval: 5m", "group_interval: 1s")
    (tmp_path / "alertmanager.yml").write_text(text)
    port = free_port()
    process = Popen(
        [
            need("prometheus-alertmanager"),
            f"--config.file={tmp_path / 'alertmanager.yml'}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    yield port
    process.terminate()
    process.wait(NEVER_SECONDS)


@pytest.fixture
def prometheus(
    need: Callable[[str], str], tmp_path: Path, served, alertmanager: int
) -> Iterator[Server]:
    home = tmp_path / "prometheus"
    home.mkdir()
    jobs = {"retention-enforcer": int(served.url.rpartition(":")[2])}
    rules = str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")
    with ExitStack() as opened:
        started = running(need("prometheus"), home, jobs, rules=rules, alertmanager=alertmanager)
        yield opened.enter_context(started)


@pytest.mark.slow
def test_a_store_unheard_past_its_deadline_is_unknown_and_somebody_is_told(
    served, clock: Ahead, prometheus: Server, receiver: tuple[int, Queue]
):
    target = civil_date(clock.now, RIGA) + timedelta(days=2)
    agent = served.enrol("t-1")
    agent.sight(start_of_day(target - timedelta(days=60), RIGA) + 12 * 3600)
    agent.scan()
    agent.obey()
    with writing(served.engine) as connection:
        connection.execute(update(stores).values(state="active"))
    prometheus.wait_for(OK)
    clock.forward(2 * DAY + 3600)  # it says nothing more
    prometheus.wait_for(UNKNOWN)
    alert = arrived(receiver[1], "firing")
    assert alert["labels"]["class"] == "terminal-image"
    assert (ROOT / alert["annotations"]["runbook"]).exists()
    assert "t-1" not in json.dumps(alert), "no alert names a store: labels are groups"
    erased = Erased(start_of_day(target, RIGA) - 3600, ((1, 1),), "due", Outcome.ERASED_VERIFIED)
    agent.report(erased)  # it was in time, and nobody could know
    agent.scan()
    prometheus.wait_for(OK)
    arrived(receiver[1], "resolved")


@pytest.mark.slow
def test_an_agents_process_stopped_past_its_deadline_and_started_again(
    served, prometheus: Server, receiver: tuple[int, Queue], tmp_path: Path, need
):
    faketime, terminal = need("faketime"), Terminal(served, tmp_path / "terminal")
    with terminal.agent():
        terminal.activate()
        prometheus.wait_for(OK)
    assert terminal.picture.exists(), "it was not due"
    served.clock.forward(2 * DAY + 3600)
    prometheus.wait_for(UNKNOWN)
    arrived(receiver[1], "firing")
    with terminal.agent_today(faketime):
        terminal.wait_for_the_end()
        prometheus.wait_for(OK)
    arrived(receiver[1], "resolved")


def arrived(told: "Queue[tuple[str, dict]]", status: str) -> dict:
    """The alert about the deadline, when people are told that it is so."""
    while True:
        path, alert = told.get(timeout=NEVER_SECONDS)
        name = alert["labels"]["alertname"]
        assert path == ("/outside" if name == "RetentionWatchdog" else "/people")
        if (name, alert["status"]) == ("RetentionDeadlineUnconfirmed", status):
            return alert
