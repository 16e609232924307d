"""What leaves the house is whole, says nothing of the house, and comes out the same again."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest

import deploy.__main__ as building
from deploy import debs, wheels

ROOT = wheels.ROOT
_PATH = "import sys; sys.path.insert(0, sys.argv[1])\n"
#: What each does first with a bucket and a table: it looks for its keys, and for its database.
LOADS = {
    "retention-agent": _PATH
    + """
from agents.storage import bucket_place
from agents.stores.bucket.access import Access
from agents.stores.rows.postgres import Postgres
Access().keys()
Postgres("host=127.0.0.1")
""",
    "retention-auditor": _PATH + "import auditor.cli, botocore.session, psycopg",
}
PIN = re.compile(r"^([a-z0-9-]+==\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def unpacked(
    dist: Path, need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Each package, as it would lie on a machine, by its name."""
    found = {}
    for path in (dist / "new").glob("*.deb"):
        found[path.name.partition("_")[0]] = into = tmp_path_factory.mktemp("deb") / "root"
        subprocess.run([need("dpkg-deb"), "-R", path, into], check=True)
    (archive,) = (dist / "new").glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path_factory.mktemp("centre"), filter="data")
        found["centre"] = tmp_path_factory.getbasetemp() / "centre0" / packed.getnames()[0]
    return found


@pytest.mark.parametrize("lock", ["agent.txt", "storage.txt", "centre.txt"])
def test_what_is_carried_is_what_the_tests_ran_with(lock: str):
    """Made by `make lock` in one go; a lock of its own would be a version that nobody tried."""
    tried = set(PIN.findall((ROOT / "requirements/dev.txt").read_text()))
    carried = set(PIN.findall((ROOT / "requirements" / lock).read_text()))
    assert len(carried) > 5
    assert set() == carried - tried


PROGRAMS = pytest.mark.parametrize(
    "package", [debs.AGENT, debs.AUDITOR], ids=lambda package: package.name
)


@pytest.mark.slow
@PROGRAMS
def test_a_package_has_its_own_rooms_and_runs_by_debians_python_alone(
    unpacked: dict[str, Path], need: Callable[[str], str], package: debs.Package
):
    library = unpacked[package.name] / "usr/lib" / package.name
    assert package.rooms == {path.name for path in library.iterdir()} & debs.ROOMS
    done = subprocess.run(
        [need(f"python{wheels.PYTHON}"), "-IBS", library, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert package.program is not None
    assert f"usage: {package.program.name}" in done.stdout
    inside = [path for path in library.rglob("*") if path.name == "__pycache__"]
    assert [] == inside, "bytecode is made on the machine, for its own Python"


@pytest.mark.slow
@PROGRAMS
def test_a_package_brings_its_services_users_and_examples(
    unpacked: dict[str, Path], package: debs.Package
):
    root = unpacked[package.name]
    assert package.program is not None
    for unit in package.program.units:
        path = root / "usr/lib/systemd/system" / unit
        for command in re.findall(r"^ExecStart=(\S+)", path.read_text(), re.MULTILINE):
            assert os.access(root / command.lstrip("/"), os.X_OK)
    for kind in ("sysusers", "tmpfiles"):
        assert (root / f"usr/lib/{kind}.d/{package.name}.conf").exists()
    conffiles = (root / "DEBIAN/conffiles").read_text().splitlines()
    assert conffiles
    assert all((root / name.lstrip("/")).exists() for name in conffiles)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [f"retention-{who}{rest}" for who in ("agent", "auditor") for rest in ("", "-storage")]
)
def test_no_package_removes_what_it_did_not_bring(unpacked: dict[str, Path], name: str):
    for script in ("postinst", "prerm", "postrm"):
        path = unpacked[name] / "DEBIAN" / script
        assert "@NAME@" not in path.read_text()
        subprocess.run(["sh", "-n", path], check=True)
        lines = path.read_text().splitlines()
        removed = [line for line in lines if re.search(r"\brm\b", line)]
        assert all("__pycache__" in line for line in removed), "the state is nobody's to remove"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["retention-agent", "retention-auditor"])
