"""Keeping held versions against other deleters: an S3 legal hold, tagged as ours.

Three things are written, in this order, and taken back in the other: a record below `.retention/held/`
that says which version an item's number means, the tag, the legal hold. A crash in between leaves a
record too many, never a hold that nobody knows to be ours. A legal hold without our tag is somebody
else's and is not touched: while it stands nothing of ours would show, so such a version is not
called protected by us.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import msgspec

from agents.stores import Generation
from agents.stores.bucket.erasing import Asked
from agents.stores.bucket.keys import OWN, VersionId
from agents.stores.bucket.listing import pages
from agents.stores.bucket.object import look
from agents.stores.bucket.trouble import (
    ABSENT,
    FORBIDDEN,
    STRANGER,
    NoAnswerError,
    S3Error,
    code_in,
    is_of_one,
    may_pass,
    reaching,
    reading,
)
from agents.stores.bucket.wire import Wire, encoded
from retention.errors import GoneError, MalformedError, StoreUnreachableError

TAG = "retention-hold"
"""The tag of a version that is under legal hold because a store's agent holds it; its value: whose."""

_HELD = OWN.decode() + "/held/"
_MOST_TAGS = 10
_CANNOT = frozenset({400, 403, 404, 405, 501})
"""What servers answer that know no locks, have none on this bucket, or do not let us see them."""
Tags = dict[str, str]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version an item is."""

    key: str
    version: str


class Numbered(NamedTuple):
    """An item of one epoch."""

    epoch: int
    number: int

    @property
    def name(self) -> str:
        """As its record is called."""
        return f"{self.epoch}.{self.number}"


class Keeping:
    """The legal holds of one store. `lockable`: whether the bucket can hold at all."""

    def __init__(self, wire: Wire, prefix: str, store: str, *, lockable: bool) -> None:
        self._wire = wire
        self._begins = prefix + _HELD
        self._store = store
        self.lockable = lockable
        self._of: dict[Numbered, VersionId] | None = None

    def protect(self, epoch: int, asked: Sequence[Asked]) -> set[int]:
        """See `Store.protect`."""
        if not self.lockable:
            return set()
        self._known()  # read before many ask
        kept = self._wire.each(partial(self._protect, epoch), asked)
        return {each.want.number for each, safe in zip(asked, kept, strict=True) if safe}

    def unprotect(self, epoch: int, numbers: Iterable[int]) -> None:
        """See `Store.unprotect`."""
        for number in numbers:
            self._let_go(Numbered(epoch, number))

    def protected(self, epoch: int) -> Iterator[int]:
        """See `Store.protected`."""
        return iter(sorted(each.number for each in self._known() if each.epoch == epoch))

    def kept(self, epoch: int, number: int) -> Generation | None:
        """See `Store.kept`."""
        of = self._known().get(Numbered(epoch, number))
        if of is None:
            return None
        try:
            with reading():
                seen = look(self._wire, of)
        except GoneError:
            return None
        return seen.generation if seen.held else None

    def reclaim(self, epoch: int) -> None:
        """See `Store.reclaim`."""
        for each in [each for each in self._known() if each.epoch != epoch]:
            self._let_go(each)

    def _protect(self, epoch: int, each: Asked) -> bool:
        if each.of.upload:
            return False
        try:
            seen = look(self._wire, each.of)
            if seen.generation != each.want.generation:
                return False
            tags = read_tags(self._wire, each.of) if seen.tagged else {}
            theirs = seen.held and tags.get(TAG) != self._store
            if theirs or (TAG not in tags and len(tags) >= _MOST_TAGS):
                return False
            self._write(Numbered(epoch, each.want.number), each.of)
            if seen.held:  # under a number of an earlier epoch
                return True
            write_tags(self._wire, each.of, tags | {TAG: self._store})
            self._hold(each.of, on=True)
            return look(self._wire, each.of).held
        except S3Error as error:
            if is_of_one(error):
                return False
            raise

    def _let_go(self, numbered: Numbered) -> None:
        of = self._known().get(numbered)
        if of is None:
            return
        shared = any(known == of and other != numbered for other, known in self._known().items())
        with reaching():
            if not shared and self._is_ours(of):
                self._hold(of, on=False)
                tags = read_tags(self._wire, of)
                write_tags(self._wire, of, {name: v for name, v in tags.items() if name != TAG})
            self._drop(numbered)

    def _is_ours(self, of: VersionId) -> bool:
        try:
            return read_tags(self._wire, of).get(TAG) == self._store
        except S3Error as error:
            if error.code in ABSENT:
                return False
            raise

    def _hold(self, of: VersionId, *, on: bool) -> None:
        body = f"<LegalHold><Status>{'ON' if on else 'OFF'}</Status></LegalHold>".encode()
        query = "legal-hold=&" + encoded(versionId=of.version)
        self._wire.ask("PUT", of.key, query, body=body)

    def _known(self) -> dict[Numbered, VersionId]:
        if self._of is None:
            self._of = dict(self._records()) if self.lockable else {}
        return self._of

    def _records(self) -> Iterator[tuple[Numbered, VersionId]]:
        for page in pages(self._wire, self._begins):
            for key in sorted({entry.of.key for entry in page.entries if entry.generation}):
                numbered = _numbered(key.removeprefix(self._begins))
                if numbered is not None and (of := self._read(key)) is not None:
                    yield numbered, of

    def _read(self, key: str) -> VersionId | None:
        try:
            with reaching():
                record = msgspec.json.decode(self._wire.ask("GET", key).body, type=Record)
        except StoreUnreachableError as error:
            if isinstance(error.__cause__, S3Error) and error.__cause__.code in ABSENT:
                return None
            raise
        except msgspec.MsgspecError as error:
            raise MalformedError("A record of what is held cannot be read.") from error
        return VersionId(record.key, record.version)

    def _write(self, numbered: Numbered, of: VersionId) -> None:
        if self._known().get(numbered) == of:
            return
        body = msgspec.json.encode(Record(of.key, of.version))
        self._wire.ask("PUT", self._begins + numbered.name, body=body)
        self._known()[numbered] = of

    def _drop(self, numbered: Numbered) -> None:
        """Delete a record with all its versions: it names a key."""
        key = self._begins + numbered.name
        for page in pages(self._wire, key):
            for entry in page.entries:
                if entry.of.key == key:
                    self._delete(entry.of)
        del self._known()[numbered]

    def _delete(self, of: VersionId) -> None:
        try:
            self._wire.ask("DELETE", of.key, encoded(versionId=of.version))
        except S3Error as error:
            if error.code not in FORBIDDEN:  # the bucket keeps all that is new: `doctor` tells
                raise


def read_tags(wire: Wire, of: VersionId) -> Tags:
    """The tags of one version. Raises `S3Error` and `NoAnswerError`, also where the answer is none.

    To take another answer for one without tags would let go what is tagged as an incident's.
    """
    answer = wire.ask("GET", of.key, "tagging=&" + encoded(versionId=of.version))
    try:
        root = ET.fromstring(answer.body)  # noqa: S314 - expat bounds what entities may cost
    except ET.ParseError as error:
        raise NoAnswerError(type(error).__name__) from error
    if root.tag.rpartition("}")[2] != "Tagging":
        raise NoAnswerError(code_in(answer.body) or "tags without an answer")
    tags: Tags = {}
    for each in root.iter():
        if each.tag.rpartition("}")[2] == "Tag":
            told = {part.tag.rpartition("}")[2]: part.text or "" for part in each}
            tags[told.get("Key", "")] = told.get("Value", "")
    return tags


def write_tags(wire: Wire, of: VersionId, tags: Tags) -> None:
    """Give one version these tags and no others. Raises `S3Error` and `NoAnswerError`."""
    inner = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>"
        for name, value in tags.items()
    )
    body = f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()
    wire.ask("PUT", of.key, "tagging=&" + encoded(versionId=of.version), body=body)


def can_lock(wire: Wire) -> bool:
    """Whether the bucket was made with object lock. Raises `StoreUnreachableError`."""
    with reaching():
        try:
            wire.ask("GET", query="object-lock=")
        except S3Error as error:
            if error.status not in _CANNOT or error.code in STRANGER or may_pass(error):
                raise
            return False
    return True


def _numbered(name: str) -> Numbered | None:
    epoch, _, number = name.partition(".")
    return Numbered(int(epoch), int(number)) if epoch.isdigit() and number.isdigit() else None
