"""Erasing versions: look, delete by id, look again; then the markers of keys that have nothing left.

A server also calls deleted what was never there, so nothing it says counts as erased: a listing
has to show the version gone (I15). What it says counts where the version is still there, because
it says why. A call that timed out may have been carried out or not: the listing tells.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from agents.stores import Erased, Wanted
from agents.stores.bucket.keys import NULL, VersionId
from agents.stores.bucket.listing import Entry
from agents.stores.bucket.object import Seen, look
from agents.stores.bucket.ranges import look_up, look_up_uploads
from agents.stores.bucket.trouble import (
    ABSENT,
    FORBIDDEN,
    NoAnswerError,
    S3Error,
    code_in,
    is_of_one,
    outcome_of,
    reaching,
    sentence_of,
)
from agents.stores.bucket.wire import AT_ONCE, Wire, encoded
from retention.errors import StoreUnreachableError
from retention.outcome import Outcome

MOST_AT_ONCE = 1000
"""Versions in one request; more no server takes."""
_FEWEST_AT_ONCE = 50
_ROUNDS = 4
"""Requests after one another on each line, where there is enough: the lines then end together."""

_CHANGED = "Its key has another content now than was due."
_STILL_THERE = "The server called it deleted, and still lists it."
_MARKER = "Its bytes are gone, and its key is still there in a delete marker."
_INTERRUPTED = "It was found gone after an interruption."
_HELD = "A legal hold that is not ours is on it."
_ENDED = "It was completed or aborted just before."
_PARTS = "It is aborted, and parts that were on their way have come since."
_ABORTS = 3

Said = dict[VersionId, Erased]
"""Why a version stays, as far as the server or a look at it tells."""


class Asked(NamedTuple):
    """One version that is wanted gone."""

    want: Wanted
    of: VersionId


class Erasure:
    """One batch on its way. `seen` is what a look at a version told just now, before its intent."""

    def __init__(self, wire: Wire, *, seen: Mapping[VersionId, Seen] | None = None) -> None:
        self._wire = wire
        self._seen = {} if seen is None else seen

    def erase(self, asked: Sequence[Asked]) -> list[Erased]:
        """See `Store.erase`."""
        versions = [each for each in asked if not each.of.upload]
        begun = [each for each in asked if each.of.upload]
        there = look_up_uploads(self._wire, [each.of for each in begun])
        results = self._erase_versions(versions) | self._abort(begun, there)
        return [results[each.want.number] for each in asked]

    def recover(self, asked: Sequence[Asked]) -> list[Erased]:
        """See `Store.recover`."""
        versions = [each for each in asked if not each.of.upload]
        there = self._look_up(versions)
        left = self._clear_markers(there)
        begun = look_up_uploads(self._wire, [each.of for each in asked if each.of.upload])
        shown = begun | _by_version(there)
        results = []
        for each in asked:
            result = _shown(each, shown)
            if result is not None and result.outcome is Outcome.ALREADY_ABSENT:
                result = Erased(each.want.number, Outcome.ERASED_VERIFIED, _INTERRUPTED)
            if result is not None:
                results.append(_complete(result, each, left))
        return results

    def _erase_versions(self, asked: Sequence[Asked]) -> dict[int, Erased]:
        results = self._looked(asked)
        due = [each for each in asked if each.want.number not in results]
        said: Said = {}
        for part in self._wire.each(self._delete_due, _parts(due)):
            said |= part
        for each in due:
            if each.of in said and said[each.of].outcome is Outcome.REFUSED_CHANGED:
                results[each.want.number] = said[each.of]
        try:
            after = self._look_up(asked)
            left = self._clear_markers(after)
        except StoreUnreachableError as error:
            return {each.want.number: _unknown(each, str(error)) for each in due} | results
        shown = _by_version(after)
        for each in due:
            if each.want.number not in results:
                results[each.want.number] = _verified(each, shown, said)
        return {
            each.want.number: _complete(results[each.want.number], each, left) for each in asked
        }

    def _look_up(self, asked: Sequence[Asked]) -> dict[str, list[Entry]]:
        return look_up(self._wire, {each.of.key for each in asked}, {each.of for each in asked})

    def _looked(self, asked: Sequence[Asked]) -> dict[int, Erased]:
        """Those whose fate a look at them decides. Raises `StoreUnreachableError`, nothing touched."""
        unknown = [each.of for each in asked if each.of not in self._seen]
        with reaching():
            found = dict(zip(unknown, self._wire.each(self._look, unknown), strict=True))
        fates = {
            each.want.number: _fate(
                each, found[each.of] if each.of in found else self._seen[each.of]
            )
            for each in asked
        }
        return {number: fate for number, fate in fates.items() if fate is not None}

    def _look(self, of: VersionId) -> Seen | S3Error | None:
        """What is known of a version; None if it is not there, an error if just this one is refused."""
        try:
            return look(self._wire, of)
        except S3Error as error:
            if error.code in ABSENT:
                return None
            if is_of_one(error):
                return error
            raise

    def _delete_due(self, due: Sequence[Asked]) -> Said:
        """Ask for it, after one more look at what can have been overwritten.

        Between this look and the deletion a recorder can still overwrite a `null` version: no
        server has a deletion that asks for the content it means.
        """
        changed: Said = {}
        overwritable = any(each.of.version == NULL for each in due)
        for each in due:
            if each.of.version == NULL and (fate := self._fate_now(each)):
                changed[each.of] = fate
        going = [each for each in due if each.of not in changed]
        return changed | self._delete([e.of for e in going], going, once=overwritable)

    def _fate_now(self, each: Asked) -> Erased | None:
        try:
            fate = _fate(each, self._look(each.of))
        except (S3Error, NoAnswerError) as error:
            return Erased(each.want.number, Outcome.FAILED, sentence_of(error))
        return None if fate and fate.outcome is Outcome.ALREADY_ABSENT else fate

    def _delete(self, going: Sequence[VersionId], asked: Sequence[Asked], *, once: bool) -> Said:
        """Delete versions. What the server gives as a reason for those it did not delete.

        A key that no XML can say is deleted by a request of its own: it would spoil one for all.
        """
        number_of = {each.of: each.want.number for each in asked}
        unsayable = [of for of in going if _NOT_IN_XML.search(of.key)]
        said: Said = {}
        for of in unsayable:
            said |= self._delete_one(of, number_of.get(of, 0), once=once)
        sayable = [of for of in going if of not in unsayable] if unsayable else going
        return said | self._delete_many(sayable, number_of, once=once)

    def _delete_one(self, of: VersionId, number: int, *, once: bool) -> Said:
        try:
            self._wire.ask("DELETE", of.key, encoded(versionId=of.version), once=once)
        except S3Error as error:
            return {} if error.code in ABSENT else {of: self._reason(of, number, error.code)}
        except NoAnswerError as error:
            return {of: Erased(number, Outcome.FAILED, sentence_of(error))}
        return {}

    def _delete_many(
        self, going: Sequence[VersionId], number_of: Mapping[VersionId, int], *, once: bool
    ) -> Said:
        if not going:
            return {}
        try:
            refused = delete_at_once(self._wire, going, once=once)
        except S3Error as error:
            return {of: outcome_of(number_of.get(of, 0), error.code) for of in going}
        except (NoAnswerError, ET.ParseError) as error:
            lost = (
                NoAnswerError(type(error).__name__) if isinstance(error, ET.ParseError) else error
            )
            why = sentence_of(lost)
            return {of: Erased(number_of.get(of, 0), Outcome.FAILED, why) for of in going}
        asked = set(going)
        return {
            of: self._reason(of, number_of.get(of, 0), code)
            for named, code in refused
            if code not in ABSENT
            for of in ([named] if named in asked else _of_key(named.key, going))
        }

    def _reason(self, of: VersionId, number: int, code: str) -> Erased:
        """Why the server refuses one version: where it forbids it, a look tells which lock it is."""
        if code in FORBIDDEN:
            try:
                seen = self._look(of)
            except (S3Error, NoAnswerError):
                seen = None
            if isinstance(seen, Seen) and (lock := _lock(seen)):
                return Erased(number, Outcome.BLOCKED, lock)
        return outcome_of(number, code)

    def _clear_markers(self, there: dict[str, list[Entry]]) -> set[str]:
        """Delete the markers of keys that have no data any more. Which keys still have one."""
        bare = {
            key: [entry.of for entry in entries]
            for key, entries in there.items()
            if entries and not any(entry.generation for entry in entries)
        }
        if not bare:
            return set()
        markers = [of for versions in bare.values() for of in versions]
        for begin in range(0, len(markers), MOST_AT_ONCE):
            part = [of for of in markers[begin : begin + MOST_AT_ONCE] if self._is_marker(of)]
            self._delete(part, [], once=any(of.version == NULL for of in part))
        return {key for key, entries in look_up(self._wire, set(bare)).items() if entries}

    def _is_marker(self, of: VersionId) -> bool:
        """Whether it still is one: where it is called `null`, a recording can have replaced it."""
        try:
            return of.version != NULL or self._look(of) is None
        except (S3Error, NoAnswerError):
            return False

    def _abort(
        self, asked: Sequence[Asked], before: Mapping[VersionId, Entry]
    ) -> dict[int, Erased]:
        """Abort uploads that nobody completed; whether they are gone, their listing tells."""
        results = {each.want.number: _shown(each, before) for each in asked}
        due = [each for each in asked if results[each.want.number] is None]
        said = dict(zip((e.of for e in due), self._wire.each(self._abort_one, due), strict=True))
        try:
            after = look_up_uploads(self._wire, [each.of for each in due])
        except StoreUnreachableError as error:
            after, said = {e.of: before[e.of] for e in due}, {}
            for e in due:
                said[e.of] = _unknown(e, str(error))
        gone = {e.want.number: _aborted(e, after, said[e.of]) for e in due}
        return {number: result for number, result in results.items() if result} | gone

    def _abort_one(self, each: Asked) -> Erased | None:
        """Abort it, and again while it has parts: those on their way may come though it is no more (AWS)."""
        for again in range(_ABORTS):
            try:
                self._wire.ask("DELETE", each.of.key, encoded(uploadId=each.of.upload))
            except S3Error as error:
                if error.code not in ABSENT:
                    return outcome_of(each.want.number, error.code)
                return None if again else Erased(each.want.number, Outcome.ALREADY_ABSENT, _ENDED)
            except NoAnswerError as error:
                return Erased(each.want.number, Outcome.FAILED, sentence_of(error))
            if not self._has_parts(each.of):
                return None
        return Erased(each.want.number, Outcome.FAILED, _PARTS)

    def _has_parts(self, of: VersionId) -> bool:
        """Whether the server lists parts; where it does not say, the listing of uploads is believed."""
        try:
            return b"<Part>" in self._wire.ask("GET", of.key, encoded(uploadId=of.upload)).body
        except (S3Error, NoAnswerError):
            return False


def delete_at_once(
    wire: Wire, going: Sequence[VersionId], *, once: bool
) -> list[tuple[VersionId, str]]:
    """Delete versions by one request. Those that the server refuses, with its word for why.

    Raises `S3Error`, `NoAnswerError`, and `ParseError` where the answer says nothing of any.
    """
    return _errors(wire.ask("POST", query="delete=", body=_body(going), once=once).body)


def _parts(due: Sequence[Asked]) -> list[Sequence[Asked]]:
    """So many for each request that no line is idle while another is still busy."""
    size = min(max(len(due) // (_ROUNDS * AT_ONCE), _FEWEST_AT_ONCE), MOST_AT_ONCE)
    return [due[begin : begin + size] for begin in range(0, len(due), size)]


def _body(going: Sequence[VersionId]) -> bytes:
    """A request to delete, never quiet: what went has to be said as well as what did not."""
    objects = "".join(
        f"<Object><Key>{escape(key, _CONTROLS)}</Key><VersionId>{escape(version)}</VersionId></Object>"
        for key, version in going
    )
    return f"<Delete><Quiet>false</Quiet>{objects}</Delete>".encode()


def _of_key(key: str, going: Sequence[VersionId]) -> Iterator[VersionId]:
    """All that is asked of a key, where a refusal does not say which version of it is meant."""
    return (of for of in going if of.key == key)


_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROLS = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


def _errors(body: bytes) -> list[tuple[VersionId, str]]:
    """What a deletion did not delete, and the server's word for why.

    Raises `S3Error` where all of it failed: a server that found out late says so in an answer of 200.
    """
    if b"<Error>" not in body:
        ET.fromstring(body)  # noqa: S314 - expat bounds what entities may cost
        return []
    found = []
    told = ET.fromstring(body)  # noqa: S314 - the same
    if told.tag.rpartition("}")[2] == "Error":
        raise S3Error(code_in(body), 200)
    for each in told.iter():
        if each.tag.rpartition("}")[2] == "Error":
            said = {part.tag.rpartition("}")[2]: part.text or "" for part in each}
            of = VersionId(said.get("Key", ""), said.get("VersionId") or NULL)
            found.append((of, said.get("Code", "")))
    return found


def _fate(each: Asked, seen: Seen | S3Error | None) -> Erased | None:
    """What a look decides; None: it is there, is what was wanted, and no lock is known to be on it."""
    if seen is None:
        return Erased(each.want.number, Outcome.ALREADY_ABSENT, "")
    if isinstance(seen, S3Error):
        return outcome_of(each.want.number, seen.code)
    if seen.generation != each.want.generation:
        return Erased(each.want.number, Outcome.REFUSED_CHANGED, _CHANGED)
    lock = _lock(seen)
    return Erased(each.want.number, Outcome.BLOCKED, lock) if lock else None


def _lock(seen: Seen) -> str:
    if seen.held:
        return _HELD
    until = seen.locked_until
    if until is not None and until > seen.asked_at:
        return f"A retention date of the bucket keeps it until {until.date().isoformat()}."
    return ""


def _by_version(there: Mapping[str, Sequence[Entry]]) -> dict[VersionId, Entry]:
    return {entry.of: entry for entries in there.values() for entry in entries}


def _shown(each: Asked, there: Mapping[VersionId, Entry]) -> Erased | None:
    """What a listing says of one version; None: it is there, and is what was wanted."""
    entry = there.get(each.of)
    if entry is None or entry.generation is None:
        return Erased(each.want.number, Outcome.ALREADY_ABSENT, "")
    if entry.generation == each.want.generation:
        return None
    return Erased(each.want.number, Outcome.REFUSED_CHANGED, _CHANGED)


def _verified(each: Asked, after: Mapping[VersionId, Entry], said: Said) -> Erased:
    """Believe the listing; where it shows the version, the server's reason."""
    shown = _shown(each, after)
    if shown is None:
        return said.get(each.of) or _still(each)
    if shown.outcome is Outcome.REFUSED_CHANGED:  # it went, and another came in its place
        return shown if each.of in said else Erased(each.want.number, Outcome.ERASED_VERIFIED, "")
    return Erased(each.want.number, Outcome.ERASED_VERIFIED, "")


def _aborted(each: Asked, after: Mapping[VersionId, Entry], said: Erased | None) -> Erased:
    """Believe the listing of uploads; one that ended otherwise was not ours to end, and parts outlive it."""
    if each.of in after:
        return said or _still(each)
    if said is not None and said.detail in {_ENDED, _PARTS}:
        return said
    return Erased(each.want.number, Outcome.ERASED_VERIFIED, "")


def _still(each: Asked) -> Erased:
    return Erased(each.want.number, Outcome.FAILED, _STILL_THERE)


def _unknown(each: Asked, why: str) -> Erased:
    return Erased(each.want.number, Outcome.FAILED, why, settled=False)


def _complete(result: Erased, each: Asked, left: set[str]) -> Erased:
    gone = result.outcome in (Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT)
    if gone and each.of.key in left:
        return _unknown(each, _MARKER)
    return result
