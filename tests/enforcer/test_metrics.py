"""The metrics are the index's facts, under the names and labels that were promised."""

import subprocess
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine, insert
from test_comply import CHAIN, NOW, Store
from world import at

from enforcer.index.engine import writing
from enforcer.index.tables import checkpoints
from enforcer.metrics import Facts, root_words
from retention.outcome import Outcome
from retention.report import Erased, Gone, Held


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


def test_a_lost_item_is_counted(index: Engine, registry: CollectorRegistry):
    store = Store(index)
    number = store.sight(at("2026-03-10 12:00"))
    store.say(Held(NOW, "hold-1", ((number, number),)), Gone(NOW, ((number, number),), "lost"))
    labels = {"class": "terminal-image"}
    assert 1 == registry.get_sample_value("retention_lost_items_total", labels)


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