def test_what_buckets_and_databases_need_lies_beside_a_program_and_in_no_terminals_package(
    unpacked: dict[str, Path], need: Callable[[str], str], tmp_path: Path, name: str
):
    light, beside = (unpacked[f"{name}{rest}"] for rest in ("", "-storage"))
    files = {
        root: {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
        for root in (light / "usr", beside / "usr")
    }
    assert set() == set.intersection(*files.values()), "no two packages have one file"
    for library in ("botocore", "psycopg"):
        assert not (light / "usr/lib" / name / library).exists()
    told = (beside / "DEBIAN/control").read_text()
    version = re.search(r"^Version: (.*)$", (light / "DEBIAN/control").read_text(), re.MULTILINE)
    assert version is not None
    assert f"{name} (= {version[1]})" in told
    for root in (light, beside):
        shutil.copytree(root / "usr/lib" / name, tmp_path / "both", dirs_exist_ok=True)
    for library, loads in ((light / "usr/lib" / name, False), (tmp_path / "both", True)):
        done = subprocess.run(
            [need(f"python{wheels.PYTHON}"), "-IBS", "-c", LOADS[name], library],
            env={"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert loads is (done.returncode == 0), done.stderr


@pytest.mark.slow
def test_the_centres_archive_names_every_file_that_pip_may_take(unpacked: dict[str, Path]):
    centre = unpacked["centre"]
    named = set(re.findall(r"sha256:([0-9a-f]{64})", (centre / "requirements.txt").read_text()))
    there = {sha256(path.read_bytes()).hexdigest() for path in (centre / "wheels").iterdir()}
    assert len(there) > 30
    assert set() == there - named
    for name in ("install.sh", "systemd/retention-enforcer.service", "config", "docs"):
        assert (centre / name).exists()


@pytest.mark.slow
def test_what_the_page_copies_out_of_the_centres_archive_is_in_it(unpacked: dict[str, Path]):
    page = (ROOT / "docs/installing.md").read_text()
    copied = r"^ {4}(?:cp|install).*? ((?:prometheus|alertmanager|dashboards|grafana)\S*)"
    named = re.findall(copied, page, re.MULTILINE)
    assert 5 == len(named)
    assert [] == [each for each in named if not (unpacked["centre"] / each).exists()]


@pytest.mark.slow
def test_no_package_tells_where_it_was_made(unpacked: dict[str, Path]):
    """No path of this machine, no index of packages: neither in a file nor in a wheel's file."""
    telling = {str(ROOT), str(Path.home()), sys.prefix, *_indexes()} - {"/", "/root"}
    needles = [word.encode() for word in telling if len(word) > 3]
    told = [
        (name, needle)
        for root in unpacked.values()
        for name, data in _files(root)
        for needle in needles
        if needle in data
    ]
    assert [] == told


def _indexes() -> set[str]:
    """What pip is set up with on this machine, but for the one that everybody has."""
    done = subprocess.run(
        [wheels.with_pip(), "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = f"{done.stdout} {' '.join(v for k, v in os.environ.items() if k.startswith('PIP_'))}"
    hosts = {urlsplit(url).hostname or "" for url in re.findall(r"https?://[^\s']+", told)}
    everybodys = f"{'pypi'}.org"  # many a library's own description names it
    return (hosts | set(re.findall(r"file://(/[^\s']+)", told))) - {"", everybodys}


def _files(root: Path):
    for path in root.rglob("*"):
        if path.suffix == ".whl":
            with ZipFile(path) as wheel:
                for name in wheel.namelist():
                    yield f"{path.name}/{name}", wheel.read(name)
        elif path.is_file():
            yield str(path.relative_to(root)), path.read_bytes()


@pytest.mark.slow
def test_the_same_sources_make_the_same_packages(dist: Path, tmp_path: Path):
    """Somebody else can build them, and see that they are what the sources say."""
    (first,) = (dist / "new").glob("retention-agent_*.deb")
    epoch = building.source_date()
    own = wheels.build_own(tmp_path / "own", epoch)
    carried = wheels.collect(ROOT / "requirements/agent.txt", tmp_path / "carried", "amd64")
    again = debs.build(
        debs.AGENT,
        [own, *carried],
        tmp_path,
        version=first.name.split("_")[1],
        architecture="amd64",
        epoch=epoch,
    )
    assert again.read_bytes() == first.read_bytes()
