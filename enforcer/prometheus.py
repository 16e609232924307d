"""Asks the Prometheus server that watches us, for the copy of its record in a bundle."""

from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from retention.calendar import Instant
from retention.errors import ConfigError, UnreachableError
from retention.witness import Ask

_TIMEOUT_SECONDS = 60
_MAX_BYTES = 256 << 20


def asker(url: str) -> Ask:
    """What sends queries to the server at this address; `UnreachableError` if none answers."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"{url[:80]!r} is no address such as http://prometheus.example:9090")

    def ask(query: str, at: Instant) -> bytes:
        form = urlencode({"query": query, "time": at}).encode()
        try:
            with urlopen(  # noqa: S310 - its scheme was looked at
                f"{url.rstrip('/')}/api/v1/query", data=form, timeout=_TIMEOUT_SECONDS
            ) as answer:
                data: bytes = answer.read(_MAX_BYTES)
        except (URLError, OSError) as error:
            raise UnreachableError(f"{url} does not answer: {error}") from error
        return data

    return ask
