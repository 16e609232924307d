"""Every error as an answer: a status, and one sentence in a `Problem`."""

from http import HTTPStatus

from fastapi import Request, Response
from msgspec import UNSET
from starlette.exceptions import HTTPException

from enforcer.intake import FrozenError, GapError
from retention import codec
from retention.envelope import Envelope
from retention.errors import (
    ConfigError,
    MalformedError,
    RefusedError,
    RetentionError,
    SignatureError,
    UnreachableError,
    VerificationError,
)
from retention.wire import Problem


class UnauthenticatedError(SignatureError):
    """Nobody known asks: no credential, a revoked one, a signature that does not hold."""


class RetiredError(RefusedError):
    """The agent of a store that two people retired asks; `retirement` is what they signed."""

    def __init__(self, store: str, retirement: Envelope | None) -> None:
        super().__init__(f"store {store} was retired: nobody directs or hears its agent any more")
        self.retirement = retirement


class TooLargeError(MalformedError):
    """A body beyond what this address takes."""


STATUSES: tuple[tuple[type[RetentionError], HTTPStatus], ...] = (
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (RetiredError, HTTPStatus.GONE),
    (GapError, HTTPStatus.CONFLICT),
    (FrozenError, HTTPStatus.LOCKED),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (MalformedError, HTTPStatus.BAD_REQUEST),
    (ConfigError, HTTPStatus.BAD_REQUEST),
    (RefusedError, HTTPStatus.FORBIDDEN),
    (SignatureError, HTTPStatus.FORBIDDEN),
    (VerificationError, HTTPStatus.CONFLICT),
    (UnreachableError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first row that fits counts."""

_OF_ANOTHER_VERSION = (
    "this enforcer knows no such request: it and whoever asks are of different versions; start it "
    "again if it was brought up to date"
)


def status_of(error: RetentionError) -> HTTPStatus:
    """The status that goes with an error of the tree."""
    fitting = (status for kind, status in STATUSES if isinstance(error, kind))
    return next(fitting, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(status: int, sentence: str, retirement: Envelope | None = None) -> Response:
    """The answer that says why not."""
    said = Problem(sentence, UNSET if retirement is None else retirement)
    return Response(codec.encode(said), status, media_type="application/json")


def explained(_request: Request, error: Exception) -> Response:
    """The answer to an error of the tree, or to an address that does not exist."""
    if isinstance(error, HTTPException):
        unheard_of = error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
        return problem(error.status_code, _OF_ANOTHER_VERSION if unheard_of else error.detail)
    if isinstance(error, RetentionError):
        return problem(status_of(error), str(error), getattr(error, "retirement", None))
    raise error
