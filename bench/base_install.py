"""What `pip install retention-enforcer` installs on a terminal, and nothing that developers add.

A directory of links to the packages that the base dependencies need, and ours. A program started
on it cannot import rich, typing_extensions or the server's libraries, by accident or in a `try`:
structlog alone takes 5 MiB more where rich is installed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

OURS = ("agents", "retention")
_PROJECT = "retention-enforcer"
_ALL = "import agents.cli, agents.terminal.compose, agents.engine.metrics"
_AGENT = "from agents.cli import main; raise SystemExit(main())"


class BaseInstall:
    """The links, in an empty directory; `agent` runs a `retention-agent` command on them."""

    def __init__(self, directory: Path) -> None:
        self._packages = directory / "packages"
        self._packages.mkdir(parents=True)
        self._compiled = directory / "compiled"
        here = Path(__file__).parent.parent
        for source in (*(here / name for name in OURS), *_packages()):
            (self._packages / source.name).symlink_to(source)
        self._compile()

    def agent(self, *words: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        """Start `retention-agent` with these words."""
        # -S: the interpreter does not look into this environment's own site-packages.
        command = [sys.executable, "-S", "-c", _AGENT, *words]
        return subprocess.Popen(command, env=self._environment, stdout=stdout)

    @property
    def _environment(self) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return known | {
            "PYTHONPATH": str(self._packages),
            "PYTHONPYCACHEPREFIX": str(self._compiled),
        }

    def _compile(self) -> None:
        """All of it and what it needs of Python's own: who compiles as he starts takes 4 MiB more."""
        for command in (
            ("-m", "compileall", "-q", *map(str, self._packages.iterdir())),
            ("-c", _ALL),
        ):
            subprocess.run([sys.executable, "-S", *command], env=self._environment, check=True)


def _packages() -> Iterator[Path]:
    """Top-level modules and packages of all distributions that the base needs."""
    for name in _needed(_PROJECT, {}):
        found = distribution(name)
        tops = {file.parts[0] for file in found.files or () if ".." not in file.parts}
        yield from (
            Path(str(found.locate_file(top)))
            for top in sorted(tops)
            if not top.endswith((".dist-info", ".pth")) and top != "__pycache__"
        )


def _needed(name: str, known: dict[str, None]) -> list[str]:
    """The distributions that this one needs without any extra, itself left out."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in known:
            known[requirement.name] = None
            _needed(requirement.name, known)
    return list(known)
