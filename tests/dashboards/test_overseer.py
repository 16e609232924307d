"""What `enforcer doctor` finds at a real Prometheus: one that will do, and one that will not."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_server import Server, running
from waiting import wait_until

from enforcer.checkup import overseer
from enforcer.prometheus import looker
from retention.errors import UnreachableError

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules" / "retention.yml"


def told(look: Callable) -> dict[str, bool | None]:
    return {f.subject.removeprefix("prometheus "): f.fine for f in overseer.examine(look)}


def test_a_server_that_does_its_work_lacks_only_whom_to_tell(prometheus: Server):
    expected = {"keeps": True, "deletes": True, "alerts": True, "tells": False, "sees us": True}
    assert expected == told(looker(prometheus.url))


def test_to_miss_one_look_is_not_to_be_blind(tmp_path: Path, need: Callable[[str], str]):
    registry = CollectorRegistry()
    Gauge("retention_ledger_tree_size", "entries", registry=registry).set(7)
    enforcer, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    jobs = {"retention-enforcer": enforcer.server_port}
    with running(need("prometheus"), tmp_path, jobs) as server:
        server.wait_for("retention_ledger_tree_size")
        enforcer.shutdown()
        enforcer.server_close()
        thread.join()
        server.wait_for("up == 0")
        assert told(looker(server.url))["sees us"]


def test_one_that_forgets_is_deaf_and_takes_orders_is_told(
    tmp_path: Path, need: Callable[[str], str]
):
    options = ["--web.enable-admin-api"]
    program = need("prometheus")
    with running(program, tmp_path, {}, kept="15d", options=options, alertmanager=9) as server:
        server.wait_for("vector(1)")
        look = looker(server.url)
        wait_until(lambda: look("alertmanagers")["activeAlertmanagers"], "it knows whom to tell")
        found = told(look)
    assert {
        "keeps": False,
        "deletes": False,
        "alerts": False,
        "tells": True,
        "sees us": False,
    } == found


@pytest.mark.parametrize(
    ("kept", "well"),
    [
        ("400d", True),
        ("1y5w", True),
        ("1y34d", False),
        ("15d", False),
        ("", False),
        ("10GiB", False),
        ("400d or 10GiB", None),
        ("15d or 10GiB", False),
    ],
)
def test_the_time_it_keeps_is_counted_in_days(kept: str, well: bool | None):
    assert told(lambda _: {"storageRetention": kept})["keeps"] is well


def test_who_does_not_answer_or_says_something_else_is_not_known():
    def silent(_path: str) -> None:
        raise UnreachableError("it does not answer")

    for look in (silent, lambda _: None, lambda _: []):
        assert {None} == set(told(look).values())


def test_the_alerts_that_are_looked_for_are_those_of_the_rules():
    assert set(re.findall(r"- alert: (\w+)", RULES.read_text())) == overseer.ALERTS
