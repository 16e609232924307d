"""What each entry of a log does to the index, and what no log may do."""

import json
from bisect import bisect_left
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from fleet import IMAGE, NOW, STORE, Log, add_store, books, column, place, sight, states, table
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Engine, insert

from enforcer.govern.retiring import retire
from enforcer.index import tally
from enforcer.index.engine import reading, scrub, writing
from enforcer.index.histograms import ENDLESS
from enforcer.index.scope import Scope
from enforcer.index.tables import document_stores, documents
from enforcer.intake import FrozenError, GapError
from enforcer.intake.register import civil_dates
from retention import codec, envelope
from retention.acts import Release, Retirement
from retention.acts import encode as encode_act
from retention.calendar import DAY, Instant, civil_date, start_of_day
from retention.errors import MalformedError, RefusedError
from retention.hold import RESTRICTION
from retention.outcome import Outcome
from retention.report import (
    Acknowledged,
    Changed,
    Erased,
    Freed,
    Gone,
    Heartbeat,
    Held,
    Marked,
    Refused,
    Scanned,
)

CIVIL = date(2026, 3, 16).toordinal()
ALL = ((1, 3),)
CALL = "contact-centre-call"


def changed(item: int, **changes: object) -> Changed:
    return Changed(**(structs.asdict(sight(item)) | {"at": NOW} | changes))


def beat(*counts: tuple[str, str, int], **changes: object) -> Heartbeat:
    facts = {
        "at": NOW,
        "booted": "boot-1",
        "clock_trusted": True,
        "clock_offset": 0,
        "brake": "",
        "frozen": False,
        "counts": counts,
    }
    return Heartbeat(**(facts | changes))


@pytest.fixture
def log(either: Engine) -> Log:
    """The log of a store with three items, on either database."""
    add_store(either)
    log = Log(either)
    log.say(sight(1), sight(2), sight(3))
    return log


def test_a_sighting_is_an_item_with_all_its_facts_and_on_both_sides_of_the_books(log: Log):
    applied = log.say(sight(4, anchor=Instant(NOW - DAY), how="name", size=7))
    assert (4, log.digest) == (applied.applied, applied.digest)
    row = table(log.engine, "items")[3]
    facts = (IMAGE, "front", NOW - DAY, CIVIL - 1, "name", 10, 0, 10, NOW, 7)
    assert (STORE, 1, 4, *facts, b"\0\0\0\4" * 8, 0, "present", None, None, None, None) == row
    expected = {
        (IMAGE, CIVIL, "seen"): (3, 300),
        (IMAGE, CIVIL, "present"): (3, 300),
        (IMAGE, CIVIL - 1, "seen"): (1, 7),
        (IMAGE, CIVIL - 1, "present"): (1, 7),
    }
    assert expected == books(log.engine)


def test_the_civil_date_is_the_classes_and_of_first_sight_if_undated(log: Log):
    """22:30 UTC is the next day in Riga."""
    evening = Instant(NOW + 10 * 3600 + 1800)
    log.say(sight(4, anchor=evening), sight(5, anchor=None, seen=evening, state="undated"))
    assert [CIVIL + 1] * 2 == [civil for (civil,) in table(log.engine, "items", "civil")][3:]


def test_what_no_policy_knows_is_booked_under_the_strictest_class_and_counted(log: Log):
    """And none of the agent's own words come into the index."""
    log.say(
        sight(4, record_class="+371 29123456"),
        sight(5, source="Anna Berzina"),
        sight(6, how="asked her neighbour"),
    )
    rows = table(log.engine, "items", "number", "record_class", "source", "how")[3:]
    assert [
        (4, IMAGE, "front", "exif"),
        (5, IMAGE, "unregistered", "exif"),
        (6, IMAGE, "front", "other"),
    ] == rows
    assert 2 == column(log.engine, "unregistered")


