"""A Debian 12 in a container: booted, with a systemd of its own and without a network, or not booted."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from waiting import NEVER_SECONDS

INCLUDE = "python3,python3-venv,systemd,systemd-sysv"
#: Nobody reads these here; without them it is made in two thirds of the time.
LEFT_OUT = ("doc", "info", "locale", "man")
#: How nspawn ends when what it ran asked to be started again (systemd-nspawn(1), exit status).
REBOOTED = 133


class Machine:
    """What systemd-nspawn runs from the directory `root`."""

    def __init__(self, root: Path, need: Callable[[str], str]) -> None:
        self.root = root
        self._nspawn, self._nsenter = need("systemd-nspawn"), need("nsenter")
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, mmdebstrap: str) -> None:
        """Install Debian from its archive. `CalledProcessError` where that cannot be reached."""
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
        command = [mmdebstrap, "--quiet", "--variant=minbase", f"--include={INCLUDE}", *excluded]
        done = subprocess.run([*command, "bookworm", self.root], check=False, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")

    def alone(
        self, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command as root where nothing else runs. It has the host's network."""
        given = [f"--setenv={name}={value}" for name, value in (env or {}).items()]
        command = [self._nspawn, "--quiet", "--directory", str(self.root), *given]
        command += ["--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off"]
        return subprocess.run(
            [*command, "--", *words],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def boot(self) -> None:
        """Start it, and wait until systemd has started everything."""
        command = [self._nspawn, "--boot", "--directory", self.root]
        command += ["--private-network", "--register=no", "--keep-unit", "--console=pipe"]
        with (self.root.parent / "console").open("ab") as console:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self.wait_for("it has booted", self._is_up)
        # nspawn lays a boot id of its own over the kernel's, but a service whose /proc is made anew
        # (ProtectProc=) sees through: on a real machine there is one. The clocks are the host's, too.
        self.run("umount", "/proc/sys/kernel/random/boot_id")

    def stop(self) -> None:
        """End it and all that runs inside, and nothing else."""
        if self._process is not None and self._process.poll() is None:
            if leader := self._leader():
                os.kill(leader, signal.SIGKILL)
            self._process.wait(NEVER_SECONDS)

    def reboot(self) -> None:
        """Reboot it from inside, as a person would."""
        assert self._process is not None
        self.run("systemctl", "--no-block", "reboot", may_fail=True)
        assert self._process.wait(NEVER_SECONDS) == REBOOTED
        self.boot()

    def run(self, *words: str, may_fail: bool = False, env: Mapping[str, str] | None = None) -> str:
        """Run a command as root inside; gives what it printed."""
        done = self._inside(*words, env=env)
        if done.returncode and not may_fail:
            journal = self._inside("journalctl", "--no-pager", "--lines=40").stdout
            said = f"{done.stdout}{done.stderr}"
            raise AssertionError(f"{' '.join(words)}: {said}\n{journal}")
        return done.stdout

    def wait_for(self, what: str, ready: Callable[[], object]) -> None:
        """Wait until something is so; `AssertionError` with the journal if it never is."""
        until = time.monotonic() + NEVER_SECONDS
        while not ready():
            if time.monotonic() > until:
                journal = self._inside("journalctl", "--no-pager", "--lines=60")
                raise AssertionError(f"in vain for {NEVER_SECONDS} s: {what}\n{journal.stdout}")
            time.sleep(0.2)

    def _is_up(self) -> bool:
        return self._inside("systemctl", "is-system-running").stdout.strip() == "running"

    def _inside(
        self, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        enter = [self._nsenter, "--target", str(self._leader()), "--all", "--wd=/"]
        return subprocess.run(
            [*enter, "--", *words],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**environment, "LC_ALL": "C.UTF-8", **(env or {})},
        )

    def _leader(self) -> int:
        """The process that is number 1 inside, as it is called outside; 0 while there is none."""
        assert self._process is not None
        assert self._process.poll() is None, (self.root.parent / "console").read_text()
        number = self._process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        return int(children[0]) if children else 0


def why_not() -> str:
    """Why this user cannot boot a machine here; nothing if it can."""
    if os.geteuid():
        return "only root can boot a machine"
    if not Path("/sys/fs/cgroup").is_dir():
        return "this kernel has no control groups"
    return ""
