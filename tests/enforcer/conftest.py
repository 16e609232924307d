"""An index to test with: SQLite in a file, and a PostgreSQL server where there is one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from enforcer.index.engine import open_index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Engine]:
    """A new index on disk."""
    engine = open_index(f"sqlite:///{tmp_path / 'index.db'}")
    yield engine
    engine.dispose()


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
