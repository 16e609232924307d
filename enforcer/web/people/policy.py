"""What people ask about the policy."""

from sqlalchemy import Connection

from enforcer.govern.forms.documents import PolicyDocuments
from enforcer.index.policies import published
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route


def show(connection: Connection, asked: Asked) -> Answer:
    """The whole chain: whoever reads it verifies it from their own pin."""
    return Answer(PolicyDocuments(asked.desk.pin, tuple(published(connection))))


ROUTES = (Route("GET", "/v1/policies", "show", "policy", show, logged=False),)
