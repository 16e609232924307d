"""Random lives of a store, held against the reference model after every event.

    pytest tests/model                                      the short lives and the longer ones
    MODEL_SECONDS=600 pytest tests/model -k new             new random lives, of each kind ten minutes

The first two are derandomized, so that they say the same on every machine; the third is not. A
failing life is printed as the calls that make it up.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model.disk import DISKS, BucketDisk, CallDisk
from model.gateway import GatewayGround
from model.grounds import GROUNDS
from model.life import HOUR, MINUTE, Life
from model.wire import Fate
from rgw import Gateway

from retention.calendar import DAY, Instant

IMAGES = ("front", "copies", "odd")
CLASSES = ("terminal-image", "contact-centre-call")

directories = st.sampled_from((*IMAGES, "calls"))
picks = st.integers(0, 30)
ages = st.sampled_from([0, HOUR, DAY, 30 * DAY, 58 * DAY, 59 * DAY, 61 * DAY, 75 * DAY, 190 * DAY])
spells = st.sampled_from(
    [
        MINUTE,
        HOUR,
        6 * HOUR,
        18 * HOUR,
        DAY,
        2 * DAY,
        4 * DAY,
        8 * DAY,
        31 * DAY,
        59 * DAY,
        70 * DAY,
    ]
)
wrongs = st.sampled_from(
    [0, -MINUTE, MINUTE, -HOUR, HOUR, -DAY, DAY, -40 * DAY, 40 * DAY, 400 * DAY]
)


class Promise(RuleBasedStateMachine):
    """Anything that can happen, in any order; `Life` holds each event against the promise."""

    kind = "tree"
    lives = 8  # of an ordinary run

    def __init__(self) -> None:
        super().__init__()
        shared = Path("/dev/shm")
        self.directory = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
        self.life = Life(self.directory, self.kind)

    def teardown(self) -> None:
        """Whatever happened, everything comes to rest."""
        try:
            self.life.rest()
        finally:
            self.life.die()
            self.life.office.stop()
            self.life.ground.close()
            shutil.rmtree(self.directory)

    @initialize(
        backlog=st.lists(st.tuples(directories, ages, st.booleans(), st.booleans()), max_size=4),
        crowd=st.sampled_from([0, 0, 12]),
        active=st.sampled_from([(), CLASSES[:1], CLASSES]),
    )
    def install(self, backlog, crowd, active) -> None:
        for directory, age, named, dated in backlog:
            self.life.disk.deposit(directory, age, named=named, dated=dated)
        for _ in range(crowd):
            self.life.disk.deposit("front", 58 * DAY, named=True)
        self.life.talk()
        for record_class in active:
            self.life.people.activate(record_class, 3)
        self.life.check()

    # What comes and goes on the disk.

    @rule(directory=directories, named=st.booleans(), own_clock=st.booleans())
    def record(self, directory, named, own_clock) -> None:
        self.life.disk.record(directory, named=named, own_clock=own_clock)

    @rule(directory=directories, age=ages, named=st.booleans(), dated=st.booleans())
    def deposit(self, directory, age, named, dated) -> None:
        self.life.disk.deposit(directory, age, named=named, dated=dated)

    @precondition(lambda self: self.life.disk.erased)
    @rule(pick=picks)
    def come_back(self, pick) -> None:
        erased = self.life.disk.erased
        self.life.disk.come_back(erased[pick % len(erased)])

    # Time, and what clocks make of it.

    @rule(seconds=spells)
    def wait(self, seconds) -> None:
        self.life.true.pass_(seconds)
        self.life.check()

    @precondition(lambda self: self.life.observer.files)
    @rule(pick=picks, which=st.sampled_from(["due_at", "must_be_gone_by"]), off=st.integers(-1, 1))
    def wait_for(self, pick, which, off) -> None:
        """To the second at which something may go, or must be gone."""
        file = self._file(pick)
        limits = self.life.observer.limits_of(file, file.earliest)
        self.life.true.now = Instant(max(self.life.true.now, getattr(limits, which) + off))
        self.life.check()

    @rule(ahead=wrongs)
    def turn_the_clock(self, ahead) -> None:
        self._slacken(ahead)
        self.life.turn_the_clock(ahead)
        self.life.check()

    @rule(off=st.sampled_from([0, MINUTE, DAY, 70 * DAY]), ahead=wrongs)
    def reboot(self, off, ahead) -> None:
        self._slacken(ahead)
        self.life.reboot(off=off, ahead=ahead)
        self.life.check()

    @rule(skew=st.sampled_from([-MINUTE, 0, MINUTE]))
    def turn_the_offices_clock(self, skew) -> None:
        self._slacken(skew)
        self.life.skew = skew
        self.life.check()

    # What the agent does, and what befalls it.

    @rule(
        what=st.sampled_from(
            [
                "scan",
                "step_scan",
                "sweep",
                "step_sweep",
                "report",
                "consult",
                "talk",
                "beat",
                "look",
                "tick",
                "cycle",
                "cycle",
                "cycle",
            ]
        )
    )
    def work(self, what) -> None:
        getattr(self.life, what)()
        self.life.check()

    @rule(hours=st.sampled_from([12, 24, 72]))
    def live(self, hours) -> None:
        self.life.live(hours)

    @rule(after=st.integers(0, 2))
    def die_in_a_sweep(self, after) -> None:
        if self.life.box.agent is not None:
            self.life.sweep(dies_after=after)
        self.life.check()

    @rule(
        what=st.sampled_from(
            ["die", "start", "start", "forget_everything", "copy_state", "restore_state"]
        )
    )
    def befall(self, what) -> None:
        getattr(self.life, what)()
        self.life.check()

    # The wire, and the enforcer.

    @rule(fates=st.lists(st.sampled_from(Fate), min_size=1, max_size=4))
    def weather(self, fates) -> None:
        self.life.box.wire.fates.extend(fates)

    @rule(cut=st.booleans())
    def part(self, cut) -> None:
        self.life.box.wire.cut = cut
        if not cut:
            self.life.box.wire.deliver_late()
        self.life.check()

    @rule(
        what=st.sampled_from(["prove", "prove", "restart_office", "copy_office", "restore_office"])
    )
    def befall_the_office(self, what) -> None:
        getattr(self.life, what)()
        self.life.check()

    # What people decide.

    @precondition(lambda self: self.life.observer.files)
    @rule(
        pick=picks,
        minutes=st.sampled_from([0, 30, 1440]),
        source=st.sampled_from(["", "front", "copies", "calls", "unregistered"]),
        then=st.booleans(),
    )
    def hold_time(self, pick, minutes, source, then) -> None:
        moment = self._file(pick).begins
        self.life.people.hold_time(moment, minutes, (source,) if source else ())
        if then:
            self.life.talk()
        self.life.check()

    @precondition(lambda self: self.life.observer.files)
    @rule(
        what=st.sampled_from(["hold_item", "restrict", "erase_early"]),
        pick=picks,
        then=st.booleans(),
    )
    def decide(self, what, pick, then) -> None:
        getattr(self.life.people, what)(self._file(pick))
        if then:
            self.life.talk()
        self.life.check()

    @precondition(lambda self: self.life.observer.files)
    @rule(pick=picks, by=st.sampled_from([-40 * DAY, -DAY, DAY, 40 * DAY]), then=st.booleans())
    def correct(self, pick, by, then) -> None:
        file = self._file(pick)
        begins = Instant(min(file.begins + by, self.life.true.now - MINUTE))
        self.life.people.correct(file, begins)
        if then:
            self.life.talk()
        self.life.check()

    @precondition(lambda self: self.life.observer.holds)
    @rule(pick=picks, then=st.booleans())
    def release(self, pick, then) -> None:
        hold = self._hold(pick)
        if hold.id.startswith("restriction-"):
            for file in list(self.life.observer.files.values()):
                if file.inode in hold.files and self.life.people.lift(file, hold.id):
                    break
        else:
            self.life.people.release(hold.id)
        if then:
            self.life.talk()
        self.life.check()

    @precondition(lambda self: self.life.observer.holds)
    @rule(
        pick=picks,
        names=st.sampled_from([(), ("anna",), ("dace", "dace"), ("anna", "edgars"), ("mallory",)]),
    )
    def forge(self, pick, names) -> None:
        self.life.people.forge(self._hold(pick).id, *names)
        self.life.people.omit(self._hold(pick).id)
        self.life.check()

    @rule(record_class=st.sampled_from(CLASSES), number=st.sampled_from([0, 2, 20]))
    def activate(self, record_class, number) -> None:
        self.life.people.activate(record_class, number)
        self.life.check()

    @rule(number=st.sampled_from([2, 20]))
    def release_the_brake(self, number) -> None:
        self.life.people.release_brake(number)
        self.life.check()

    def _file(self, pick):
        paths = sorted(self.life.observer.files)
        return self.life.observer.files[paths[pick % len(paths)]]

    def _hold(self, pick):
        holds = sorted(self.life.observer.holds)
        return self.life.observer.holds[holds[pick % len(holds)]]

    def _slacken(self, seconds) -> None:
        """A minute is what clocks may differ by without anybody's calling them wrong."""
        if 0 < abs(seconds) <= MINUTE:
            self.life.observer.slack = 150


