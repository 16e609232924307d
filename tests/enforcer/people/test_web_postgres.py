"""What people ask, on the other database: the same answers."""

from zoneinfo import ZoneInfo

import pytest

from enforcer.cli.client import Client
from enforcer.govern.forms.compliance import Forecast, Status
from enforcer.govern.forms.documents import Document, Events, Proposal, Signed
from enforcer.govern.forms.holds import HoldLines, HoldSheet, Placement
from enforcer.govern.forms.items import ItemQuery, ItemSheets
from enforcer.govern.forms.ledger import Verified
from enforcer.govern.forms.previews import Preview
from enforcer.index import tally
from enforcer.index.engine import open_index, reading, writing
from enforcer.index.policies import publish, published
from enforcer.tasks.watch import Watch
from retention import acts, envelope, report
from retention.acts import Release, Retirement
from retention.calendar import DAY, Instant, parse_instant
from retention.outcome import Outcome
from retention.reasons import SaltedReason

THREE = parse_instant("2026-06-10T03:10:00+03:00")


@pytest.fixture
def served(home, postgres, serve):
    """An enforcer whose index is on PostgreSQL."""
    file = home / "enforcer.toml"
    sqlite = open_index(f"sqlite:///{home / 'enforcer.db'}")
    with reading(sqlite) as old, writing(postgres) as new:
        (document,) = published(old)
        publish(new, 1, document)
    sqlite.dispose()
    url = postgres.url.render_as_string(hide_password=False)
    file.write_text(file.read_text().replace("sqlite:///enforcer.db", url))
    return serve()


CLOSED = SaltedReason(bytes(32), "case closed")


def approve(served, act, first: Client, second: Client):
    sealed = envelope.seal("act", acts.encode(act), [first.key])
    document = first.post("/v1/documents", Proposal(sealed, (CLOSED,)), Document)
    signed = Signed(envelope.seal("act", acts.encode(act), [second.key]))
    return second.post(f"/v1/documents/{document.id}/sign", signed, Document)


@pytest.mark.slow
def test_the_story_of_a_hold_is_the_same_on_postgresql(served):
    agent = served.enrol("t-1")
    old = Instant(THREE - 70 * DAY)
    agent.sight(THREE, old, None)
    now = served.clock.now
    agent.report(report.Erased(now, ((2, 2),), "due", Outcome.ERASED_VERIFIED))
    hugo, aija, dana = (served.person(name) for name in ("hugo", "aija", "dana"))
    form = Placement(id="hold-1", ground="crime", site="brivibas", around="03:10")
    ahead = hugo.post("/v1/holds/preview", form, Preview).stores[0]
    assert [source.items for source in ahead.sources] == [2, 0]
    sheet = hugo.post("/v1/holds", form, HoldSheet)
    assert [store.state for store in sheet.stores] == ["pending"]
    said = agent.fetch()
    agent.report(
        report.Held(now, "hold-1", ((1, 1), (3, 3))),
        report.Acknowledged(now, said.version, ("hold-1",)),
    )
    sheet = hugo.get("/v1/holds/hold-1", HoldSheet)
    assert [(store.state, store.items) for store in sheet.stores] == [("effective", 2)]
    query = ItemQuery(site="brivibas", around="03:10")
    found = hugo.post("/v1/items/find", query, ItemSheets).items
    assert {sheet.id for sheet in found} == {"t-1/1/1", "t-1/1/3"}
    common = {"at": now, "reason": CLOSED.commitment}
    released = approve(served, Release(id="release-00000001", hold="hold-1", **common), aija, dana)
    assert released.waiting_for == ("t-1",)
    assert hugo.get("/v1/holds", HoldLines).holds[0].released_at == now
    served.built.rounds.prove()
    served.built.rounds.check()
    served.built.rounds.forget()
    Watch(served.engine, served.built.chains, served.clock, ZoneInfo("Europe/Riga")).look()
    assert dana.get("/v1/ledger/verify", Verified).proved == 2
    assert dana.get("/v1/status", Status).classes[0].state == "unknown"
    assert dana.get("/v1/forecast", Forecast, days=90).lines == ()  # its agent has not let go yet
    assert dana.get_bytes("/v1/bundle", since="2026-01-01", through="2026-06-10")[:2] == b"PK"
    retired = Retirement(id="retirement-00000001", store="t-1", how="lost", **common)
    assert approve(served, retired, aija, dana).state == "approved"
    with reading(served.engine) as connection:
        assert tally.unbalanced(connection) == []
    assert dana.get("/v1/history", Events).events[0].verb == "sign"
