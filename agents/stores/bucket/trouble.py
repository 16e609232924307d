"""What an answer of the server, or none, means: for one version an outcome, for a call an error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from agents.stores import Erased
from retention.errors import GoneError, StoreUnreachableError, UnreadableError
from retention.outcome import Outcome

ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "405", "MethodNotAllowed"})
FORBIDDEN = frozenset({"AccessDenied", "InvalidRetention", "ObjectLocked", "403"})
STRANGER = frozenset({"RequestTimeTooSkewed", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
"""Words by which a server refuses whoever asks, whatever is asked."""
REPLACED = 412
"""The status where another content stands under a name than the one that was asked about."""

_FORBIDDEN = "The server forbids it: a lock, a legal hold, or a right the agent has not."
_STORE = {
    "NoSuchBucket": "The bucket is not there.",
    "InvalidAccessKeyId": "The server does not know these credentials.",
    "SignatureDoesNotMatch": "The server refuses these credentials.",
    "ExpiredToken": "These credentials have expired.",
    "RequestTimeTooSkewed": "The clocks of the server and of this machine are too far apart.",
    "PermanentRedirect": "The bucket is in another region than was set.",
    "AuthorizationHeaderMalformed": "The bucket is in another region than was set.",
}
_CODE = re.compile(rb"<Code>([^<]{1,80})</Code>")
_LONGEST_CODE = 60


class S3Error(Exception):
    """The server said no. `code` is its word for why, or the status where it gave no word."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"{status} {code}")
        self.code = code
        self.status = status


class NoAnswerError(Exception):
    """No answer came, or half of one: what was asked may have been carried out or not."""


def code_in(body: bytes) -> str:
    """The server's word for what went wrong, out of an error's body; empty if it has none."""
    found = _CODE.search(body)
    return found[1].decode("utf-8", "replace") if found else ""


def sentence_of(error: S3Error | NoAnswerError) -> str:
    """Tell an error without the key it happened to: names stay in the catalogue (I8)."""
    if isinstance(error, NoAnswerError):
        return f"The server did not answer as it should ({error})."
    return _STORE.get(error.code) or sentence_for(error.code)


def sentence_for(code: str) -> str:
    """Tell a word that the server used of one version."""
    return _FORBIDDEN if code in FORBIDDEN else f"The server said {code[:_LONGEST_CODE]}."


def outcome_of(number: int, code: str) -> Erased:
    """`blocked` where somebody has to act before it can work, `failed` where it may pass by itself."""
    outcome = Outcome.BLOCKED if code in FORBIDDEN else Outcome.FAILED
    return Erased(number, outcome, sentence_for(code))


@contextmanager
def reaching() -> Iterator[None]:
    """A call about the whole store: whatever goes wrong, nothing is known."""
    try:
        yield
    except (S3Error, NoAnswerError) as error:
        raise StoreUnreachableError(sentence_of(error)) from error


@contextmanager
def reading() -> Iterator[None]:
    """A call about one version: absent, forbidden, or the whole store's trouble."""
    try:
        yield
    except S3Error as error:
        if error.code in ABSENT or error.status == REPLACED:
            raise GoneError("There is no such version.") from error
        if error.code in FORBIDDEN:
            raise UnreadableError(_FORBIDDEN) from error
        raise StoreUnreachableError(sentence_of(error)) from error
    except NoAnswerError as error:
        raise StoreUnreachableError(sentence_of(error)) from error
