"""Bugs on purpose: each is one that somebody could make, and the model must find it.

Some are found by the random lives of an ordinary run. Others need more luck than that, so a life is
told that meets them, and passes without the bug: it shows at least that the oracle sees them. If one
is not found any more, generator or oracle has become worse; both are to be mended, never this list.
"""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from hypothesis import Phase
from model.disk import CallDisk
from model.grounds import GROUNDS
from model.life import Life
from model.test_model import live
from model.wire import Fate

from agents.engine.clock import TrustedTime
from agents.engine.erasing import sweep
from agents.engine.erasing.receipts import Receipts
from agents.engine.erasing.sweep import Sweeper
from agents.engine.finding.redating import Redater, _Seen
from agents.engine.holding import holds
from agents.engine.holding.holds import Holds
from enforcer import comply
from enforcer.intake import log
from retention.brake import Braking
from retention.calendar import DAY
from retention.decide import Rules


def holds_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hold matches is acknowledged, and not held."""
    monkeypatch.setattr(Holds, "_hold", lambda *_: [])


def copies_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has the content of a held item goes."""
    monkeypatch.setattr(holds, "with_twins", lambda _db, numbers: set(numbers))


def no_day_of_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a release it goes at once."""
    monkeypatch.setattr(holds, "AFTER_RELEASE_SECONDS", 0)


def every_mtime_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock's error is taken off dates that were written before it went wrong."""
    monkeypatch.setattr(_Seen, "mtime_offset", property(lambda self: self.offset))
    monkeypatch.setattr(Redater, "_may_be_anothers", lambda *_: False)


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
    """A hold that is told again after its release holds again."""
    place = Holds.place

    def again(self, db, hold, at, latest):
        db.execute("UPDATE holds SET released_at = NULL WHERE id = ?", (hold.id,))
        return place(self, db, hold, at, latest)

    monkeypatch.setattr(Holds, "place", again)
    monkeypatch.setattr(Holds, "released", lambda *_: False)


def receipts_are_applied_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that come again are booked again."""
    monkeypatch.setattr(log, "min", lambda *_: 0, raising=False)  # of how many are known


# Lives that meet a bug.


def a_copy_of_a_held_recording(life: Life) -> None:
    file = life.disk.deposit("front", 70 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.talk()
    life.disk.copy(file.path, "copies")
    life.scan()
    life.people.hold_time(file.begins, 30, ("front",))
    life.talk()
    life.check()
    life.cycle()


def a_release(life: Life) -> None:
    file = life.disk.deposit("front", 61 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.people.hold_time(file.begins, 30, ())
    life.cycle()
    life.people.release("hold-00000002")
    life.talk()
    life.check()
    life.cycle()


def a_clock_far_ahead(life: Life) -> None:
    life.people.activate("terminal-image", 20)
    life.talk()
    life.disk.record("front", named=True)
    life.cycle()
    life.box.clock.ahead = 70 * DAY
    life.cycle()


def a_backlog_met_by_a_clock_far_ahead(life: Life) -> None:
    """Nobody saw it come, so its mtime alone tells how old it is."""
    life.people.activate("terminal-image", 20)
    life.talk()
    life.disk.record("odd", named=False, own_clock=False)
    life.true.pass_(60)
    life.box.clock.ahead = 400 * DAY
    life.cycle()
    life.box.clock.ahead = 0
    life.rest()


def a_slow_clock_that_time_service_sets_right(life: Life) -> None:
    life.people.activate("terminal-image", 20)
    life.cycle()
    life.box.wire.cut = True
    life.reboot(off=0, ahead=-40 * DAY)
    life.disk.record("front", named=False)
    life.scan()
    life.box.clock.ahead = 0
    life.box.clock.ntp = True
    for _ in range(25):
        life.true.pass_(DAY)
        life.cycle()


def a_marker_that_still_lies_there_after_its_release(life: Life) -> None:
    file = life.disk.deposit("front", 61 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.disk.mark(file.path)
    life.cycle()
    life.people.release(next(iter(life.observer.holds)))
    life.rest()


def receipts_that_come_twice(life: Life) -> None:
    life.disk.deposit("front", 61 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.cycle()
    life.report()
    life.disk.deposit("front", 61 * DAY, named=True)
    life.scan()
    life.report()
    life.true.pass_(2 * DAY)
    life.sweep()
    life.box.wire.fates.append(Fate.DOUBLED)
    life.report()
    life.rest()


FOUND = {
    holds_are_ignored: "held by",
    always_green: "all is green",
    no_intents: "without an intent",
    the_brake_is_off: "more at once",
}
TOLD = {
    copies_are_not_held: (a_copy_of_a_held_recording, "held by"),
    no_day_of_grace: (a_release, "day of grace"),
    every_mtime_is_shifted: (a_backlog_met_by_a_clock_far_ahead, "it is due in"),
    the_wall_clock_counts: (a_clock_far_ahead, "it is due in"),
    unconfirmed_dates_count: (a_slow_clock_that_time_service_sets_right, "it is due in"),
    released_holds_come_back: (
        a_marker_that_still_lies_there_after_its_release,
        "is overdue",
    ),
    receipts_are_applied_twice: (receipts_that_come_twice, "log of this store is not ours"),
}


def recordings_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a call its recording goes before what lies beside it."""

    def erase(self, plan):
        stages = (plan.wanted, plan.legs, plan.companions)
        return [result for stage in stages if stage for result in self._store.erase(stage)]

    monkeypatch.setattr(Sweeper, "_erase", erase)


