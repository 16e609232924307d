"""Every panel of every dashboard says what it proves, and shows something."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_server import Server

from dashboards.__main__ import written
from dashboards.boards import BOARDS
from dashboards.panel import UNMEASURED, Panel, bucket_label, bucket_words
from enforcer.comply import State
from enforcer.index import tally
from enforcer.index.histograms import ENDLESS
from retention.page.words import REASONS

PANELS = [panel for _, panels in BOARDS.values() for panel in panels]
QUERIES = [
    pytest.param(query, id=f"{name}: {panel.title}: {legend}")
    for name, (_, panels) in BOARDS.items()
    for panel in panels
    for legend, query in panel.asked
]


@pytest.mark.parametrize(
    ("path", "text"), written().items(), ids=lambda each: getattr(each, "name", "")
)
def test_the_files_are_what_the_code_says(path: Path, text: str):
    assert text == path.read_text(), "run `make dashboards`"


def lost(part: object, whole: object, at: str = "") -> list[str]:
    """Where something of `part` is not in `whole`; what `whole` has besides is a default."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return [each for n in part for each in lost(part[n], whole.get(n), f"{at}.{n}")]
    if isinstance(part, list) and isinstance(whole, list) and len(part) == len(whole):
        pairs = enumerate(zip(part, whole, strict=True))
        return [each for n, pair in pairs for each in lost(*pair, f"{at}[{n}]")]
    return [] if part == whole else [at]


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_grafanas_own_schema_reads_all_of_it(path: Path):
    plugins.register_default_plugins()
    board = json.loads(path.read_text())
    read = Dashboard.from_json(board)
    assert [] == lost(board, json.loads(JSONEncoder().encode(read)))


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_every_panel_says_what_it_proves_and_what_to_do(path: Path):
    board = json.loads(path.read_text())
    for panel in board["panels"]:
        proves, _, when_red = re.split(r" When (red|unknown): ", panel["description"])
        assert proves.endswith("."), panel["title"]
        assert when_red.endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        assert "retention-prometheus" == panel["datasource"]["uid"]


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_a_panel_speaks_as_people_do(path: Path):
    """Words of the code are for the code: an entry is signed for people, a leaf is hashed for us."""
    ours = re.compile(
        r"\b(epoch|lea(f|ves)|heads?|roots?|directives?|intents?|outbox)\b", re.IGNORECASE
    )
    for panel in json.loads(path.read_text())["panels"]:
        legends = [target["legendFormat"] for target in panel["targets"]]
        for text in (panel["title"], panel["description"], *legends):
            assert not ours.search(text), text


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_no_panel_lies_over_another(path: Path):
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_returns_series(prometheus: Server, query: str):
    """Something that was measured: neither the word for unknown nor a 0 in the place of a wrong name."""
    assert prometheus.at is not None
    minute = replace(prometheus, at=(prometheus.at // 60 + 1) * 60)  # one panel counts by minutes
    assert {series["value"][1] for series in minute.ask(query)} - {str(UNMEASURED)}
    for name in re.findall(r"[a-z:]*(?:retention|enforcer)_[\w:]+", query):
        assert prometheus.ask(f'{{__name__="{name}"}}'), name


@pytest.mark.slow
@pytest.mark.parametrize("panel", [p for p in PANELS if "bars" == p.shape], ids=lambda p: p.title)
def test_every_bucket_has_words(prometheus: Server, panel: Panel):
    ((_, query),) = panel.asked
    there = {series["metric"]["le"] for series in prometheus.ask(query)}
    assert there == {bucket_label(bound) for bound in panel.bounds}


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (-7 * 86_400, "late by 7 days or more"),
        (-3600, "late by 1 hour or more"),
        (0, "late"),
        (6 * 3600, "up to 6 hours"),
        (60 * 86_400, "up to 60 days"),
        (ENDLESS, "more"),
    ],
)
def test_a_bucket_is_called_as_people_call_it(bound: int, words: str):
    assert words == bucket_words(bound)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_words_that_there_are(query: str):
    """Of a word that nobody says there is no series, and no panel gets red."""
    words = {"state": {*tally.LIVE, *tally.ENDED, "due", *State}, "reason": set(REASONS)}
    for label, value in re.findall(r'(\w+)=~?"([\w|]+)"', query):
        assert words[label] >= set(value.split("|"))
