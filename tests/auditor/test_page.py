"""The page an inspector reads: both languages say all of it, and nothing of others becomes markup."""

import re
from html.parser import HTMLParser

import pytest
from msgspec import structs

from retention import bundle
from retention.calendar import Instant, parse_instant
from retention.page import page, words


@pytest.fixture
def shown(honest):
    return honest.members[bundle.PAGE].decode()


def articles(shown):
    return dict(re.findall(r'<article lang="(\w+)"[^>]*>(.*?)</article>', shown, re.DOTALL))


def test_both_languages_have_the_same_sections_and_the_same_numbers(shown):
    found = articles(shown)
    assert {"lv", "en"} == set(found)
    for pattern in (r"<h2>", r"<tr>", r'<td class="n">(.*?)</td>', r"<rect [^>]*>"):
        latvian, english = (re.findall(pattern, found[each]) for each in ("lv", "en"))
        latvian, english = (
            [re.sub(r"[^0-9✓]", "", n) for n in each] for each in (latvian, english)
        )
        assert latvian == english, pattern


def test_it_loads_nothing_and_runs_nothing(shown):
    assert "default-src 'none'" in shown
    assert not re.search(r"https?:|url\(|@import|<[^>]* on\w+=", shown)
    tags = set(re.findall(r"<(\w+)", shown))
    assert not tags & {"script", "iframe", "link", "object", "embed", "form", "img"}


def test_it_is_well_formed(shown):
    class Balanced(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open = []

        def handle_starttag(self, name, attributes):
            if name != "meta":
                self.open.append(name)

        def handle_endtag(self, name):
            assert self.open.pop() == name

    parser = Balanced()
    parser.feed(shown)
    assert [] == parser.open


def test_what_is_wrong_is_said_first_and_in_both_languages(operator):
    late = {"erased_at": Instant(operator.now - 86_400), "store": "terminal-2"}  # and no backlog
    operator.erase(3, **late)
    operator.add(2, state="lost")
    operator.prove()
    found = articles(operator.members()[bundle.PAGE].decode())
    for language, late, lost in (
        ("lv", "Izdzēsti pēc galējā termiņa: 3.", "bija aizliegts dzēst: 2."),
        ("en", "Erased after the limit: 3.", "Lost although they had to be kept: 2."),
    ):
        first = found[language].split("<h2>")[0]
        assert late in first
        assert lost in first
        assert 'class="answer bad"' in first


def test_what_is_still_there_after_its_limit_is_said(operator):
    operator.add(2)
    assert "Still there after the limit: 2." in operator.members()[bundle.PAGE].decode()


def test_what_a_day_of_grace_keeps_is_told_apart(operator):
    operator.add(2, not_before=operator.now + 3600)
    operator.add(1)
    first = articles(operator.members()[bundle.PAGE].decode())["en"].split("<h2>")[0]
    assert "Still there after the limit: 1." in first
    assert "Not counted: 2 in the day of grace" in first


def test_what_was_past_its_limit_at_the_activation_is_told_apart(operator):
    """Terminal 1 was activated on 10 March, by two people."""
    operator.erase(2, erased_at=parse_instant("2026-03-10T13:00:00+02:00"))
    operator.prove()
    first = articles(operator.members()[bundle.PAGE].decode())["en"].split("<h2>")[0]
    assert "None was erased early" in first
    assert "Not counted: 2 that were past their limit before" in first
    assert 'class="answer bad"' not in first


def test_the_alert_that_always_fires_is_no_alarm(operator):
    watched = operator.watched()
    dog = structs.replace(
        watched.alarms[0], name="RetentionWatchdog", labels=(("severity", "none"),)
    )
    both = structs.replace(watched, alarms=(*watched.alarms, dog))
    made = operator.members(watched=both)[bundle.PAGE].decode()
    assert "RetentionBrake" in made
    assert "RetentionWatchdog" not in made


def test_what_others_wrote_does_not_become_markup(honest, honest_chain):
    holds = list(bundle.parse(honest.members[bundle.HOLDS], bundle.HoldExtract))
    hostile = structs.replace(holds[0], id="<script>alert(1)</script>", ground="<b>")
    members = honest.members | {bundle.HOLDS: bundle.lines([hostile])}
    made = page(
        members,
        honest_chain,
        made_at=Instant(0),
        since=holds[0].review_on,
        through=holds[0].review_on,
    )
    assert b"<script>" not in made
    assert b"&lt;script&gt;" in made


def test_every_sentence_on_what_was_not_checked_has_its_latvian():
    empty = dict.fromkeys(bundle.CONTENTS, b"")
    full = dict.fromkeys(bundle.CONTENTS, b"x")
    assert {*bundle.not_checked(empty), *bundle.not_checked(full)} == set(words.NOT_CHECKED)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "dienu"), (11, "dienas"), (21, "dienu"), (60, "dienas"), (111, "dienas")],
)
def test_latvian_counts_as_it_does(number, expected):
    assert expected == words.unit("D", number, "lv")
