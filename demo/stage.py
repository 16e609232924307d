"""The stage: the product's own commands, started as anybody would start them.

Everything lies below one directory, listens on loopback only, and is taken down at the end.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
PASSPHRASE = "demonstration only"


class CommandError(Exception):
    """A command of the product failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Station:
    """An agent with its store. `settings` are those besides what all agents are told."""

    store: str
    site: str
    group: str
    kind: str
    record_class: str
    settings: str
    home: Path
    port: int  # where it shows its own metrics

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.home / "agent.toml"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things lie, and how commands are run there."""

    home: Path
    port: int
    stations: tuple[Station, ...]
    watcher: int | None  # where Prometheus will answer; None: it is not installed

    @property
    def centre(self) -> Path:
        """What `enforcer init` made."""
        return self.home / "centre"

    @property
    def authority(self) -> Path:
        """What the enforcer's certificate is checked by."""
        return self.centre / "tls" / "authority.pem"

    @property
    def url(self) -> str:
        """Where the enforcer answers."""
        return f"https://127.0.0.1:{self.port}"

    def enforcer(self, *words: str, person: str | None = None, may_fail: bool = False) -> str:
        """Run an `enforcer` command, as a person if one is named. Gives what it printed."""
        who = ["--as", str(self.centre / "people" / f"{person}.toml")] if person else []
        return self.run("enforcer", *words, *who, may_fail=may_fail)

    def agent(self, station: Station, *words: str) -> str:
        """Run a `retention-agent` command at a station."""
        return self.run("retention-agent", *words, "--config", str(station.config))

    def run(self, program: str, *words: str, may_fail: bool = False) -> str:
        """Run a command of the product; `CommandError` if it fails and may not."""
        done = subprocess.run(
            [BIN / program, *words],
            env={**os.environ, "RETENTION_PASSPHRASE": PASSPHRASE},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and not may_fail:
            raise CommandError(f"{program} {' '.join(words)}: {done.stderr.strip() or done.stdout}")
        return done.stdout


def set_up(home: Path, stations: tuple[Station, ...], sources: str) -> Stage:
    """A new centre with keys, a policy and two people, and the agents' settings.

    What a station looks after is the caller's to make.
    """
    watcher = free_port() if shutil.which("prometheus") else None
    stage = Stage(home, free_port(), stations, watcher)
    policy = home / "policy.toml"
    classes = Path(__file__).parent.parent / "enforcer" / "govern" / "first-policy.toml"
    policy.write_text(classes.read_text() + sources)
    stage.enforcer(
        "init",
        str(stage.centre),
        *("--policy", str(policy)),
        *("--person", "anna:owner,dpo"),
        *("--person", "boris:owner,operator,approver,handler"),
        *("--host", "127.0.0.1", "--listen", f"127.0.0.1:{stage.port}"),
    )
    _number_keys(stage)
    with (stage.centre / "enforcer.toml").open("a") as settings:
        settings.write('prove_seconds = 3\nwatch_seconds = 2\nnumber_keys = "keys/numbers"\n')
        if watcher is not None:  # so that the bundle has what it recorded
            settings.write(f'prometheus = "http://127.0.0.1:{watcher}"\n')
    for station in stations:
        (station.home / "state").mkdir(parents=True, exist_ok=True)
        station.config.write_text(
            f'state = "{station.home / "state"}"\n'
            f'enforcer = "{stage.url}"\n'
            f'ca_file = "{stage.authority}"\n'
            f"metrics_port = {station.port}\n"
            "talk_every = 2\nsweep_every = 5\nscan_every = 60\nspread = 0\n" + station.settings
        )
    return stage


def _number_keys(stage: Stage) -> None:
    """One file of keys, which centre and agents of calls share."""
    path = stage.centre / "keys" / "numbers"
    path.write_text(f"demo {secrets.token_hex(32)}\n")
    path.chmod(0o600)


@contextmanager
def started(stage: Stage, program: str, *words: str, log: str) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon of the product, ended when the block ends; its log lies beside its data."""
    with (stage.home / log).open("wb") as output:
        process = subprocess.Popen(
            [BIN / program, *words], stdout=output, stderr=subprocess.STDOUT, cwd=stage.centre
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, ready: Callable[[], bool], *, seconds: int = 300) -> None:
    """Wait until something is so; `CommandError` if it never is."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise CommandError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.5)


def answers(port: int) -> bool:
    """Whether something listens on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port of loopback that nobody else is given while this process lives.

    It stays bound without listening: the kernel chooses it for no other socket, and a server that says
    SO_REUSEADDR, as all of ours and Prometheus do, listens there all the same.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port = int(kept.getsockname()[1])
    kept.detach()
    return port