def test_erased_items_wait_for_their_certificate_with_how_they_ended(log: Log):
    at = Instant(NOW + 60 * DAY)
    log.say(
        Erased(at, ((1, 2),), "due", Outcome.ERASED_VERIFIED),
        Erased(at, ((3, 3),), "due", Outcome.ALREADY_ABSENT),
    )
    ended = table(log.engine, "items", "number", "state", "erased_at", "why", "outcome")
    assert [
        (1, "erased", at, "due", "erased_verified"),
        (2, "erased", at, "due", "erased_verified"),
        (3, "erased", at, "due", "already_absent"),
    ] == ended
    assert {(IMAGE, CIVIL, "seen"): (3, 300), (IMAGE, CIVIL, "erased"): (3, 300)} == books(
        log.engine
    )


def test_the_slack_of_an_erasure_is_what_was_left_until_the_own_target(log: Log):
    """Own target of 16 March: 15 May 00:00 in Riga, 21:00 UTC the day before."""
    target = Instant(1_778_792_400)
    log.say(
        Erased(Instant(target - 3600), ((1, 1),), "due", Outcome.ERASED_VERIFIED),
        Erased(Instant(target + 1), ((2, 2),), "due", Outcome.ERASED_VERIFIED),
        Erased(Instant(target - 30 * DAY), ((3, 3),), "due", Outcome.ERASED_VERIFIED),
    )
    early = (IMAGE, "early", "erased_verified", ENDLESS, 1, 30 * DAY)
    late = (IMAGE, "due", "erased_verified", 0, 1, -1)
    in_time = (IMAGE, "due", "erased_verified", 3600, 1, 3600)
    assert [late, in_time, early] == table(log.engine, "erasure_tallies")


def test_an_erased_item_that_was_held_is_lost_whoever_erased_it(log: Log):
    log.say(
        Held(NOW, "hold-1", ((1, 1),)),
        changed(2, state="restricted"),
        Erased(NOW, ALL, "due", Outcome.ERASED_VERIFIED),
    )
    assert ({3: "erased"}, []) == (states(log.engine), table(log.engine, "held_items"))
    assert (2, 200) == books(log.engine)[IMAGE, CIVIL, "lost"]


def test_what_somebody_else_removed_is_gone_elsewhere_and_if_held_lost(log: Log):
    log.say(Held(NOW, "hold-1", ((1, 1),)), Gone(NOW, ((1, 2),), "gone_elsewhere"))
    log.say(Gone(NOW, ((3, 3),), "lost"))
    assert {
        (IMAGE, CIVIL, "seen"): (3, 300),
        (IMAGE, CIVIL, "lost"): (2, 200),
        (IMAGE, CIVIL, "gone_elsewhere"): (1, 100),
    } == books(log.engine)
    assert ({}, []) == (states(log.engine), table(log.engine, "held_items"))


def test_a_blocked_item_says_so_until_it_is_erased_and_other_refusals_are_only_counted(log: Log):
    log.say(
        Refused(NOW, ((1, 1),), Outcome.BLOCKED),
        Refused(NOW, ((2, 2),), Outcome.REFUSED_CHANGED),
        Held(NOW, "hold-1", ((3, 3),)),
        Refused(NOW, ((3, 3),), Outcome.BLOCKED),
    )
    assert {1: "blocked", 2: "present", 3: "held"} == states(log.engine)
    counted = table(log.engine, "erasure_tallies", "why", "outcome", "items")
    assert [("", "blocked", 2), ("", "refused_changed", 1)] == counted
    log.say(Erased(NOW, ((1, 1),), "due", Outcome.ERASED_VERIFIED))
    assert "erased" == states(log.engine)[1]


def test_a_call_that_is_partly_erased_is_counted_as_such_and_is_live_until_all_of_it_is_gone(
    log: Log,
):
    log.say(Refused(NOW, ((1, 2),), Outcome.PARTIAL))
    assert {1: "present", 2: "present", 3: "present"} == states(log.engine)
    counted = table(log.engine, "erasure_tallies", "why", "outcome", "items")
    assert [("", "partial", 2)] == counted
    assert [1, 2] == [number for (number,) in table(log.engine, "partly_erased", "number")]
    log.say(Erased(NOW, ((1, 1),), "due", Outcome.ERASED_VERIFIED))
    assert [2] == [number for (number,) in table(log.engine, "partly_erased", "number")]
    assert {1: "erased", 2: "present", 3: "present"} == states(log.engine)


