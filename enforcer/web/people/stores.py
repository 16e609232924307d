"""What people ask about stores."""

from sqlalchemy import Connection

from enforcer.govern import credentials, stores
from enforcer.govern.forms.form import Done
from enforcer.govern.forms.stores import Invitations, NewStores, StoreLines
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route


def list_stores(connection: Connection, _asked: Asked) -> Answer:
    """Every store and how it is."""
    return Answer(StoreLines(tuple(stores.listed(connection))))


def enrol(connection: Connection, asked: Asked) -> Answer:
    """New stores; the codes their agents start with."""
    new = asked.form(NewStores).stores
    invitations = stores.enrol(connection, new, now=asked.now, today=asked.today)
    return Answer(
        Invitations(asked.desk.pin, tuple(invitations)), " ".join(store.id for store in new)
    )


def renew(connection: Connection, asked: Asked) -> Answer:
    """A code for a new box, or a new credential."""
    store = asked.path["store"]
    invitation = stores.renew(connection, store, asked.now)
    return Answer(Invitations(asked.desk.pin, (invitation,)), store)


def revoke(connection: Connection, asked: Asked) -> Answer:
    """No more answers to what holds this store's credential."""
    store = asked.path["store"]
    credentials.revoke(connection, store)
    return Answer(Done(), store)


ROUTES = (
    Route("GET", "/v1/stores", "show", "stores", list_stores, logged=False),
    Route("POST", "/v1/stores", "enrol", "store", enrol),
    Route("POST", "/v1/stores/{store}/renew", "renew", "credential", renew),
    Route("POST", "/v1/stores/{store}/revoke", "revoke", "credential", revoke),
)
