"""What every test may ask for."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from rgw import Gateway
from s3_proxy import Proxy
from s3_server import S3Server

from agents.stores.rows.postgres import Postgres


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Path of a real part on PATH; its absence skips the test, except in CI, where it fails."""

    def _need(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            reason = f"{program} is not installed"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return _need


@pytest.fixture(scope="session")
def gateway(need: Callable[[str], str]) -> Iterator[Gateway]:
    """A real S3 server, started when the first test asks for it."""
    # Not below pytest's own directory: a socket's path has room for 107 bytes.
    with tempfile.TemporaryDirectory(prefix="rgw-") as path:
        server = Gateway(Path(path), need)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """AWS's dialect of S3, mocked."""
    from moto_server import Moto  # noqa: PLC0415 - it loads a mock of all of AWS

    server = Moto()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[Proxy]:
    """One before the real server, that fails where it is told to."""
    proxy = Proxy(gateway.endpoint)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def postgres_server(need: Callable[[str], str]) -> Iterator[str]:
    """URL of a PostgreSQL server's own database, without the database's name."""
    initdb, pg_ctl = need("initdb"), need("pg_ctl")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None

    def run(*command: str) -> None:
        subprocess.run(
            command, user=user, check=True, cwd="/", stdin=subprocess.DEVNULL, capture_output=True
        )

    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        Path(directory).chmod(0o777)
        data = f"{directory}/data"
        run(initdb, "-D", data, "-A", "trust", "--no-sync", "-U", "postgres")
        options = f"-k {directory} -c listen_addresses= -c fsync=off"
        run(pg_ctl, "-D", data, "-w", "-l", f"{directory}/log", "-o", options, "start")
        yield f"postgresql+psycopg://postgres@/{{database}}?host={directory}"
        run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def new_schema(postgres_server: str) -> Callable[[], str]:
    """Makes an empty schema, which stands for a database of its own; gives its DSN."""
    server = postgres_server.replace("+psycopg", "").format(database="postgres")
    numbers = itertools.count(1)

    def make() -> str:
        name = f"rows{next(numbers)}"
        with closing(Postgres(server)) as owner:
            owner.rows(f"CREATE SCHEMA {name}")
        return f"{server}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A directory in the memory, where there is one: for hundreds of lives that no power cut ends."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture
def mount(need: Callable[[str], str]) -> Iterator[Callable[..., None]]:
    """Mount as mount(8) does; all is unmounted in the end, the last first."""
    need("mount")
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    points: list[Path] = []

    def _mount(*arguments: str | Path) -> None:
        if subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode:
            pytest.skip("this machine does not let root mount")
        points.append(Path(arguments[-1]))

    yield _mount
    for point in reversed(points):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


@pytest.fixture
def disk(
    tmp_path: Path, need: Callable[[str], str], mount: Callable[..., None]
) -> Callable[..., Path]:
    """Make and mount an ext4 of a name, small unless it is told how many MiB and inodes it has."""
    mkfs = need("mkfs.ext4")

    def _disk(name: str, size: int = 16, inodes: int = 2000) -> Path:
        image, point = tmp_path / f"{name}.img", tmp_path / name
        with image.open("wb") as file:
            file.truncate(size << 20)
        subprocess.run([mkfs, "-q", "-m", "0", "-N", str(inodes), image], check=True)
        point.mkdir()
        mount("-o", "loop", image, point)
        return point

    return _disk


# A shared machine may be slow for a moment: how long an example takes says nothing here.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is missing, so a skip there is a test that silently went."""
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {call.excinfo and call.excinfo.value}"
    return report
