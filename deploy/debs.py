"""Debian packages that carry all they need but Python itself; `dpkg-deb` alone makes them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from zipfile import ZipFile

DEPLOY = Path(__file__).parent
CONFIG = DEPLOY.parent / "config"
SYSTEMD = DEPLOY / "systemd"
DEBIAN = DEPLOY / "debian"
ROOMS = frozenset({"retention", "agents", "enforcer", "auditor"})


@dataclass(frozen=True, slots=True)
class Package:
    """What one package is. Of our code it carries these `rooms` and no others."""

    name: str
    summary: str
    program: str  # in /usr/bin
    module: str  # has its main()
    rooms: frozenset[str]
    units: tuple[str, ...]
    examples: tuple[Path, ...]  # go to /etc/NAME, for people to copy


AGENT = Package(
    name="retention-agent",
    summary="finds, dates and erases recordings on a terminal or a storage",
    program="retention-agent",
    module="agents.cli",
    rooms=frozenset({"retention", "agents"}),
    units=("retention-agent.service", "retention-agent@.service"),
    examples=(CONFIG / "terminal.example.toml", CONFIG / "storage.example.toml"),
)
AUDITOR = Package(
    name="retention-auditor",
    summary="looks at a storage by itself, and checks an inspector's bundle",
    program="auditor",
    module="auditor.cli",
    rooms=frozenset({"retention", "auditor"}),
    units=("retention-auditor.service", "retention-auditor.timer"),
    examples=(CONFIG / "audit.example.env",),
)
PACKAGES = (AGENT, AUDITOR)


def build(
    package: Package,
    wheels: Iterable[Path],
    into: Path,
    *,
    version: str,
    architecture: str,
    epoch: int,
) -> Path:
    """Make the package out of these wheels. Everything in it bears the time `epoch`."""
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"{package.name}_{version}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        library = root / "usr/lib" / package.name
        _unpack(wheels, library, package.rooms)
        _furnish(package, root, library)
        _describe(package, root / "DEBIAN", version, architecture)
        _settle(root, epoch)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", root, target],
            env={"PATH": os.defpath, "SOURCE_DATE_EPOCH": str(epoch)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return target


def _unpack(wheels: Iterable[Path], library: Path, rooms: frozenset[str]) -> None:
    """Unpack wheels where they are to lie; none that we use has files that go elsewhere."""
    for wheel in wheels:
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                first = name.partition("/")[0]
                if first.endswith(".data"):
                    raise ValueError(f"{wheel.name} wants {name} outside of the library")
                if first not in ROOMS - rooms:
                    archive.extract(name, library)


def _furnish(package: Package, root: Path, library: Path) -> None:
    """Place everything besides the code."""
    main = f'"""Runs `{package.program}`."""\n\nimport sys\n\nfrom {package.module} import main\n\n'
    (library / "__main__.py").write_text(main + "sys.exit(main())\n")
    usr = root / "usr"
    _place(DEBIAN / f"{package.program}.sh", usr / "bin" / package.program, executable=True)
    for unit in package.units:
        _place(SYSTEMD / unit, usr / "lib/systemd/system" / unit)
    for kind in ("sysusers", "tmpfiles"):
        source = SYSTEMD / f"{package.name}.{kind}.conf"
        _place(source, usr / f"lib/{kind}.d" / f"{package.name}.conf")
    _place(DEBIAN / "copyright", usr / "share/doc" / package.name / "copyright")
    for example in package.examples:
        _place(example, root / "etc" / package.name / example.name)


def _describe(package: Package, debian: Path, version: str, architecture: str) -> None:
    """Write what dpkg reads. An example is a conffile: a person's change to it is kept, too."""
    debian.mkdir()
    values = {"name": package.name, "summary": package.summary}
    values |= {"version": version, "architecture": architecture}
    (debian / "control").write_text(Template((DEBIAN / "control").read_text()).substitute(values))
    examples = [f"/etc/{package.name}/{example.name}\n" for example in package.examples]
    (debian / "conffiles").write_text("".join(examples))
    for script in ("postinst", "prerm", "postrm"):
        text = (DEBIAN / script).read_text().replace("@NAME@", package.name)
        (debian / script).write_text(text)
        (debian / script).chmod(0o755)


def _place(source: Path, target: Path, *, executable: bool = False) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if executable else 0o644)


def _settle(root: Path, epoch: int) -> None:
    """Give everything the rights and the time that it has in every build."""
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        elif path.parent.name not in {"DEBIAN", "bin"}:
            path.chmod(0o644)
        os.utime(path, (epoch, epoch))