class TreePromise(Promise):
    """Of a tree of directories: hard links and symbolic ones, and names that change hands."""

    lives = 25

    @precondition(lambda self: self.life.observer.files)
    @rule(what=st.sampled_from(["copy", "link", "move"]), pick=picks, to=st.sampled_from(IMAGES))
    def spread(self, what, pick, to) -> None:
        file = self._file(pick)
        if file.source == "calls":
            to = "calls"
        if what != "move" or file.path != f"{to}/{file.path.rpartition('/')[2]}":
            getattr(self.life.disk, what)(file.path, to)

    @precondition(lambda self: self.life.observer.files)
    @rule(
        what=st.sampled_from(["rewrite", "replace", "remove", "link_outside", "mark"]), pick=picks
    )
    def meddle(self, what, pick) -> None:
        getattr(self.life.disk, what)(self._file(pick).path)

    @rule(directory=directories, outside=st.booleans())
    def point(self, directory, outside) -> None:
        if outside:
            self.life.disk.point_outside(directory)
        else:
            self.life.disk.clear_outside()


class BucketPromise(Promise):
    """Of a bucket with versions and locks: what is written over or deleted is still there."""

    kind = "bucket"

    @precondition(lambda self: self.life.observer.files)
    @rule(what=st.sampled_from(["copy", "move"]), pick=picks, to=st.sampled_from(IMAGES))
    def spread(self, what, pick, to) -> None:
        file = self._file(pick)
        getattr(self.life.disk, what)(file.path, "calls" if file.source == "calls" else to)

    @precondition(lambda self: self.life.observer.files)
    @rule(what=st.sampled_from(["rewrite", "remove", "mark"]), pick=picks)
    def meddle(self, what, pick) -> None:
        getattr(self.life.disk, what)(self._file(pick).path)


