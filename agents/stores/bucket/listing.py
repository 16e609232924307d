"""Listing all versions: what a scan sees, and what an erasure is verified by.

A page is believed only as far as it makes sense: one that says there is more and does not say
where, or that does not go on from the last, ends the listing with an error.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from agents.stores import Generation
from agents.stores.bucket.keys import VersionId
from agents.stores.bucket.trouble import reaching
from retention.errors import StoreUnreachableError

PAGE = 1000


class Entry(NamedTuple):
    """One version or one delete marker (then `generation` is None)."""

    of: VersionId
    generation: Generation | None


class Page(NamedTuple):
    """What one request gave: versions and markers, and the directories right below."""

    entries: list[Entry]
    prefixes: list[str]


def generation_of(of: VersionId, *, size: int, etag: str, modified: datetime) -> Generation:
    """One content of one version: another content under the same id has another ETag.

    Only whole seconds of LastModified: that is all that a HEAD tells.
    """
    said = f"{of.key}\0{of.version}\0{etag}".encode()
    number = int.from_bytes(blake2b(said, digest_size=8).digest()) >> 1
    return Generation(number, size, int(modified.timestamp()) * 10**9)


def pages(
    client: Any, bucket: str, prefix: str, *, delimiter: str = "", after: str = ""
) -> Iterator[Page]:
    """Page by page what lies below a prefix, from the first key behind `after`.

    Raises `StoreUnreachableError`.
    """
    mark: dict[str, str] = {"KeyMarker": after} if after else {}
    while True:
        with reaching():
            answer = client.list_object_versions(
                Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=PAGE, **mark
            )
        yield Page(
            [*_versions(answer), *_markers(answer)],
            [each["Prefix"] for each in answer.get("CommonPrefixes", ())],
        )
        if not answer.get("IsTruncated"):
            return
        mark = _next(answer, mark)


def versions_of(client: Any, bucket: str, key: str) -> list[Entry]:
    """All versions and markers of one key. Raises `StoreUnreachableError`."""
    found: list[Entry] = []
    for page in pages(client, bucket, key):
        mine = [entry for entry in page.entries if entry.of.key == key]
        found += mine
        if len(mine) < len(page.entries):  # the key itself comes before those it begins
            break
    return found


def _next(answer: dict[str, Any], last: dict[str, str]) -> dict[str, str]:
    said = {
        "KeyMarker": answer.get("NextKeyMarker", ""),
        "VersionIdMarker": answer.get("NextVersionIdMarker", ""),
    }
    mark = {name: value for name, value in said.items() if value}
    if not said["KeyMarker"] or mark == last or said["KeyMarker"] < last.get("KeyMarker", ""):
        raise StoreUnreachableError("The server's listing does not go on from where it was.")
    return mark


def _versions(answer: dict[str, Any]) -> Iterator[Entry]:
    for each in answer.get("Versions", ()):
        of = VersionId(each["Key"], each["VersionId"])
        made = generation_of(
            of, size=each["Size"], etag=each["ETag"], modified=each["LastModified"]
        )
        yield Entry(of, made)


def _markers(answer: dict[str, Any]) -> Iterator[Entry]:
    for each in answer.get("DeleteMarkers", ()):
        yield Entry(VersionId(each["Key"], each["VersionId"]), None)
