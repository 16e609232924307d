"""Asks the Prometheus server that watches us: for the copy of its record in a bundle, and what it is."""

import json
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from retention.calendar import Instant
from retention.errors import ConfigError, UnreachableError
from retention.witness import Ask

_TIMEOUT_SECONDS = 60
_MAX_BYTES = 256 << 20

Look = Callable[[str], Any]
"""The `data` of what the server answers at a path of its API; `UnreachableError` if it does not."""


def asker(url: str) -> Ask:
    """What sends queries to the server at this address; `UnreachableError` if none answers."""
    _must_be_address(url)

    def ask(query: str, at: Instant) -> bytes:
        form = urlencode({"query": query, "time": at}).encode()
        return _answer(url, "query", form)

    return ask


def looker(url: str) -> Look:
    """What reads the API of the server at this address."""
    _must_be_address(url)

    def look(path: str) -> Any:
        try:
            return json.loads(_answer(url, path, None))["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise UnreachableError(f"what answers at {url} is no Prometheus server") from error

    return look


def _must_be_address(url: str) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"{url[:80]!r} is no address such as http://prometheus.example:9090")


def _answer(url: str, path: str, form: bytes | None) -> bytes:
    try:
        with urlopen(  # noqa: S310 - its scheme was looked at
            f"{url.rstrip('/')}/api/v1/{path}", data=form, timeout=_TIMEOUT_SECONDS
        ) as answer:
            data: bytes = answer.read(_MAX_BYTES)
    except (URLError, OSError) as error:
        raise UnreachableError(f"{url} does not answer: {error}") from error
    return data
