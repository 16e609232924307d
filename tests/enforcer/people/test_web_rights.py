"""Role x verb x resource: the table, asked over the wire, denies whatever it does not name."""

import re

import pytest

from enforcer import compose
from enforcer.cli.client import Client
from enforcer.settings import Settings
from enforcer.web import rights
from enforcer.web.rights import RIGHTS
from enforcer.web.routes import ROUTES
from retention.errors import ConfigError, MalformedError, RefusedError
from retention.people import MAY_SIGN, Person, Role

ONE_ROLE = {
    Role.OPERATOR: "olga",
    Role.HANDLER: "hugo",
    Role.APPROVER: "aija",
    Role.DPO: "dana",
    Role.AUDITOR: "uldis",
    Role.OWNER: "ivo",
}
STATIC = [route for route in ROUTES if route.resource]


def ask(person: Client, method: str, path: str) -> bytes:
    """Ask with nothing in the body: whoever may ask is told that something is missing."""
    filled = re.sub(r"\{(epoch|number)\}", "1", path)
    return person._ask(method, re.sub(r"\{\w+\}", "unknown", filled), b"")


def test_every_route_answers_only_those_roles_that_the_table_names(served):
    asked = set()
    for role, name in ONE_ROLE.items():
        person = served.person(name)
        for route in STATIC:
            denied = ""
            try:
                ask(person, route.method, route.path)
            except RefusedError as error:
                denied = str(error)
            except (ConfigError, MalformedError):
                pass
            allowed = role in RIGHTS[route.verb, route.resource]
            expected = "" if allowed else f"to {route.verb} {route.resource} takes"
            assert denied[: len(expected)] == expected, (role, route.path, denied)
            assert bool(denied) == bool(expected), (role, route.path, denied)
            asked.add((route.verb, route.resource))
    signing = {(verb, kind) for verb in ("sign", "withdraw") for kind in MAY_SIGN}
    assert asked | signing == set(RIGHTS)


def test_what_the_table_does_not_name_is_denied_to_everybody():
    everything = Person("all", tuple(Role), bytes(32))
    with pytest.raises(RefusedError, match="takes the role nobody"):
        rights.require(everything, "erase", "ledger")


@pytest.mark.parametrize(
    ("verb", "resource", "roles"),
    [
        ("place", "hold", {Role.HANDLER, Role.APPROVER, Role.DPO}),
        ("sign", "release", {Role.APPROVER, Role.DPO}),
        ("sign", "erasure", {Role.APPROVER, Role.DPO}),
        ("sign", "policy", {Role.OWNER}),
        ("export", "bundle", {Role.DPO, Role.AUDITOR, Role.OWNER}),
        ("enrol", "store", {Role.OPERATOR}),
        ("show", "items", {Role.HANDLER, Role.APPROVER, Role.DPO, Role.AUDITOR}),
    ],
)
def test_the_rights_that_matter_most_are_as_the_rules_have_them(verb, resource, roles):
    assert RIGHTS[verb, resource] == roles


def test_an_auditor_reads_and_changes_nothing():
    may = {verb for (verb, _), roles in RIGHTS.items() if Role.AUDITOR in roles}
    assert may == {"show", "export"}


def test_no_address_stands_beside_the_table(settings: Settings):
    built = compose.build(settings)
    found = {
        (path, method.upper())
        for path, methods in built.app.openapi()["paths"].items()
        for method in methods
    }
    built.engine.dispose()
    people = {(route.path, route.method) for route in ROUTES}
    agents = {path for path, _ in found if path.startswith("/agent/v1/")}
    assert agents == {f"/agent/v1/{n}" for n in ("enrol", "hello", "prior", "log", "directive")}
    assert {path for path, _ in found - people} - agents == {"/healthz", "/metrics"}
    assert people <= found
