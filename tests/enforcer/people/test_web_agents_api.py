"""What an agent may do over the wire, and what nobody may."""

import http.client
import json
import os
from datetime import date
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from waiting import NEVER_SECONDS

from agents.engine.talking.uplink import CredentialRefusedError, FrozenError, GapError
from enforcer.govern.forms.form import Done, Empty
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores
from enforcer.index.engine import writing
from enforcer.index.tables import stores
from enforcer.web.bodies import DOCUMENT_BYTES
from retention import report
from retention.calendar import DAY, Instant
from retention.errors import RefusedError
from retention.report import MAX_BATCH_BYTES
from retention.wire import Enrolment, Hello


def raw(served, method, path, body=b"", **headers: str):
    """One request without any help; status and answer."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=NEVER_SECONDS)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def invited(served, name="t-1"):
    new = NewStore(id=name, site="Čaka 5", group="terminal", commissioned_on=date(2025, 1, 1))
    return served.person("olga").post("/v1/stores", NewStores((new,)), Invitations).invitations[0]


def test_an_agent_enrols_greets_reports_and_is_directed(served):
    agent = served.enrol("t-1")
    agent.sight(Instant(served.clock.now - 70 * DAY), Instant(served.clock.now - DAY))
    said = agent.obey()
    assert (said.store, said.epoch, said.policy) == ("t-1", 1, 1)
    assert "terminal-image" in {due.record_class for due in said.due}


def test_a_code_works_once(served):
    code = invited(served).code
    body = json.dumps({"code": code}, separators=(",", ":")).encode()
    assert raw(served, "POST", "/agent/v1/enrol", body)[0] == 200
    status, answer = raw(served, "POST", "/agent/v1/enrol", body)
    assert (status, json.loads(answer)) == (
        401,
        {"error": "this enrolment code is unknown or was used before"},
    )


def test_a_code_expires(served):
    invitation = invited(served)
    served.clock.now = invitation.expires_at
    body = json.dumps({"code": invitation.code}, separators=(",", ":")).encode()
    status, answer = raw(served, "POST", "/agent/v1/enrol", body)
    assert status == 401
    assert b"has expired" in answer


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer t-1", "Bearer t-1.", "Bearer .", "Basic t-1.x", "Bearer nobody.secret"],
)
def test_whoever_has_no_credential_is_told_nothing(served, given):
    served.enrol("t-1")
    for path in ("/hello", "/log?epoch=1&first=1"):
        assert raw(served, "POST", f"/agent/v1{path}", b"x", Authorization=given)[0] == 401
    assert raw(served, "GET", "/agent/v1/prior?after=0", Authorization=given)[0] == 401
    assert raw(served, "GET", "/agent/v1/directive?epoch=1", Authorization=given)[0] == 401


def test_a_secret_is_good_for_its_own_store_only(served):
    one, other = served.enrol("t-1"), served.enrol("t-2")
    secret = other.credential.partition(".")[2]
    one.credential = f"t-1.{secret}"
    with pytest.raises(CredentialRefusedError):
        one.fetch()


def test_a_revoked_credential_is_refused_at_once_and_a_renewed_one_works(served):
    agent = served.enrol("t-1")
    olga = served.person("olga")
    olga.post("/v1/stores/t-1/revoke", Empty(), Done)
    with pytest.raises(CredentialRefusedError):
        agent.fetch()
    code = olga.post("/v1/stores/t-1/renew", Empty(), Invitations).invitations[0].code
    agent.credential = None
    agent.credential = f"t-1.{agent.uplink.enrol(Enrolment(code)).secret}"
    assert agent.fetch().store == "t-1"


def test_renewing_shuts_the_old_credential_out_when_the_new_code_is_used(served):
    agent = served.enrol("t-1")
    code = (
        served.person("olga").post("/v1/stores/t-1/renew", Empty(), Invitations).invitations[0].code
    )
    assert agent.fetch().store == "t-1"
    before, agent.credential = agent.credential, None
    agent.uplink.enrol(Enrolment(code))
    agent.credential = before
    with pytest.raises(CredentialRefusedError):
        agent.fetch()


def test_a_log_that_does_not_follow_is_409_and_one_of_two_boxes_423(served):
    agent = served.enrol("t-1")
    agent.sight(Instant(served.clock.now - DAY))
    beat = report.Scanned(at=served.clock.now, began=served.clock.now, files=1, unreadable=0)
    packed = report.pack([report.encode(beat)])
    with pytest.raises(GapError, match="applied up to entry 1"):
        agent.uplink.push(epoch=1, first=3, packed=packed)
    with pytest.raises(FrozenError):
        agent.uplink.push(epoch=1, first=1, packed=packed)
    with pytest.raises(FrozenError):
        agent.uplink.hello(Hello(epoch=1, number=1, digest=bytes(32), booted="boot-of-t-1"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/agent/v1/enrol", b"{}"),
        ("POST", "/agent/v1/enrol", b'{"code": "x"}'),  # not canonical
        ("POST", "/agent/v1/enrol", b"[" * 100_000),
        ("POST", "/agent/v1/hello", b"\xff"),
        ("POST", "/agent/v1/log?epoch=1&first=1", b"junk"),
        ("POST", "/agent/v1/log?epoch=1&first=-1", report.pack([])),
        ("POST", "/agent/v1/log?epoch=1&first=" + "9" * 5000, report.pack([])),
        ("POST", "/agent/v1/log?first=1", report.pack([])),
        ("POST", "/agent/v1/log?epoch=1&first=1", report.pack([b"[]"])),
        ("GET", "/agent/v1/directive?epoch=1&nonce=00&policy=0&ledger=0", b""),
        ("GET", "/agent/v1/directive?epoch=1&nonce=zz&policy=0&ledger=0", b""),
        ("GET", "/agent/v1/prior?after=x", b""),
    ],
)
def test_what_cannot_be_read_is_400_with_one_sentence(served, method, path, body):
    agent = served.enrol("t-1")
    status, answer = raw(served, method, path, body, Authorization=f"Bearer {agent.credential}")
    assert status == 400
    assert list(json.loads(answer)) == ["error"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/agent/v1/hello", DOCUMENT_BYTES), ("/agent/v1/log?epoch=1&first=1", MAX_BATCH_BYTES)],
)
def test_a_body_beyond_its_limit_is_413(served, path, limit):
    agent = served.enrol("t-1")
    too_much = os.urandom(limit + 1)
    status, _ = raw(served, "POST", path, too_much, Authorization=f"Bearer {agent.credential}")
    assert status == 413


def test_the_enforcer_keeps_no_secret_in_clear(served):
    agent = served.enrol("t-1")
    code = invited(served, "t-2").code
    kept = b"".join(path.read_bytes() for path in served.home.glob("enforcer.db*"))
    assert agent.credential.partition(".")[2].encode() not in kept
    assert code.encode() not in kept


def test_a_restored_enforcer_first_hears_what_the_agent_knows(served):
    agent = served.enrol("t-1")
    with writing(served.engine) as connection:
        connection.execute(update(stores).values(restored=True))
    with pytest.raises(RefusedError, match="first has to hear what you know"):
        agent.fetch()
