"""What an answer of the server, or none, means: for one version an outcome, for a call an error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from agents.stores import Erased
from retention.errors import GoneError, StoreUnreachableError, UnreadableError, WithheldError
from retention.outcome import Outcome

ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "405", "MethodNotAllowed"})
FORBIDDEN = frozenset({"AccessDenied", "InvalidRetention", "ObjectLocked", "403"})
REPLACED = 412
"""The status where another content stands under a name than the one that was asked about."""

_FORBIDDEN = "The server forbids it: a lock, a legal hold, or a right the agent has not."
_ARCHIVED = "It lies in an archive: its bytes are given when somebody has it restored."
_KEYLESS = "It is encrypted with a key that the server cannot use."
_HIDDEN = "The server does not show it: it never gave this id, or a key that only its writer has is asked for."
_KEY = "KMS."  # how all words about a key of AWS's begin
_STORE = {
    "NoSuchBucket": "The bucket is not there.",
    "InvalidAccessKeyId": "The server does not know these credentials.",
    "SignatureDoesNotMatch": "The server refuses these credentials.",
    "ExpiredToken": "These credentials have expired.",
    "InvalidToken": "The server refuses these credentials.",
    "AccountProblem": "The server refuses the account that these credentials are of.",
    "AllAccessDisabled": "The server refuses the account that these credentials are of.",
    "RequestTimeTooSkewed": "The clocks of the server and of this machine are too far apart.",
    "PermanentRedirect": "The bucket is in another region than was set.",
    "301": "The bucket is in another region than was set.",
    "TemporaryRedirect": "The server sends whoever asks to another one for now.",
    "307": "The server sends whoever asks to another one for now.",
    "AuthorizationHeaderMalformed": "The bucket is in another region than was set.",
}
STRANGER = frozenset(_STORE)
"""Words by which a server refuses whoever asks, or the bucket, whatever is asked."""
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PASSING_CODES = frozenset(
    {
        "SlowDown",
        "RequestTimeout",
        "InternalError",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "KMS.ThrottlingException",
    }
)
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
    return sentence_for(error.code)


def sentence_for(code: str) -> str:
    """Tell a word of the server's."""
    if code in FORBIDDEN:
        return _FORBIDDEN
    if code in STRANGER:
        return _STORE[code]
    if _is_withheld(code):
        return _KEYLESS if code.startswith(_KEY) else _ARCHIVED
    if code == "400":  # in the head of an answer no word stands
        return _HIDDEN
    return f"The server said {code[:_LONGEST_CODE]}."


def is_of_one(error: S3Error) -> bool:
    """Whether it is about one version, and not about who asks, the bucket, or the server's own trouble.

    By what is not known to be about those: where it is all the same, the store's mark, which is read
    before and after, cannot be read either.
    """
    return 400 <= error.status < 500 and not may_pass(error) and error.code not in STRANGER


def may_pass(error: S3Error | NoAnswerError) -> bool:
    """Whether the same may well be answered when it is asked again."""
    if isinstance(error, NoAnswerError):
        return True
    return error.status in _PASSING or error.code in _PASSING_CODES


def _is_withheld(code: str) -> bool:
    return code == "InvalidObjectState" or (code.startswith(_KEY) and code not in _PASSING_CODES)


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
        if _is_withheld(error.code):
            raise WithheldError(sentence_of(error)) from error
        if is_of_one(error):
            raise UnreadableError(sentence_of(error)) from error
        raise StoreUnreachableError(sentence_of(error)) from error
    except NoAnswerError as error:
        raise StoreUnreachableError(sentence_of(error)) from error
