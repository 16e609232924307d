"""Whoever decides about a recording decides about its copies, on whichever store they lie (R17)."""

import pytest

from enforcer.govern.forms.items import ItemSheets
from retention.calendar import DAY, Instant, parse_instant
from retention.report import Acknowledged, Held, Sighted

THREE = parse_instant("2026-06-10T03:10:00+03:00")
CONTENT = b"the same in all of them"


def sight(agent, item, **changes: object):
    """Report a recording of ten seconds at three."""
    facts = {
        "record_class": "terminal-image",
        "source": "cam-front",
        "anchor": THREE,
        "how": "name",
        "span": 10,
        "before": 0,
        "after": 10,
        "seen": agent.served.clock(),
        "size": 1000,
        "fingerprint": CONTENT,
    }
    agent.report(Sighted(item=item, **(facts | changes)))


def copies(served, name):
    found = served.person("dana").get(f"/v1/items/{name}/copies", ItemSheets)
    return [item.id for item in found.items]


def test_copies_are_the_same_content_with_a_time_in_common_on_all_stores(served):
    first, second = served.enrol("t-1"), served.enrol("t-2")
    sight(first, 1)
    sight(first, 2, source="cam-side", anchor=Instant(THREE - DAY), before=0, after=2 * DAY)
    sight(first, 3, fingerprint=b"another")
    sight(second, 1, anchor=None, state="undated")
    sight(second, 2, anchor=Instant(THREE + 3600))
    assert ["t-1/1/2", "t-2/1/1"] == copies(served, "t-1/1/1")
    assert [] == copies(served, "t-1/1/3")


def test_all_empty_files_have_the_same_content_and_are_nobody_s_copies(served):
    agent = served.enrol("t-1")
    sight(agent, 1, size=0)
    sight(agent, 2, size=0)
    assert [] == copies(served, "t-1/1/1")


@pytest.mark.parametrize("verb", ["erase", "restrict"])
def test_the_command_names_the_copies_before_anything_is_signed(live, type_, verb):
    for store in ("t-1", "t-2"):
        sight(live.enrol(store), 1)
    yes = ("--yes",) if verb == "erase" else ()
    said = type_("aija", "item", verb, "t-1/1/1", "--reason", "article 17", *yes)
    assert 0 == said.code
    assert "t-2/1/1" in said.out + said.err
    if verb == "erase":
        assert "Not reached" in said.err


def test_a_restriction_is_lifted_from_its_copies_too(live, type_):
    agents = [live.enrol(store) for store in ("t-1", "t-2")]
    for agent in agents:
        sight(agent, 1)
    type_("dana", "item", "restrict", "t-1/1/1", "--reason", "article 18")
    for agent in agents:
        said = agent.fetch()
        hold = said.holds[0].id
        agent.report(*_restricted(agent, hold, said.version))
    typed = ("item", "lift", "t-2/1/1", "--informed", "2026-06-01T12:00:00+03:00")
    lifted = type_("dana", *typed, "--reason", "settled", "--yes")
    assert 0 == lifted.code, lifted.err
    assert "t-1/1/1" in lifted.err
    assert "t-2/1/1" in lifted.err


def _restricted(agent, hold, version):
    now = agent.served.clock()
    return Held(now, hold, ((1, 1),)), Acknowledged(now, version, (hold,))
