"""The stage of the drills: a centre, its people and its terminals, all of it real, by a clock of ours.

Whatever is done is typed: a line of the page, or one that a person types on any day, run by the
product's own command line. The one thing that is not real is the time, which passes when a drill says so.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from ports import free_port

from agents.cli import main as retention_agent
from agents.engine.clock import SystemClock
from auditor.cli import main as auditor
from enforcer import compose, log
from enforcer.cli import main as enforcer
from enforcer.settings import load
from retention.calendar import DAY, Instant

RIGA = ZoneInfo("Europe/Riga")
PASSPHRASE = "correct horse battery"
SITE = "Brivibas 12"
ROLES = {
    "anna": "owner,dpo",
    "boris": "owner,operator,approver",
    "hugo": "handler",
}
SOURCES = """
[[source]]
id = "front"
group = "terminals"
directory = "front"
record_class = "terminal-image"
purpose = "people in front of the terminal"
name_pattern = "%Y%m%d-%H%M%S*"
"""


class Time:
    """What the product takes for the module `time`: all clocks of all machines go by it."""

    CLOCK_BOOTTIME = 7

    def __init__(self, now: Instant) -> None:
        self.now = now
        self.booted_at = Instant(now - 3600)  # of the machine whose command is running

    def time(self) -> float:
        return float(self.now)

    def clock_gettime(self, _clock: int) -> float:
        return float(self.now - self.booted_at)

    def pass_(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds)


class Typed:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> str:
        """The id of the document that was proposed."""
        return re.match(r"[a-z-]+-[0-9a-f]+", self.out)[0]  # type: ignore[index]


@dataclass
class Centre:
    """One enforcer, in its directory. It is started and stopped as a service is."""

    home: Path
    port: int
    _running: tuple[uvicorn.Server, threading.Thread, compose.Enforcer] | None = None

    def start(self) -> None:
        """`systemctl start retention-enforcer`: it also takes its first round."""
        log.configure("critical")
        built = compose.build(load(self.home / "enforcer.toml", {}))
        built.rounds.remember()
        listener = compose.bound(("127.0.0.1", self.port))
        config = uvicorn.Config(built.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        self._running = (server, thread, built)

    def stop(self) -> None:
        """`systemctl stop retention-enforcer`."""
        if self._running is not None:
            server, thread, built = self._running
            server.should_exit = True
            thread.join()
            built.engine.dispose()
            self._running = None

    def prove(self) -> None:
        """What the service does by itself every minute."""
        assert self._running is not None
        self._running[2].rounds.prove()


@dataclass
class Terminal:
    """One box. Its clock is the stage's, its boot is its own."""

    place: Path
    store: str
    enforcer: str
    booted_at: Instant
    boots: int = 1

    @property
    def root(self) -> Path:
        return self.place / "recordings"

    @property
    def state(self) -> Path:
        return self.place / "state"

    def furnish(self) -> None:
        """An empty box with its settings."""
        self.root.mkdir(parents=True)
        self.state.mkdir()
        self.settle_in()

    def settle_in(self) -> None:
        """Settings of where it is now."""
        (self.place / "terminal.toml").write_text(
            f'root = "{self.root}"\nstate = "{self.state}"\nenforcer = "{self.enforcer}"\n'
            "settle = 0\nspread = 0\nany_file_system = true\n"
        )

    def reboot(self, now: Instant) -> None:
        """It was off for a while."""
        self.boots, self.booted_at = self.boots + 1, now

    @property
    def proc(self) -> Path:
        """The part of its /proc that says which boot it is."""
        there = self.place / "proc"
        (there / "sys/kernel/random").mkdir(parents=True, exist_ok=True)
        (there / "sys/kernel/random/boot_id").write_text(f"{self.place.name}-{self.boots}\n")
        return there

    def record(self, moment: Instant, tag: str = "") -> Path:
        """A picture of that moment, as a camera writes it."""
        name = self.name_of(moment, tag)
        path = self.root / "front" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff" + name.encode())
        os.utime(path, (moment + 5, moment + 5))
        return path

    @staticmethod
    def name_of(moment: Instant, tag: str = "") -> str:
        """How the camera names a picture of that moment."""
        return f"{datetime.fromtimestamp(moment, RIGA):%Y%m%d-%H%M%S}{tag}.jpg"

    def pictures(self) -> set[str]:
        """What lies there, by name."""
        return {path.name for path in (self.root / "front").glob("*")}


