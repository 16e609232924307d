"""The bundle: one file that an inspector checks offline (docs/ledger-format.md).

A zip file in its plainest form: these members, in this order, uncompressed, without dates or
comments. One content therefore has one sequence of bytes, and `read` accepts no other: what it
read is packed again and compared. The manifest carries a digest of every member and the
enforcer's signature.
"""

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Annotated, BinaryIO, Literal, TypeVar

import msgspec
from msgspec import Meta

from retention import codec, envelope
from retention.bounds import At, Count, Number, Ordinal, Word
from retention.calendar import Instant
from retention.errors import MalformedError, VerificationError

KIND = "bundle"

EDITION = 4
"""Which words and which form the bundles of this version have: `Manifest.edition`.

One more whenever the same facts would make another `page.html` or another `not_checked`, or a document
or a member is added. An auditor of another edition cannot make the page anew, and must not call the
operator a liar for it. tests/auditor/editions keeps a bundle of each, and notices.
"""

READ_ME = "READ-ME.txt"
MANIFEST = "manifest.json"
PAGE = "page.html"
POLICY = "policy.jsonl"
CHECKPOINTS = "checkpoints.jsonl"
LEAVES = "leaves.jsonl"
SUBTREES = "subtrees.jsonl"
BOOKS = "books.jsonl"
HOLDS = "holds.jsonl"
ACTS = "acts.jsonl"
ITEM_ACTS = "item-acts.jsonl"
EXCEPTIONS = "exceptions.jsonl"
BACKUPS = "backups.jsonl"
RESCANS = "rescans.jsonl"
WITNESS = "witness.jsonl"

CONTENTS = (
    READ_ME,
    PAGE,
    POLICY,
    CHECKPOINTS,
    LEAVES,
    SUBTREES,
    BOOKS,
    HOLDS,
    ACTS,
    ITEM_ACTS,
    EXCEPTIONS,
    BACKUPS,
    RESCANS,
    WITNESS,
)
"""Every member but the manifest, which comes first."""

NOT_CHECKED = (
    "what really lies on a store: `auditor rescan` looks there, without asking the operator",
    "storage that was never enrolled",
    "why something is kept: the registers are the operator's word; have the case of a hold shown",
    "whether others were shown another ledger: `auditor witness` asks a server that watched it",
    (
        "acts that name single recordings: the operator keeps them until the limit of these has passed,"
        " item-acts.jsonl has their digests"
    ),
)
"""What no bundle can show; it is in every manifest, and whoever verifies one says it too."""

LATER = "the bundle is of a later edition than this program knows: take a newer one to read it"

NO_BACKUPS = "backups: no set is registered, and nothing erases in one"
ONLY_REGISTERED_BACKUPS = "backups: what is registered is the operator's word, and nobody looked"
NO_RESCANS = "re-scans: nobody handed one in"
NO_WITNESS = (
    "the witness and the alerts: the operator's Prometheus was not asked, or did not answer"
)

ABOUT = """\
This is the record of a retention enforcer: which recordings a storage held, which limits apply to
them, and what became of them. It names no recording, and no person but those who sign for the
operator. Of the reasons of what they signed it has commitments; the operator has the words for 90 days.
page.html is the same to be read, in Latvian and in English.

    auditor verify THIS-FILE --pin DIGEST

checks it without a network. DIGEST is the SHA-256 of the operator's first policy document; take it
from where the operator published it, and not from this file.

    auditor rescan DIRECTORY --bundle THIS-FILE --store ID --group GROUP --pin DIGEST

lists a storage and compares what is really there. docs/ledger-format.md tells what is in each
member, so that others can write a program of their own.
"""
"""What READ-ME.txt says."""

MAX_BYTES = 1 << 30
"""A larger file is refused unread; 1000 stores make some 50 MiB in two months."""

_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # a zip file cannot leave it out
_UNIX = 3
_MODE = 0o100644 << 16

_DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    struct.error,
)
"""All that `zipfile` raises on bytes that are no good zip file."""

