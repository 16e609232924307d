"""Whatever somebody with a key sends, it is answered: with what they asked, or with why not.

The requests are made out of the API's own forms, so they reach past the decoder, into the steps.
"""

import re
from inspect import getsource
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
from any_document import documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enforcer.cli.client import Client
from enforcer.web.people_api import Route
from enforcer.web.rights import RIGHTS
from enforcer.web.routes import ROUTES
from retention import codec
from retention.errors import ConfigError, RefusedError

ASKER = {"operator": "olga", "handler": "hugo", "approver": "aija", "dpo": "dana", "owner": "ivo"}
#: What exists, so that some requests are about something, and what is nobody's name.
WORDS = st.sampled_from(["t-1", "1", "cam-front", "Brīvības 12", "terminal-image", "03:10", "0"])
MEANT: dict[str, list[object]] = {
    "site": ["Brīvības 12"],
    "stores": [("t-1",), ()],
    "sources": [(), ("cam-front",)],
    "items": [(), ("t-1/1/1",)],
    "ground": ["crime", "statute"],
    "around": ["", "03:10", "2026-06-09", "2026-06-09 03:10"],
    "since": ["", "00:00", "2026-06-09"],
    "until": ["", "23:59", "2026-06-10"],
    "case": ["", "AB-12"],
    "begins": ["2026-06-09"],
    "ends": ["2026-06-10"],
}
TEXTS = WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def asker(route: Route) -> str:
    """Somebody who may; for documents, which take their own rights, the owner."""
    allowed = RIGHTS.get((route.verb, route.resource), ())
    return next((name for role, name in ASKER.items() if role in map(str, allowed)), "ivo")


@st.composite
def meant(draw: st.DrawFn, kind: type[msgspec.Struct]) -> bytes:
    """A document of this form; most fields say nothing, or something that exists."""
    form = draw(documents(kind))
    chosen = {}
    for field in msgspec.structs.fields(kind):
        usual = list(MEANT.get(field.name, []))
        if field.default is not msgspec.NODEFAULT:
            usual.append(field.default)
        if usual and draw(st.integers(0, 4)):
            chosen[field.name] = draw(st.sampled_from(usual))
    return codec.encode(msgspec.structs.replace(form, **chosen))


def bodies(route: Route) -> st.SearchStrategy[bytes]:
    """Documents of the form that the route's handler reads, and what is none."""
    names = re.findall(r"asked\.form\((\w+)\)", getsource(route.handler))
    formed = [meant(route.handler.__globals__[name]) for name in names]
    return st.one_of(*formed * 4, st.binary(max_size=50))


def why_not(person: Client, *asked: Any) -> str:
    """The sentence of a refusal, nothing if there is none; a bug is another error."""
    try:
        person._ask(*asked)
    except (RefusedError, ConfigError) as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_no_request_of_a_person_ends_in_a_bug(served, route):
    served.enrol("t-1").sight(served.clock())
    person = served.person(asker(route))

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        path = re.sub(r"\{\w+\}", lambda _: quote(data.draw(TEXTS), safe="") or "-", route.path)
        names = re.findall(
            r'(?:query\[|query\.get\(|number\(|_given\(\w+, )"(\w+)"', getsource(route.handler)
        )
        query = urlencode({name: data.draw(TEXTS) for name in {*names, "from", "size"}})
        body = data.draw(bodies(route)) if route.method == "POST" else b""
        answered = why_not(person, route.method, f"{path}?{query}", body)
        assert "answered with status" not in answered, "a sentence says why not"

    ask()
