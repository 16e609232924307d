"""One archive for the centre: the wheels of the enforcer, its services, and all that goes with them."""

import gzip
import shutil
import tarfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
BESIDE = (
    "config",
    "dashboards",
    "docs",
    "deploy/prometheus",
    "deploy/alertmanager",
    "deploy/grafana",
)
UNITS = "retention-enforcer.*"


def build(
    own: Path, wheels: Iterable[Path], into: Path, *, version: str, architecture: str, epoch: int
) -> Path:
    """Make the archive. `install.sh` in it needs no network and no index of packages."""
    name = f"retention-enforcer-{version}-{architecture}"
    tree = into / name
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "wheels").mkdir(parents=True)
    for wheel in (own, *wheels):
        shutil.copy(wheel, tree / "wheels")
    (tree / "requirements.txt").write_text(_requirements(own, version))
    shutil.copy(ROOT / "deploy" / "install.sh", tree)
    for beside in BESIDE:
        ignored = shutil.ignore_patterns("*.py", "__pycache__")
        shutil.copytree(ROOT / beside, tree / Path(beside).name, ignore=ignored)
    (tree / "systemd").mkdir()
    for unit in (ROOT / "deploy" / "systemd").glob(UNITS):
        shutil.copy(unit, tree / "systemd")
    target = into / f"{name}.tar.gz"
    _pack(tree, target, epoch)
    shutil.rmtree(tree)
    return target


def _requirements(own: Path, version: str) -> str:
    """Write the lock with ourselves in it: pip then takes nothing whose hash is not named."""
    digest = sha256(own.read_bytes()).hexdigest()
    ourselves = f"retention-enforcer=={version} --hash=sha256:{digest}\n"
    return ourselves + (ROOT / "requirements" / "centre.txt").read_text()


def _pack(tree: Path, target: Path, epoch: int) -> None:
    """Pack in an order, with owners and with times that are the same in every build."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = epoch
        member.mode = 0o755 if member.isdir() or member.name.endswith(".sh") else 0o644
        return member

    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 1, file, mtime=epoch) as packed,  # wheels are packed already
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in (tree, *sorted(tree.rglob("*"))):
            archive.add(path, path.relative_to(tree.parent), recursive=False, filter=plain)
