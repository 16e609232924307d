"""`python -m deploy`: writes the packages to `dist/`."""

import argparse
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from deploy import centre, debs, wheels

ROOT = wheels.ROOT
#: For sources without a history, such as an unpacked archive: the earliest that a zip can bear.
EARLIEST = 315532800


def main() -> None:
    """Build for one architecture; the packages' names are printed."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("--arch", choices=wheels.MACHINES, default="amd64")
    parser.add_argument("--to", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    for path in build(arguments.to, arguments.arch):
        print(path)


def build(into: Path, architecture: str, *, version: str | None = None) -> list[Path]:
    """The packages of this architecture. `version` is that of pyproject.toml."""
    epoch = source_date()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    how = {"version": version or project["version"], "architecture": architecture}
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        own = wheels.build_own(work / "own", epoch)
        light, storage, full = (
            wheels.collect(ROOT / f"requirements/{lock}.txt", work / lock, architecture)
            for lock in ("agent", "storage", "centre")
        )
        carried = {wheel.name for wheel in light}
        beside = [wheel for wheel in storage if wheel.name not in carried]
        made = [
            debs.build(package, inside, into, **how, epoch=epoch)
            for package, inside in (
                (debs.AGENT, [own, *light]),
                (debs.AUDITOR, [own, *light]),
                *((package, beside) for package in debs.STORAGE),
            )
        ]
        return [*made, centre.build(own, full, into, **how, epoch=epoch)]


def source_date() -> int:
    """When the sources were last changed (reproducible-builds.org, SOURCE_DATE_EPOCH)."""
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return EARLIEST
    command = [git, "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