@dataclass
class Stage:
    """All of it."""

    home: Path
    time: Time
    centre: Centre
    terminals: dict[str, Terminal]
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def type(self, who: str, line: str, *, code: int | None = 0) -> Typed:
        """Somebody types a line: a person at the centre, or `root` at a terminal (`root@riga-1`)."""
        program, *words = shlex.split(line)
        name, _, where = who.partition("@")
        if where:
            typed = self._at_terminal(self.terminals[where], line)
        elif program == "enforcer":
            asks = name != "root"
            identity = ["--as", str(self.centre.home / "people" / f"{name}.toml")] if asks else []
            yes = ["--yes"] if asks and _is_signed(words) else []
            typed = self._run(enforcer, [*words, *yes, *identity], self.centre.home)
        elif program == "auditor":
            typed = self._run(auditor, words, self.centre.home)
        elif program == "systemctl":
            {"start": self.centre.start, "stop": self.centre.stop}[words[0]]()
            typed = Typed(0, "", "")
        else:
            typed = _shell(line, self.centre.home)
        if code is not None:
            assert code == typed.code, (line, typed.out, typed.err)
        return typed

    def json(self, who: str, line: str) -> Any:
        """What a command says to programs, whatever its exit code."""
        return json.loads(self.type(who, f"{line} --json", code=None).out)

    def both(self, line: str) -> str:
        """Boris proposes it and Anna signs it too."""
        document = self.type("boris", line).document
        self.type("anna", f"enforcer approve {document}")
        return document

    def wake(self, *stores: str) -> None:
        """These terminals' agents, or all, go round twice: what they hear in one they do in the next."""
        self.wake_without_proof(*stores)
        self.centre.prove()

    def wake_without_proof(self, *stores: str) -> None:
        """The same, while the ledger stands still."""
        for store in [*(stores or self.terminals)] * 2:
            self.type(f"root@{store}", "retention-agent run --once --config terminal.toml")

    def live(self, *, days: int = 0, hours: int = 0) -> None:
        """Time passes: the ledger goes on hour by hour, and agents go round twice a day."""
        for hour in range(1, 24 * days + hours + 1):
            self.time.pass_(3600)
            if hour % 12 == 0:
                self.wake_without_proof()
            self.centre.prove()

    def reasons(self, store: str) -> set[str]:
        """Why the pictures of a store are not proven; nothing if they are."""
        found = self.json("anna", "enforcer status")
        return {
            reason["word"]
            for each in found["stores"]
            if (each["store"], each["record_class"]) == (store, "terminal-image")
            for reason in each["reasons"]
        }

    def verify(self, name: str, *, code: int) -> str:
        """An inspector takes a bundle of now and verifies it."""
        said = self.type("anna", f"enforcer bundle {name}").out
        return self.type("inspector", said.partition("anywhere: ")[2].strip(), code=code).out

    def page_of(self, name: str) -> str:
        """What the page of a bundle of now says to people."""
        self.type("anna", f"enforcer bundle {name}")
        with zipfile.ZipFile(self.centre.home / name) as archive:
            return archive.read("page.html").decode()

    def enrol(self, store: str, *recorded: Instant, backup: Path | None = None) -> Terminal:
        """A terminal with these recordings on it, that is enrolled, was heard, and may erase.

        `backup` is where somebody copied the recordings to, before all that.
        """
        address = f"http://127.0.0.1:{self.centre.port}"
        terminal = Terminal(self.home / store, store, address, Instant(self.time.now - 3600))
        terminal.furnish()
        for moment in recorded:
            terminal.record(moment)
        if backup is not None:
            self.type("root", f"cp -a {terminal.root / 'front'} {backup}")
        self.terminals[store] = terminal
        told = self.type(
            "boris",
            f"enforcer store enrol {store} --site '{SITE}' --group terminals --commissioned 2025-01-01",
        )
        self.type(f"root@{store}", f"retention-agent enrol --config terminal.toml {token_in(told)}")
        self.wake(store)
        self.both(
            f"enforcer store activate {store} --class terminal-image --count 1000 --reason begin"
        )
        self.wake(store)
        return terminal

    def hold(self, moment: Instant) -> str:
        """Hugo holds what was recorded around a moment."""
        around = f"{datetime.fromtimestamp(moment, RIGA):%Y-%m-%d %H:%M}"
        said = self.type(
            "hugo", f"enforcer hold place crime --site '{SITE}' --around '{around}' --no-wait"
        )
        return re.match(r"hold-\w+", said.out)[0]  # type: ignore[index]

    def _at_terminal(self, terminal: Terminal, line: str) -> Typed:
        words = shlex.split(line)
        if words[0] == "systemctl":
            if words[1] != "stop":
                self.wake(terminal.place.name)
            return Typed(0, "", "")
        defaults = SystemClock.__init__.__kwdefaults__
        assert defaults is not None
        self.time.booted_at = terminal.booted_at
        self.patch.setitem(defaults, "proc", terminal.proc)
        self.patch.setitem(defaults, "run", terminal.place / "run")
        return self._run(retention_agent, words[1:], terminal.place)

    def _run(self, main: Callable[[list[str]], int], words: list[str], where: Path) -> Typed:
        self.patch.chdir(where)
        self.capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        return Typed(code, *self.capsys.readouterr())


