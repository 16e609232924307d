"""An index to test with: SQLite in a file, and a PostgreSQL server where there is one."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine

from enforcer.index.engine import open_index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Engine]:
    """A new index on disk."""
    engine = open_index(f"sqlite:///{tmp_path / 'index.db'}")
    yield engine
    engine.dispose()


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

    with TemporaryDirectory(prefix="pg") as directory:
        Path(directory).chmod(0o777)
        data = f"{directory}/data"
        run(initdb, "-D", data, "-A", "trust", "--no-sync", "-U", "postgres")
        options = f"-k {directory} -c listen_addresses= -c fsync=off"
        run(pg_ctl, "-D", data, "-w", "-l", f"{directory}/log", "-o", options, "start")
        yield f"postgresql+psycopg://postgres@/{{database}}?host={directory}"
        run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Engine]:
    """A new index on PostgreSQL."""
    url = postgres_server.format(database="postgres")
    with open_index(url).connect() as connection:
        yield connection.engine
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.commit()
    connection.engine.dispose()


@pytest.fixture(params=["index", "postgres"])
def either(request: pytest.FixtureRequest) -> Engine:
    """A new index, once on each kind of database."""
    engine: Engine = request.getfixturevalue(request.param)
    return engine
