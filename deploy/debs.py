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
class Program:
    """What a package starts."""

    name: str  # in /usr/bin
    module: str  # has its main()
    units: tuple[str, ...]
    examples: tuple[Path, ...]  # go to /etc/NAME of the package, for people to copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What one package is. Of our code it carries these `rooms` and no others.

    One without a program adds libraries to `beside`, the package of that name and of its version.
    """

    name: str
    summary: str
    rooms: frozenset[str] = frozenset()
    program: Program | None = None
    beside: str = ""
    scripts: Path = DEBIAN

    @property
    def library(self) -> str:
        """The directory of /usr/lib that its code lies in."""
        return self.beside or self.name


AGENT = Package(
    name="retention-agent",
    summary="finds, dates and erases recordings on a terminal or a storage",
    rooms=frozenset({"retention", "agents"}),
    program=Program(
        name="retention-agent",
        module="agents.cli",
        units=("retention-agent.service", "retention-agent@.service"),
        examples=(CONFIG / "terminal.example.toml", CONFIG / "storage.example.toml"),
    ),
)
AUDITOR = Package(
    name="retention-auditor",
    summary="looks at a storage by itself, and checks an inspector's bundle",
    rooms=frozenset({"retention", "auditor"}),
    program=Program(
        name="auditor",
        module="auditor.cli",
        units=("retention-auditor.service", "retention-auditor.timer"),
        examples=(CONFIG / "audit.example.env",),
    ),
)
STORAGE = tuple(
    Package(
        name=f"{package.name}-storage",
        summary=f"libraries that {package.name} needs for S3 buckets and tables of PostgreSQL",
        beside=package.name,
        scripts=DEBIAN / "storage",
    )
    for package in (AGENT, AUDITOR)
)


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
        library = root / "usr/lib" / package.library
        _unpack(wheels, library, package.rooms)
        _place(DEBIAN / "copyright", root / "usr/share/doc" / package.name / "copyright")
        if package.program is not None:
            _furnish(package.name, package.program, root, library)
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
    """Unpack wheels where they are to lie, without commands of their own; none needs other places."""
    for wheel in wheels:
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                first, _, rest = name.partition("/")
                if first.endswith(".data") and rest.startswith("scripts/"):
                    continue
                if first.endswith(".data"):
                    raise ValueError(f"{wheel.name} wants {name} outside of the library")
                if first not in ROOMS - rooms:
                    archive.extract(name, library)


def _furnish(package: str, program: Program, root: Path, library: Path) -> None:
    """Place what starts the code, and whom it runs as."""
    main = f'"""Runs `{program.name}`."""\n\nimport sys\n\nfrom {program.module} import main\n\n'
    (library / "__main__.py").write_text(main + "sys.exit(main())\n")
    usr = root / "usr"
    _place(DEBIAN / f"{program.name}.sh", usr / "bin" / program.name, executable=True)
    for unit in program.units:
        _place(SYSTEMD / unit, usr / "lib/systemd/system" / unit)
    for kind in ("sysusers", "tmpfiles"):
        source = SYSTEMD / f"{package}.{kind}.conf"
        _place(source, usr / f"lib/{kind}.d" / f"{package}.conf")
    for example in program.examples:
        _place(example, root / "etc" / package / example.name)


def _describe(package: Package, debian: Path, version: str, architecture: str) -> None:
    """Write what dpkg reads. An example is a conffile: a person's change to it is kept, too."""
    debian.mkdir()
    values = {"name": package.name, "summary": package.summary}
    values |= {"version": version, "architecture": architecture}
    values |= {"beside": f", {package.beside} (= {version})" if package.beside else ""}
    (debian / "control").write_text(Template((DEBIAN / "control").read_text()).substitute(values))
    if package.program is not None:
        examples = [f"/etc/{package.name}/{each.name}\n" for each in package.program.examples]
        (debian / "conffiles").write_text("".join(examples))
    for script in ("postinst", "prerm", "postrm"):
        text = (package.scripts / script).read_text().replace("@NAME@", package.library)
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
