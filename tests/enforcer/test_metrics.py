"""The metrics are the index's facts, under the names and labels that were promised."""

import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fleet import Log, add_store, sight
from nacl.signing import SigningKey
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, Engine, insert, select
from test_comply import CHAIN, NOW, Store
from waiting import NEVER_SECONDS
from world import at

from enforcer import prove
from enforcer.index.engine import writing
from enforcer.index.tables import checkpoints, stores
from enforcer.metrics import Facts
from retention.brake import brake
from retention.calendar import Instant
from retention.outcome import Outcome
from retention.report import Erased, Gone, Heartbeat, Held, Marked, Scanned, runs
from retention.witness import root_words


class _Chains:
    def read(self, _connection: object) -> object:
        return CHAIN


@pytest.fixture
def registry(index: Engine) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Facts(index, _Chains(), lambda: NOW))  # type: ignore[arg-type]
    return registry


def test_states_counts_and_deadlines_are_what_the_index_says(
    index: Engine, registry: CollectorRegistry
):
    store = Store(index)
    store.sight(at("2026-03-10 12:00"))
    store.sight(at("2026-01-15 12:00"))
    gone = store.sight(at("2026-01-10 12:00"))
    store.say(Erased(NOW, ((gone, gone),), "due", Outcome.ERASED_VERIFIED))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"retention_{name}", {"class": "terminal-image", **labels})

    assert (0, 1, 0) == tuple(
        value("compliance_state", state=s) for s in ("ok", "violated", "unknown")
    )
    assert (1, 1, 3) == tuple(value("items", state=s) for s in ("live", "due", "seen"))
    assert (1, 0) == (
        value("overdue_items", store_group="terminals"),
        value("past_limit_items", store_group="terminals"),
    )
    assert 1 == value("erasures_total", reason="due", outcome="erased_verified")
    assert at("2026-01-14 22:00") == value("oldest_unheld_anchor_timestamp_seconds")
    assert 0 == value("imbalance_items")
    assert 0 == value("lost_items_total")


def test_of_what_is_unknown_the_next_deadline_is_told_apart(
    index: Engine, registry: CollectorRegistry
):
    """Another store's deadline is nearer, and that store is known to erase."""
    store = Store(index)
    store.sight(at("2026-01-16 12:00"))  # own target 2026-03-17 00:00 Riga
    add_store(index, "riga-002", last_seen_at=NOW, scan_complete_at=NOW, clock_trusted=False)
    log = Log(index, "riga-002")
    log.say(sight(1, anchor=at("2026-03-10 12:00")))
    labels = {"class": "terminal-image"}
    of_all, of_unknown = (
        registry.get_sample_value(f"retention_{which}next_deadline_timestamp_seconds", labels)
        for which in ("", "unknown_")
    )
    assert (at("2026-03-16 22:00"), at("2026-05-08 21:00")) == (of_all, of_unknown)


def test_a_lost_item_is_counted(index: Engine, registry: CollectorRegistry):
    store = Store(index)
    number = store.sight(at("2026-03-10 12:00"))
    store.say(Held(NOW, "hold-1", ((number, number),)), Gone(NOW, ((number, number),), "lost"))
    labels = {"class": "terminal-image"}
    assert 1 == registry.get_sample_value("retention_lost_items_total", labels)


def test_slack_is_of_what_the_date_decided_and_every_bucket_is_there(
    index: Engine, registry: CollectorRegistry
):
    """Own target of 15 January: 2026-03-15 22:00 UTC. What came back from a backup says nothing."""
    store = Store(index)
    target = at("2026-03-15 22:00")
    for ended, why in ((target - 3600, "due"), (target + 1, "due"), (NOW, "zombie")):
        number = store.sight(at("2026-01-15 12:00"))
        run = ((number, number),)
        store.say(Erased(Instant(ended), run, why, Outcome.ERASED_VERIFIED))
    name = "retention_erasure_slack_seconds"
    labels = {"class": "terminal-image"}
    buckets = {
        bound: registry.get_sample_value(f"{name}_bucket", {**labels, "le": bound})
        for bound in ("-3600.0", "0.0", "3600.0", "86400.0", "+Inf")
    }
    assert {"-3600.0": 0, "0.0": 1, "3600.0": 2, "86400.0": 2, "+Inf": 2} == buckets
    assert 1 == registry.get_sample_value("retention_reappeared_items_total", labels)