class UploadPromise(BucketPromise):
    """Of uploads besides, which are completed, or aborted by somebody else, or by nobody."""

    @rule(directory=directories)
    def begin(self, directory) -> None:
        self.life.disk.begin(directory)

    @precondition(lambda self: any(file.begun for file in self.life.observer.files.values()))
    @rule(pick=picks)
    def complete(self, pick) -> None:
        begun = [file for file in self.life.observer.files.values() if file.begun]
        self.life.disk.complete(begun[pick % len(begun)].path)


class CsvPromise(Promise):
    """Of rows: somebody else can delete them, and nobody can keep them from it."""

    kind = "CSV"

    @precondition(lambda self: self.life.observer.files)
    @rule(pick=picks)
    def remove(self, pick) -> None:
        self.life.disk.remove(self._file(pick).path)


class SqlitePromise(CsvPromise):
    """Of rows of a table."""

    kind = "SQLite"


class BlankedPromise(CsvPromise):
    """Of rows of a table that stay, and say nothing more."""

    kind = "blanked"


class CallPromise(Promise):
    """Of calls with all that belongs to them: parts come early or late, are lost, and come back."""

    kind = "calls"

    @precondition(lambda self: self.life.observer.files)
    @rule(pick=picks, kind=st.sampled_from(CallDisk.KINDS))
    def add(self, pick, kind) -> None:
        self.life.disk.add(self._file(pick), kind)

    @precondition(lambda self: self.life.observer.files)
    @rule(what=st.sampled_from(["remove", "mark"]), pick=picks)
    def meddle(self, what, pick) -> None:
        file = self._file(pick)
        if what == "remove" or not file.path.startswith("cdr/"):
            getattr(self.life.disk, what)(file.path)