def test_several_holds_are_independent_and_without_any_an_item_is_what_it_was(log: Log):
    log.say(
        sight(4, anchor=None, state="undated"),
        Held(NOW, "hold-1", ((1, 4),)),
        Held(NOW, "hold-2", ((3, 4),)),
        Freed(NOW, "hold-1", ((1, 4),), Instant(NOW + DAY)),
    )
    assert {1: "present", 2: "present", 3: "held", 4: "held"} == states(log.engine)
    log.say(Freed(NOW, "hold-2", ((3, 4),), Instant(NOW + 60)))
    rows = table(log.engine, "items", "number", "state", "base", "not_before")
    after = NOW + DAY
    assert [
        (1, "present", None, after),
        (2, "present", None, after),
        (3, "present", None, after),
        (4, "undated", None, after),
    ] == rows


def test_what_changes_while_it_is_held_shows_when_it_is_free(log: Log):
    log.say(
        Held(NOW, "hold-1", ((1, 2),)),
        Held(NOW, "hold-2", ((2, 2),)),
        changed(1, state="late", not_before=Instant(NOW + 5)),
        changed(2, state="restricted"),
    )
    assert {1: "held", 2: "restricted", 3: "present"} == states(log.engine)
    log.say(Freed(NOW, "hold-1", ((1, 2),), NOW))
    assert {1: "late", 2: "restricted", 3: "present"} == states(log.engine)
    log.say(Freed(NOW, "hold-2", ((2, 2),), NOW))
    assert {1: "late", 2: "restricted", 3: "present"} == states(log.engine)


def test_a_restriction_comes_before_a_hold_and_ends_by_itself(log: Log):
    restriction = f"{RESTRICTION}0badcafe"
    log.say(Held(NOW, restriction, ((1, 2),)), Held(NOW, "hold-1", ((2, 3),)), changed(1))
    assert {1: "restricted", 2: "restricted", 3: "held"} == states(log.engine)
    log.say(Freed(NOW, restriction, ((1, 2),), NOW))
    assert {1: "present", 2: "held", 3: "held"} == states(log.engine)


def test_a_restriction_of_which_a_part_was_lifted_is_not_let_go_of(log: Log):
    restriction = f"{RESTRICTION}0badcafe"
    place(log.engine, restriction, STORE)
    log.say(Acknowledged(NOW, 77, (restriction,), ()), Held(NOW, restriction, ((1, 2),)))
    log.say(Freed(NOW, restriction, ((1, 1),), NOW))
    assert [(restriction, None)] == table(log.engine, "hold_stores", "hold", "freed_at")
    log.say(Freed(Instant(NOW + 9), restriction, ((2, 2),), NOW))
    assert [(restriction, NOW + 9)] == table(log.engine, "hold_stores", "hold", "freed_at")


def test_a_changed_item_is_booked_out_and_in_with_what_was_seen(log: Log):
    log.say(
        changed(1, anchor=Instant(NOW - 2 * DAY), size=900),
        changed(1, record_class=CALL, source="?", span=7, anchor=None, state="undated", size=900),
    )
    assert {
        (IMAGE, CIVIL, "seen"): (2, 200),
        (IMAGE, CIVIL, "present"): (2, 200),
        (CALL, CIVIL, "seen"): (1, 900),
        (CALL, CIVIL, "undated"): (1, 900),
    } == books(log.engine)
    names = ("number", "source", "anchor", "civil", "span", "state", "size")
    [row] = table(log.engine, "items", *names)[:1]
    assert (1, "unregistered", None, CIVIL, 7, "undated", 900) == row


def test_how_old_items_were_when_a_hold_was_placed_is_kept(log: Log):
    """A hold of yesterday that matches what came later: those were not old at all."""
    place(log.engine, "hold-1", STORE, placed_at=NOW - DAY)
    log.say(sight(4, anchor=Instant(NOW - 6 * DAY)), sight(5, anchor=None, state="undated"))
    log.say(Held(NOW, "hold-1", ((1, 5),)))
    assert [(DAY, 3, 0), (7 * DAY, 1, 5 * DAY)] == table(log.engine, "hold_ages")


