"""What two places that are one store do when only one of them can be reached."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores.place import CsvPlace, TreePlace, want, wanted

from agents.stores import Generation, Wanted
from agents.stores.joined import MAIN, Joined
from retention.errors import MalformedError, UnreadableError
from retention.outcome import Outcome


@pytest.fixture
def calls() -> Iterator[TreePlace]:
    place = TreePlace(Path(tempfile.mkdtemp()) / "root", shared=False)
    yield place
    place.close()


@pytest.fixture
def cdr(tmp_path: Path) -> Iterator[CsvPlace]:
    place = CsvPlace(tmp_path / "cdr" / "root")
    yield place
    place.close()


@pytest.fixture
def both(calls: TreePlace, cdr: CsvPlace) -> Joined:
    calls.put(b"03", b"a", b"voice")
    cdr.put(b"", b"a", b"row")
    return Joined({b"calls": calls.store, b"cdr": cdr.store})


def seen(store: Joined) -> tuple[set[bytes], set[bytes]]:
    """The directories in which something lies, and what was told as unread."""
    unread: dict[bytes, str] = {}
    there = {
        directory
        for directory in store.directories(unread.__setitem__)
        for _ in store.listing(directory, unread.__setitem__)
    }
    return there, set(unread)


def test_all_places_are_seen_below_their_names(both: Joined):
    assert seen(both) == ({b"calls/03", b"cdr"}, set())


def test_a_place_that_is_lost_is_told_and_the_other_goes_on(
    both: Joined, calls: TreePlace, cdr: CsvPlace
):
    voice, row = want(calls, 1, b"03", b"a"), want(cdr, 2, b"", b"a")
    cdr.lose()
    both.check()
    assert seen(both) == ({b"calls/03"}, {b"cdr"})
    for ask in (both.find, both.open):
        with pytest.raises(UnreadableError):
            ask(b"cdr", row.name)
    with pytest.raises(UnreadableError):
        both.marked(b"cdr", [row.name])
    results = both.erase({b"cdr": [row], b"calls/03": [voice]})
    assert [(r.number, r.outcome) for r in results] == [
        (2, Outcome.FAILED),
        (1, Outcome.ERASED_VERIFIED),
    ]


def test_an_interrupted_erasure_is_settled_where_it_can_be_and_waits_in_a_place_that_is_lost(
    both: Joined, calls: TreePlace, cdr: CsvPlace
):
    voice, row = want(calls, 1, b"03", b"a"), want(cdr, 2, b"", b"a")
    calls.remove(b"03", b"a")
    cdr.lose()
    results = both.recover({b"calls/03": [voice], b"cdr": [row]})
    assert [(r.number, r.outcome, r.settled) for r in results] == [
        (1, Outcome.ERASED_VERIFIED, True),
        (2, Outcome.FAILED, False),
    ]


def test_what_lies_in_a_place_that_is_configured_no_more_is_blocked_and_not_gone(
    both: Joined, cdr: CsvPlace
):
    row = want(cdr, 2, b"", b"a")
    fewer = Joined({b"calls": both._places[b"calls"]})
    with pytest.raises(UnreadableError):
        fewer.find(b"cdr", row.name)
    [result] = fewer.erase({b"cdr": [row]})
    assert result.outcome is Outcome.BLOCKED
    assert cdr.get(b"", b"a") == b"row"


def test_what_a_place_keeps_without_a_name_is_found_in_the_root_of_all(
    both: Joined, calls: TreePlace
):
    """The engine has no other place for an item whose name another file has taken."""
    held = want(calls, 7, b"03", b"a")
    assert both.protect({b"calls/03": [held]}) == {7}
    calls.remove(b"03", b"a")
    assert both.kept(7) == held.generation
    assert both.restore(7, b"", b"kept-7")
    assert calls.get(b"", b"kept-7") == b"voice"
    calls.remove(b"", b"kept-7")
    [result] = both.erase({b"": [held._replace(name=b"kept-7")]})
    assert result.outcome is Outcome.ERASED_VERIFIED
    assert both.kept(7) is None


def test_a_batch_with_a_bad_name_touches_no_place(both: Joined, calls: TreePlace):
    voice = want(calls, 1, b"03", b"a")
    bad = Wanted(2, b"../a", Generation(1, 2, 3), 1)
    with pytest.raises(MalformedError):
        both.erase({b"calls/03": [voice], b"cdr": [bad]})
    assert calls.get(b"03", b"a") == b"voice"


def test_a_main_place_has_all_directories_but_those_of_the_others(calls: TreePlace, cdr: CsvPlace):
    calls.put(b"03", b"a", b"voice")
    calls.put(b"", b"b", b"voice")
    calls.put(b"cdr", b"c", b"in the way")
    cdr.put(b"", b"a", b"row")
    both = Joined({MAIN: calls.store, b"cdr": cdr.store})
    assert seen(both) == ({b"", b"03", b"cdr"}, {b"cdr"})
    dues = {b"": want(calls, 1, b"", b"b"), b"cdr": want(cdr, 2, b"", b"a")}
    results = both.erase({directory: [due] for directory, due in dues.items()})
    assert [result.outcome for result in results] == [Outcome.ERASED_VERIFIED] * 2
    assert calls.get(b"cdr", b"c") == b"in the way"


def test_two_places_never_meet(both: Joined, calls: TreePlace):
    found = calls.store.find(b"03", b"a")
    assert both.find(b"cdr/03", b"a") is None
    results = both.erase({b"cdr/03": [wanted(1, found)], b"calls": [wanted(2, found)]})
    assert {result.outcome for result in results} == {Outcome.ALREADY_ABSENT}
    assert calls.get(b"03", b"a") == b"voice"
