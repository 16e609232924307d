"""What `doctor` asks of a bucket: who else deletes in it, what keeps too long, what the agent may do.

Nothing is written and nothing is deleted. A configuration that the server does not know, or does not let us see, is said to be unknown:
it is not known to be absent.
"""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import islice
from xml.etree import ElementTree as ET

from agents.stores.bucket.identity import read_identity, stores_below
from agents.stores.bucket.keeping import can_lock
from agents.stores.bucket.listing import uploads
from agents.stores.bucket.rights import rights
from agents.stores.bucket.trouble import NoAnswerError, S3Error
from agents.stores.bucket.wire import Wire
from retention.checkup import Fact, amiss, fine, unknown
from retention.errors import StoreUnreachableError

MOST_SKEW_SECONDS = 60
"""Servers refuse a request that is 15 minutes off; locks and uploads are dated by their clock."""
_MOST_COUNTED = 10_000
_NONE = frozenset({404, 501})  # there is none, or the server knows no such thing
_DOES = {
    "Expiration": "deletes what is current, or hides it behind a marker,",
    "NoncurrentVersionExpiration": "deletes versions that are not current",
    "AbortIncompleteMultipartUpload": "aborts uploads",
    "Transition": "moves objects to another storage class",
    "NoncurrentVersionTransition": "moves versions to another storage class",
}


def survey(
    wire: Wire, prefix: str, store: str, *, wall: Callable[[], float], shortest: int
) -> list[Fact]:
    """Look at a bucket without changing it. `shortest`: days of the shortest period in it."""
    try:
        found = read_identity(wire, prefix)
    except StoreUnreachableError as error:
        return [_unreachable(str(error))]
    if found != store:
        said = "never enrolled" if found is None else f"enrolled as another store: {found!r}"
        return [_unreachable(f"It is {said}.")]
    lockable = can_lock(wire)
    return [
        fine("bucket", "It answers, and is the one that was enrolled."),
        *_clock(wire, wall),
        *_versioning(wire),
        *_lock(wire, shortest, lockable=lockable),
        *_lifecycle(wire, prefix),
        *_replication(wire),
        *_uploads(wire, prefix),
        *_others(wire, prefix),
        *rights(wire, prefix, lockable=lockable),
    ]


def _unreachable(sentence: str) -> Fact:
    return amiss(
        "bucket",
        sentence,
        why="While that is so nothing in it is erased, held or called gone.",
        remedy="Look at endpoint, name, prefix and credentials; a bucket that was emptied is enrolled "
        "again.",
    )


def _clock(wire: Wire, wall: Callable[[], float]) -> Iterator[Fact]:
    try:
        answer = wire.ask("GET", query="versioning=")
    except (S3Error, NoAnswerError):
        return
    said = answer.headers.get("date")
    if said is None:
        return
    ahead = round(parsedate_to_datetime(said).timestamp() - wall())
    sentence = f"It is {ahead} s ahead of this machine's."
    if abs(ahead) <= MOST_SKEW_SECONDS:
        yield fine("server's clock", sentence)
    else:
        yield amiss(
            "server's clock",
            sentence,
            why="Uploads and locks are dated by it; past 15 minutes it refuses every request.",
            remedy="Let both machines take their time from one source.",
        )


def _versioning(wire: Wire) -> Iterator[Fact]:
    state = _asked(wire, "versioning=")
    if isinstance(state, Fact):
        yield state._replace(subject="versions")
        return
    status = "" if state is None else _text(state, "Status")
    if status == "Enabled":
        yield fine("versions", "Every version is kept, and each is an item of its own.")
    else:
        yield amiss(
            "versions",
            "It keeps no versions (any more).",
            why="What is overwritten between the last look and the deletion is lost, and nothing can "
            "be held in the storage.",
            remedy="Turn versioning on, unless no key is ever used twice and the agent alone holds.",
        )


def _lock(wire: Wire, shortest: int, *, lockable: bool) -> Iterator[Fact]:
    if not lockable:
        yield amiss(
            "legal holds",
            "It cannot lock, or does not let the agent see it.",
            why="What is held, this agent alone keeps: others who may delete can remove it.",
            remedy="Keep recordings in a bucket made with object lock, or let nobody else delete.",
        )
        return
    yield fine("legal holds", "What is held gets a legal hold, tagged as ours.")
    state = _asked(wire, "object-lock=")
    if isinstance(state, Fact):
        yield state._replace(subject="default retention")
    elif state is not None and (mode := _text(state, "Mode")):
        days = int(_text(state, "Days") or 0) + 366 * int(_text(state, "Years") or 0)
        yield _default_retention(days, mode, shortest)


