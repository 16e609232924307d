"""Bugs on purpose: random lives must find each of them, or they prove nothing of the product.

Each is one that somebody could make. If one is not found any more, it is the generator or the
oracle that has become worse; both are to be mended, and never this list.
"""

from itertools import chain

import pytest
from hypothesis import Phase
from model.test_model import live

from agents.engine import holding, sweep
from agents.engine.clock import TrustedTime
from agents.engine.holding import Holds
from agents.engine.receipts import Receipts
from agents.engine.redating import _Doubted
from enforcer import comply
from enforcer.intake import log
from retention import report
from retention.brake import Braking
from retention.decide import Rules

pytestmark = pytest.mark.slow


def holds_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hold matches is acknowledged, and not held."""
    monkeypatch.setattr(Holds, "_hold", lambda *_: [])


def copies_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has the content of a held item goes."""
    monkeypatch.setattr(holding, "same_content", lambda *_: [])


def no_day_of_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a release it goes at once."""
    monkeypatch.setattr(holding, "AFTER_RELEASE_SECONDS", 0)


def every_mtime_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock's error is taken off dates that were written before it went wrong."""
    monkeypatch.setattr(_Doubted, "mtime_offset", property(lambda self: self.offset))


def always_green(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the items say, the state is ok."""
    monkeypatch.setattr(comply, "_of_items", lambda _: ())


def no_intents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Erased first, written down afterwards."""
    monkeypatch.setattr(Receipts, "intend", lambda *_: None)


def the_wall_clock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the wall clock says is believed when erasing."""
    monkeypatch.setattr(TrustedTime, "lower_bound", lambda self: self._clock.wall())
    monkeypatch.setattr(TrustedTime, "trusted", True)


def unconfirmed_dates_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a clock says that nobody confirmed decides what goes."""
    decide = Rules.decide
    sure = lambda self, item: decide(self, item._replace(doubted=False))  # noqa: E731
    monkeypatch.setattr(Rules, "decide", sure)


def the_brake_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is due, it goes."""
    monkeypatch.setattr(sweep, "brake", lambda **_: Braking(False, 0, 0, ""))


def released_holds_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that is served again after its release holds again."""
    place = Holds.place

    def again(self, db, hold, at):
        db.execute("UPDATE holds SET released_at = NULL WHERE id = ?", (hold.id,))
        return place(self, db, hold, at)

    monkeypatch.setattr(Holds, "place", again)


def receipts_are_applied_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that come again are booked again."""
    before: list[report.AnyEntry] = []
    forks, book = log._forks, log._book

    def remember(connection, store, first, again):
        before[:] = map(report.decode, again)
        return forks(connection, store, first, again)

    monkeypatch.setattr(log, "_forks", remember)
    monkeypatch.setattr(log, "_book", lambda batch, entries: book(batch, chain(before, entries)))


BUGS = (
    holds_are_ignored,
    copies_are_not_held,
    no_day_of_grace,
    every_mtime_is_shifted,
    always_green,
    no_intents,
    the_wall_clock_counts,
    unconfirmed_dates_count,
    the_brake_is_off,
    released_holds_come_back,
    receipts_are_applied_twice,
)


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_random_lives_find(plant, monkeypatch: pytest.MonkeyPatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        live(40, 40, derandomize=True, phases=(Phase.generate,))
