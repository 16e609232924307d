"""What `doctor` asks of a bucket: who else deletes in it, what keeps too long, what the agent may do.

Nothing is written. A configuration that the server does not know, or does not let us see, is said
to be unknown: it is not known to be absent.
"""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import islice
from xml.etree import ElementTree as ET

from agents.stores.bucket.identity import read_identity, stores_below
from agents.stores.bucket.keeping import can_lock
from agents.stores.bucket.listing import uploads
from agents.stores.bucket.trouble import NoAnswerError, S3Error
from agents.stores.bucket.wire import Wire
from agents.stores.survey import Fact
from retention.errors import StoreUnreachableError

MOST_SKEW_SECONDS = 60
"""Servers refuse a request that is 15 minutes off; locks and uploads are dated by their clock."""
_MOST_COUNTED = 10_000
_NONE = frozenset({404, 501})  # there is none, or the server knows no such thing


def survey(wire: Wire, prefix: str, store: str, *, wall: Callable[[], float]) -> list[Fact]:
    """Look at a bucket without changing it."""
    try:
        found = read_identity(wire, prefix)
    except StoreUnreachableError as error:
        return [Fact("bucket", False, str(error))]
    if found != store:
        said = "never enrolled" if found is None else f"enrolled as another store: {found!r}"
        return [Fact("bucket", False, f"It is {said}.")]
    return [
        Fact("bucket", True, "It answers, and is the one that was enrolled."),
        *_clock(wire, wall),
        *_versioning(wire),
        *_lock(wire),
        *_lifecycle(wire, prefix),
        *_replication(wire),
        *_uploads(wire, prefix),
        *_others(wire, prefix),
        *_rights(wire),
    ]


def _clock(wire: Wire, wall: Callable[[], float]) -> Iterator[Fact]:
    try:
        answer = wire.ask("GET", query="versioning=")
    except (S3Error, NoAnswerError):
        return
    said = answer.headers.get("Date")
    if said is None:
        return
    ahead = round(parsedate_to_datetime(said).timestamp() - wall())
    fine = abs(ahead) <= MOST_SKEW_SECONDS
    yield Fact("server's clock", fine, f"It is {ahead} s ahead of this machine's.")


def _versioning(wire: Wire) -> Iterator[Fact]:
    state = _asked(wire, "versioning=")
    if isinstance(state, Fact):
        yield state._replace(subject="versions")
        return
    status = "" if state is None else _text(state, "Status")
    if status == "Enabled":
        yield Fact("versions", True, "Every version is kept, and each is an item of its own.")
    else:
        sentence = (
            "It keeps no versions (any more): what is overwritten between the last look and the"
            " deletion is lost, and nothing can be held in the storage."
        )
        yield Fact("versions", False, sentence)


def _lock(wire: Wire) -> Iterator[Fact]:
    if not can_lock(wire):
        sentence = (
            "It cannot lock, or does not let the agent see it: what is held, this agent alone"
            " keeps. Others who may delete can remove it."
        )
        yield Fact("legal holds", False, sentence)
        return
    yield Fact("legal holds", True, "What is held gets a legal hold, tagged as ours.")
    state = _asked(wire, "object-lock=")
    if isinstance(state, ET.Element) and (mode := _text(state, "Mode")):
        days = _text(state, "Days") or f"365 x {_text(state, 'Years')}"
        sentence = (
            f"All that is new is locked for {days} days ({mode}): what is due earlier stays until"
            " then. Compare with the shortest period of the classes in it."
        )
        yield Fact("default retention", False, sentence)


def _lifecycle(wire: Wire, prefix: str) -> Iterator[Fact]:
    state = _asked(wire, "lifecycle=")
    if isinstance(state, Fact):
        yield state._replace(subject="lifecycle")
        return
    rules = [] if state is None else list(_all(state, "Rule"))
    for rule in rules:
        yield from _rule(rule, prefix)
    if not rules:
        yield Fact("lifecycle", True, "No rule of the bucket deletes or moves anything.")


def _rule(rule: ET.Element, prefix: str) -> Iterator[Fact]:
    if _text(rule, "Status") != "Enabled":
        return
    begins = _text(rule, "Prefix")
    if not (begins.startswith(prefix) or prefix.startswith(begins)):
        return
    what = {
        "Expiration": "deletes what is current, or hides it behind a marker,",
        "NoncurrentVersionExpiration": "deletes versions that are not current",
        "AbortIncompleteMultipartUpload": "aborts uploads",
        "Transition": "moves objects to another storage class",
        "NoncurrentVersionTransition": "moves versions to another storage class",
    }
    for name, does in what.items():
        for part in _all(rule, name):
            told = {_plain(each.tag): each.text or "" for each in part}
            when = ", ".join(f"{word} {value}" for word, value in sorted(told.items()))
            sentence = (
                f"A rule {does} ({when}). It knows no hold and no legal calendar, and rounds up to"
                " the next midnight UTC: leave erasing to the agent."
            )
            yield Fact("lifecycle", name.startswith("Abort"), sentence)


def _replication(wire: Wire) -> Iterator[Fact]:
    state = _asked(wire, "replication=")
    if isinstance(state, Fact):
        yield state._replace(subject="replication")
    elif state is not None and list(_all(state, "Rule")):
        sentence = (
            "It is replicated: deleting a version by its id is never replicated, so the copies"
            " stay. Enrol their bucket as a store of its own."
        )
        yield Fact("replication", False, sentence)


def _uploads(wire: Wire, prefix: str) -> Iterator[Fact]:
    found = sum(1 for _ in islice(uploads(wire, prefix), _MOST_COUNTED))
    sentence = f"{found} uploads were begun and not completed; they go when they are due."
    yield Fact("uploads", found < _MOST_COUNTED, sentence)


def _others(wire: Wire, prefix: str) -> Iterator[Fact]:
    for below in stores_below(wire, prefix):
        sentence = f"Another store is enrolled below this one's prefix, at {below!r}."
        yield Fact("other stores", False, sentence)


def _rights(wire: Wire) -> Iterator[Fact]:
    """Rights to the bucket itself, of which an agent needs none: that it may see them tells."""
    state = _asked(wire, "policy=")
    if isinstance(state, Fact):
        sentence = "It may not see the bucket's policy, as it should be."
        yield Fact("rights", True, sentence)
    else:
        sentence = (
            "These keys may read the bucket's policy, as an owner's do: give the agent keys of its"
            " own, that may list, read, tag, hold and delete versions and nothing else."
        )
        yield Fact("rights", False, sentence)


def _asked(wire: Wire, query: str) -> ET.Element | Fact | None:
    """A configuration of the bucket; None if there is none; a fact if that cannot be known."""
    try:
        body = wire.ask("GET", query=query).body
        return ET.fromstring(body) if body.lstrip().startswith(b"<") else None  # noqa: S314 - expat bounds what entities may cost
    except S3Error as error:
        if error.status in _NONE:
            return None
        return Fact(query, False, f"It cannot be known: the server said {error.code[:60]}.")
    except (NoAnswerError, ET.ParseError) as error:
        return Fact(query, False, f"It cannot be known ({type(error).__name__}).")


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in element.iter() if _plain(each.tag) == name)


def _text(element: ET.Element, name: str) -> str:
    return next((each.text or "" for each in _all(element, name)), "")


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
