"""An agent is stopped, its deadline passes: the state is unknown, and somebody is told.

All of the way is real: an enforcer that serves, Prometheus with our rules, Alertmanager with the
configuration we ship, and a receiver of webhooks; once also the agent, a process on a directory. Only
the days that pass are made: the enforcer's clock goes ahead, and with it that of the agent's machine.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from subprocess import DEVNULL, Popen, run
from zoneinfo import ZoneInfo

import pytest
from prometheus_server import Server, free_port, running
from sqlalchemy import select, update

from dashboards.boards import BOARDS
from enforcer.clock import wall_clock
from enforcer.govern.forms.documents import Document, Signed
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores
from enforcer.index.engine import reading, writing
from enforcer.index.tables import items, stores
from retention import acts, envelope
from retention.acts import Activation
from retention.calendar import DAY, Instant, civil_date, start_of_day
from retention.outcome import Outcome
from retention.report import Erased

ROOT = Path(__file__).parents[3]
RIGA = ZoneInfo("Europe/Riga")
STATE = next(p for p in BOARDS["compliance"][1] if p.title == "Strict state").asked[0][1]
RECEIVED_SECONDS = 30
OK, UNKNOWN = (
    f'({STATE}) == {state} and on (class) retention_stores_total{{class="terminal-image"}}'
    for state in (0, 1)
)


class Ahead:
    """The real clock, ahead by as much as the test has let pass."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> Instant:
        return Instant(wall_clock() + self.seconds)

    @property
    def now(self) -> Instant:
        return self()

    def forward(self, seconds: int) -> None:
        self.seconds += seconds


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
    process.wait(20)


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


class Terminal:
    """A directory with one picture that has to be gone in two days, and its agent's settings."""

    def __init__(self, served, home: Path) -> None:
        self.served, self.home = served, home
        target = civil_date(served.clock.now, RIGA) + timedelta(days=2)
        moment = Instant(start_of_day(target - timedelta(days=60), RIGA) + 12 * 3600)
        name = datetime.fromtimestamp(moment, RIGA)
        self.picture = home / "recordings" / "front" / f"{name:%Y%m%d-%H%M%S}.jpg"
        self.picture.parent.mkdir(parents=True)
        (home / "state").mkdir()
        self.picture.write_bytes(b"\xff\xd8\xffa picture")
        os.utime(self.picture, (moment, moment))
        (home / "agent.toml").write_text(
            f'root = "{home / "recordings"}"\nstate = "{home / "state"}"\n'
            f'enforcer = "{served.url}"\nany_file_system = true\n'
            "talk_every = 1\nsweep_every = 1\nscan_every = 2\nsettle = 0\nspread = 0\n"
        )

    def command(self, *words: str) -> list[str]:
        program = str(Path(sys.executable).with_name("retention-agent"))
        return [program, *words, "--config", str(self.home / "agent.toml")]

    @contextmanager
    def agent(self, *before: str) -> Iterator[None]:
        """Its process."""
        # How long something takes is not faked, or every wait in it would be over at once.
        real = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with (self.home / "agent.log").open("ab") as log:
            command = [*before, *self.command("run")]
            process = Popen(command, stdout=log, stderr=log, env=os.environ | real)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def terminal(served, tmp_path: Path) -> Terminal:
    """Not enrolled yet."""
    return Terminal(served, tmp_path / "terminal")


def activate(served, store: str) -> None:
    """Two people let the agent erase."""
    act = Activation(
        id="activation-0123456789",
        at=served.clock(),
        reason="installed and looked at",
        stores=(store,),
        record_class="terminal-image",
        through_ordinal=date(2100, 1, 1).toordinal(),
        count=10,
    )
    olga, aija = served.person("olga"), served.person("aija")
    by_olga, by_aija = (envelope.seal("act", acts.encode(act), [me.key]) for me in (olga, aija))
    proposed = olga.post("/v1/documents", Signed(by_olga), Document)
    aija.post(f"/v1/documents/{proposed.id}/sign", Signed(by_aija), Document)


def wait_until(so: Callable[[], bool], what: str, seconds: int = 60) -> None:
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, f"waited {seconds} s in vain: {what}"
        time.sleep(0.1)


@pytest.mark.slow
def test_an_agents_process_stopped_past_its_deadline_and_started_again(
    terminal: Terminal, prometheus: Server, receiver: tuple[int, Queue], need
):
    faketime, served = need("faketime"), terminal.served
    new = NewStore(id="t-1", site="Here", group="terminal", commissioned_on=date(2025, 1, 1))
    answer = served.person("olga").post("/v1/stores", NewStores((new,)), Invitations)
    token = f"{answer.invitations[0].code}.{served.pin.hex()}"
    run(terminal.command("enrol", token), check=True, stdout=DEVNULL)

    def known() -> int:
        with reading(served.engine) as connection:
            return len(connection.execute(select(items)).all())

    with terminal.agent():
        wait_until(lambda: known() == 1, "the picture is reported")
        activate(served, "t-1")
        prometheus.wait_for(OK)
    assert terminal.picture.exists(), "it was not due"
    served.clock.forward(2 * DAY + 3600)
    prometheus.wait_for(UNKNOWN)
    arrived(receiver[1], "firing")
    with terminal.agent(faketime, "-f", f"+{served.clock.seconds}s"):
        wait_until(lambda: not terminal.picture.exists(), "the picture is erased")
        prometheus.wait_for(OK)
    arrived(receiver[1], "resolved")


def arrived(told: "Queue[tuple[str, dict]]", status: str) -> dict:
    """The alert about the deadline, when people are told that it is so."""
    while True:
        path, alert = told.get(timeout=RECEIVED_SECONDS)
        name = alert["labels"]["alertname"]
        assert path == ("/outside" if name == "RetentionWatchdog" else "/people")
        if (name, alert["status"]) == ("RetentionDeadlineUnconfirmed", status):
            return alert
