"""The people's API: signed requests, one right per route, every act in the history.

A route is a row of a table; there is no way to add one without naming the right it takes. Handlers
run in threads, in a transaction that this module opens and closes.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Annotated, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from enforcer.govern import history
from enforcer.govern.forms.form import Event
from enforcer.index.engine import reading, writing
from enforcer.index.tables import requests
from enforcer.web import rights, signed
from enforcer.web.bodies import DOCUMENT_BYTES, up_to
from enforcer.web.desk import Answer, Asked, Desk
from enforcer.web.problems import UnauthenticatedError
from retention import codec
from retention.calendar import Instant
from retention.errors import RefusedError, SignatureError
from retention.people import Person
from retention.policy import Chain

Handler = Callable[[Connection, Asked], Answer]

#: Longer than a request is valid, counted from the earliest clock that may have signed it.
_NONCE_SECONDS = 3 * signed.VALID_SECONDS

_Body = Annotated[bytes, Depends(up_to(DOCUMENT_BYTES))]


class Route(NamedTuple):
    """One address.

    `resource` "" leaves the right to the handler: it depends on the document. What is `logged` is
    an act or a look at something that not everybody may see; the rest reads and leaves no trace.
    A look that is `slow` keeps nobody from writing: it is logged once it is over.
    """

    method: Literal["GET", "POST"]
    path: str
    verb: str
    resource: str
    handler: Handler
    logged: bool = True
    slow: bool = False


def people_api(routes: Iterable[Route], desk: Desk) -> APIRouter:
    """The routes, each behind a person's signature and its right."""
    router = APIRouter()
    for route in routes:
        router.add_api_route(route.path, _endpoint(route, desk), methods=[route.method])
    return router


def _endpoint(route: Route, desk: Desk) -> Callable[[Request, bytes], Response]:
    def endpoint(request: Request, body: _Body) -> Response:
        now = desk.clock()
        with reading(desk.engine) as connection:
            chain = desk.chains.read(connection)
        asked = Asked(
            desk=desk,
            chain=chain,
            person=_authenticate(desk, chain, request, body, now),
            now=now,
            path=request.path_params,
            query=request.query_params,
            body=body,
        )
        return _response(_answered(route, asked))

    return endpoint


def _authenticate(desk: Desk, chain: Chain, request: Request, body: bytes, now: Instant) -> Person:
    """Who asks, once: the nonce is spent whatever comes of the request."""
    path: bytes = request.scope["raw_path"] + b"?" + request.scope["query_string"]
    try:
        person, asked = signed.verified(
            request.headers.get("authorization", ""),
            chain.current,
            method=request.method,
            path=path.decode("latin-1").removesuffix("?"),
            body=body,
            now=now,
        )
    except SignatureError as error:
        raise UnauthenticatedError(str(error)) from error
    _spend(desk, asked.nonce, now)
    return person


def _spend(desk: Desk, nonce: bytes, now: Instant) -> None:
    outdated = requests.c.at < now - _NONCE_SECONDS
    try:
        with writing(desk.engine) as connection:
            connection.execute(delete(requests).where(outdated))
            connection.execute(insert(requests).values(nonce=nonce, at=now))
    except IntegrityError as error:
        raise UnauthenticatedError("this very request was made before") from error


def _response(document: msgspec.Struct | bytes) -> Response:
    if isinstance(document, bytes):
        return Response(document, media_type="application/octet-stream")
    return Response(codec.encode(document), media_type="application/json")


def _answered(route: Route, asked: Asked) -> msgspec.Struct | bytes:
    """The handler's answer. That it did something, or was refused, is in the history."""
    try:
        if route.resource:
            rights.require(asked.person, route.verb, route.resource)
        with _transaction(route, asked.desk.engine) as connection:
            _require_newest(connection, asked)
            answer = route.handler(connection, asked)
            event = _event(asked, route.verb, answer.subject, answer.detail)
            if route.logged and not route.slow:
                history.record(connection, event)
        if route.slow:
            with writing(asked.desk.engine) as connection:
                history.record(connection, event)
    except (RefusedError, SignatureError):
        # Not the sentence: it may quote what was typed.
        with writing(asked.desk.engine) as connection:
            what = f"{route.verb} {route.resource or 'document'}"
            history.record(connection, _event(asked, "refused", what))
        raise
    return answer.document


def _require_newest(connection: Connection, asked: Asked) -> None:
    """Who asks is known by a policy that was read before: that one still has to be the newest."""
    if asked.desk.chains.read(connection).head != asked.chain.head:
        raise RefusedError("a new policy was published just now: ask once more")


def _transaction(route: Route, engine: Engine) -> AbstractContextManager[Connection]:
    return writing(engine) if route.logged and not route.slow else reading(engine)


def _event(asked: Asked, verb: str, subject: str, detail: str = "") -> Event:
    return Event(asked.now, asked.person.id, verb, subject, detail)