class BucketCallPromise(CallPromise):
    """Of calls in a bucket: a part that is written over is one part more."""

    kind = "calls in a bucket"

    @precondition(lambda self: self.life.observer.files)
    @rule(pick=picks, kind=st.sampled_from(list(filter(None, CallDisk.KINDS))))
    def add(self, pick, kind) -> None:
        self.life.disk.add(self._file(pick), kind)


KINDS = (
    TreePromise,
    UploadPromise,
    CsvPromise,
    SqlitePromise,
    BlankedPromise,
    CallPromise,
    BucketCallPromise,
)
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def live(lives: int, steps: int, kind: type[Promise] = TreePromise, **how: object) -> None:
    # Hypothesis mixes in constants of all modules that the process has imported by then. Which these are
    # depends on the tests before: the same lives would be others in each run.
    providers.CONSTANTS_CACHE.cache.clear()
    with patch.object(providers, "_get_local_constants", Constants):
        run_state_machine_as_test(
            kind,
            settings=settings(
                max_examples=lives,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                **how,
            ),
        )


@each_kind
def test_short_lives_keep_the_promise(kind):
    live(kind.lives, 25, kind, derandomize=True, phases=(Phase.generate,))


@pytest.mark.slow
@each_kind
def test_longer_lives_keep_the_promise(kind):
    live(kind.lives, 60, kind, derandomize=True, phases=(Phase.generate,))


@pytest.mark.slow
class PostgresPromise(CsvPromise):
    """Of rows of a table on a real server."""

    kind = "PostgreSQL"


class GatewayPromise(BucketPromise):
    """Of a bucket on a real server."""

    kind = "gateway"


@pytest.mark.slow
def test_lives_on_a_real_database_keep_the_promise(postgres_ground: str):
    live(5, 25, PostgresPromise, derandomize=True, phases=(Phase.generate,))


@pytest.mark.slow
def test_lives_on_a_real_bucket_keep_the_promise(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(GROUNDS, "gateway", lambda path, true: GatewayGround(path, true, gateway))
    monkeypatch.setitem(DISKS, "gateway", BucketDisk)
    live(5, 25, GatewayPromise, derandomize=True, phases=(Phase.generate,))


@each_kind
def test_new_lives_keep_the_promise_for_as_long_as_asked(kind):
    """Ordinarily one life, so that the way to do it stays a way."""
    end = time.monotonic() + float(os.environ.get("MODEL_SECONDS", "0"))
    asked = time.monotonic() < end
    how = (Phase.generate, Phase.shrink)
    live(50 if asked else 1, 40, kind, derandomize=not asked, phases=how)
    while time.monotonic() < end:
        live(50, 40, kind, phases=how)