def token_in(told: Typed) -> str:
    """The token that `store enrol` and `store replace` print."""
    return re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){4}\.[0-9a-f]{64}", told.out)[0]  # type: ignore[index]


def head_in(text: str) -> str:
    """SIZE:ROOT, as doctor prints it."""
    return re.search(r"ledger succeed (\d+:[0-9a-f]{64})", text)[1]  # type: ignore[index]


def found(home: Path, now: Instant) -> None:
    """What `enforcer init` makes, with keys that open quickly (`conftest`)."""
    policy = home.parent / "policy.toml"
    built_in = Path(compose.__file__).parent / "govern" / "first-policy.toml"
    policy.write_text(built_in.read_text() + SOURCES)
    people = [word for name, roles in ROLES.items() for word in ("--person", f"{name}:{roles}")]
    assert 0 == enforcer(
        ["init", str(home), "--policy", str(policy), *people, "--host", "127.0.0.1"]
    )


def opened(template: Path, home: Path, now: Instant) -> Centre:
    """A centre out of the template, at a port of its own, started."""
    shutil.copytree(template, home)
    centre = Centre(home, free_port())
    for path in (home / "people").glob("*.toml"):
        path.write_text(
            re.sub(r'server = ".*"', f'server = "http://127.0.0.1:{centre.port}"', path.read_text())
        )
    centre.start()
    return centre


def days_ago(time: Time, days: int) -> Instant:
    """Noon or so, so many days before."""
    return Instant(time.now - days * DAY)


def utc(instant: Instant) -> str:
    """As an option takes it."""
    return datetime.fromtimestamp(instant, UTC).isoformat()


def _is_signed(words: list[str]) -> bool:
    """Whether the command asks before it signs."""
    signing = {"restored", "retire", "thaw", "activate", "succeed", "keys", "release", "propose"}
    return (words[0] == "approve" and len(words) > 1) or bool(signing & set(words[1:2]))


def _shell(line: str, where: Path) -> Typed:
    done = subprocess.run(
        ["bash", "-c", line], cwd=where, capture_output=True, text=True, check=False
    )
    return Typed(done.returncode, done.stdout, done.stderr)
