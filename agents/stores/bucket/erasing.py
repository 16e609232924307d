"""Erasing versions: look, delete by id, look again; then the markers of keys that have nothing left.

A server also calls deleted what was never there, so nothing it says counts as erased: a listing
has to show the version gone (I15). What it says counts where the version is still there, because
it says why. A call that timed out may have been carried out or not: the listing tells.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from agents.stores import Batch, Erased, Generation, Wanted
from agents.stores.bucket.keys import NULL, VersionId, version_of
from agents.stores.bucket.listing import Entry, generation_of, versions_of
from agents.stores.bucket.trouble import ABSENT, code_of, outcome_of, sentence_of
from retention.errors import StoreUnreachableError
from retention.outcome import Outcome

MOST_AT_ONCE = 1000
"""Versions in one request; more no server takes."""

_CHANGED = "Its key has another content now than was due."
_STILL_THERE = "The server called it deleted, and still lists it."
_MARKER = "Its bytes are gone, and its key is still there in a delete marker."
_INTERRUPTED = "It was found gone after an interruption."


class _Asked(NamedTuple):
    want: Wanted
    of: VersionId


class Erasure:
    """One batch on its way. `prefix` is what all keys of the store begin with."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def asked(self, batch: Batch) -> list[_Asked]:
        """The versions that a batch means. `MalformedError` before anything is touched."""
        return [
            _Asked(want, _below(self._prefix, version_of(directory, want.name)))
            for directory, wanted in batch.items()
            for want in wanted
        ]

    def erase(self, asked: Sequence[_Asked]) -> list[Erased]:
        """See `Store.erase`."""
        keys = {of.key for _, of in asked}
        before = self._look(keys)
        results = {each.want.number: _seen(each, before) for each in asked}
        due = [each for each in asked if results[each.want.number] is None]
        said: dict[VersionId, Erased] = {}
        for begin in range(0, len(due), MOST_AT_ONCE):
            part = due[begin : begin + MOST_AT_ONCE]
            changed = self._changed(part)
            said |= changed
            said |= self._delete([each for each in part if each.of not in changed])
        try:
            after = self._look({each.of.key for each in due} | _marked_only(before))
            left = self._clear_markers(after)
        except StoreUnreachableError as error:
            return [_unverified(results[each.want.number], each, error) for each in asked]
        for each in due:
            results[each.want.number] = _verified(each, after, said)
        return [_complete(results[each.want.number], each, left) for each in asked]

    def recover(self, asked: Sequence[_Asked]) -> list[Erased]:
        """See `Store.recover`."""
        seen = self._look({of.key for _, of in asked})
        self._clear_markers(seen)
        results = []
        for each in asked:
            result = _seen(each, seen)
            if result is not None and result.outcome is Outcome.ALREADY_ABSENT:
                result = Erased(each.want.number, Outcome.ERASED_VERIFIED, _INTERRUPTED)
            if result is not None:
                results.append(result)
        return results

    def _look(self, keys: set[str]) -> dict[str, list[Entry]]:
        return {key: versions_of(self._client, self._bucket, key) for key in sorted(keys)}

    def _changed(self, due: Sequence[_Asked]) -> dict[VersionId, Erased]:
        """Those that were overwritten since they were listed, as only a `null` version can be.

        Between this look and the deletion a recorder can still overwrite one: no server has a
        deletion that asks for the content it means.
        """
        changed = {}
        for want, of in due:
            if of.version == NULL and self._generation(of) != want.generation:
                changed[of] = Erased(want.number, Outcome.REFUSED_CHANGED, _CHANGED)
        return changed

    def _generation(self, of: VersionId) -> Generation | None:
        try:
            seen = self._client.head_object(Bucket=self._bucket, Key=of.key, VersionId=of.version)
        except (ClientError, BotoCoreError):
            return None  # then it stays, and the listing tells whether it is there
        return generation_of(
            of, size=seen["ContentLength"], etag=seen["ETag"], modified=seen["LastModified"]
        )

    def _delete(self, due: Sequence[_Asked]) -> dict[VersionId, Erased]:
        """Ask for it. What the server gives as a reason for those it did not delete."""
        if not due:
            return {}
        objects = [{"Key": of.key, "VersionId": of.version} for _, of in due]
        number_of = {of: want.number for want, of in due}
        try:
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": objects, "Quiet": False}
            )
        except ClientError as error:
            code = code_of(error)
            return {of: outcome_of(number, code) for of, number in number_of.items()}
        except BotoCoreError as error:
            why = sentence_of(error)
            return {of: Erased(n, Outcome.FAILED, why) for of, n in number_of.items()}
        said = {}
        for each in answer.get("Errors", ()):
            of = VersionId(each.get("Key", ""), each.get("VersionId") or NULL)
            if of in number_of and each.get("Code") not in ABSENT:
                said[of] = outcome_of(number_of[of], str(each.get("Code", "")))
        return said

    def _clear_markers(self, seen: dict[str, list[Entry]]) -> set[str]:
        """Delete the markers of keys that have no data any more. Which keys still have one."""
        bare = {
            key: [entry.of for entry in entries]
            for key, entries in seen.items()
            if entries and not any(entry.generation for entry in entries)
        }
        markers = [_Asked(_NOBODY, of) for versions in bare.values() for of in versions]
        for begin in range(0, len(markers), MOST_AT_ONCE):
            self._delete(markers[begin : begin + MOST_AT_ONCE])
        return {key for key, entries in self._look(set(bare)).items() if entries}


_NOBODY = Wanted(0, b"", None, 0)  # type: ignore[arg-type] # a marker is no item


def _below(prefix: str, of: VersionId) -> VersionId:
    return of._replace(key=prefix + of.key)


def _marked_only(seen: dict[str, list[Entry]]) -> set[str]:
    return {key for key, found in seen.items() if found and not any(e.generation for e in found)}


def _seen(each: _Asked, seen: dict[str, list[Entry]]) -> Erased | None:
    """What a look says of one version; None: it is there, and is what was wanted."""
    for entry in seen[each.of.key]:
        if entry.of == each.of and entry.generation is not None:
            if entry.generation == each.want.generation:
                return None
            return Erased(each.want.number, Outcome.REFUSED_CHANGED, _CHANGED)
    return Erased(each.want.number, Outcome.ALREADY_ABSENT, "")


def _verified(each: _Asked, after: dict[str, list[Entry]], said: dict[VersionId, Erased]) -> Erased:
    """Believe the listing; where it shows the version, the server's reason."""
    seen = _seen(each, after)
    if seen is None:
        return said.get(each.of) or Erased(each.want.number, Outcome.FAILED, _STILL_THERE)
    if seen.outcome is Outcome.REFUSED_CHANGED:  # it went, and another came in its place
        return seen if each.of in said else Erased(each.want.number, Outcome.ERASED_VERIFIED, "")
    return Erased(each.want.number, Outcome.ERASED_VERIFIED, "")


def _unverified(result: Erased | None, each: _Asked, error: Exception) -> Erased:
    return result or Erased(each.want.number, Outcome.FAILED, str(error))


def _complete(result: Erased | None, each: _Asked, left: set[str]) -> Erased:
    assert result is not None, "every version that was due was looked at again"
    gone = result.outcome in (Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT)
    if gone and each.of.key in left:
        return Erased(each.want.number, Outcome.FAILED, _MARKER)
    return result
