"""What an answer of the server, or none, means: for one version an outcome, for a call an error."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from agents.stores import Erased
from retention.errors import GoneError, StoreUnreachableError, UnreadableError
from retention.outcome import Outcome

ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"})
_BLOCKED = {
    "AccessDenied": "The server forbids it: a lock, a legal hold, or a right the agent has not.",
    "InvalidRetention": "A retention date of the bucket forbids it.",
    "ObjectLocked": "A lock of the bucket forbids it.",
    "403": "The server forbids it: a lock, a legal hold, or a right the agent has not.",
}
_STORE = {
    "NoSuchBucket": "The bucket is not there.",
    "InvalidAccessKeyId": "The server does not know these credentials.",
    "SignatureDoesNotMatch": "The server refuses these credentials.",
    "RequestTimeTooSkewed": "The clocks of the server and of this machine are too far apart.",
}


def code_of(error: ClientError) -> str:
    """The server's word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def sentence_of(error: ClientError | BotoCoreError) -> str:
    """Tell an error without the key it happened to: names stay in the catalogue (I8)."""
    if not isinstance(error, ClientError):
        return f"The server did not answer as it should ({type(error).__name__})."
    code = code_of(error)
    return _STORE.get(code) or _BLOCKED.get(code) or f"The server said {code[:60]}."


def outcome_of(number: int, code: str) -> Erased:
    """`blocked` where somebody has to act before it can work, `failed` where it may pass by itself."""
    if code in _BLOCKED:
        return Erased(number, Outcome.BLOCKED, _BLOCKED[code])
    return Erased(number, Outcome.FAILED, f"The server said {code[:60]}.")


@contextmanager
def reaching() -> Iterator[None]:
    """A call about the whole store: whatever goes wrong, nothing is known."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise StoreUnreachableError(sentence_of(error)) from error


@contextmanager
def reading() -> Iterator[None]:
    """A call about one version: absent, forbidden, or the whole store's trouble."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in ABSENT:
            raise GoneError("There is no such version.") from error
        if code in _BLOCKED:
            raise UnreadableError(_BLOCKED[code]) from error
        raise StoreUnreachableError(sentence_of(error)) from error
    except BotoCoreError as error:
        raise StoreUnreachableError(sentence_of(error)) from error