def test_holds_are_counted_by_ground_and_state_with_the_oldest_that_they_hold(
    index: Engine, registry: CollectorRegistry
):
    store = Store(index)
    days = ("2026-03-10 12:00", "2026-03-01 12:00")
    numbers = [store.sight(at(day)) for day in days]
    store.say(Marked(NOW, "hold-1", NOW, NOW, (), "event"))
    store.say(Held(NOW, "hold-1", runs(numbers)))
    value = registry.get_sample_value
    ground = {"ground": "crime"}
    assert 1 == value("retention_holds", {**ground, "state": "unconfirmed"})
    assert 2 == value("retention_hold_items", ground)
    assert at("2026-02-28 22:00") == value(
        "retention_oldest_held_anchor_timestamp_seconds", {"class": "terminal-image", **ground}
    )
    name = "retention_hold_item_age_at_placement_seconds"
    held = {bound: value(f"{name}_bucket", {"le": str(bound * 86400.0)}) for bound in (3, 7, 21)}
    assert {3: 0, 7: 1, 21: 2} == held
    assert (0, 0) == (
        value("retention_hold_pending_stores"),
        value("retention_hold_review_overdue"),
    )


def test_the_worst_store_of_a_group_is_the_one_that_shows(
    index: Engine, registry: CollectorRegistry
):
    store = Store(index)
    unknown = sight(1, source="nobody knows", anchor=at("2026-03-10 12:00"))
    store.say(unknown, Scanned(NOW, NOW, 5, 4))
    add_store(index, "riga-002", last_seen_at=5, scan_complete_at=7, clock_offset=-9)
    group = {"store_group": "terminals"}
    told = [
        registry.get_sample_value(f"retention_{name}", group)
        for name in (
            "scan_last_complete_timestamp_seconds",
            "agent_last_seen_timestamp_seconds",
            "unregistered_items",
            "uncatalogued_items",
            "agent_difference_items",
        )
    ]
    assert [7, 5, 1, 4, 0] == told
    assert -9 == registry.get_sample_value("retention_clock_offset_seconds", {"role": "agent"})
    labels = {"kind": "terminal", "state": "active"}
    assert 2 == registry.get_sample_value("retention_stores", labels)


SEEN = ("retention_items", {"class": "terminal-image", "state": "seen"})


