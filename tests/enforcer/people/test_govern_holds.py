"""Holds, from a person's words at night to a store that acknowledges."""

from datetime import date, timedelta

import pytest

from enforcer.govern.forms.documents import Events
from enforcer.govern.forms.holds import (
    Confirmation,
    Counted,
    HoldLines,
    HoldSheet,
    Placement,
    Review,
)
from enforcer.govern.forms.previews import Preview, Span
from retention import report
from retention.calendar import DAY, Instant, parse_instant
from retention.errors import ConfigError, RefusedError
from retention.hold import COMPLETE_WITHIN_SECONDS

TODAY = date(2026, 6, 10)
THREE = parse_instant("2026-06-10T03:10:00+03:00")
QUARTER = 15 * 60


def place(served, hold="hold-1", person="hugo", **words: object):
    form = Placement(**({"id": hold, "ground": "crime"} | words))
    return served.person(person).post("/v1/holds", form, HoldSheet)


def preview(served, **words: object):
    form = Placement(**({"id": "hold-1", "ground": ""} | words))
    return served.person("hugo").post("/v1/holds/preview", form, Preview)


def at_store(sheet, store="t-1"):
    return next(each for each in sheet.stores if each.store == store)


def test_a_hold_is_placed_in_the_words_a_person_has_at_night(served):
    served.enrol("t-1", "Brīvības iela 12")
    served.enrol("t-9", "Brīvības iela 120")
    sheet = place(served, site="brivibas 12", around="03:10")
    assert (sheet.site, [each.store for each in sheet.stores]) == ("Brīvības iela 12", ["t-1"])
    assert (sheet.begins, sheet.ends) == (THREE - QUARTER, THREE + QUARTER)
    assert (sheet.clause, sheet.owner, sheet.missing) == ("19.1", "hugo", ("a case reference",))
    assert sheet.complete_by == served.clock.now + 72 * 3600


def test_it_is_effective_only_once_the_store_has_said_so(served):
    agent = served.enrol("t-1")
    agent.sight(THREE)
    placed = at_store(place(served, site="brivibas", around="03:10"))
    assert (placed.state, placed.effective_at) == ("pending", None)
    assert placed.last_seen_at == served.clock.now
    said = agent.fetch()  # it may not have reached the agent: nothing is effective yet
    assert [hold.id for hold in said.holds] == ["hold-1"]
    assert at_store(show(served)).state == "pending"
    now = served.clock.forward(5)
    agent.report(
        report.Held(now, "hold-1", ((1, 1),)),
        report.Acknowledged(now, said.version, ("hold-1",)),
    )
    held = at_store(show(served))
    assert (held.state, held.effective_at, held.items) == ("effective", now, 1)


def show(served, hold="hold-1"):
    return served.person("hugo").get(f"/v1/holds/{hold}", HoldSheet)


def test_while_pending_it_says_when_the_store_may_next_delete(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, Instant(THREE - 58 * DAY))
    placed = at_store(place(served, site="brivibas", around="03:10"))
    assert placed.next_deletion_at == parse_instant("2026-06-11T06:00:00+03:00")


def test_what_went_before_is_said_by_civil_date_and_count(served):
    agent = served.enrol("t-1")
    place(served, site="brivibas", around="2026-03-01 03:10")
    said = agent.fetch()
    gone = (("hold-1", date(2026, 3, 1).toordinal(), 4),)
    agent.report(report.Acknowledged(served.clock.now, said.version, ("hold-1",), gone))
    found = at_store(show(served))
    assert (found.state, found.gone) == ("already gone", (Counted(date(2026, 3, 1), 4),))


