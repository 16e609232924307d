"""Rows of a real PostgreSQL: the connection breaks at every round of a sweep, or the agent dies there.

A COMMIT that was sent and not answered among them. Nothing held goes, nothing that is there is
called erased, and at the next rest all is as if nothing had happened (I1, I2, I5, I14, I15).
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from postgres_proxy import PostgresProxy, When
from row_worlds import SqlWorld
from scene import copied
from world import at

from agents.stores.rows.postgres import Postgres
from retention.acts import Release
from retention.calendar import DAY, Instant
from retention.errors import RetentionError, StoreUnreachableError
from retention.outcome import Outcome

FIRST = at("2026-03-08 12:00")
SWEPT = Instant(FIRST + 8 * DAY)
RECORDED = ("05-freed", "06-one", "06-two", "07-three", "10-held", "12-new")
STAYS = {
    "front/20260105-120000-freed.jpg",  # released by the directive that the sweep fetches
    "front/20260110-120000-held.jpg",  # long acknowledged
    "front/20260112-120000-new.jpg",  # held by that directive
    "front/20260301-120000.jpg",  # not due
}
GOES = 4  # the undated row among them


class DiedError(BaseException):
    """The agent's process is no more."""


class Mortal(Postgres):
    """The product's own. `dies`: at the first connection that is lost the process ends."""

    dies = False

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with super()._translated():
                yield
        except StoreUnreachableError as error:
            if Mortal.dies:
                raise DiedError from error
            raise


@pytest.fixture(scope="module")
def proxy(postgres_server: str) -> Iterator[PostgresProxy]:
    with tempfile.TemporaryDirectory(prefix="pgproxy") as directory:
        proxy = PostgresProxy(Path(directory), postgres_server.rpartition("host=")[2])
        yield proxy
        proxy.stop()


@pytest.fixture(scope="module")
def scene(
    proxy: PostgresProxy,
    new_schema: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> SqlWorld:
    """A table just before a sweep; the agent has stopped. Whoever sweeps a copy fills it again."""
    dsn = proxy.dsn(new_schema())
    path = tmp_path_factory.mktemp("postgres") / "base"
    world = SqlWorld.found(path, FIRST, lambda: Mortal(dsn))
    _fill(world)
    world.activate()
    for name, day in (("held", "10"), ("freed", "05")):
        world.hold(name, at(f"2026-01-{day} 10:00"))
    world.agent.talk()
    world.scan()
    world.report()
    world.true.now = SWEPT
    world.scan()
    world.report()
    world.hold("new", at("2026-01-12 10:00"))
    world.sign(Release(id="release", at=SWEPT, reason="closed", hold="freed"))
    world.stop()
    return world


def _fill(world: SqlWorld) -> None:
    for each in RECORDED:
        day, _, tag = each.partition("-")
        world.record(at(f"2026-01-{day} 10:00"), tag=f"-{tag}")
    world.record(at("2026-03-01 10:00"))
    world.write("copies/undated.jpg")


def _again(scene: SqlWorld, path: Path) -> SqlWorld:
    world = copied(scene, path / "run")
    assert isinstance(world, SqlWorld)
    world._database.rows("TRUNCATE front, copies")
    _fill(world)
    world.boot()
    return world


def _assert_words_true(world: SqlWorld) -> None:
    """Nothing held went, and what was told erased is not there (I2, I15)."""
    assert world.files() >= STAYS
    rows = world.agent.catalogue.rows(
        "SELECT path, name FROM items JOIN directories ON id = directory"
    )
    assert world.pictures() <= {path + b"/" + name for path, name in rows}


def _assert_at_rest(world: SqlWorld) -> None:
    world.rest()
    books = world.check()
    assert world.files() == STAYS
    assert {"held", "freed", "new"} <= books.effective
    erased = [ending.outcome for ending in books.erased()]
    assert len(erased) == GOES
    assert set(erased) <= {Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT}
    assert set(books.refused.values()) <= {Outcome.REFUSED_HELD, Outcome.FAILED}
    world.stop()


@pytest.fixture(scope="module")
def rounds(scene: SqlWorld, proxy: PostgresProxy, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many rounds a sweep makes that nothing befalls."""
    world = _again(scene, tmp_path_factory.mktemp("postgres"))
    begun = len(proxy.asked)
    world.sweep()
    made = proxy.asked[begun:]
    assert any(b"COMMIT" in said for said in made)
    assert any(b"DELETE" in said for said in made)
    _assert_at_rest(world)
    return len(made)


def _sweep(
    world: SqlWorld, proxy: PostgresProxy, number: int, when: When, *, for_good: bool
) -> bytes:
    """Sweep, with a round of it cut off, or all from it on. Gives what was said in that round."""
    nth = len(proxy.asked) + number
    proxy.fault = lambda n: (
        (when if n == nth else "early") if n == nth or (for_good and n > nth) else None
    )
    with suppress(RetentionError, DiedError):
        world.sweep()
    proxy.fault = lambda _: None
    return proxy.asked[nth - 1]


WHEN: tuple[When, ...] = ("early", "middle", "late")


@pytest.mark.parametrize("when", WHEN)
def test_the_agent_dies_at_any_round(
    scene: SqlWorld,
    proxy: PostgresProxy,
    rounds: int,
    memory_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    when: When,
):
    for number in range(1, rounds + 1):
        world = _again(scene, memory_path)
        monkeypatch.setattr(Mortal, "dies", True)
        said = _sweep(world, proxy, number, when, for_good=False)
        monkeypatch.setattr(Mortal, "dies", False)
        try:
            assert world.files() >= STAYS
            world.crash()
            _assert_at_rest(world)
        except AssertionError as error:
            raise AssertionError(f"round {number}: {said!r}") from error


@pytest.mark.slow
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_the_connection_breaks_at_any_round_and_the_agent_lives(
    scene: SqlWorld,
    proxy: PostgresProxy,
    rounds: int,
    memory_path: Path,
    when: When,
    *,
    for_good: bool,
):
    for number in range(1, rounds + 1):
        world = _again(scene, memory_path)
        said = _sweep(world, proxy, number, when, for_good=for_good)
        try:
            _assert_words_true(world)
            _assert_at_rest(world)
        except AssertionError as error:
            raise AssertionError(f"round {number}: {said!r}") from error
