"""The agents' API: what `retention.wire` lists, and nothing else.

An agent presents `Authorization: Bearer STORE.SECRET` and speaks for that store only: no route
takes the name of a store from anywhere else.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from enforcer import intake, prove
from enforcer.direct import Director
from enforcer.govern import credentials, retiring
from enforcer.heads import succession
from enforcer.index import tree
from enforcer.index.engine import reading, writing
from enforcer.index.policies import published
from enforcer.web.bodies import DOCUMENT_BYTES, up_to
from enforcer.web.desk import Desk
from enforcer.web.problems import RetiredError, UnauthenticatedError
from retention import codec, report
from retention.errors import MalformedError, SignatureError
from retention.report import MAX_BATCH_BYTES
from retention.wire import Enrolled, Enrolment, Fetched, Hello

_SCHEME = "Bearer "
_MOST_DIGITS = 15
_NONCE_BYTES = (8, 64)

_Document = Annotated[bytes, Depends(up_to(DOCUMENT_BYTES))]
_Batch = Annotated[bytes, Depends(up_to(MAX_BATCH_BYTES))]


def agents_api(desk: Desk, director: Director) -> APIRouter:
    """The routes under /agent/v1."""
    router = APIRouter(prefix="/agent/v1")

    @router.post("/enrol")
    def enrol(body: _Document) -> Response:
        return _answer(_redeemed(desk, codec.decode(body, Enrolment).code))

    @router.post("/hello")
    def hello(request: Request, body: _Document) -> Response:
        store = _authenticated(desk, request)
        said = codec.decode(body, Hello)
        with reading(desk.engine) as connection:
            chain = desk.chains.read(connection)
        return _answer(
            intake.hello(desk.engine, store=store, said=said, chain=chain, now=desk.clock())
        )

    @router.get("/prior")
    def prior(request: Request) -> Response:
        store = _authenticated(desk, request)
        after, asked = _number(request, "after"), request.query_params
        with reading(desk.engine) as connection:
            return _answer(
                intake.prior(
                    connection,
                    store=store,
                    after=after,
                    earliest="earliest" in asked,
                    undated="undated" in asked,
                )
            )

    @router.post("/log")
    def log(request: Request, body: _Batch) -> Response:
        store = _authenticated(desk, request)
        with reading(desk.engine) as connection:
            chain = desk.chains.read(connection)
        applied = intake.apply(
            desk.engine,
            store=store,
            epoch=_number(request, "epoch"),
            first=_number(request, "first"),
            lines=report.unpack(body),
            chain=chain,
            now=desk.clock(),
        )
        return _answer(applied)

    @router.get("/directive")
    def directive(request: Request) -> Response:
        store = _authenticated(desk, request)
        with writing(desk.engine, store=store) as connection:
            return _answer(_fetched(connection, desk, director, store, request))

    return router


def _fetched(
    connection: Connection, desk: Desk, director: Director, store: str, request: Request
) -> Fetched:
    """Everything a sweep needs, of one consistent state."""
    now = desk.clock()
    chain = desk.chains.read(connection)
    head = tree.last_head(connection)
    seen = _number(request, "ledger")
    proof: list[bytes] = []
    if head is not None and seen <= head.size:
        proof = prove.consistency(connection, seen, head.size)
    return Fetched(
        time=director.tell_time(store, _nonce(request), now),
        directive=director.direct(connection, store, chain, now),
        policies=tuple(published(connection, after=_number(request, "policy"))),
        checkpoint="" if head is None else head.note,
        consistency=tuple(proof),
        succession=succession(connection, seen) or msgspec.UNSET,
    )


def _redeemed(desk: Desk, code: str) -> Enrolled:
    try:
        with writing(desk.engine) as connection:
            return credentials.redeem(connection, code, desk.clock())
    except SignatureError as error:
        raise UnauthenticatedError(str(error)) from error


def _authenticated(desk: Desk, request: Request) -> str:
    """The store that the credential is for.

    `UnauthenticatedError` if it is none, or revoked; `RetiredError` if its store was retired.
    """
    given = request.headers.get("authorization", "")
    store, _, secret = given.removeprefix(_SCHEME).rpartition(".")
    with reading(desk.engine) as connection:
        known = credentials.authentic(connection, store, secret)
        retired = known and credentials.is_retired(connection, store)
        retirement = retiring.retirement_of(connection, store) if retired else None
    if not (given.startswith(_SCHEME) and known):
        raise UnauthenticatedError("this credential is unknown or was revoked")
    with writing(desk.engine, store=store) as connection:
        credentials.seen(connection, store, desk.clock())
    if retired:
        raise RetiredError(store, retirement)
    return store


def _number(request: Request, name: str) -> int:
    """A whole number out of the query, in the one way of writing it."""
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise MalformedError(f"{name} is missing or no whole number")
    return int(text)


def _nonce(request: Request) -> bytes:
    try:
        nonce = bytes.fromhex(request.query_params["nonce"])
    except (KeyError, ValueError) as error:
        raise MalformedError("nonce is missing or not written in hex") from error
    if not _NONCE_BYTES[0] <= len(nonce) <= _NONCE_BYTES[1]:
        raise MalformedError("a nonce has 8 to 64 bytes")
    return nonce


def _answer(document: msgspec.Struct) -> Response:
    return Response(codec.encode(document), media_type="application/json")
