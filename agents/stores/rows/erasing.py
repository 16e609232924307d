"""Erasing rows of CSV files: find them, take them out of their parts, read all parts again."""

import os
from collections.abc import Iterable, Sequence

from agents.stores import Erased, Wanted
from agents.stores.files.private import Private
from agents.stores.files.trouble import outcome_of
from agents.stores.rows import filtering
from agents.stores.rows.declared import Declared, digest_named, is_generation
from agents.stores.rows.parts import Parts
from agents.stores.rows.seen import Seen
from retention.errors import UnreadableError
from retention.outcome import Outcome

_CHANGED = "This is not the row that was due."
_LINKED = "Other hard links keep its bytes."
_STILL_THERE = "It is still in a part of the file."
_INTERRUPTED = "It was found gone after an interruption."

_GONE = frozenset({Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT})


class Erasure:
    """One batch on its way. The methods may raise `OSError` before anything of a directory is touched."""

    def __init__(self, declared: Declared, rows: Seen, private: Private) -> None:
        self._declared = declared
        self._rows = rows
        self._private = private

    def erase(self, directory: bytes, fd: int, wanted: Sequence[Wanted]) -> list[Erased]:
        """See `Store.erase`; `fd` is the open directory, -1 if there is none."""
        dropped = self._drop_copies(wanted)
        if fd < 0:
            absent = [Erased(want.number, Outcome.ALREADY_ABSENT, "") for want in wanted]
            return _with_copies(absent, dropped)
        filtering.clear(fd)
        parts = self._rows.refresh(directory, fd)
        seen = {want.number: self._seen(directory, fd, want) for want in wanted}
        due = {
            digest
            for want in wanted
            if seen[want.number] is None and (digest := digest_named(want.name)) is not None
        }
        trouble = self._take_out(directory, fd, parts, due)
        after = self._rows.refresh(directory, fd)
        results = [seen[want.number] or self._verified(directory, want, trouble) for want in wanted]
        return _knowable(_with_copies(results, dropped), after)

    def recover(self, directory: bytes, fd: int, wanted: Sequence[Wanted]) -> list[Erased]:
        """See `Store.recover`."""
        wanted = [want for want in wanted if want.number not in self._private.kept]  # not begun
        if fd < 0:
            return [_interrupted(want) for want in wanted]
        filtering.clear(fd)
        shut = self._rows.refresh(directory, fd).shut
        results = []
        for want in wanted:
            result = self._seen(directory, fd, want)
            if result is not None and result.outcome is Outcome.ALREADY_ABSENT:
                result = _interrupted(want)
            if result is not None and not (shut and result.outcome in _GONE):
                results.append(result)
        return results

    def _drop_copies(self, wanted: Sequence[Wanted]) -> set[int]:
        """Erasing begins with this. Of which rows there were private copies, all gone for good."""
        dropped = {want.number for want in wanted if self._private.drop(want.number)}
        if dropped:
            os.fsync(self._private.held)
        return dropped - self._private.numbers(self._private.held)

    def _seen(self, directory: bytes, fd: int, want: Wanted) -> Erased | None:
        """What a look says of one row; None: it is there, and is what was wanted."""
        content = self._rows.content(directory, fd, digest_named(want.name))
        if content is None:
            return Erased(want.number, Outcome.ALREADY_ABSENT, "")
        if not is_generation(content, want.generation):
            return Erased(want.number, Outcome.REFUSED_CHANGED, _CHANGED)
        return None

    def _take_out(
        self, directory: bytes, fd: int, parts: Parts, due: set[bytes]
    ) -> dict[bytes, Erased]:
        """Take the rows out of every part that has any. What was in the way, by digest."""
        holding: dict[bytes, set[bytes]] = {}
        for digest in due:
            for place in self._rows.places(directory, digest):
                holding.setdefault(place.file, set()).add(digest)
        linked = {file.name for file in parts.files if file.links > 1}
        trouble: dict[bytes, Erased] = {}
        for name, digests in holding.items():
            result = (
                Erased(0, Outcome.BLOCKED, _LINKED)
                if name in linked
                else self._rewritten(fd, name, digests)
            )
            if result is not None:
                trouble |= dict.fromkeys(digests, result)
        return trouble

    def _rewritten(self, fd: int, name: bytes, due: set[bytes]) -> Erased | None:
        """Rewrite one part, the live file after it was renamed away. None: it worked."""
        live = self._declared.live
        try:
            part = filtering.rotate(fd, live) if name == live else name
            filtering.rewrite(
                fd,
                part,
                live,
                due=due,
                heading=self._declared.heading,
                delimiter=self._declared.delimiter,
            )
        except filtering.BusyError as error:
            return Erased(0, Outcome.FAILED, str(error.strerror))
        except UnreadableError as error:
            return Erased(0, Outcome.FAILED, str(error))
        except OSError as error:
            return outcome_of(0, error)
        return None

    def _verified(self, directory: bytes, want: Wanted, trouble: dict[bytes, Erased]) -> Erased:
        """Believe no rewriting until another reading finds the row in no part (I15)."""
        digest = digest_named(want.name) or b""
        met = trouble.get(digest)
        if self._rows.places(directory, digest):
            return (met or Erased(0, Outcome.FAILED, _STILL_THERE))._replace(number=want.number)
        if met is not None:  # it is gone, and perhaps not for good: a flush failed
            return Erased(want.number, Outcome.FAILED, met.detail, settled=False)
        return Erased(want.number, Outcome.ERASED_VERIFIED, "")


def _with_copies(results: Iterable[Erased], dropped: set[int]) -> list[Erased]:
    """A row of which only the private copy was left was erased with that."""
    return [
        Erased(result.number, Outcome.ERASED_VERIFIED, "")
        if result.outcome is Outcome.ALREADY_ABSENT and result.number in dropped
        else result
        for result in results
    ]


def _interrupted(want: Wanted) -> Erased:
    return Erased(want.number, Outcome.ERASED_VERIFIED, _INTERRUPTED)


def _knowable(results: Iterable[Erased], parts: Parts) -> list[Erased]:
    """Where a part cannot be read, no row is known to be gone."""
    if not parts.shut:
        return list(results)
    why = parts.shut[0][1]
    return [
        Erased(result.number, Outcome.BLOCKED, why) if result.outcome in _GONE else result
        for result in results
    ]
