"""The agents' API: what `retention.wire` lists, and nothing else.

An agent presents `Authorization: Bearer STORE.SECRET` and speaks for that store only.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response
from nacl.signing import SigningKey

from enforcer.govern import credentials
from enforcer.index.engine import writing
from enforcer.web.bodies import DOCUMENT_BYTES, up_to
from enforcer.web.desk import Desk
from enforcer.web.problems import UnauthenticatedError
from retention import codec
from retention.errors import SignatureError
from retention.report import MAX_BATCH_BYTES
from retention.wire import Enrolment

_SCHEME = "Bearer "

_Document = Annotated[bytes, Depends(up_to(DOCUMENT_BYTES))]
_Batch = Annotated[bytes, Depends(up_to(MAX_BATCH_BYTES))]


def agents_api(desk: Desk, directive_key: SigningKey) -> APIRouter:
    """The routes under /agent/v1."""
    router = APIRouter(prefix="/agent/v1")

    @router.post("/enrol")
    def enrol(body: _Document) -> Response:
        code = codec.decode(body, Enrolment).code
        try:
            with writing(desk.engine) as connection:
                return _answer(credentials.redeem(connection, code, desk.clock()))
        except SignatureError as error:
            raise UnauthenticatedError(str(error)) from error

    return router


def _answer(document: msgspec.Struct) -> Response:
    return Response(codec.encode(document), media_type="application/json")