def test_a_marker_is_a_hold_in_force_that_waits_for_a_person(log: Log):
    log.say(Marked(NOW, "marker-1", Instant(10), Instant(20), ("front", "+371"), "sidecar"))
    names = ("ground", "owner", "origin", "begins", "ends", "placed_at", "confirmed_at")
    assert [("crime", "", "marker", 10, 20, NOW, None)] == table(log.engine, "holds", *names)
    [(scope, review_on)] = table(log.engine, "holds", "scope", "review_on")
    assert Scope(sources=("front", "unregistered")) == codec.decode(scope, Scope)
    assert CIVIL + 3 == review_on
    assert [("marker-1", STORE, NOW)] == table(
        log.engine, "hold_stores", "hold", "store", "effective_at"
    )


def test_a_hold_is_effective_from_its_acknowledgement_on_and_says_what_it_missed(log: Log):
    place(log.engine, "hold-1", STORE)
    place(log.engine, "hold-2", STORE)
    log.say(Acknowledged(NOW, 77, ("hold-1",), (("hold-1", CIVIL, 5), ("hold-1", CIVIL + 1, 2))))
    log.say(Acknowledged(Instant(NOW + 9), 78, ("hold-1", "unheard-of")))
    rows = table(log.engine, "hold_stores", "hold", "effective_at", "gone", "freed_at")
    gone = json.dumps([[CIVIL, 5], [CIVIL + 1, 2]])
    assert [("hold-1", NOW, gone, None), ("hold-2", None, "[]", None)] == rows
    assert 78 == column(log.engine, "acknowledged_version")


def test_an_acknowledged_release_says_that_the_store_let_go_even_of_nothing(log: Log):
    place(log.engine, "hold-1", STORE)
    act = Release(id="act-1", at=NOW, reason="closed", hold="hold-1")
    with writing(log.engine) as connection:
        sealed = envelope.encode(envelope.seal("act", encode_act(act), []))
        connection.execute(
            insert(documents).values(
                id="act-1", kind="release", envelope=sealed, state="applied", proposed_at=NOW
            )
        )
        connection.execute(insert(document_stores).values(document="act-1", store=STORE))
    log.say(Acknowledged(NOW, 77, ("hold-1",), (), ("act-1", "unheard-of")))
    assert [("act-1", STORE, NOW)] == table(log.engine, "document_stores")
    assert [(NOW, NOW)] == table(log.engine, "hold_stores", "effective_at", "freed_at")


def test_a_scan_counts_as_complete_only_if_nothing_was_unreadable(log: Log):
    log.say(Scanned(Instant(NOW - 50), Instant(NOW - 99), 3, 0), Scanned(NOW, NOW, 3, 2))
    told = [column(log.engine, c) for c in ("scan_began_at", "scan_complete_at", "unreadable")]
    assert [NOW - 99, NOW - 50, 2] == told


def test_a_heartbeat_says_how_the_agent_is_in_words_of_a_list(log: Log):
    log.say(
        beat(clock_trusted=False, clock_offset=-7, brake="too many", notes=("disk-full", "x y"))
    )
    names = ("heartbeat_at", "booted", "clock_trusted", "clock_offset", "brake", "paused", "notes")
    told = [column(log.engine, name) for name in names]
    assert [NOW, "boot-1", False, -7, "too many", False, '["disk-full"]'] == told


def test_the_agents_own_count_is_held_against_ours_where_it_stood_in_the_log(log: Log):
    """A blocked item is there to the agent as any other; a restricted one is held."""
    log.say(
        Refused(NOW, ((1, 1),), Outcome.BLOCKED),
        Held(NOW, f"{RESTRICTION}1", ((2, 2),)),
        beat((IMAGE, "present", 2), (IMAGE, "held", 1), (IMAGE, "erased", 9)),
        sight(4),
    )
    assert 0 == column(log.engine, "imbalance")
    log.say(beat((IMAGE, "present", 1), (IMAGE, "held", 2)))
    assert 3 == column(log.engine, "imbalance")


