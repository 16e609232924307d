"""A real Prometheus on loopback: started here, and asked as Grafana asks it."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from ports import free_port
from waiting import NEVER_SECONDS


@dataclass(frozen=True)
class Server:
    """Prometheus on loopback, asked about the present or about one moment."""

    url: str
    at: float | None = None

    def ask(self, query: str) -> list:
        """The series of an instant query; a query that does not parse raises."""
        asked = {"query": query} | ({} if self.at is None else {"time": self.at})
        with urlopen(
            f"{self.url}/api/v1/query?{urlencode(asked)}", timeout=NEVER_SECONDS
        ) as answer:
            return json.load(answer)["data"]["result"]

    def settled(self, *queries: str) -> "Server":
        """The same, asked about a moment at which each query brought something.

        What is asked about the present is nothing while a scrape is late. Scrapes of one target follow
        each other, so that nothing of that moment changes once each was scraped again.
        """
        while True:
            self.wait_for(*queries)
            _, now = self.ask("time()")
            self.wait_for(f"min(timestamp(up)) > {now}")
            then = replace(self, at=float(now))
            if all(then.ask(query) for query in queries):
                return then

    def wait_for(self, *queries: str) -> None:
        """Until each query brings something."""
        until = time.monotonic() + NEVER_SECONDS
        while time.monotonic() < until:
            try:
                if all(self.ask(query) for query in queries):
                    return
            except URLError:
                pass  # not listening yet
            time.sleep(0.1)
        raise AssertionError(f"Prometheus never had an answer to {queries}")


@contextmanager
def running(
    program: str,
    home: Path,
    jobs: Mapping[str, int | Mapping[str, int]],
    *,
    rules: str = "",
    every: str = "1s",
    alertmanager: int | None = None,
    kept: str = "3000d",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """A server that scrapes each job at its port of loopback; its data lies in `home/data`.

    A job of several ports has them by the name of the instance. What is not answered within `every` is
    a scrape that failed.
    """
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [rules] if rules else [],
        "scrape_configs": [
            {"job_name": job, "static_configs": _targets(ports)} for job, ports in jobs.items()
        ],
    }
    if alertmanager is not None:
        config["alerting"] = {"alertmanagers": [{"static_configs": _targets(alertmanager)}]}
    (home / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    server = Server(f"http://127.0.0.1:{free_port()}")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={home / 'prometheus.yml'}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--storage.tsdb.retention.time={kept}",
            f"--web.listen-address={server.url.removeprefix('http://')}",
            *options,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield server
    finally:
        process.terminate()
        process.wait(NEVER_SECONDS)


def _targets(ports: int | Mapping[str, int]) -> list[dict]:
    if isinstance(ports, int):
        return [{"targets": [f"127.0.0.1:{ports}"]}]
    return [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}}
        for name, port in ports.items()
    ]