class _HeldOpen:
    """In the middle of each scrape it waits until it is let go on; the scrape's view has begun."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def read(self, connection: Connection) -> object:
        connection.execute(select(stores.c.id)).all()
        self.reached.set()
        assert self.go_on.wait(NEVER_SECONDS)
        return CHAIN


def test_a_scrape_that_is_held_open_blocks_no_writer_and_sees_nothing_of_it(either: Engine):
    """Intake, the report of a sweep, and a proof: each is a transaction, and each is committed."""
    held = _HeldOpen()
    registry = CollectorRegistry()
    registry.register(Facts(either, held, lambda: NOW))  # type: ignore[arg-type]
    store = Store(either)
    first = store.sight(at("2026-01-10 12:00"))
    key = SigningKey(bytes(32))

    def write() -> str:
        store.sight(at("2026-03-10 12:00"))
        store.say(Erased(NOW, ((first, first),), "due", Outcome.ERASED_VERIFIED))
        with writing(either) as connection:
            prove.certify(connection, CHAIN, NOW, bytes)
            prove.publish(connection, origin="test/ledger", key=key, now=NOW)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        scrape = pool.submit(registry.get_sample_value, *SEEN)
        assert held.reached.wait(NEVER_SECONDS)
        try:
            assert "done" == pool.submit(write).result(NEVER_SECONDS)
            assert not scrape.done()
        finally:
            held.go_on.set()
        assert 1 == scrape.result(NEVER_SECONDS)
    assert 2 == registry.get_sample_value(*SEEN)
    assert 1 == registry.get_sample_value("retention_ledger_tree_size")


def test_what_is_exposed_can_be_parsed_and_names_no_item(
    index: Engine, registry: CollectorRegistry
):
    store = Store(index)
    store.sight(at("2026-03-10 12:34"))
    parsed = list(text_string_to_metric_families(generate_latest(registry).decode()))
    allowed = {
        *("class", "store_group", "kind", "state", "reason", "ground"),
        *("outcome", "role", "le", "i"),
    }
    used = {label for family in parsed for sample in family.samples for label in sample.labels}
    assert used <= allowed
    values = {sample.value for family in parsed for sample in family.samples}
    assert at("2026-03-10 12:34") not in values
    assert {"ok", "violated", "unknown"} == {
        sample.labels["state"]
        for family in parsed
        for sample in family.samples
        if sample.name == "retention_compliance_state"
    }


def test_the_root_survives_as_six_exact_numbers():
    root = bytes(range(200, 232))
    words = root_words(root)
    assert 6 == len(words)
    assert all(float(word) == word and word < 2**48 for word in words)
    sizes = [6] * 5 + [2]
    assert root == b"".join(w.to_bytes(s, "big") for w, s in zip(words, sizes, strict=True))


def test_promtool_finds_nothing_to_say_against_them(
    index: Engine, registry: CollectorRegistry, need: Callable[[str], str]
):
    store = Store(index)
    store.sight(at("2026-03-10 12:00"))
    with writing(index) as connection:
        connection.execute(insert(checkpoints).values(size=1, root=bytes(32), note="note", at=NOW))
    done = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=generate_latest(registry),
        capture_output=True,
        check=False,
    )
    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)


def test_every_reason_is_told_with_its_state(index: Engine, registry: CollectorRegistry):
    store = Store(index)
    store.sight(at("2026-01-15 12:00"))
    store.set(brake="too many at once")
    for state, reason in (("violated", "overdue"), ("unknown", "brake")):
        labels = {"class": "terminal-image", "state": state, "reason": reason}
        assert 1 == registry.get_sample_value("retention_stores_unproven", labels)


def test_what_agents_say_goes_on_from_here(index: Engine, registry: CollectorRegistry):
    store = Store(index)
    store.sight(at("2026-03-10 12:00"))
    notes = ("root-missing", "what-comes-next-year")
    braked = brake(due=900, arrivals=0, days=1, days_since_sweep=1, granted=0).reason
    counts = (("terminal-image", "present", 3),)
    store.say(Heartbeat(NOW, "boot", True, 5, braked, True, counts, notes))
    value = registry.get_sample_value
    told = {
        reason: value("retention_stores_troubled", {"reason": reason})
        for reason in ("root-missing", "other", "paused", "disk-full")
    }
    assert {"root-missing": 1, "other": 1, "paused": 1, "disk-full": 0} == told
    labels = {"class": "terminal-image", "state": "present"}
    assert 3 == value("retention_reported_items", labels)
    assert 2 == value("retention_agent_difference_items", {"store_group": "terminals"})
    assert 1 == value("retention_brake_engaged", {"reason": "unusual"})
    assert 0 == value("retention_brake_engaged", {"reason": "clock"})


def test_a_store_that_is_not_activated_waits_for_no_brake(
    index: Engine, registry: CollectorRegistry
):
    store = Store(index)
    store.set(state="observe", brake="the store is only observed; it was not activated")
    assert 0 == registry.get_sample_value("retention_brake_engaged", {"reason": "observed"})
    assert ["not_activated"] == store.words()


def test_our_own_clock_is_judged_by_what_most_agents_say(
    index: Engine, registry: CollectorRegistry
):
    def told(name: str) -> float | None:
        return registry.get_sample_value(f"retention_clock_{name}", {"role": "enforcer"})

    assert (None, None) == (told("offset_seconds"), told("trusted"))
    for number, offset in enumerate((-4000, 3, 4)):
        add_store(index, f"riga-{number}", clock_offset=offset, last_seen_at=NOW)
    assert (-3, 1) == (told("offset_seconds"), told("trusted"))
    for number, offset in enumerate((3600, 3601)):
        add_store(index, f"liepaja-{number}", clock_offset=offset, last_seen_at=NOW)
    assert (-4, 1) == (told("offset_seconds"), told("trusted"))
    add_store(index, "liepaja-3", clock_offset=3602, last_seen_at=NOW)
    assert (-3600, 0) == (told("offset_seconds"), told("trusted"))


def test_a_store_that_was_heard_in_the_future_shows_that_our_clock_was_set_back(
    index: Engine, registry: CollectorRegistry
):
    add_store(index, "riga-1", clock_offset=0, last_seen_at=NOW + 3600)
    assert 0 == registry.get_sample_value("retention_clock_trusted", {"role": "enforcer"})


def test_more_stores_make_no_more_series_and_a_group_makes_as_many_as_the_page_says(
    index: Engine, registry: CollectorRegistry
):
    """docs/metrics.md: 5 for each store group, and 2 more for each of its classes."""
    Store(index).sight(at("2026-03-10 12:00"))
    facts = {"last_seen_at": NOW, "scan_complete_at": NOW}

    def series() -> int:
        return sum(len(family.samples) for family in registry.collect())

    add_store(index, "riga-0", **facts)
    one = series()
    for number in range(1, 40):
        add_store(index, f"riga-{number}", **facts)
    assert one == series()
    add_store(index, "liepaja-1", store_group="bucket", **facts)
    classes = {"terminal-image"}  # the strictest, where no source is named
    assert one + 5 + 2 * len(classes) == series()