def test_facts_that_contradict_what_is_known_change_nothing_and_are_counted(log: Log):
    before = (states(log.engine), books(log.engine))
    log.say(
        sight(3),
        changed(9),
        Erased(NOW, ((7, 8),), "due", Outcome.ERASED_VERIFIED),
        Gone(NOW, ((2**53 - 2, 2**53 - 1),), "lost"),
        Freed(NOW, "hold-1", ((1, 1),), NOW),
    )
    assert before == (states(log.engine), books(log.engine))
    assert 1 + 1 + 2 + 2 + 1 == column(log.engine, "contradictions")


def test_an_item_ends_once(log: Log):
    gone = Erased(NOW, ALL, "due", Outcome.ERASED_VERIFIED)
    log.say(gone, gone, Gone(NOW, ALL, "lost"), Held(NOW, "hold-1", ALL), changed(1))
    assert {1: "erased", 2: "erased", 3: "erased"} == states(log.engine)
    assert 3 + 3 + 3 + 1 == column(log.engine, "contradictions")
    assert 3 == books(log.engine)[IMAGE, CIVIL, "erased"][0]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'["x"]',
        b'["n",1,1,1]',
        b'["n",1,1,1,-1]',
        b'["s",1e3]',
        b"\xff",
        b"[" * 100_000,
        b'["e",1,[[1,1]],"due","partial"]',
        b'["e",1,[[2,1]],"due","erased_verified"]',
        b'["e",1,[[1,2],[2,3]],"due","erased_verified"]',
        b'["e",1,[[0,2]],"due","erased_verified"]',
        b'["g",123456789012345678901234567890,[[1,1]],"lost"]',
    ],
)
def test_one_malformed_line_refuses_the_whole_upload_and_shows(log: Log, line: bytes):
    before = (states(log.engine), books(log.engine), log.digest)
    good = len(log.lines)
    log.write([sight(4)])
    log.lines.append(line)
    with pytest.raises(MalformedError):
        log.send(good + 1, good + 2)
    assert before[:2] == (states(log.engine), books(log.engine))
    assert (good, before[2]) == (column(log.engine, "applied"), column(log.engine, "digest"))
    assert "entries 4 to 5 cannot be read" == column(log.engine, "refused")
    del log.lines[-1]
    log.send(good + 1, good + 1)
    assert "" == column(log.engine, "refused")


def test_a_gap_is_answered_with_where_we_stand(log: Log):
    log.write([sight(4), sight(5)])
    with pytest.raises(GapError) as refusal:
        log.send(5, 5)
    assert (3, column(log.engine, "digest")) == (
        refusal.value.applied.applied,
        refusal.value.applied.digest,
    )
    assert 5 == log.send(4, 5).applied


def test_a_log_of_another_epoch_is_not_applied(log: Log):
    for epoch in (0, 2):
        log.epoch = epoch
        with pytest.raises(GapError):
            log.say(sight(4))
        del log.lines[-1]
    assert 3 == len(states(log.engine))


def test_two_logs_under_one_name_freeze_the_store_for_both(log: Log):
    """A cloned box goes on from the same image with other entries."""
    clone = Log(log.engine)
    clone.lines = list(log.lines)
    log.say(sight(4), sight(5))
    with pytest.raises(FrozenError, match="two boxes"):
        clone.say(sight(4, size=4), sight(5), sight(6))
    assert "two boxes" in str(column(log.engine, "frozen"))
    with pytest.raises(FrozenError):
        log.say(sight(6))
    assert 5 == len(states(log.engine))


def test_erasing_every_second_item_leaves_the_others(index: Engine):
    add_store(index)
    log = Log(index)
    for start in range(1, 6_000, 2_000):
        log.say(*(sight(item) for item in range(start, start + 2_000)))
    log.say(Erased(NOW, tuple((n, n) for n in range(1, 6_001, 2)), "due", Outcome.ERASED_VERIFIED))
    assert (3_000, 300_000) == books(index)[IMAGE, CIVIL, "erased"]
    assert (3_000, 300_000) == books(index)[IMAGE, CIVIL, "present"]


