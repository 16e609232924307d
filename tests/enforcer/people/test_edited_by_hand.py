"""Somebody edits the ledger's database with sqlite3: whoever scraped the enforcer has seen otherwise.

The enforcer serves, a real Prometheus scrapes it with our rules, and the auditor is a command.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_server import Server, running
from terminal import RIGA, Ahead
from waiting import wait_until

from enforcer.clock import wall_clock
from retention.calendar import DAY, Instant, civil_date
from retention.ledger import HEARTBEAT_SECONDS
from retention.outcome import Outcome
from retention.report import Erased

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> Ahead:
    """The enforcer's: Prometheus goes by the real one."""
    return Ahead()


@pytest.fixture
def prometheus(need: Callable[[str], str], tmp_path: Path, served) -> Iterator[Server]:
    home = tmp_path / "prometheus"
    home.mkdir()
    jobs = {"retention-enforcer": int(served.url.rpartition(":")[2])}
    rules = str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")
    with running(need("prometheus"), home, jobs, rules=rules) as server:
        yield server


class Ledger:
    """The enforcer's ledger as it grows, and as hands reach it beside the enforcer."""

    def __init__(self, served, prometheus: Server) -> None:
        self.served, self.prometheus = served, prometheus
        self.agent = served.enrol("t-1")
        self.agent.scan()

    def grow(self, number: int) -> None:
        """So many recordings are erased and certified; Prometheus sees the head."""
        now = self.served.clock()
        first = getattr(self.agent, "items", 0) + 1
        self.agent.sight(*[Instant(now - 59 * DAY)] * number)
        run = ((first, first + number - 1),)
        self.agent.report(Erased(now, run, "due", Outcome.ERASED_VERIFIED))
        self.served.built.rounds.prove()
        (size,) = self.edit("SELECT max(size) FROM checkpoints")
        self.prometheus.wait_for(f"retention_ledger_tree_size == {size}")

    def edit(self, *statements: str) -> tuple:
        """As `sqlite3 enforcer.db` does; gives the first row of the last one."""
        with closing(sqlite3.connect(self.served.home / "enforcer.db")) as db:
            for statement in statements:
                found = db.execute(statement).fetchone()
            db.commit()
        return found

    def audited(self, command: str, *words: str) -> tuple[int, str]:
        """What a command of the auditor says of a bundle, and its exit code."""
        served, file = self.served, self.served.home / "bundle.zip"
        through = civil_date(served.clock(), RIGA).isoformat()
        dana = served.person("dana")
        file.write_bytes(dana.get_bytes("/v1/bundle", since="2026-01-01", through=through))
        pin = ("--pin", served.pin.hex())
        done = subprocess.run(
            [sys.executable, "-m", "auditor.cli", command, file, *words, *pin],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert "" == done.stderr
        return done.returncode, done.stdout

    def witnessed(self) -> tuple[int, str]:
        """By what Prometheus recorded, of the last second too: times in a bundle have no parts of one."""
        now = wall_clock()
        wait_until(lambda: wall_clock() > now, "the second is over")
        return self.audited("witness", "--prometheus", self.prometheus.url)


@pytest.fixture
def ledger(served, prometheus: Server) -> Ledger:
    """Of two days' certificates, both seen by Prometheus, and in order."""
    ledger = Ledger(served, prometheus)
    ledger.grow(5)
    ledger.grow(3)
    code, told = ledger.witnessed()
    assert (0, True) == (code, "2 checkpoints seen from" in told), told
    return ledger


@pytest.mark.slow
def test_a_number_in_a_certificate_that_was_changed_is_found(ledger: Ledger):
    ledger.edit(
        "UPDATE leaves SET data = CAST(replace(data, '\"items\":5', '\"items\":4') AS BLOB)"
        " WHERE kind = 'certificate' AND position = 0"
    )
    code, told = ledger.witnessed()
    assert (1, True) == (code, "do not lead to the checkpoint" in told), told


@pytest.mark.slow
def test_a_certificate_that_was_cut_off_is_found_although_the_enforcer_signs_on(ledger: Ledger):
    """The files of published heads are removed too, so that the enforcer itself notices nothing."""
    (first,) = ledger.edit("SELECT min(size) FROM checkpoints")
    (last,) = ledger.edit("SELECT max(size) FROM checkpoints")
    ledger.edit(
        f"DELETE FROM leaves WHERE position >= {first}",
        f"DELETE FROM nodes WHERE (position + 1) << level > {first}",
        f"DELETE FROM checkpoints WHERE size > {first}",
    )
    for path in (ledger.served.home / "heads").glob("*.note"):
        path.unlink()
    ledger.prometheus.wait_for('ALERTS{alertname="RetentionLedgerShrunk",alertstate="firing"}')
    while True:  # it beats on, over other leaves, until it is as large as it was
        ledger.served.clock.forward(HEARTBEAT_SECONDS)
        ledger.served.built.rounds.prove()
        (size,) = ledger.edit("SELECT max(size) FROM checkpoints")
        if size >= last:
            break
    ledger.prometheus.wait_for(f"retention_ledger_tree_size == {size}")
    code, told = ledger.witnessed()
    assert 1 == code
    assert f"a checkpoint of {last} entries was seen" in told
    assert "its root was another than this ledger's" in told