T = TypeVar("T")


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of the bundle: its name, its length in bytes, its SHA-256."""

    name: str
    size: int
    digest: bytes


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in the bundle, and in plain words what nobody can check with it.

    Books and certificates are those of recordings of civil dates `since`..`through` (both
    included); all that has a time of its own is from `since` on, up to `made_at`.
    """

    made_at: Instant
    since: date
    through: date
    members: tuple[Member, ...]
    not_checked: tuple[str, ...]
    # Unset: from before editions were counted.
    edition: Annotated[int, Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint (`retention.note`) and when it was published."""

    at: Instant
    note: str


class Placed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf and where it stands in the tree; `data` is hashed exactly as it stands here."""

    position: int
    data: msgspec.Raw


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hash of a complete subtree: see `retention.excerpt`."""

    level: int
    index: int
    hash: bytes


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Double entry of one store, class and civil date (I14).

    `seen` equals the sum of `states`. `uncertified` of the erased ones have no certificate under
    the newest checkpoint yet.
    """

    store: str
    record_class: str
    civil: date
    seen: int
    states: Mapping[str, int]
    uncertified: int


class HoldExtract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold as the register has it, without its case, its interval and its people."""

    id: str
    ground: str
    clause: str
    citation: str
    origin: str
    placed_at: Instant
    review_on: date
    confirmed: bool
    released_at: Instant | None
    stores: int
    effective_stores: int
    items: int


class Activated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an activation let go, in its own words but for its reason (`acts.Activation`)."""

    stores: tuple[Word, ...]
    record_class: Word
    through_ordinal: Ordinal
    count: Count


class ItemAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act that names single items, or of which the reason may name somebody.

    It stays with the operator, this is its receipt. `digest` is the SHA-256 of what was signed, to
    compare with the original where it is shown. Of an activation it says what that let go: which
    was the first of a store decides what was its backlog.
    """

    id: str
    kind: str
    at: Instant
    items: int
    signed_by: tuple[str, ...]
    digest: bytes
    activated: Activated | msgspec.UnsetType = msgspec.UNSET


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A set of copies that somebody keeps, of what, and the longest that anything stays in it."""

    name: Word
    of: Literal["recordings", "index", "catalogue", "database"]
    days: Annotated[int, Meta(ge=1, le=36_525)]


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of one class, civil date (None: undated) and standing, as an auditor found them."""

    record_class: Word
    civil: date | None
    standing: Word
    files: Count
    bytes: Count


class Rescanned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `auditor rescan` found on a store, without a name of anything.

    Nobody signs it: whoever runs the auditor believes his own eyes. In a bundle it is the
    operator's word; `number`, which the inspector chose, shows that it was not made before.
    """

    number: Word
    store: Word
    group: Word
    at: At
    policy: Number
    verdict: Literal["ok", "violated", "unknown"]
    counts: tuple[Counted, ...]
    unregistered: Count
    unread: Count


def not_checked(contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """What nobody can check with these contents."""
    return (
        *NOT_CHECKED,
        ONLY_REGISTERED_BACKUPS if contents[BACKUPS] else NO_BACKUPS,
        *(() if contents[RESCANS] else (NO_RESCANS,)),
        *(() if contents[WITNESS] else (NO_WITNESS,)),
    )


def edition_of(manifest: bytes) -> int:
    """The edition that a member `manifest.json` is of by its own words, whoever signed it.

    0 if it does not say, as before editions were counted, or if it is no manifest.
    """
    try:
        said = codec.glance(envelope.decode(manifest).payload).get("edition")
    except MalformedError:
        return 0
    return said if isinstance(said, int) else 0


def is_later(manifest: bytes) -> bool:
    """Whether this edition is a later one than this program knows, so that its form may be new."""
    return edition_of(manifest) > EDITION


def lines(documents: Iterable[msgspec.Struct]) -> bytes:
    """A member of canonical documents, one on each line."""
    return b"".join(codec.encode(document) + b"\n" for document in documents)


def parse(data: bytes, type_: type[T]) -> Iterator[T]:
    """Yield the documents of a member; `MalformedError` at the first line that is not one."""
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            raise MalformedError("the last line is cut off")
        yield codec.decode(line[:-1], type_)


def members_of(contents: Mapping[str, bytes]) -> tuple[Member, ...]:
    """What a manifest says of these contents."""
    return tuple(
        Member(name, len(contents[name]), codec.digest(contents[name])) for name in CONTENTS
    )


def write(file: BinaryIO, manifest: bytes, contents: Mapping[str, bytes]) -> None:
    """Write a bundle: a signed manifest and all `CONTENTS`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, manifest), *((name, contents[name]) for name in CONTENTS)):
            info = zipfile.ZipInfo(name, _OLDEST_DATE)
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, data)


def read(file: BinaryIO) -> dict[str, bytes]:
    """Every member by name.

    `MalformedError` if it is no bundle, is damaged, or says that it is of a later edition and has
    other members; `VerificationError` if a member is missing or one more is in it. Takes at most a few times the file's size of memory, whatever is in it.
    """
    packed = file.read(MAX_BYTES + 1)
    if len(packed) > MAX_BYTES:
        raise MalformedError("the bundle is larger than any this program makes")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = _members(archive)
    except _DAMAGE as error:
        raise MalformedError(f"the bundle is damaged: {error}") from error
    again = io.BytesIO()
    write(again, members[MANIFEST], members)
    if again.getvalue() != packed:
        raise MalformedError("the bundle is not packed as this program packs them")
    return members


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Read what is stored plainly; nothing can unpack to more than the file has."""
    expected = (MANIFEST, *CONTENTS)
    found = [info.filename for info in archive.infolist()]
    if set(found) != set(expected) and _says_later(archive):
        raise MalformedError(LATER)
    for name in found:
        if name not in expected:
            raise VerificationError(f"the bundle has a member {name[:80]!r} that none has")
    for name in expected:
        if name not in found:
            raise VerificationError(f"the bundle has no {name}")
    plain = [i for i in archive.infolist() if i.compress_type == zipfile.ZIP_STORED]
    if len(plain) != len(expected):
        raise MalformedError("a member of the bundle is compressed, or there twice")
    return {info.filename: archive.read(info) for info in plain}


def _says_later(archive: zipfile.ZipFile) -> bool:
    """Whether the manifest says that other members than ours are in order."""
    told = (i for i in archive.infolist() if i.filename == MANIFEST)
    plain = (i for i in told if i.compress_type == zipfile.ZIP_STORED)
    return any(is_later(archive.read(info)) for info in islice(plain, 1))