def _default_retention(days: int, mode: str, shortest: int) -> Fact:
    sentence = (
        f"All that is new is locked for {days} days ({mode}); the shortest period of what lies in "
        f"it is {shortest} days"
    )
    if days < shortest:
        return fine("default retention", f"{sentence}.")
    return amiss(
        "default retention",
        f"{sentence}.",
        why="What is due earlier is blocked until then, and its limit passes.",
        remedy="Shorten it below the period, or take it away: a hold locks by itself.",
    )


def _lifecycle(wire: Wire, prefix: str) -> Iterator[Fact]:
    state = _asked(wire, "lifecycle=")
    if isinstance(state, Fact):
        yield state._replace(subject="lifecycle")
        return
    rules = [] if state is None else list(_all(state, "Rule"))
    for rule in rules:
        yield from _rule(rule, prefix)
    if not rules:
        yield fine("lifecycle", "No rule of the bucket deletes or moves anything.")


def _rule(rule: ET.Element, prefix: str) -> Iterator[Fact]:
    if _text(rule, "Status") != "Enabled":
        return
    begins = _text(rule, "Prefix")
    if not (begins.startswith(prefix) or prefix.startswith(begins)):
        return
    for name, does in _DOES.items():
        for part in _all(rule, name):
            told = {_plain(each.tag): each.text or "" for each in part}
            when = ", ".join(f"{word} {value}" for word, value in sorted(told.items()))
            sentence = f"A rule {does} ({when})."
            if name.startswith("Abort"):
                yield fine("lifecycle", sentence)
            else:
                yield amiss(
                    "lifecycle",
                    sentence,
                    why="It knows no hold and no legal calendar, and rounds up to the next midnight "
                    "UTC.",
                    remedy="Take it away, and leave erasing to the agent.",
                )


def _replication(wire: Wire) -> Iterator[Fact]:
    state = _asked(wire, "replication=")
    if isinstance(state, Fact):
        yield state._replace(subject="replication")
    elif state is not None and list(_all(state, "Rule")):
        yield amiss(
            "replication",
            "It is replicated.",
            why="Deleting a version by its id is never replicated, so the copies stay.",
            remedy="Enrol the bucket of the copies as a store of its own.",
        )


def _uploads(wire: Wire, prefix: str) -> Iterator[Fact]:
    found = sum(1 for _ in islice(uploads(wire, prefix), _MOST_COUNTED))
    sentence = f"{found} uploads were begun and not completed; they go when they are due."
    if found < _MOST_COUNTED:
        yield fine("uploads", sentence)
    else:
        yield amiss(
            "uploads",
            f"{found} uploads or more were begun and not completed.",
            why="Nobody sees them in a listing, and they may show people; they go when they are due.",
            remedy="Find the program that begins them and does not end.",
        )


def _others(wire: Wire, prefix: str) -> Iterator[Fact]:
    for below in stores_below(wire, prefix):
        yield amiss(
            "other stores",
            f"Another store is enrolled below this one's prefix, at {below!r}.",
            why="Each of the two would erase by its own dates what the other one holds.",
            remedy="Retire one of them, or give each a prefix of its own.",
        )


def _asked(wire: Wire, query: str) -> ET.Element | Fact | None:
    """A configuration of the bucket; None if there is none; a fact if that cannot be known."""
    try:
        body = wire.ask("GET", query=query).body
        told = ET.fromstring(body) if body.lstrip().startswith(b"<") else None  # noqa: S314 - expat bounds what entities may cost
    except S3Error as error:
        if error.status in _NONE:
            return None
        return _not_known(query, f"the server said {error.code[:60]}")
    except (NoAnswerError, ET.ParseError) as error:
        return _not_known(query, type(error).__name__)
    if told is not None and _plain(told.tag) == "Error":  # it found out late, and said 200 before
        return _not_known(query, f"the server said {_text(told, 'Code')[:60]}")
    return told


def _not_known(query: str, why: str) -> Fact:
    return unknown(
        query,
        f"It cannot be known ({why}).",
        why="So nobody knows who else deletes or keeps here.",
        remedy="Let the agent's keys read the configuration of the bucket, or ask who owns it.",
    )


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in element.iter() if _plain(each.tag) == name)


def _text(element: ET.Element, name: str) -> str:
    return next((each.text or "" for each in _all(element, name)), "")


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
