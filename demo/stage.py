"""The stage: the product's own commands, started as anybody would start them.

Everything lies below one directory, listens on loopback only, and is taken down at the end.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
PASSPHRASE = "demonstration only"
STORE = "brivibas-12"
SITE = "Brivibas 12"
GROUP = "terminals"

_SOURCES = """
[[source]]
id = "front"
group = "terminals"
directory = "front"
record_class = "terminal-image"
purpose = "people in front of the terminal"
name_pattern = "*-%Y%m%d%H%M%S-*"
max_delay_seconds = 60

[[source]]
id = "copies"
group = "terminals"
directory = "copies"
record_class = "terminal-image"
purpose = "pictures that were copied from another disk"
name_pattern = "*-%Y%m%d%H%M%S-*"
imports = true
"""


class CommandError(Exception):
    """A command of the product failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things lie, and how commands are run there."""

    home: Path
    port: int
    agents: Mapping[str, int]  # where each agent shows its own metrics, by its store
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
    def tree(self) -> Path:
        """Where the terminal's cameras write."""
        return self.home / "terminal" / "recordings"

    @property
    def agent_config(self) -> Path:
        """The terminal agent's settings."""
        return self.home / "terminal" / "agent.toml"

    @property
    def url(self) -> str:
        """Where the enforcer answers."""
        return f"https://127.0.0.1:{self.port}"

    def enforcer(self, *words: str, person: str | None = None, may_fail: bool = False) -> str:
        """Run an `enforcer` command, as a person if one is named. Gives what it printed."""
        who = ["--as", str(self.centre / "people" / f"{person}.toml")] if person else []
        return self.run("enforcer", *words, *who, may_fail=may_fail)

    def agent(self, *words: str) -> str:
        """Run a `retention-agent` command on the terminal."""
        return self.run("retention-agent", *words, "--config", str(self.agent_config))

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


def set_up(home: Path) -> Stage:
    """A new centre with keys, a policy and two people, and a terminal's settings."""
    shutil.rmtree(home, ignore_errors=True)
    watcher = free_port() if shutil.which("prometheus") else None
    stage = Stage(home, free_port(), {STORE: free_port()}, watcher)
    (home / "terminal" / "state").mkdir(parents=True)
    stage.tree.mkdir()
    policy = home / "policy.toml"
    classes = Path(__file__).parent.parent / "enforcer" / "govern" / "first-policy.toml"
    policy.write_text(classes.read_text() + _SOURCES)
    stage.enforcer(
        "init",
        str(stage.centre),
        *("--policy", str(policy)),
        *("--person", "anna:owner,dpo"),
        *("--person", "boris:owner,operator,approver,handler"),
        *("--host", "127.0.0.1", "--listen", f"127.0.0.1:{stage.port}"),
    )
    with (stage.centre / "enforcer.toml").open("a") as settings:
        settings.write("prove_seconds = 3\nwatch_seconds = 2\n")
        if watcher is not None:  # so that the bundle has what it recorded
            settings.write(f'prometheus = "http://127.0.0.1:{watcher}"\n')
    stage.agent_config.write_text(
        f'root = "{stage.tree}"\n'
        f'state = "{home / "terminal" / "state"}"\n'
        f'enforcer = "{stage.url}"\n'
        f'ca_file = "{stage.authority}"\n'
        f'events = "{home / "terminal" / "events"}"\n'
        f"metrics_port = {stage.agents[STORE]}\n"
        "talk_every = 2\nsweep_every = 5\nscan_every = 60\nspread = 0\n"
        "any_file_system = true\n"
    )
    return stage


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


def wait_for(what: str, ready: Callable[[], bool], *, seconds: int = 90) -> None:
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
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