def something_held(life: Life) -> None:
    file = life.disk.deposit("front", 70 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.people.hold_time(file.begins, 30, ("front",))
    life.talk()
    life.check()
    life.cycle()
    life.rest()


def something_due(life: Life) -> None:
    life.disk.deposit("front", 70 * DAY, named=True)
    life.people.activate("terminal-image", 20)
    life.talk()
    life.cycle()
    life.rest()


def an_agent_that_dies_between_parts(life: Life) -> None:
    disk = life.disk
    assert isinstance(disk, CallDisk)
    file = disk.deposit("front", 70 * DAY, named=True)
    for kind in (".json", ""):
        disk.add(file, kind)
    life.people.activate("terminal-image", 20)
    life.talk()
    life.scan()
    life.sweep(dies_after=1)
    life.rest()


ELSEWHERE = [
    *((kind, holds_are_ignored, something_held, "held by") for kind in GROUNDS),
    *((kind, no_intents, something_due, "without an intent") for kind in GROUNDS),
    ("calls", recordings_go_first, an_agent_that_dies_between_parts, "its recording first"),
]


@pytest.mark.parametrize("planted", [False, True])
@pytest.mark.parametrize(
    ("kind", "plant", "story", "says"),
    ELSEWHERE,
    ids=[f"{kind}-{plant.__name__}" for kind, plant, _, _ in ELSEWHERE],
)
def test_a_life_on_any_ground_that_meets_it_finds(  # noqa: PLR0917 - a table's columns
    new_life: Callable[[str], Life], monkeypatch, kind, plant, story, says, planted
):
    if planted:
        plant(monkeypatch)
    with pytest.raises(AssertionError, match=says) if planted else nullcontext():
        story(new_life(kind))


@pytest.mark.slow
@pytest.mark.parametrize("plant", FOUND, ids=lambda plant: plant.__name__)
def test_random_lives_find(plant, monkeypatch: pytest.MonkeyPatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=FOUND[plant]):
        live(40, 40, derandomize=True, phases=(Phase.generate,))


@pytest.mark.parametrize("plant", TOLD, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("planted", [False, True])
def test_a_life_that_meets_it_finds(
    plant, life: Life, monkeypatch: pytest.MonkeyPatch, *, planted: bool
):
    story, says = TOLD[plant]
    if planted:
        plant(monkeypatch)
    with pytest.raises(AssertionError, match=says) if planted else nullcontext():
        story(life)