def test_asking_twice_places_one_hold(served):
    served.enrol("t-1")
    assert place(served, site="brivibas", around="03:10").placed_at == served.clock.now
    served.clock.forward(30)
    again = place(served, site="brivibas", around="04:10")
    assert again.begins == THREE - QUARTER
    assert len(served.person("hugo").get("/v1/holds", HoldLines).holds) == 1


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ({"site": "brivibas", "around": "03:10"}, "which one: 'Brīvības 12', 'Brīvības 12, S"),
        ({"site": "Nowhere", "around": "03:10"}, "no site is called 'Nowhere'"),
        ({"around": "03:10"}, "say where"),
        ({"site": "Sigulda"}, "say when"),
        ({"site": "Sigulda", "since": "03:10"}, "say when"),
        ({"site": "Sigulda", "around": "3 at night"}, "is no time"),
        ({"site": "Sigulda", "around": "03:10", "ground": "other"}, "and no other"),
        ({"site": "Sigulda", "around": "03:10", "ground": "statute"}, "cite it"),
        ({"site": "Sigulda", "around": "03:10", "sources": ("cam-back",)}, "no source 'cam-back'"),
        ({"stores": ("t-8",), "around": "03:10"}, "no store is called t-8"),
        ({"items": ("t-1/1/99",)}, "there is no item t-1/1/99"),
        ({"items": ("t-1/1/99",), "site": "Sigulda"}, "not both"),
        ({"site": "Sigulda", "around": "03:10", "case": "x" * 401}, "length <= 400"),
    ],
)
def test_what_is_not_clear_is_asked_and_nothing_is_placed(served, words, question):
    served.enrol("t-1")
    served.enrol("t-2", "Brīvības 12, Sigulda")
    with pytest.raises(ConfigError, match=question):
        place(served, **words)
    assert served.person("hugo").get("/v1/holds", HoldLines).holds == ()


@pytest.mark.parametrize(
    "typed", ["the man of 29123456", "010190-12345", "write to janis@example.lv"]
)
def test_a_register_takes_no_personal_data(served, typed):
    served.enrol("t-1")
    with pytest.raises(RefusedError, match="no personal data"):
        place(served, site="brivibas", around="03:10", case=typed)
    kept = b"".join(path.read_bytes() for path in served.home.glob("enforcer.db*"))
    assert typed.encode() not in kept


def test_a_request_for_access_is_kept_until_it_is_answered(served):
    served.enrol("t-1")
    asked_on = TODAY - timedelta(days=3)
    sheet = place(served, site="brivibas", around="03:10", requested_on=asked_on, ground="")
    assert (sheet.ground, sheet.citation) == ("statute", "GDPR articles 15 and 18")
    assert (sheet.review_on, sheet.missing) == (date(2026, 7, 7), ())


@pytest.mark.parametrize(("days", "fine"), [(0, True), (90, True), (91, False), (-1, False)])
def test_a_review_is_at_most_90_days_ahead(served, days, fine):
    served.enrol("t-1")
    place(served, site="brivibas", around="03:10")
    form = Review(TODAY + timedelta(days=days), case="2026-17")
    hugo = served.person("hugo")
    if fine:
        sheet = hugo.post("/v1/holds/hold-1/review", form, HoldSheet)
        assert (sheet.review_on, sheet.case, sheet.missing) == (form.review_on, "2026-17", ())
    else:
        with pytest.raises(RefusedError, match="within 90 days"):
            hugo.post("/v1/holds/hold-1/review", form, HoldSheet)


def test_no_hold_ends_by_itself_but_what_is_overdue_shows(served):
    agent = served.enrol("t-1")
    place(served, site="brivibas", around="03:10")
    lines = served.person("hugo").get("/v1/holds", HoldLines).holds
    assert lines[0].attention == ()
    served.clock.forward(COMPLETE_WITHIN_SECONDS + 60)
    lines = served.person("hugo").get("/v1/holds", HoldLines).holds
    assert lines[0].attention == ("no case reference after 72 hours",)
    served.clock.forward(40 * DAY)
    lines = served.person("hugo").get("/v1/holds", HoldLines).holds
    assert "its review is overdue" in lines[0].attention
    assert [hold.id for hold in agent.fetch().holds] == ["hold-1"]


