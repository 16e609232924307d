"""Each day's leaf: how long it was ok, violated, unknown; what nobody saw is unknown."""

from datetime import date
from zoneinfo import ZoneInfo

from fleet import CHAIN, NOW, add_store
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from enforcer import comply
from enforcer.index import standings
from enforcer.index.engine import reading, writing
from enforcer.index.tables import leaves, watched
from enforcer.tasks import days
from enforcer.tasks.days import Seen
from enforcer.tasks.watch import Watch
from retention import ledger
from retention.calendar import DAY, Instant, civil_date, parse_instant
from retention.classes import CANARY
from retention.ledger import Day

RIGA = ZoneInfo("Europe/Riga")
OK = Seen("terminal-image", "ok", frozenset())
LATE = Seen("terminal-image", "violated", frozenset({"overdue"}))
MONDAY, TUESDAY = date(2026, 6, 8), date(2026, 6, 9)


def written(engine):
    with reading(engine) as connection:
        data = connection.execute(select(leaves.c.data).where(leaves.c.kind == "day"))
        return [ledger.decode(each) for each in data.scalars()]


def counted(engine):
    """Seconds of pictures' days that have no leaf yet."""
    of_pictures = (watched.c.reason == "", watched.c.record_class == OK.record_class)
    with reading(engine) as connection:
        return sum(connection.execute(select(watched.c.seconds).where(*of_pictures)).scalars())


def test_a_day_adds_up_to_its_length_and_the_rest_is_unknown(index):
    with writing(index) as connection:
        days.watch(connection, [OK], MONDAY, 80_000)
        days.watch(connection, [LATE], MONDAY, 400)
        days.watch(connection, [OK], TUESDAY, 60)
    with writing(index) as connection:
        assert days.close(connection, [], TUESDAY, RIGA, Instant(9)) == 1
    assert written(index) == [
        Day(
            at=Instant(9),
            day=MONDAY,
            record_class="terminal-image",
            ok=80_000,
            violated=400,
            unknown=6_000,
            reasons=("not_watched", "overdue"),
        )
    ]
    with writing(index) as connection:
        assert days.close(connection, [], TUESDAY, RIGA, Instant(9)) == 0
        assert [row.civil for row in connection.execute(select(watched))] == [TUESDAY.toordinal()]


def test_the_night_of_a_change_of_clocks_has_its_own_length(index):
    with writing(index) as connection:
        days.watch(connection, [OK], date(2026, 10, 25), 25 * 3600)
        days.close(connection, [], date(2026, 10, 26), RIGA, Instant(0))
    (leaf,) = written(index)
    assert (leaf.ok, leaf.unknown, leaf.reasons) == (90_000, 0, ())


@given(st.integers(0, 2**32), st.integers(0, 3 * DAY))
def test_seconds_are_split_at_midnight_and_none_is_lost(since, length):
    parts = list(days.split(Instant(since), Instant(since + length), RIGA))
    assert sum(seconds for _, seconds in parts) == length
    assert [day for day, _ in parts] == sorted({day for day, _ in parts})
    if parts:
        assert parts[0][0] == civil_date(Instant(since), RIGA)


def test_days_of_which_nothing_was_seen_have_leaves_that_say_so(either):
    """The enforcer is off from the midnight after Monday until Thursday."""
    name, thursday = OK.record_class, date(2026, 6, 11)
    with writing(either) as connection:
        days.watch(connection, [OK], MONDAY, DAY)
        assert days.close(connection, [name], TUESDAY, RIGA, Instant(1)) == 1
    with writing(either) as connection:
        days.watch(connection, [OK], thursday, 60)
        assert days.close(connection, [name], thursday, RIGA, Instant(2)) == 2
    found = [(each.day, each.ok, each.unknown, each.reasons) for each in written(either)]
    assert found == [
        (MONDAY, DAY, 0, ()),
        (TUESDAY, 0, DAY, ("not_watched",)),
        (date(2026, 6, 10), 0, DAY, ("not_watched",)),
    ]


def test_a_class_that_is_no_more_and_a_clock_of_another_year_make_no_days(index):
    with writing(index) as connection:
        days.watch(connection, [OK], MONDAY, 60)
        assert days.close(connection, [], TUESDAY, RIGA, Instant(1)) == 1
        assert days.close(connection, [], date(2026, 6, 10), RIGA, Instant(2)) == 0
        days.watch(connection, [OK], MONDAY, 60)
        assert days.close(connection, [], date(2036, 6, 10), RIGA, Instant(3)) == 1


def test_each_second_counts_once_however_many_processes_look(served):
    served.enrol("t-1")
    since = served.clock.now
    first, second = (
        Watch(served.engine, served.built.chains, served.clock, RIGA) for _ in range(2)
    )
    for watching in (first, second, second, first, second):
        watching.look()
        served.clock.forward(45)
    assert counted(served.engine) == served.clock.now - 45 - since


def test_a_look_that_was_overtaken_by_another_process_counts_nothing(served):
    served.enrol("t-1")
    watching = Watch(served.engine, served.built.chains, served.clock, RIGA)
    for forward in (60, 60, -30, 60):
        watching.look()
        served.clock.forward(forward)
    watching.look()
    assert counted(served.engine) == 150


def test_only_looks_in_a_row_count(served):
    served.enrol("t-1")
    served.clock.now = parse_instant("2026-06-10T23:59:00+03:00")
    watching = Watch(served.engine, served.built.chains, served.clock, RIGA)
    watching.look()
    for _ in range(2):
        served.clock.forward(60)
        watching.look()
    served.clock.forward(3600)  # the machine slept
    watching.look()
    served.clock.forward(-60)  # its clock was set back
    watching.look()
    leaf = next(each for each in written(served.engine) if each.record_class != CANARY)
    assert (leaf.day, leaf.ok, leaf.violated) == (date(2026, 6, 10), 0, 0)
    assert "never_scanned" in leaf.reasons
    assert counted(served.engine) == 60


def test_since_when_a_class_is_in_its_state_survives_looks_that_see_the_same(either):
    def look(state, now):
        with writing(either) as connection:
            standings.note(connection, {"terminal-image": state} if state else {}, Instant(now))
            return standings.known(connection)

    assert look("ok", 1) == look("ok", 2) == {"terminal-image": ("ok", 1, None)}
    assert look("unknown", 3) == {"terminal-image": ("unknown", 3, 3)}
    assert look("violated", 4) == look("violated", 5) == {"terminal-image": ("violated", 4, 3)}
    assert look("ok", 6) == {"terminal-image": ("ok", 6, None)}
    assert look(None, 7) == {}


def test_a_state_that_changed_since_the_last_look_has_no_beginning_yet(index):
    add_store(index, "riga-001", last_seen_at=NOW, scan_complete_at=NOW)
    with writing(index) as connection:
        standings.note(connection, {"terminal-image": "violated"}, Instant(3))
        found = comply.positions(connection, CHAIN, NOW)
        (now_ok,) = comply.standings_since(connection, found)
        assert (now_ok.state, now_ok.since, now_ok.not_ok_since) == ("ok", None, None)
        standings.note(connection, {"terminal-image": "ok"}, Instant(5))
        (since,) = comply.standings_since(connection, found)
        assert since.since == 5


def test_when_it_was_last_looked_at_is_known_to_every_process(either):
    with reading(either) as connection:
        assert standings.last_look(connection) is None
    for now in (7, 9):
        with writing(either) as connection:
            standings.look(connection, Instant(now))
    with reading(either) as connection:
        assert standings.last_look(connection) == 9
