"""Prometheus beside the demonstration, where it is installed, and what the dashboards ask of it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from demo.stage import Stage, started

ROOT = Path(__file__).parent.parent
DASHBOARDS = ROOT / "dashboards"
RULES = ROOT / "deploy" / "prometheus" / "rules"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server on loopback."""

    url: str

    def has(self, query: str) -> bool:
        """Whether a query brings any series."""
        asked = f"{self.url}/api/v1/query?{urlencode({'query': query})}"
        try:
            with urlopen(asked, timeout=10) as answer:  # noqa: S310 - ours, on loopback
                return bool(json.load(answer)["data"]["result"])
        except OSError:  # not listening yet, or too busy
            return False

    def empty_panels(self, *, within: int) -> tuple[list[str], int]:
        """Panels of which some query brings nothing within so many seconds; and how many there are."""
        until = time.monotonic() + within
        panels = list(_panels())
        empty = panels
        while empty and time.monotonic() < until:
            empty = [(name, asked) for name, asked in empty if not all(map(self.has, asked))]
            time.sleep(1 if empty else 0)
        return [name for name, _ in empty], len(panels)


@contextmanager
def watching(stage: Stage) -> Iterator[Prometheus | None]:
    """A Prometheus that scrapes all of the stage, with our rules; None where none is installed."""
    program = shutil.which("prometheus")
    if program is None or stage.watcher is None:
        yield None
        return
    home = stage.home / "prometheus"
    home.mkdir()
    (home / "prometheus.yml").write_text(json.dumps(_configuration(stage)))  # JSON is YAML
    address = f"127.0.0.1:{stage.watcher}"
    words = (
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=400d",  # as a witness should
        f"--web.listen-address={address}",
    )
    with started(stage, program, *words, log="prometheus.log"):
        yield Prometheus(f"http://{address}")


def _configuration(stage: Stage) -> dict[str, object]:
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
        "scrape_configs": [enforcer, agents],
    }


def _panels() -> Iterator[tuple[str, list[str]]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            asked = [target["expr"] for target in panel["targets"]]
            yield f"{board['title']}: {panel['title']}", asked
