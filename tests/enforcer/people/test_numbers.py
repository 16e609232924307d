"""Calls by telephone number: found and held by what a key makes of it, and never in clear."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from enforcer.cli import main
from enforcer.govern.forms.holds import HoldSheet, Placement
from enforcer.govern.forms.items import ItemQuery, ItemSheets
from enforcer.govern.forms.previews import Preview
from enforcer.index.engine import reading
from enforcer.index.tables import item_numbers
from retention import report
from retention.calendar import Instant, parse_instant
from retention.errors import ConfigError, MalformedError
from retention.numbers import NumberKey, keyed
from retention.outcome import Outcome
from retention.wire import Hello

OLD, NEW = NumberKey("2026-01", b"1" * 32), NumberKey("2026-07", b"2" * 32)
NUMBER, OTHER = "+37120000001", "+37120000002"
THREE = parse_instant("2026-06-10T03:10:00+03:00")
MAY = parse_instant("2026-05-10T03:10:00+03:00")


def write_keys(home: Path, *keys: NumberKey) -> None:
    path = home / "numbers"
    path.write_text("".join(f"{key.id} {key.secret.hex()}\n" for key in keys))
    path.chmod(0o600)


@pytest.fixture
def served(serve: Callable[..., object], home: Path):
    write_keys(home, OLD, NEW)
    with (home / "enforcer.toml").open("a") as file:
        file.write('\nnumber_keys = "numbers"\n')
    return serve()


def find(served, number: str, **words: object) -> list[str]:
    query = ItemQuery(number=number, **words)
    found = served.person("hugo").post("/v1/items/find", query, ItemSheets)
    return [item.id for item in found.items]


def test_a_call_is_found_by_its_number_in_any_spelling_and_by_any_key_in_use(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, MAY, THREE)
    agent.number(1, *keyed(NUMBER, [OLD]))
    agent.number(2, *keyed(NUMBER, [NEW]), *keyed(OTHER, [NEW]))
    for spelling in ("2000 0001", "+371 20000001", "0037120000001"):
        assert find(served, spelling) == ["t-1/1/2", "t-1/1/1"]
    assert find(served, OTHER) == ["t-1/1/2"]
    assert find(served, NUMBER, around="03:10") == ["t-1/1/1"]
    assert find(served, NUMBER, site="brivibas", since="2026-05-01", until="2026-05-31 23:59") == [
        "t-1/1/2"
    ]
    assert find(served, "+37129999999") == []


def test_a_key_that_was_taken_out_of_the_file_finds_nothing_any_more(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    agent.number(1, *keyed(NUMBER, [OLD]))
    write_keys(served.home, NEW)
    assert find(served, NUMBER) == []
    write_keys(served.home, OLD, NEW)
    assert find(served, NUMBER) == ["t-1/1/1"]


def test_what_is_no_number_is_refused_without_saying_it_again(served):
    served.enrol("t-1")
    with pytest.raises((MalformedError, ConfigError)) as error:
        find(served, "Anna Ozola")
    assert "Ozola" not in str(error.value)


def test_without_keys_the_question_is_answered_with_a_sentence(serve, home):
    served = serve()
    served.enrol("t-1")
    with pytest.raises(ConfigError, match="no number_keys are configured"):
        find(served, NUMBER)


@pytest.mark.parametrize("ending", ["erased", "gone", "a new epoch"])
def test_numbers_go_with_their_item(served, ending: str):
    agent = served.enrol("t-1")
    agent.sight(THREE, THREE)
    agent.number(1, *keyed(NUMBER, [OLD, NEW]))
    now = served.clock.now
    if ending == "erased":
        agent.report(report.Erased(now, ((1, 1),), "due", Outcome.ERASED_VERIFIED))
    elif ending == "gone":
        agent.report(report.Gone(now, ((1, 1),), "gone_elsewhere"))
    else:
        hello = Hello(epoch=None, number=0, digest=bytes(32), booted="another")
        agent.uplink.hello(hello)
    with reading(served.engine) as connection:
        assert connection.execute(select(item_numbers)).all() == []
    assert find(served, NUMBER) == []


def test_numbers_of_what_is_gone_already_are_not_kept(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    agent.report(report.Erased(served.clock.now, ((1, 1),), "due", Outcome.ERASED_VERIFIED))
    agent.number(1, *keyed(NUMBER, [OLD]))
    with reading(served.engine) as connection:
        assert connection.execute(select(item_numbers)).all() == []


def test_a_hold_by_number_reaches_every_store_with_what_each_key_makes_of_it(served):
    one, two = served.enrol("t-1"), served.enrol("t-2", "Tallinas 5")
    one.sight(THREE, THREE)
    one.number(1, *keyed(NUMBER, [OLD]))
    form = Placement("hold-1", "dispute", number="20000001", around="03:10")
    ahead = served.person("hugo").post("/v1/holds/preview", form, Preview)
    assert [sum(s.items for s in store.sources) for store in ahead.stores] == [1, 0]
    sheet = served.person("hugo").post("/v1/holds", form, HoldSheet)
    assert [store.store for store in sheet.stores] == ["t-1", "t-2"]
    assert sheet.number_keys == ("2026-01", "2026-07")
    for agent in (one, two):
        [hold] = agent.fetch().holds
        assert hold.numbers == keyed(NUMBER, [OLD, NEW])
        interval = (Instant(THREE), Instant(THREE + 10))
        assert hold.matches("cam-front", *interval, numbers=keyed(NUMBER, [NEW]))
        assert not hold.matches("cam-front", *interval, numbers=keyed(OTHER, [NEW]))
        assert not hold.matches("cam-front", *interval)
        assert not hold.matches("cam-front", MAY, MAY, numbers=keyed(NUMBER, [NEW]))
    both = Placement("hold-2", "dispute", number="20000001", items=("t-1/1/1",))
    with pytest.raises(ConfigError, match="not both"):
        served.person("hugo").post("/v1/holds", both, HoldSheet)


def test_no_number_is_kept_or_shown_anywhere_in_clear(served, capfd):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    agent.number(1, *keyed(NUMBER, [OLD]))
    find(served, NUMBER)
    form = Placement("hold-1", "dispute", number=NUMBER, around="03:10")
    served.person("hugo").post("/v1/holds", form, HoldSheet)
    with reading(served.engine) as connection:
        raw = connection.connection.driver_connection
        dump = "\n".join(raw.iterdump())
    for line in (dump, *capfd.readouterr()):
        assert "20000001" not in line
    for path in served.home.rglob("*"):
        if path.is_file():
            assert b"20000001" not in path.read_bytes(), path


def test_the_command_asks_by_number(served, live, capsys):
    del served
    write_keys(live.home, OLD)
    agent = live.enrol("t-9", "Tallinas 5")
    agent.sight(Instant(live.clock() - 3600))
    agent.number(1, *keyed(NUMBER, [OLD]))
    config = ["--as", str(live.home / "people" / "hugo.toml")]
    assert main(["item", "find", "--number", "+371 20000001", *config]) == 0
    assert "t-9/1/1" in capsys.readouterr().out
