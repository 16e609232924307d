"""Ok is evidence: what nobody could have seen is unknown, what is late is violated (I4)."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from fleet import Log, add_store, place, sight, wipe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Engine, event, select, update
from world import COMMISSIONED, STORE, at, first_policy, signed_policy

from enforcer import comply
from enforcer.ages import REPORT_SECONDS
from enforcer.comply import Position, State
from enforcer.govern import retiring
from enforcer.index import evidence, partly, quarantines, tally
from enforcer.index.engine import reading, writing
from enforcer.index.tables import hold_stores, stores, totals
from enforcer.intake import apply
from retention import codec, policy, report
from retention.acts import Retirement
from retention.calendar import DAY, Instant, civil_date
from retention.outcome import Outcome
from retention.policy import Chain
from retention.report import (
    AnyEntry,
    Erased,
    Freed,
    Gone,
    Held,
    Refused,
    Scanned,
    Sighted,
    runs,
)

NOW = at("2026-03-16 12:00")
CHAIN = policy.first(signed_policy(first_policy()), codec.digest(codec.encode(first_policy())))


class Store:
    """An active store that was just heard and just scanned."""

    def __init__(self, index: Engine) -> None:
        self.index = index
        self.first = 1
        self.items = 0
        add_store(index, commissioned_at=COMMISSIONED)
        self.say(Scanned(NOW, NOW, 0, 0))

    def say(self, *entries: AnyEntry, now: Instant = NOW) -> None:
        lines = [report.encode(entry) for entry in entries]
        apply(self.index, store=STORE, epoch=1, first=self.first, lines=lines, chain=CHAIN, now=now)
        self.first += len(lines)

    def sight(self, anchor: Instant | None, **facts: object) -> int:
        self.items += 1
        fields = {
            "how": "exif",
            "span": 0,
            "before": 0,
            "after": 0,
            "seen": NOW,
            "size": 1000,
            "fingerprint": self.items.to_bytes(16, "big"),
            **facts,
        }
        self.say(Sighted(self.items, "terminal-image", "front", anchor, **fields))
        return self.items

    def set(self, **values: object) -> None:
        with writing(self.index) as connection:
            connection.execute(update(stores).values(**values))

    def position(self, now: Instant = NOW) -> Position:
        with reading(self.index) as connection:
            found = comply.positions(connection, CHAIN, now)
        return next(p for p in found if p.record_class == "terminal-image")

    def words(self, now: Instant = NOW) -> list[str]:
        return [reason.word for reason in self.position(now).reasons]

    def numbers(self, now: Instant = NOW) -> list[int]:
        return [reason.number for reason in self.position(now).reasons]


@pytest.fixture
def store(index: Engine) -> Store:
    return Store(index)


def test_a_store_that_was_just_scanned_and_has_nothing_old_is_ok_until_it_must_be_looked_at(
    store: Store,
):
    store.sight(at("2026-03-10 12:00"))
    position = store.position()
    assert (State.OK, 1, ()) == (position.state, position.counts["live"], position.reasons)
    assert NOW + comply.SCAN_SECONDS == position.valid_until
    assert date(2026, 3, 10) == position.oldest


def test_an_unheld_item_past_our_target_is_overdue_and_past_the_limit_a_broken_promise(
    store: Store,
):
    store.sight(at("2026-01-15 12:00"))  # own target 2026-03-16, limit 2026-03-17, both 00:00 Riga
    assert (State.VIOLATED, ["overdue"]) == (store.position().state, store.words())
    later = at("2026-03-17 01:00")
    store.say(Scanned(later, later, 1, 0), now=later)
    position = store.position(later)
    assert (["past_limit"], 0, 1) == (store.words(later), position.overdue, position.past_limit)


def test_what_a_silent_store_should_have_erased_is_unknown_and_never_ok(store: Store):
    store.sight(at("2026-01-16 12:00"))  # own target 2026-03-17 00:00 Riga
    assert State.OK is store.position().state
    after = at("2026-03-16 22:30")
    assert (State.UNKNOWN, ["unconfirmed"]) == (store.position(after).state, store.words(after))
    assert ([1], None) == (store.numbers(after), store.position(after).valid_until)
    store.set(last_seen_at=None)
    assert ["unconfirmed", "silent"] == store.words(after)


def test_each_limit_begins_in_its_second(store: Store):
    store.sight(at("2026-01-16 12:00"))
    due, target, limit = at("2026-03-16 04:00"), at("2026-03-16 22:00"), at("2026-03-17 22:00")

    def kinds(now: Instant) -> set[str]:
        return {name for name in ("live", "due") if store.position(now).counts.get(name)}

    assert [{"live"}, {"due"}] == [kinds(Instant(due - 1)), kinds(due)]
    assert [[], ["unconfirmed"]] == [store.words(Instant(target - 1)), store.words(target)]
    heard = Instant(target + REPORT_SECONDS)
    store.set(last_seen_at=heard - 1)
    assert ["unconfirmed"] == store.words(heard)
    store.set(last_seen_at=heard)
    assert ["overdue"] == store.words(heard)
    store.set(last_seen_at=limit, scan_complete_at=limit)
    assert [["overdue"], ["past_limit"]] == [store.words(Instant(limit - 1)), store.words(limit)]


def test_the_oldest_of_what_is_held_and_of_what_is_not_is_told_whatever_else_is_there(store: Store):
    def stand(*held: str) -> tuple[date | None, date | None]:
        for day in held:
            number = store.sight(at(f"{day} 12:00"))
            store.say(Held(NOW, "hold-1", ((number, number),)))
        position = store.position()
        return position.oldest, position.oldest_held

    assert (None, None) == stand()
    store.sight(at("2026-03-10 12:00"))
    assert (date(2026, 3, 10), date(2026, 3, 1)) == stand("2026-03-01")
    for day in ("2026-01-15", "2026-01-14"):
        store.sight(at(f"{day} 12:00"))
    assert (date(2026, 1, 14), date(2026, 1, 5)) == stand("2026-01-08", "2026-01-05")


def test_what_nothing_limits_is_never_late(store: Store):
    least = structs.replace(CHAIN.current.classes[0], bound="minimum")
    others = CHAIN.current.classes[1:]
    chain = Chain((structs.replace(CHAIN.current, classes=(least, *others)),), b"")
    store.sight(at("2025-01-01 12:00"))
    store.sight(NOW, how="latest", before=500 * DAY)
    with reading(store.index) as connection:
        [position] = comply.positions(connection, chain, NOW)
    assert (State.OK, 2, None) == (position.state, position.counts["live"], position.next_deadline)


@pytest.mark.parametrize("items", [-1, 1])
def test_books_that_do_not_balance_make_the_state_unknown(store: Store, items: int):
    store.sight(at("2026-03-10 12:00"))
    with writing(store.index) as connection:
        connection.execute(
            update(totals).where(totals.c.state == "seen").values(items=totals.c["items"] + items)
        )
    assert (State.UNKNOWN, ["imbalance"]) == (store.position().state, store.words())


@pytest.mark.parametrize("how", ["latest", "doubted"])
@pytest.mark.parametrize(
    ("anchor", "facts"),
    [
        (NOW - DAY, {}),
        (NOW - DAY, {"state": "late", "not_before": NOW + DAY}),
        (None, {"state": "undated", "seen": NOW + 52 * DAY}),
    ],
)
def test_what_may_be_late_because_what_saw_it_did_not_know_the_time_is_unknown_from_then_on(
    store: Store, anchor: Instant | None, facts: dict[str, object], how: str
):
    """By the latest that its date can be it has time; by the earliest its own target is 2026-03-17 00:00 Riga."""
    before = 58 * DAY if anchor else 59 * DAY - 10 * 3600
    number = store.sight(anchor, how=how, before=before, **facts)
    target = at("2026-03-16 22:00")
    position = store.position(Instant(target - 1))
    assert (State.OK, target) == (position.state, position.next_deadline)
    assert (State.UNKNOWN, ["time_unknown"]) == (store.position(target).state, store.words(target))
    assert [1] == store.numbers(target)
    store.say(Held(NOW, "hold-1", runs([number])))
    assert State.OK is store.position(target).state, "what is held may be as old as it likes"


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("not_activated", {"state": "observe"}),
        ("not_enrolled", {"state": "invited"}),
        ("never_scanned", {"scan_complete_at": None}),
        ("scan_stale", {"scan_complete_at": NOW - 13 * 3600}),
        ("silent", {"last_seen_at": NOW - 8 * DAY}),
        ("silent", {"last_seen_at": None}),
        ("frozen", {"frozen": "two boxes"}),
        ("restored", {"restored": True}),
        ("clock", {"clock_trusted": False}),
        ("brake", {"brake": "too many"}),
        ("log_refused", {"refused": "not an entry"}),
        ("contradiction", {"contradictions": 1}),
        ("contradiction", {"imbalance": 3}),
        ("our_clock", {"last_seen_at": NOW + 3600}),
        ("paused", {"paused": True}),
        ("root_missing", {"notes": '["root-missing"]'}),
        ("from_backup", {"notes": '["from-backup"]'}),
        ("disk_full", {"notes": '["disk-full", "act-refused", "what-comes-next-year"]'}),
        ("ledger_refused", {"notes": '["ledger-refused"]'}),
        ("policy_refused", {"notes": '["policy-refused"]'}),
        ("directive_refused", {"notes": '["directive-refused"]'}),
    ],
)
def test_each_thing_not_known_makes_the_state_unknown(store: Store, word: str, values: dict):
    store.sight(at("2026-03-10 12:00"))
    store.set(**values)
    assert (State.UNKNOWN, [word]) == (store.position().state, store.words())


def test_a_hold_that_is_not_effective_within_two_minutes_makes_the_state_unknown(store: Store):
    place(store.index, "hold-1", STORE, placed_at=NOW)
    assert [] == store.words(Instant(NOW + 120))
    assert ["hold_pending"] == store.words(Instant(NOW + 121))


@pytest.mark.parametrize("ended", ["effective_at", "freed_at"])
def test_a_hold_that_is_effective_or_let_go_is_not_waited_for(store: Store, ended: str):
    for hold in ("hold-1", "hold-2"):
        place(store.index, hold, STORE, placed_at=NOW - DAY)
    with writing(store.index) as connection:
        one = hold_stores.c.hold == "hold-1"
        connection.execute(update(hold_stores).where(one).values({ended: NOW}))
    assert (["hold_pending"], [1]) == (store.words(), store.numbers())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"frozen": "two boxes", "paused": True}, ["frozen"]),
        ({"state": "observe", "brake": "too many"}, ["not_activated"]),
        ({"state": "invited", "last_seen_at": None, "brake": "x"}, ["not_enrolled"]),
    ],
)
def test_what_follows_from_another_reason_is_none_of_its_own(
    store: Store, values: dict, words: list[str]
):
    store.set(**values)
    assert words == store.words()


def test_evidence_is_as_old_as_the_scan_by_the_right_clock_and_no_older_than_the_store_was_heard(
    store: Store,
):
    later = Instant(NOW + comply.SCAN_SECONDS)
    assert [[], ["scan_stale"]] == [store.words(later), store.words(Instant(later + 1))]
    store.set(clock_offset=3600)
    assert later - 3600 == store.position().valid_until
    assert [[], ["scan_stale"]] == [
        store.words(Instant(later - 3600)),
        store.words(Instant(later - 3599)),
    ]
    store.set(scan_complete_at=NOW + 30 * DAY, clock_offset=None)
    heard = Instant(NOW + comply.SILENT_SECONDS)
    assert heard == store.position().valid_until
    assert [[], ["silent"]] == [store.words(heard), store.words(Instant(heard + 1))]


def test_a_class_that_no_source_brings_any_more_is_answered_for_as_long_as_it_was_there(
    store: Store,
):
    mark = bytes(16)
    facts = ("contact-centre-call", "old", NOW - DAY, "name", 0, 0, 0, NOW, 1000, mark)
    store.say(Sighted(1, *facts))
    with reading(store.index) as connection:
        found = comply.positions(connection, CHAIN, NOW)
    assert ["contact-centre-call", "terminal-image"] == [p.record_class for p in found]


def test_calls_in_part_are_those_of_one_store_and_one_epoch(store: Store):
    other = "riga-002"
    add_store(store.index, other, commissioned_at=COMMISSIONED)
    marks = {}
    for name in (STORE, other):
        store.items = 0
        log = Log(store.index, name)
        log.lines = [b""] * (1 if name == STORE else 0)  # its scan was told already
        log.say(*(sight(number) for number in (1, 2, 3)))
        marks[name] = log

    def counted() -> dict[str, int]:
        with reading(store.index) as connection:
            return {name: number for (name, _), number in partly.counted(connection).items()}

    marks[STORE].say(Refused(NOW, ((2, 2),), Outcome.PARTIAL))
    assert {STORE: 1} == counted()
    marks[other].say(Refused(NOW, ((2, 3),), Outcome.PARTIAL))
    marks[other].say(Erased(NOW, ((3, 3),), "due", Outcome.ERASED_VERIFIED))
    assert {STORE: 1, other: 1} == counted()
    with writing(store.index) as connection:
        partly.forget(connection, other, 2)
    assert {STORE: 1, other: 1} == counted()
    with writing(store.index) as connection:
        evidence.close(connection, other, 1)
    assert {STORE: 1} == counted()


def test_held_restricted_undated_and_late_items_may_be_old(store: Store):
    old = at("2026-01-01 12:00")
    held = store.sight(old)
    store.say(Held(NOW, "hold-1", ((held, held),)))
    store.sight(None, state="undated")
    store.sight(old, state="late", not_before=Instant(NOW + DAY))
    position = store.position()
    assert (State.OK, 0, 0) == (position.state, position.overdue, position.past_limit)
    assert {"held": 1, "undated": 1, "late": 1} == {
        name: position.counts[name] for name in ("held", "undated", "late")
    }
    assert date(2026, 1, 1) == position.oldest_held


def test_an_undated_item_that_outstayed_its_week_is_overdue(store: Store):
    store.sight(None, state="undated", seen=Instant(NOW - 9 * DAY))
    assert ["overdue"] == store.words()


def test_a_late_arrival_that_is_not_due_yet_is_not_overdue_after_its_day(store: Store):
    anchor = at("2026-03-01 12:00")
    store.sight(anchor, state="late", seen=Instant(NOW - 3 * DAY), not_before=NOW - 2 * DAY)
    assert [] == store.words()


def test_what_was_released_has_a_day_before_it_is_overdue_and_nothing_else_has(store: Store):
    old = at("2026-01-15 12:00")  # own target 2026-03-16
    number = store.sight(old)
    run = ((number, number),)
    store.say(Held(NOW - DAY, "hold-1", run), Freed(NOW, "hold-1", run, Instant(NOW + DAY)))
    assert ([], NOW + 2 * DAY) == (store.words(), store.position().next_deadline)
    store.set(last_seen_at=NOW + 3 * DAY)
    assert ["our_clock"] == store.words(), "who was heard in the future confirms nothing"
    store.set(last_seen_at=NOW)
    due = store.sight(at("2026-01-16 12:00"))
    position = store.position()
    assert 2 * [at("2026-03-16 22:00")] == [position.next_deadline, position.valid_until]
    store.say(Held(NOW, "hold-1", ((due, due),)))
    store.sight(old)
    blocked = store.sight(old)
    store.say(Refused(NOW, ((blocked, blocked),), Outcome.BLOCKED))
    assert 2 == store.position().overdue
    later = Instant(NOW + 2 * DAY + 3600)
    store.say(Scanned(later, later, 3, 0), now=later)
    assert 3 == store.position(later).past_limit


def test_a_call_of_which_a_part_is_gone_is_due_or_blocked_or_held_and_said_to_be_in_part(
    store: Store,
):
    due, blocked, held = (store.sight(at("2026-01-15 23:00")) for _ in range(3))
    run = tuple((number, number) for number in (due, blocked, held))
    store.say(Held(NOW, "hold-1", (run[2],)), Refused(NOW, run, Outcome.PARTIAL))
    store.say(Refused(NOW, (run[1],), Outcome.BLOCKED), Refused(NOW, (run[0],), Outcome.PARTIAL))
    position = store.position()
    assert 3 == position.partly_erased
    counts = {state: number for state, number in position.counts.items() if number}
    assert {"due": 1, "blocked": 1, "held": 1, "seen": 3} == counts
    store.say(Erased(NOW, (run[0],), "due", Outcome.ERASED_VERIFIED), Gone(NOW, (run[2],), "lost"))
    assert 1 == store.position().partly_erased
    assert 0 == store.position().counts["imbalance"]
    with writing(store.index) as connection:
        evidence.close(connection, STORE, 1)
    assert 0 == store.position().partly_erased


def test_a_silent_store_may_have_erased_what_its_grace_ended_on(store: Store):
    number = store.sight(at("2026-01-15 12:00"))
    run = ((number, number),)
    store.say(Held(NOW - DAY, "hold-1", run), Freed(NOW, "hold-1", run, Instant(NOW + 60)))
    after = Instant(NOW + DAY + 3600)
    position = store.position(after)
    assert {"unconfirmed", "scan_stale"} == set(store.words(after))
    assert (0, 0) == (position.overdue, position.past_limit)


def test_what_was_released_and_is_held_again_goes_at_no_time(store: Store):
    run = ((1, 1),)
    store.sight(at("2026-01-15 12:00"))
    store.say(Held(NOW, "hold-1", run), Freed(NOW, "hold-1", run, Instant(NOW + DAY)))
    store.say(Held(NOW, "hold-2", run))
    assert ([], None) == (store.words(), store.position().next_deadline)


def test_each_store_is_judged_by_when_it_was_heard_itself(store: Store):
    add_store(store.index, "a-store", last_seen_at=0)
    number = store.sight(at("2026-01-15 12:00"))
    run = ((number, number),)
    store.say(Held(NOW - DAY, "hold-1", run), Freed(NOW, "hold-1", run, NOW))
    later = Instant(NOW + 2 * DAY)
    store.say(Scanned(later, later, 1, 0), now=later)
    with reading(store.index) as connection:
        found = comply.positions(connection, CHAIN, later)
    assert [1] == [p.past_limit for p in found if p.store == STORE]


def test_a_store_that_no_source_names_answers_for_its_strictest_class(store: Store):
    store.set(store_group="elsewhere")
    assert ["not_activated"] != store.words()
    assert "terminal-image" == store.position().record_class


def test_no_table_of_items_or_of_the_past_is_read_from_end_to_end(store: Store):
    """SQLite takes a partial index only where the query has its very words."""
    store.sight(at("2026-03-10 12:00"))
    asked: list[tuple[str, tuple]] = []
    event.listen(store.index, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    store.position()
    with store.index.connect() as connection:
        plans = [
            step[3]
            for statement, parameters in asked
            if statement.lstrip().startswith("SELECT")
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    scans = [step for step in plans if step.startswith(("SCAN items", "SCAN tallies"))]
    small = ("SCAN items USING INDEX items_excepted", "SCAN items USING INDEX items_unsure")
    assert {"SCAN tallies USING INDEX tallies_live", *small} == set(scans)
    assert 4 == len(scans)


def test_a_lost_held_item_is_a_violation_and_a_blocked_one_too(store: Store):
    held = store.sight(at("2026-03-10 12:00"))
    store.say(Held(NOW, "hold-1", ((held, held),)), Gone(NOW, ((held, held),), "lost"))
    blocked = store.sight(at("2026-03-10 12:00"))
    store.say(Refused(NOW, ((blocked, blocked),), Outcome.BLOCKED))
    assert ["blocked", "lost"] == store.words()
    assert State.VIOLATED is store.position().state


moments = st.integers(NOW - 70 * DAY, NOW).map(Instant)


@st.composite
def unheld(draw: st.DrawFn) -> dict[str, object]:
    """Facts of an item that nothing keeps, with every kind of grace."""
    state = draw(st.sampled_from(["present", "late", "undated"]))
    return {
        "state": state,
        "anchor": None if state == "undated" else draw(moments),
        "seen": draw(moments),
        "not_before": draw(st.just(Instant(0)) | moments | st.just(Instant(NOW - 60))),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(unheld(), max_size=6),
    st.sets(st.integers(1, 6)),
    st.integers(0, 3 * DAY),
    st.integers(0, 3 * DAY),
)
def test_ok_means_that_no_item_by_itself_is_late(
    index: Engine, facts: list[dict[str, object]], blocked: set[int], later: int, unheard: int
):
    """Each item judged alone, against what the books say of all of them (I4)."""
    wipe(index)
    store = Store(index)
    for each in facts:
        store.sight(each["anchor"], **{k: v for k, v in each.items() if k != "anchor"})
    store.say(Refused(NOW, runs(sorted(blocked)), Outcome.BLOCKED))
    now, heard = Instant(NOW + later), Instant(NOW + later - unheard)
    store.set(last_seen_at=heard, contradictions=0)
    judged = [judge(each, heard, now) for each in facts]
    position = store.position(now)
    told = (position.overdue, position.past_limit)
    assert (judged.count("overdue"), judged.count("past_limit")) == told
    words = store.words(now)
    assert ("unconfirmed" in judged) == ("unconfirmed" in words)
    assert (position.state is State.OK) <= (set(judged) <= {"young"})


def judge(facts: dict[str, object], heard: Instant, now: Instant) -> str:
    """What a person would say of one item."""
    undated = facts["state"] == "undated"
    day = civil_date(facts["seen"] if undated else facts["anchor"], ZoneInfo("Europe/Riga"))
    limits = CHAIN.limits_of("terminal-image", day)
    grace = max(facts["not_before"], facts["seen"] + 7 * DAY if undated else 0)
    target = max(0 if undated else limits.must_be_gone_by, grace + DAY if grace else 0)
    if now < target:
        return "young"
    if heard < target + REPORT_SECONDS:
        return "unconfirmed"
    return "overdue" if now < limits.outer_bound else "past_limit"


def test_erased_items_are_counted_and_the_headline_names_how_many_stores_are_proven(
    store: Store,
):
    number = store.sight(at("2026-01-14 12:00"))
    store.say(Erased(NOW, ((number, number),), "due", Outcome.ERASED_VERIFIED))
    position = store.position()
    assert (1, 1, State.OK) == (
        position.counts["seen"],
        position.counts["erased"],
        position.state,
    )
    with reading(store.index) as connection:
        [standing] = comply.standings(comply.positions(connection, CHAIN, NOW))
        assert connection.execute(select(stores.c.id)).all()
    assert (State.OK, 1, 1) == (standing.state, standing.proven, standing.total)


def retired(store: Store, how: str) -> list[Position]:
    act = Retirement(id="retirement-1", at=NOW, reason="over", store=STORE, how=how)
    with writing(store.index) as connection:
        retiring.retire(connection, act, NOW)
    with reading(store.index) as connection:
        assert [] == tally.unbalanced(connection)
        return comply.positions(connection, CHAIN, NOW)


@pytest.mark.parametrize("how", ["wiped", "destroyed"])
def test_a_store_that_was_wiped_or_destroyed_is_no_longer_asked_of(store: Store, how: str):
    store.sight(NOW - DAY)
    assert [] == retired(store, how)


def test_what_was_on_a_lost_store_is_never_proved_erased(store: Store):
    store.sight(NOW - DAY)
    [position] = retired(store, "lost")
    assert (State.UNKNOWN, ["unproven"]) == (position.state, [r.word for r in position.reasons])
    assert 1 == position.counts["unproven"]
    [standing] = comply.standings([position])
    assert (State.UNKNOWN, 0, 1) == (standing.state, standing.proven, standing.total)


@pytest.mark.parametrize("how", ["wiped", "destroyed", "lost"])
def test_what_was_held_on_a_store_that_is_no_more_is_lost(store: Store, how: str):
    number = store.sight(NOW - DAY)
    store.say(Held(NOW, "hold-1", ((number, number),)))
    [position] = retired(store, how)
    assert (State.VIOLATED, ["lost"]) == (position.state, [r.word for r in position.reasons])


def test_a_lost_store_with_nothing_on_it_leaves_nothing_open(store: Store):
    assert [] == retired(store, "lost")


def test_a_restored_store_is_unknown_from_the_act_until_its_agent_says_that_it_is_swept(
    store: Store,
):
    act = "restoration-1"

    def words() -> list[str]:
        return [reason.word for reason in store.position().reasons]

    def beat(*notes: str) -> None:
        facts = {"at": NOW, "booted": "b", "clock_trusted": True, "clock_offset": 0, "brake": ""}
        store.say(report.Heartbeat(**facts, frozen=False, counts=(), notes=notes))

    def is_quarantined() -> bool:
        with reading(store.index) as connection:
            return comply.is_quarantined(connection, STORE)

    beat("from-backup")
    assert is_quarantined(), "by its own word: we may have forgotten the act"
    beat()
    assert not is_quarantined()
    with writing(store.index) as connection:
        quarantines.begin(connection, STORE, act)
    assert is_quarantined()
    assert ["from_backup"] == words()
    beat()
    assert ["from_backup"] == words(), "it may not have heard of it yet"
    beat("from-backup")
    assert ["from_backup"] == words(), "once, whoever says so"
    with writing(store.index) as connection:
        quarantines.acknowledge(connection, STORE, ["restoration-2"])
    beat()
    assert ["from_backup"] == words()
    with writing(store.index) as connection:
        quarantines.acknowledge(connection, STORE, [act])
    beat("from-backup")
    assert ["from_backup"] == words()
    beat()
    assert [] == words()


def test_no_store_ends_what_another_is_not_through_with_or_has_forgotten(index: Engine):
    other, act = "riga-002", "restoration-1"
    for each in (STORE, other):
        add_store(index, each)
    with writing(index) as connection:
        noted = '["from-backup"]'
        connection.execute(update(stores).where(stores.c.id == other).values(notes=noted))
        assert [False, True] == [comply.is_quarantined(connection, e) for e in (STORE, other)]
        for each in (STORE, other):
            quarantines.begin(connection, each, act)
        quarantines.acknowledge(connection, STORE, [act])
        quarantines.end(connection, other)
        assert {STORE, other} == quarantines.stores(connection)
        quarantines.acknowledge(connection, other, [act])
        quarantines.end(connection, STORE)
        assert {other} == quarantines.stores(connection)
        quarantines.forget_acknowledgements(connection, other)
        quarantines.end(connection, other)
        assert {other} == quarantines.stores(connection)
