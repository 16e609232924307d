"""The real thing: an enforcer that serves HTTPS, and a terminal's daemon on its base install.

Both are the product's own commands, on the demonstration's stage.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench.base_install import BaseInstall
from bench.relay import Relay
from demo import scene, stage
from demo.stage import Stage, Station, free_port, started, wait_for


@dataclass(frozen=True, slots=True)
class Terminal:
    """An enrolled terminal, its daemon not running."""

    station: Station
    root: Path
    install: BaseInstall

    @property
    def catalogue(self) -> Path:
        """The agent's own file."""
        return self.station.home / "state" / "catalogue.sqlite"

    def ask(self, query: str) -> int:
        """One number out of the catalogue, also while the daemon writes it."""
        with closing(sqlite3.connect(f"file:{self.catalogue}?mode=ro", uri=True)) as db:
            (number,) = db.execute(query).fetchone()
            return number or 0

    def column(self, query: str) -> list[bytes]:
        """The first column of a query's rows."""
        with closing(sqlite3.connect(f"file:{self.catalogue}?mode=ro", uri=True)) as db:
            return [row[0] for row in db.execute(query)]

    @contextmanager
    def running(self) -> Iterator[Popen[bytes]]:
        """The daemon."""
        process = self.install.agent("run", "--config", str(self.station.config))
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    def scanned(self, times: int) -> None:
        """Wait until so many scans are complete."""
        query = "SELECT count(*) FROM scans"
        wait_for("a complete scan", lambda: self.ask(query) >= times, seconds=900)


@contextmanager
def terminal(root: Path, relay: Relay | None = None, settings: str = "") -> Iterator[Terminal]:
    """A terminal whose recordings lie in `root`, enrolled at an enforcer that runs.

    The agent speaks to the enforcer through the relay, if there is one; `settings` are further
    lines of its TOML.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as home:
        station = _station(Path(home, "terminal"))
        here = stage.set_up(Path(home), (station,), scene.SOURCES)
        if relay is not None:
            relay.to = here.port
        _configure(here, station, root, here.port if relay is None else relay.port, settings)
        install = BaseInstall(Path(home, "install"))
        with started(here, "enforcer", "serve", "--config", "enforcer.toml", log="enforcer.log"):
            wait_for("the enforcer answers", lambda: stage.answers(here.port))
            token = _invited(here, station)
            install.agent("enrol", token, "--config", str(station.config)).wait()
            yield Terminal(station, root, install)


def _station(home: Path) -> Station:
    return Station(
        store="brivibas-12",
        site="Brivibas 12",
        group="terminals",
        kind="terminal",
        record_class="terminal-image",
        settings="",
        home=home,
        port=free_port(),
    )


def _configure(here: Stage, station: Station, root: Path, port: int, settings: str) -> None:
    """Unless told otherwise a scan every 6 hours, a sweep every 10 minutes, a word a minute."""
    station.config.write_text(
        f'root = "{root}"\n'
        f'state = "{station.home / "state"}"\n'
        f'enforcer = "https://127.0.0.1:{port}"\n'
        f'ca_file = "{here.centre / "tls" / "authority.pem"}"\n'
        f"{settings}\n"
    )


def _invited(here: Stage, station: Station) -> str:
    words = ("store", "enrol", station.store, "--site", station.site, "--group", station.group)
    answer = here.enforcer(*words, "--commissioned", "2025-01-01", "--json", person="boris")
    invited = json.loads(answer)
    return f"{invited['invitations'][0]['code']}.{invited['pin']}"
