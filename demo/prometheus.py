"""Prometheus and Alertmanager beside the demonstration, where they are installed, and what is asked of them."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from dashboards.panel import UNMEASURED
from demo.stage import Stage, free_port, started

ROOT = Path(__file__).parent.parent
DASHBOARDS = ROOT / "dashboards"
RULES = ROOT / "deploy" / "prometheus" / "rules"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server on loopback, and where the Alertmanager answers that it tells; None: none is installed."""

    url: str
    alertmanager: str | None

    def has(self, query: str) -> bool:
        """Whether a query brings any series that says more than that nothing was measured."""
        found = _asked(f"{self.url}/api/v1/query?{urlencode({'query': query})}")
        if found is None:
            return False
        return any(each["value"][1] != str(UNMEASURED) for each in found["data"]["result"])

    def empty_panels(self, *, within: int) -> tuple[list[str], int]:
        """Panels of which some query brings nothing within so many seconds; and how many there are."""
        until = time.monotonic() + within
        panels = list(_panels())
        empty = panels
        while empty and time.monotonic() < until:
            empty = [(name, asked) for name, asked in empty if not all(map(self.has, asked))]
            time.sleep(1 if empty else 0)
        return [name for name, _ in empty], len(panels)

    def alerts(self, *, within: int) -> list[str]:
        """The alerts that have arrived at Alertmanager; some are waited for so many seconds."""
        until, found = time.monotonic() + within, None
        while not found and time.monotonic() < until:
            found = _asked(f"{self.alertmanager}/api/v2/alerts")
            time.sleep(0 if found else 1)
        return sorted({each["labels"]["alertname"] for each in found or ()})


@contextmanager
def watching(stage: Stage) -> Iterator[Prometheus | None]:
    """A Prometheus that scrapes all of the stage, with our rules, and tells an Alertmanager.

    None where no Prometheus is installed.
    """
    program = shutil.which("prometheus")
    if program is None or stage.watcher is None:
        yield None
        return
    home = stage.home / "prometheus"
    home.mkdir()
    address = f"127.0.0.1:{stage.watcher}"
    words = (
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=400d",  # as a witness should
        f"--web.listen-address={address}",
    )
    with ExitStack() as running:
        told = _alertmanager(stage, home, running)
        configuration = _configuration(stage, told)
        (home / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
        running.enter_context(started(stage, program, *words, log="prometheus.log"))
        yield Prometheus(f"http://{address}", told and f"http://{told}")


def _alertmanager(stage: Stage, home: Path, running: ExitStack) -> str | None:
    """The address of an Alertmanager that keeps what it is told; None where none is installed."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        return None
    people = {"receiver": "people", "group_by": ["alertname"]}
    path = home / "alertmanager.yml"
    path.write_text(json.dumps({"route": people, "receivers": [{"name": "people"}]}))
    address = f"127.0.0.1:{free_port()}"
    words = (
        f"--config.file={path}",
        f"--storage.path={home / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    running.enter_context(started(stage, program, *words, log="alertmanager.log"))
    return address


def _configuration(stage: Stage, told: str | None) -> dict[str, object]:
    """As `deploy/prometheus/prometheus.example.yml`, but faster: a demonstration is short."""
    enforcer = {
        "job_name": "retention-enforcer",
        "scheme": "https",
        "tls_config": {"ca_file": str(stage.authority)},
        "static_configs": [{"targets": [f"127.0.0.1:{stage.port}"]}],
    }
    agents = {
        "job_name": "retention-agent",
        "static_configs": [
            {"targets": [f"127.0.0.1:{each.port}"], "labels": {"instance": each.store}}
            for each in stage.stations
        ],
    }
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES / "*.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [told]}]}] if told else []},
        "scrape_configs": [enforcer, agents],
    }


def _asked(url: str) -> Any:
    """What a server says in JSON; None while it does not listen, or is too busy."""
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - ours, on loopback
            return json.load(answer)
    except OSError:
        return None


def _panels() -> Iterator[tuple[str, list[str]]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            asked = [target["expr"] for target in panel["targets"]]
            yield f"{board['title']}: {panel['title']}", asked
