"""What people ask about the state of things: compliance, and what comes."""

from sqlalchemy import Connection

from enforcer.govern.forecast import forecast
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route
from retention.errors import ConfigError

MOST_DAYS = 366


def ahead(connection: Connection, asked: Asked) -> Answer:
    """What will go within so many days."""
    days = asked.number("days")
    if not 0 <= days <= MOST_DAYS:
        raise ConfigError(f"a forecast reaches up to {MOST_DAYS} days")
    return Answer(forecast(connection, asked.chain, now=asked.now, days=days))


ROUTES = (Route("GET", "/v1/forecast", "show", "forecast", ahead, logged=False),)