def test_a_marker_waits_for_a_person_and_is_confirmed_once(served):
    agent = served.enrol("t-1")
    now = served.clock.now
    agent.report(report.Marked(now, "marker-1", THREE, THREE, ("cam-front",), "event"))
    line = served.person("hugo").get("/v1/holds", HoldLines).holds[0]
    assert line.attention == ("marked where it was recorded: confirm or release it",)
    form = Confirmation(ground="dispute", case="2026-4")
    sheet = served.person("hugo").post("/v1/holds/marker-1/confirm", form, HoldSheet)
    assert (sheet.owner, sheet.ground, sheet.missing) == ("hugo", "dispute", ())
    with pytest.raises(RefusedError, match="hugo's already"):
        served.person("hugo").post("/v1/holds/marker-1/confirm", form, HoldSheet)


def test_a_store_that_joins_a_held_site_is_held_too(served):
    served.enrol("t-1")
    place(served, site="brivibas", around="03:10")
    joined = served.enrol("t-2")
    assert [hold.id for hold in joined.fetch().holds] == ["hold-1"]
    elsewhere = served.enrol("t-3", "Čaka 5")
    assert elsewhere.fetch().holds == ()


def test_a_preview_shows_what_is_there_missing_and_due(served):
    agent = served.enrol("t-1")
    agent.sight(Instant(THREE - 600), Instant(THREE - 590), Instant(THREE + 60))
    agent.sight(None, source="cam-side")
    found = preview(served, site="brivibas", around="03:10").stores[0]
    front, side = found.sources
    assert (front.source, front.items, front.undated) == ("cam-front", 3, 0)
    assert front.gaps == (
        Span(Instant(THREE - 900), Instant(THREE - 600)),
        Span(Instant(THREE - 580), Instant(THREE + 60)),
        Span(Instant(THREE + 70), Instant(THREE + 900)),
    )
    assert (side.source, side.items, side.undated) == ("cam-side", 1, 1)
    assert found.unreported  # never scanned: there may be more
    assert [(due.items, due.due_at) for due in found.due] == [
        (3, parse_instant("2026-08-08T06:00:00+03:00"))
    ]
    agent.scan()
    assert not preview(served, site="brivibas", around="03:10").stores[0].unreported


def test_of_what_came_after_a_store_was_last_heard_no_gap_is_told(served):
    agent = served.enrol("t-1")
    agent.sight(Instant(THREE - 600))
    heard = served.clock.now
    served.clock.now = Instant(heard + DAY)
    lasting = preview(served, site="brivibas", since="2026-01-01", until=str(date(2026, 12, 31)))
    assert heard == max(gap.ends for each in lasting.stores[0].sources for gap in each.gaps)


def test_a_preview_counts_what_went_already_by_civil_date(served):
    agent = served.enrol("t-1")
    old = Instant(THREE - 70 * DAY)
    agent.sight(old, old, THREE)
    now = served.clock.now
    agent.report(report.Erased(now, ((1, 2),), "due", report.Outcome.ERASED_VERIFIED))
    found = preview(served, site="brivibas", around="2026-04-01 03:10").stores[0]
    assert found.gone == (Counted(date(2026, 4, 1), 2),)
    assert sum(source.items for source in found.sources) == 0


def test_a_preview_places_nothing(served):
    agent = served.enrol("t-1")
    preview(served, site="brivibas", around="03:10")
    assert agent.fetch().holds == ()


def test_single_items_can_be_held(served):
    agent = served.enrol("t-1")
    agent.sight(THREE, Instant(THREE + 1))
    place(served, items=("t-1/1/2",))
    (hold,) = agent.fetch().holds
    assert hold.begins > hold.ends
    assert [(item.number, item.begins) for item in hold.items] == [(2, THREE + 1)]


def test_every_act_and_look_is_in_the_history(served):
    served.enrol("t-1")
    place(served, site="brivibas", around="03:10")
    with pytest.raises(RefusedError):
        served.person("uldis").post("/v1/holds", Placement(id="hold-2", ground="crime"), HoldSheet)
    events = [(event.person, event.verb) for event in show(served).history]
    assert events == [("hugo", "place")]
    newest = served.person("uldis").get("/v1/history", Events).events[0]
    assert (newest.person, newest.verb, newest.subject) == ("uldis", "refused", "place hold")
