"""Every route of the people's API."""

from enforcer.web import (
    about_backups,
    about_compliance,
    about_documents,
    about_holds,
    about_items,
    about_ledger,
    about_policy,
    about_stores,
)
from enforcer.web.people_api import Route

ROUTES: tuple[Route, ...] = (
    *about_stores.ROUTES,
    *about_policy.ROUTES,
    *about_documents.ROUTES,
    *about_holds.ROUTES,
    *about_items.ROUTES,
    *about_compliance.ROUTES,
    *about_ledger.ROUTES,
    *about_backups.ROUTES,
)
