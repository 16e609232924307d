"""Every route of the people's API."""

from enforcer.web.people import (
    backups,
    compliance,
    documents,
    holds,
    items,
    ledger,
    policy,
    stores,
)
from enforcer.web.people_api import Route

ROUTES: tuple[Route, ...] = (
    *stores.ROUTES,
    *policy.ROUTES,
    *documents.ROUTES,
    *holds.ROUTES,
    *items.ROUTES,
    *compliance.ROUTES,
    *ledger.ROUTES,
    *backups.ROUTES,
)
