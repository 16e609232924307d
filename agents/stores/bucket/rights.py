"""What the agent's keys may do, found out without doing it, for `doctor`.

To delete is asked of a version that never was: alone, and as a sweep does it, because a server may
look for the right in another place then (Ceph does: at the bucket). For the other rights servers
look only where there is something: they are asked of the store's own mark, and what is sent is no
XML. Whoever may not is told so, and whoever may, that it is none: rights are looked at before
anything is read.
"""

import secrets
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from agents.stores.bucket.erasing import delete_at_once
from agents.stores.bucket.identity import IDENTITY, PRIVATE
from agents.stores.bucket.keys import NULL, VersionId
from agents.stores.bucket.marking import newest
from agents.stores.bucket.trouble import FORBIDDEN, NoAnswerError, S3Error, reaching
from agents.stores.bucket.wire import Wire, encoded
from retention.checkup import Fact, amiss, fine, unknown

_FORBIDDEN = 403
_FAILED = 500
_NO_XML = b"-"
_AT_BUCKET = " for the bucket itself too: this server asks for them there, where many go at once"


def rights(wire: Wire, prefix: str, *, lockable: bool) -> Iterator[Fact]:
    """What is missing, and what is more than an agent needs; raises `StoreUnreachableError`.

    Nothing is changed by asking. The store is enrolled.
    """
    nothing = VersionId(f"{prefix}{PRIVATE}nothing-{secrets.token_hex(16)}", NULL)
    with reaching():
        mark = newest(wire, prefix + IDENTITY)
    one = _may(wire, "DELETE", nothing)
    where = _AT_BUCKET if one else ""
    yield _needed(
        fine("right to delete", "The agent may delete versions."),
        one and _may_at_once(wire, nothing),
        why="What is due will not go, and its limit will pass.",
        remedy=f"Give the agent's keys s3:DeleteObject and s3:DeleteObjectVersion here{where}.",
    )
    yield _needed(
        fine("right to read tags", "The agent may read tags."),
        _may(wire, "GET", mark, "tagging"),
        why="What is tagged as an incident's is not seen, so nothing here is erased.",
        remedy="Give the agent's keys s3:GetObjectTagging and s3:GetObjectVersionTagging here.",
    )
    if lockable:
        yield from _to_hold(wire, mark)
    yield from _too_wide(wire, mark, lockable=lockable)


def _to_hold(wire: Wire, mark: VersionId) -> Iterator[Fact]:
    why = "What is held gets no legal hold, and others who may delete can remove it."
    yield _needed(
        fine("right to tag", "The agent may tag versions."),
        _may(wire, "PUT", mark, "tagging"),
        why=why,
        remedy="Give the agent's keys s3:PutObjectTagging and s3:PutObjectVersionTagging here.",
    )
    yield _needed(
        fine("right to hold", "The agent may give legal holds and take them back."),
        _both(_may(wire, "GET", mark, "legal-hold"), _may(wire, "PUT", mark, "legal-hold")),
        why=why,
        remedy="Give the agent's keys s3:GetObjectLegalHold and s3:PutObjectLegalHold here.",
    )


def _too_wide(wire: Wire, mark: VersionId, *, lockable: bool) -> Iterator[Fact]:
    """Rights that no agent needs, and somebody who takes its keys could use."""
    if lockable and _may(wire, "PUT", mark, "retention"):
        yield amiss(
            "rights",
            "These keys may set retention dates, which the agent never does.",
            why="Whoever takes them from this machine can lock recordings past their limit, and "
            "perhaps nobody can take that back.",
            remedy="Take s3:PutObjectRetention from them.",
        )
    if _may(wire, "GET", VersionId("", ""), "policy"):
        yield amiss(
            "rights",
            "These keys may read the bucket's policy, as an owner's do.",
            why="Whoever takes them from this machine can do more than erase: make all of it public.",
            remedy="Give the agent keys of its own, that may list, read, tag, hold and delete versions "
            "and nothing else.",
        )
    else:
        yield fine("rights", "It may not see the bucket's policy, as it should be.")


def _needed(granted: Fact, may: bool | None, *, why: str, remedy: str) -> Fact:  # noqa: FBT001 - an answer
    if may is None:
        return unknown(
            granted.subject,
            "The server did not answer when it was asked.",
            why=f"It may be missing. {why}",
            remedy="Run `doctor` again.",
        )
    if may:
        return granted
    return amiss(granted.subject, "The server refuses it.", why=why, remedy=remedy)


def _both(one: bool | None, two: bool | None) -> bool | None:  # noqa: FBT001 - answers
    return one and two if None not in {one, two} else None


def _may_at_once(wire: Wire, of: VersionId) -> bool | None:
    """Whether the server lets us delete as a sweep does; None if it does not tell."""
    try:
        refused = delete_at_once(wire, [of], once=True)
    except (NoAnswerError, ParseError):
        return None
    except S3Error as error:
        return False if error.code in FORBIDDEN else None
    return not any(code in FORBIDDEN for _, code in refused)


def _may(wire: Wire, method: str, of: VersionId, what: str = "") -> bool | None:
    """Whether the server lets us; None if it does not tell."""
    query = f"{what}=" if what else ""
    if of.version:
        query = "&".join(filter(None, [query, encoded(versionId=of.version)]))
    try:
        wire.ask(method, of.key, query, body=_NO_XML if method == "PUT" else b"", once=True)
    except NoAnswerError:
        return None
    except S3Error as error:
        return None if error.status >= _FAILED else error.status != _FORBIDDEN
    return True