def test_totals_are_the_tallies_summed(log: Log):
    log.say(changed(1, anchor=Instant(NOW - 2 * DAY)), Held(NOW, "hold-1", ((2, 2),)))
    sums: dict[tuple[str, str], list[int]] = {}
    for (name, _, state), amount in books(log.engine).items():
        known = sums.get((name, state), [0, 0])
        sums[name, state] = [a + b for a, b in zip(known, amount, strict=True)]
    rows = table(log.engine, "totals", "record_class", "state", "items", "bytes")
    assert sums == {(name, state): [items, size] for name, state, items, size in rows}
    with reading(log.engine) as connection:
        assert [] == tally.unbalanced(connection)


def test_nothing_of_certified_items_stays_in_the_files(index: Engine, tmp_path):
    """I8: neither fingerprint nor the second of the recording, once the rows are gone."""
    add_store(index)
    log = Log(index)
    anchors = {item: NOW - 3600 - 7 * item for item in range(1, 2001)}
    log.say(*(sight(item, anchor=Instant(anchor)) for item, anchor in anchors.items()))
    log.say(Erased(NOW, ((1, 1000),), "due", Outcome.ERASED_VERIFIED))
    with writing(index) as connection:
        connection.exec_driver_sql("DELETE FROM items WHERE state = 'erased'")
    scrub(index)
    left = b"".join(path.read_bytes() for path in tmp_path.glob("index.db*"))
    found = [i for i in anchors if i.to_bytes(4, "big") * 8 in left]
    assert list(range(1001, 2001)) == found
    assert [] == [i for i in range(1, 1001) if anchors[i].to_bytes(4, "big") in left]


ZONES = ("Europe/Riga", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca", "UTC")


@given(st.dates(date(2012, 1, 2), date(2040, 1, 1)), st.sampled_from(ZONES))
def test_the_remembered_civil_date_is_the_calendars(day: date, zone: str):
    midnight = start_of_day(day, ZoneInfo(zone))
    for instant in range(midnight - 3600, midnight + 3600, 450):
        expected = civil_date(Instant(instant), ZoneInfo(zone)).toordinal()
        assert expected == civil_dates(zone)(Instant(instant))


def test_where_clocks_went_back_a_minute_past_midnight_nothing_is_remembered():
    """Newfoundland, 29 October 2006: 00:00 comes twice, and a quarter of an hour has two dates."""
    back = 1_162_089_060
    found = [civil_dates("America/St_Johns")(Instant(back + after)) for after in (-1, 0)]
    assert [date(2006, 10, 29).toordinal(), date(2006, 10, 28).toordinal()] == found


@pytest.mark.slow
def test_since_2012_no_quarter_of_an_hour_has_two_dates_in_any_zone():
    """What remembering dates by quarters of an hour relies on."""
    begin, end = 1_325_376_000, 2_145_916_800  # 2012 to 2038
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        known = _offset(begin, zone)
        for week in range(begin + 7 * DAY, end, 7 * DAY):
            offset = _offset(week, zone)
            assert offset % 900 == 0, name
            if offset != known:
                assert 1 == len(_dates(_change(week, zone, offset), zone)), name
            known = offset


def _offset(instant: int, zone: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if moment is None else int(moment.total_seconds())


def _change(week: int, zone: ZoneInfo, offset: int) -> int:
    """The first instant of the week before that has the week's offset."""
    seconds = range(week - 7 * DAY, week)
    return seconds[0] + bisect_left(seconds, 1, key=lambda s: _offset(s, zone) == offset)


def _dates(instant: int, zone: ZoneInfo) -> set[date]:
    """The dates that a calendar shows during the quarter of an hour around an instant."""
    quarter = range(instant // 900 * 900, instant // 900 * 900 + 900, 30)
    return {civil_date(Instant(moment), zone) for moment in quarter}


def test_what_a_store_says_while_it_is_retired_comes_too_late(either: Engine):
    """Its books are closed: whoever was let in just before adds nothing to them."""
    add_store(either)
    log = Log(either)
    log.say(sight(1))
    with writing(either) as connection:
        retire(connection, Retirement(id="r-1", at=NOW, reason="x", store=STORE, how="wiped"), NOW)
    closed = books(either)
    with pytest.raises(RefusedError, match="was retired"):
        log.say(sight(2))
    assert closed == books(either)
    assert {} == states(either)
