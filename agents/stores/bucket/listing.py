"""Listing all versions and unfinished uploads: what a scan sees, and what an erasure is verified by.

A page is believed only as far as it makes sense: one that says there is more and does not say
where, that does not go on from the last, or that breaks off, ends the listing with an error.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.parsers import expat

from agents.stores import Generation
from agents.stores.bucket.keys import UPLOAD, VersionId
from agents.stores.bucket.trouble import reaching
from agents.stores.bucket.wire import Wire, encoded
from retention.errors import StoreUnreachableError

PAGE = 1000

_Row = dict[str, str]
_VERSION, _MARKER, _UPLOAD, _PREFIX = "Version", "DeleteMarker", "Upload", "CommonPrefixes"
_ROWS = frozenset({_VERSION, _MARKER, _UPLOAD, _PREFIX})
_NOT_IN_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|&#x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef]);",
    re.IGNORECASE,
)
_NO_LISTING = "The server's listing makes no sense."
_NESTED = frozenset({"Owner", "Initiator"})


class Entry(NamedTuple):
    """One version, one unfinished upload, or one delete marker (then `generation` is None)."""

    of: VersionId
    generation: Generation | None


class Page(NamedTuple):
    """What one request gave: versions and markers, and the directories right below."""

    entries: list[Entry]
    prefixes: list[str]


def generation_of(of: VersionId, *, size: int, etag: str, begun_ns: int = 0) -> Generation:
    """One content of one version: another content under the same id has another ETag.

    LastModified is no part of it: on some servers a tag or a hold moves it. The beginning of an
    upload is, because nothing does.
    """
    said = f"{of.key}\0{of.version}\0{etag}".encode()
    number = int.from_bytes(blake2b(said, digest_size=8).digest()) >> 1
    return Generation(number, size, begun_ns)


def pages(wire: Wire, prefix: str, *, delimiter: str = "") -> Iterator[Page]:
    """Page by page what lies below a prefix. Raises `StoreUnreachableError`."""
    after: VersionId | None = None
    while True:
        page, after = first_page(wire, prefix, delimiter=delimiter, after=after)
        yield page
        if after is None:
            return


def first_page(
    wire: Wire,
    prefix: str,
    *,
    delimiter: str = "",
    after: VersionId | None = None,
    size: int = PAGE,
) -> tuple[Page, VersionId | None]:
    """The first page behind a version, or behind a key if `after` has no id; and where it stopped.

    Raises `StoreUnreachableError`.
    """
    query: dict[str, str | int] = {
        "prefix": prefix,
        "max_keys": size,
        "encoding_type": "url",
        "versions": "",
    }
    if delimiter:
        query["delimiter"] = delimiter
    last = ("", "") if after is None else (after.key, after.version)
    rows, told = _listed(wire, query | _marks("key_marker", "version_id_marker", last))
    page = Page(list(_entries(rows)), [row["Prefix"] for kind, row in rows if kind == _PREFIX])
    following = _following(told, "NextVersionIdMarker", last)
    return page, None if following is None else VersionId(*following)


def uploads(wire: Wire, prefix: str) -> Iterator[Entry]:
    """All uploads below a prefix that were begun and neither completed nor aborted.

    An upload's generation tells when it was begun, and no size. Raises `StoreUnreachableError`.
    """
    query: dict[str, str | int] = {"prefix": prefix, "max_uploads": PAGE, "uploads": ""}
    last: tuple[str, str] | None = ("", "")
    while last is not None:
        rows, told = _uploads(wire, query | _marks("key_marker", "upload_id_marker", last))
        for kind, row in rows:
            if kind == _UPLOAD:
                of = VersionId(row["Key"], UPLOAD + row["UploadId"])
                begun = int(datetime.fromisoformat(row["Initiated"]).timestamp()) * 10**9
                yield Entry(of, generation_of(of, size=0, etag="", begun_ns=begun))
        last = _following(told, "NextUploadIdMarker", last)


def _uploads(wire: Wire, query: dict[str, str | int]) -> tuple[list[tuple[str, _Row]], _Row]:
    """A page of uploads. Ceph encodes their keys where it is asked to, and does not say that it did.

    So it is asked to where a page cannot be read otherwise: a key may have what no XML has.
    """
    with reaching():
        answer = wire.ask("GET", query=encoded(**query))
    try:
        return _parsed(answer.body)
    except (expat.ExpatError, ValueError):
        return _listed(wire, query | {"encoding_type": "url"}, encoding="url")


def _listed(
    wire: Wire, query: dict[str, str | int], *, encoding: str = ""
) -> tuple[list[tuple[str, _Row]], _Row]:
    with reaching():
        answer = wire.ask("GET", query=encoded(**query))
    try:
        return _parsed(answer.body, encoding)
    except (expat.ExpatError, KeyError, ValueError) as error:
        raise StoreUnreachableError(_NO_LISTING) from error


def _marks(key: str, second: str, last: tuple[str, str]) -> dict[str, str | int]:
    return {name: said for name, said in zip((key, second), last, strict=True) if said}


def _following(told: _Row, second: str, last: tuple[str, str]) -> tuple[str, str] | None:
    """Where the next page begins; None if this was the last.

    What does not say whether it is the last is no listing, though it may be well formed: an error that
    came with 200, or a page of a proxy. It is not taken for an empty bucket.
    """
    if told.get("IsTruncated") == "false":
        return None
    if told.get("IsTruncated") != "true":
        raise StoreUnreachableError(_NO_LISTING)
    mark = told.get("NextKeyMarker", ""), told.get(second, "")
    if not mark[0] or mark == last or mark[0].encode() < last[0].encode():
        raise StoreUnreachableError("The server's listing does not go on from where it was.")
    return mark


def _entries(rows: list[tuple[str, _Row]]) -> Iterator[Entry]:
    for kind, row in rows:
        if kind == _PREFIX:
            continue
        of = VersionId(row["Key"], row["VersionId"])
        made = None
        if kind == _VERSION:
            made = generation_of(of, size=int(row["Size"]), etag=row["ETag"])
        yield Entry(of, made)


def _parsed(body: bytes, encoding: str = "") -> tuple[list[tuple[str, _Row]], _Row]:
    """The rows of a listing, in its order, and what it says of itself; names are decoded.

    `encoding` is theirs where the server does not say it. Ceph encodes keys and repeats what it was
    asked as it is, though no XML may have it: nobody needs that, unless the next page begins there.
    """
    try:
        return _read(body, encoding)
    except expat.ExpatError:
        rows, told = _read(_NOT_IN_XML.sub(b"", body), encoding)
        if told.get("EncodingType", encoding) != "url" or told.get("IsTruncated") == "true":
            raise
        return rows, told


def _read(body: bytes, encoding: str) -> tuple[list[tuple[str, _Row]], _Row]:
    rows: list[tuple[str, _Row]] = []
    told: _Row = {}
    parser = expat.ParserCreate()
    parser.buffer_text = True
    start, end, text = _handlers(rows, told)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.Parse(body, True)
    plain = unquote_plus if told.get("EncodingType", encoding) == "url" else str
    for _, row in rows:
        for name in ("Key", "Prefix"):
            if name in row:
                row[name] = plain(row[name])
    if "NextKeyMarker" in told:
        told["NextKeyMarker"] = plain(told["NextKeyMarker"])
    return rows, told


def _handlers(
    rows: list[tuple[str, _Row]], told: _Row
) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None], Callable[[str], None]]:
    """What expat calls at each element and text: most of a listing's cost, so closures and no class."""
    row: _Row | None = None
    data = ""
    inside = ""

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal row, data, inside
        data = ""
        if row is None and name in _ROWS:
            row = {}
        elif name in _NESTED:
            inside = name

    def end(name: str) -> None:
        nonlocal row, data, inside
        if inside:
            inside = "" if name == inside else inside
        elif row is None:
            told[name] = data
        elif name in _ROWS:
            rows.append((name, row))
            row = None
        else:
            row[name] = data
        data = ""

    def text(value: str) -> None:
        nonlocal data
        data += value

    return start, end, text
