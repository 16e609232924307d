"""How far a store is whose files came from a backup: each step is taken once, and after the one before."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pytest

from agents.engine.finding import restoring
from agents.engine.finding.restoring import Restorations, Stage
from agents.engine.memory.catalogue import Catalogue
from retention.acts import Restoration
from retention.calendar import Instant
from retention.policy import DueRange

NOW = Instant(1_770_000_000)
DUE = date(2026, 1, 10)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = Catalogue(tmp_path / "catalogue.db")
    yield catalogue
    catalogue.close()


def declare(catalogue: Catalogue, name: str, since: int) -> None:
    act = Restoration(id=name, at=NOW, reason="r", store="t-1", since=Instant(NOW + since))
    with catalogue.transaction() as db:
        restoring.declare(db, act)


def scanned(catalogue: Catalogue, *names: str) -> None:
    with catalogue.transaction() as db:
        restoring.scanned(db, names)


def stages(catalogue: Catalogue) -> dict[str, int]:
    return dict(catalogue.rows("SELECT act, stage FROM restorations"))


def test_nothing_came_from_a_backup_before_anybody_says_so(catalogue: Catalogue):
    known = Restorations(catalogue)
    assert (False, None) == (known.quarantined, known.since)
    declare(catalogue, "late", 60)
    declare(catalogue, "early", 0)
    assert (True, NOW) == (known.quarantined, known.since)


def test_a_restoration_is_declared_scanned_and_dated_in_this_order(catalogue: Catalogue):
    known = Restorations(catalogue)
    for name in ("one", "other"):
        declare(catalogue, name, 0)
    known.dated("one")
    assert {"one": Stage.DECLARED, "other": Stage.DECLARED} == stages(catalogue)
    assert {"one", "other"} == known.declared()
    scanned(catalogue, "one", "unknown")
    assert ({"other"}, [("one", NOW)]) == (known.declared(), known.scanned())
    scanned(catalogue, "one")
    known.dated("one")
    known.dated("other")
    scanned(catalogue, "one")
    assert {"one": Stage.DATED, "other": Stage.DECLARED} == stages(catalogue)
    assert [] == known.scanned()


def swept(catalogue: Catalogue, *items: tuple[str, date, int, int]) -> bool:
    """Whether it is over after a sweep that left these: class, civil date, state, holds."""
    declare(catalogue, "one", 0)
    declare(catalogue, "other", 0)
    scanned(catalogue, "one")
    known = Restorations(catalogue)
    known.swept(ranges())
    assert {"one": Stage.SCANNED, "other": Stage.DECLARED} == stages(catalogue)
    known.dated("one")
    with catalogue.transaction() as db:
        for number, (name, day, state, holds) in enumerate(items, 1):
            db.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (name,))
            (word,) = db.execute("SELECT id FROM words WHERE word = ?", (name,)).fetchone()
            facts = {"record_class": word, "civil": day.toordinal(), "state": state, "holds": holds}
            write(db, number, facts)
    known.swept(ranges())
    assert "other" in stages(catalogue)
    return "one" not in stages(catalogue)


def ranges() -> Iterable[DueRange]:
    return [DueRange(name, 1, date.min, DUE) for name in ("call", "image")]


def write(db, number: int, facts: dict[str, int]) -> None:
    """One row of `items`; what nobody asks about here is nothing."""
    described = db.execute("PRAGMA table_info(items)").fetchall()
    row = {
        name: (b"%d" % number if kind == "BLOB" else 0)
        for _, name, kind, required, default, _ in described
        if required and default is None
    }
    row |= {"number": number, **facts}
    marks = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO items ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.mark.parametrize(
    ("name", "day", "state", "holds", "over"),
    [
        ("image", DUE, 0, 0, False),
        ("call", date(2025, 1, 1), 0, 0, False),
        ("image", DUE, 2, 0, False),  # in its day of grace
        ("image", DUE, 0, 1, True),
        ("image", DUE, 1, 0, True),  # undated: its week is its own
        ("image", DUE, 3, 0, True),  # restricted
        ("image", date(2026, 1, 11), 0, 0, True),
        ("canary", DUE, 0, 0, True),
    ],
)
def test_it_is_over_when_a_sweep_left_nothing_that_is_due(  # noqa: PLR0917
    catalogue: Catalogue, name: str, day: date, state: int, holds: int, over: bool
):
    assert over is swept(catalogue, (name, day, state, holds))


def test_it_is_over_where_nothing_is_left_at_all(catalogue: Catalogue):
    assert swept(catalogue)
