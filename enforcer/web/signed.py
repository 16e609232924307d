"""A person's request, signed with their own key: there are no sessions and no passwords to steal.

The header is `Authorization: Signed BASE64`, the base64 of an envelope of kind `request` whose
payload names the person, the method, the path with its query, the digest of the body, the time,
and a nonce that counts once.
"""

import os
from base64 import b64decode, b64encode

import msgspec
from nacl.signing import SigningKey

from retention import codec, envelope
from retention.calendar import Instant
from retention.errors import MalformedError, RetentionError, SignatureError
from retention.people import Person
from retention.policy import Policy

VALID_SECONDS = 5 * 60
NONCE_BYTES = 16
_SCHEME = "Signed "


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed. `body` is the SHA-256 of the body's bytes."""

    person: str
    method: str
    path: str
    body: bytes
    at: Instant
    nonce: bytes


def authorization(
    key: SigningKey, person: str, *, method: str, path: str, body: bytes, now: Instant
) -> str:
    """The value of the Authorization header for one request."""
    request = Request(
        person=person,
        method=method,
        path=path,
        body=codec.digest(body),
        at=now,
        nonce=os.urandom(NONCE_BYTES),
    )
    sealed = envelope.seal("request", codec.encode(request), [key])
    return _SCHEME + b64encode(envelope.encode(sealed)).decode()


def verified(
    header: str, policy: Policy, *, method: str, path: str, body: bytes, now: Instant
) -> tuple[Person, Request]:
    """Who asks; `SignatureError` unless a person of this policy signed this very request just now.

    That the nonce was not used before is for the caller to see to.
    """
    try:
        sealed = envelope.decode(b64decode(header.removeprefix(_SCHEME), validate=True))
        request = codec.decode(sealed.payload, Request)
        person = _person(request.person, policy)
        envelope.open_sealed(sealed, "request", [person.public_key])
    except (RetentionError, ValueError) as error:
        raise SignatureError("this request is not signed by a person of the policy") from error
    if (request.method, request.path, request.body) != (method, path, codec.digest(body)):
        raise SignatureError("this signature is for another request")
    if len(request.nonce) != NONCE_BYTES:
        raise SignatureError("the nonce of a request has 16 bytes")
    if abs(now - request.at) > VALID_SECONDS:
        raise SignatureError(
            f"this request was signed {abs(now - request.at)} seconds away from the enforcer's "
            f"time; set the clock of your machine"
        )
    return person, request


def _person(name: str, policy: Policy) -> Person:
    for person in policy.people:
        if person.id == name:
            return person
    raise MalformedError(f"nobody is called {name!r}")
