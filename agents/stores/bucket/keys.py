"""A key and a version as a directory and a name, and back: one to one, whatever the key is.

A key is any text. Where one of its parts would be no component of a path (empty, `.` or `..`), or
begins with the sign itself, it is written with `%` before it. A name is the last part, `;` and the
version's id, as in `20260316-120000.jpg;null`: several versions of a key are several files. An
upload that was begun and not completed is one as well; its id stands behind a `+`.
"""

from typing import NamedTuple
from urllib.parse import quote, unquote

from agents.stores.files.beneath import components, must_be_component
from retention.errors import MalformedError

NULL = "null"
"""The id of the one version that a bucket without versions, or one that keeps no more, overwrites."""

UPLOAD = "+"
"""What the id of an unfinished upload begins with here, and no version's does."""

OWN = b".retention"
"""The directory of what a store keeps for itself: not there for any path."""

_IMPOSSIBLE = frozenset({b"", b".", b".."})
_ESCAPE = b"%"
_VERSION = b";"
_PLAIN = "+~"  # besides letters, digits, `_`, `.` and `-`


class VersionId(NamedTuple):
    """One version of one key. Where a bucket keeps no versions its id is `NULL`."""

    key: str
    version: str

    @property
    def upload(self) -> str:
        """The upload's id, if it is one; else empty."""
        return self.version[len(UPLOAD) :] if self.version.startswith(UPLOAD) else ""


def directory_and_title(key: str) -> tuple[bytes, bytes]:
    """Where a key, relative to its store's prefix, lies among directories, and its last part."""
    parts = [_escaped(part) for part in key.encode().split(b"/")]
    return b"/".join(parts[:-1]), parts[-1]


def name_of(title: bytes, version: str) -> bytes:
    """What a store calls one version of a key."""
    return title + _VERSION + quote(version, safe=_PLAIN).encode()


def version_of(directory: bytes, name: bytes) -> VersionId:
    """The key and version that a name stands for; `MalformedError` if it can be none."""
    must_be_component(name)
    title, sign, version = name.rpartition(_VERSION)
    if not sign or not title or not version:
        raise MalformedError("The name of a version ends with its id.")
    try:
        key = prefix_of(directory) + _plain(title).decode()
        return VersionId(key, unquote(version.decode(), errors="strict"))
    except UnicodeDecodeError as error:
        raise MalformedError("A key is text in UTF-8.") from error


def prefix_of(directory: bytes) -> str:
    """What the keys of a directory begin with."""
    parts = components(directory)
    if parts[:1] == [OWN]:
        raise MalformedError("What the store keeps for itself is nobody's recording.")
    try:
        return "".join(_plain(part).decode() + "/" for part in parts)
    except UnicodeDecodeError as error:
        raise MalformedError("A key is text in UTF-8.") from error


def _escaped(part: bytes) -> bytes:
    return _ESCAPE + part if part in _IMPOSSIBLE or part.startswith(_ESCAPE) else part


def _plain(part: bytes) -> bytes:
    plain = part.removeprefix(_ESCAPE)
    if _escaped(plain) != part:
        raise MalformedError("No key has this name.")
    return plain


def is_path(path: bytes) -> bool:
    """Whether all its parts can be parts of a path: what a key is written as mostly can."""
    try:
        for part in components(path):
            must_be_component(part)
    except MalformedError:
        return False
    return True
