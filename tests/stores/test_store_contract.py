"""What agents/stores/__init__.py promises, tested on every kind of store."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from stores.hostile import IMPOSSIBLE_DIRECTORIES, IMPOSSIBLE_NAMES, trees
from stores.place import Place, look, wanted

from agents.stores import Generation, Store, Wanted
from retention.errors import GoneError, MalformedError, StoreUnreachableError
from retention.outcome import Outcome


def never(path: bytes, why: str) -> None:
    pytest.fail(f"{path!r} could not be read: {why}")


def everything(place: Place, store: Store | None = None) -> dict[bytes, set[bytes]]:
    store = store or place.store
    return {
        directory: {place.title(directory, found) for found in store.listing(directory, never)}
        for directory in store.directories(never)
    }


def files(place: Place, store: Store | None = None) -> set[tuple[bytes, bytes]]:
    found = everything(place, store)
    return {(directory, name) for directory, names in found.items() for name in names}


def named_by_content(place: Place) -> bool:
    """Whether no other content can stand under the name of one, as with rows of a CSV."""
    return place.overwritten is Outcome.ALREADY_ABSENT


def outcomes(results) -> dict[int, Outcome]:
    return {result.number: result.outcome for result in results}


def test_a_new_store_is_one_empty_directory_and_keeps_nothing(place: Place):
    place.store.check()
    assert everything(place) == {b"": set()}
    assert list(place.store.protected()) == []


def test_every_file_is_found_in_its_directory_and_each_directory_before_those_below(place: Place):
    for directory, name in [(b"", b"a"), (b"2024", b"b"), (b"2024/01/02", b"c"), (b"x", b"c")]:
        place.put(directory, name, b"data")
    walked = list(place.store.directories(never))
    assert len(walked) == len(set(walked))
    assert [b"2024", b"2024/01", b"2024/01/02"] == [d for d in walked if d.startswith(b"2024")]
    assert files(place) == {
        (b"", b"a"),
        (b"2024", b"b"),
        (b"2024/01/02", b"c"),
        (b"x", b"c"),
    }


def test_a_listing_and_a_look_agree(place: Place):
    place.put(b"d", b"a", b"12345")
    [listed] = place.store.listing(b"d", never)
    assert listed == look(place, b"d", b"a")
    assert listed.generation.size == len(place.stored(b"d", b"a"))


def test_what_is_not_there_is_none_and_its_directory_is_empty(place: Place):
    place.put(b"d", b"a", b"")
    assert look(place, b"d", b"b") is None
    assert look(place, b"other/place", b"a") is None
    assert look(place, b"", b"d") is None
    assert list(place.store.listing(b"other", never)) == []


def test_a_rewritten_file_is_another_generation(place: Place):
    place.put(b"", b"a", b"before")
    before = wanted(1, look(place, b"", b"a"))
    place.put(b"", b"a", b"afterwards")
    assert before.generation != wanted(1, look(place, b"", b"a")).generation


def test_an_open_file_is_read_by_ranges_and_says_which_generation_it_is(place: Place):
    place.put(b"d", b"a", b"0123456789")
    whole = place.stored(b"d", b"a")
    size = len(whole)
    with place.store.open(b"d", place.name(b"d", b"a")) as source:
        assert source.size == size >= 10
        assert source.read(3, 4) == whole[3:7]
        assert source.read(size - 2, 100) == whole[-2:]
        assert source.read(size, 1) == b""
        assert source.generation == wanted(1, look(place, b"d", b"a")).generation


def test_a_marker_beside_a_file_marks_that_file_alone(marking: Place):
    for name in (b"a", b"b", b"a.incident", b"bb.incident", b"-rf", b"-rf.incident"):
        marking.put(b"d", name, b"")
    marking.put(b"", b"b.incident", b"")
    a, b, rf, gone = asked = [marking.name(b"d", name) for name in (b"a", b"b", b"-rf", b"gone")]
    assert marking.store.marked(b"d", asked) == {a: "sidecar", rf: "sidecar"}
    assert marking.store.marked(b"d", [b, gone]) == {}
    assert marking.store.marked(b"d", []) == {}
    assert marking.store.marked(b"none", asked) == {}
    with pytest.raises(MalformedError):
        marking.store.marked(b"d", [b"../a"])


@pytest.mark.parametrize(("directory", "name"), [(b"", b"b"), (b"none", b"a"), (b"", b"d")])
def test_what_is_not_a_file_cannot_be_opened(place: Place, directory: bytes, name: bytes):
    place.put(b"d", b"a", b"")
    with pytest.raises(GoneError):
        place.store.open(directory, place.name(directory, name))


def test_what_is_wanted_is_erased_and_nothing_else(place: Place):
    for directory in (b"", b"d", b"e"):
        for name in (b"a", b"b"):
            place.put(directory, name, b"data")
    batch = {
        b"d": [wanted(1, look(place, b"d", b"b"))],
        b"": [wanted(2, look(place, b"", b"a"))],
    }
    results = place.store.erase(batch)
    assert [(r.number, r.outcome) for r in results] == [
        (1, Outcome.ERASED_VERIFIED),
        (2, Outcome.ERASED_VERIFIED),
    ]
    assert files(place) == {(b"", b"b"), (b"d", b"a"), (b"e", b"a"), (b"e", b"b")}


def test_a_batch_over_many_directories_has_all_its_results_in_order(place: Place):
    batch = {}
    for number in range(20):
        directory = b"d%d" % number
        place.put(directory, b"a", b"data")
        batch[directory] = [wanted(number, look(place, directory, b"a"))]
    results = place.store.erase(batch)
    assert [(r.number, r.outcome) for r in results] == [
        (n, Outcome.ERASED_VERIFIED) for n in range(20)
    ]
    assert files(place) == set()


def test_erasing_twice_finds_it_absent(place: Place):
    place.put(b"d", b"a", b"data")
    batch = {b"d": [wanted(1, look(place, b"d", b"a"))]}
    assert outcomes(place.store.erase(batch)) == {1: Outcome.ERASED_VERIFIED}
    assert outcomes(place.store.erase(batch)) == {1: Outcome.ALREADY_ABSENT}


def test_a_file_whose_directory_is_gone_is_absent(place: Place):
    want = Wanted(1, place.name(b"no/such", b"a"), Generation(1, 2, 3), 1)
    assert outcomes(place.store.erase({b"no/such": [want]})) == {1: Outcome.ALREADY_ABSENT}


def test_another_generation_is_left_alone(place: Place):
    place.put(b"", b"a", b"before")
    batch = {b"": [wanted(1, look(place, b"", b"a"))]}
    place.put(b"", b"a", b"a new recording")
    assert outcomes(place.store.erase(batch)) == {1: place.overwritten}
    assert place.get(b"", b"a") == b"a new recording"


@pytest.mark.parametrize("part", Generation._fields)
def test_each_part_of_a_generation_counts(place: Place, part: str):
    place.put(b"", b"a", b"data")
    want = wanted(1, look(place, b"", b"a"))
    other = want.generation._replace(**{part: getattr(want.generation, part) + 1})
    results = place.store.erase({b"": [want._replace(generation=other)]})
    assert outcomes(results) == {1: Outcome.REFUSED_CHANGED}
    assert place.get(b"", b"a") == b"data"


def test_one_files_trouble_is_not_the_next_ones(place: Place):
    for name in (b"a", b"b", b"c"):
        place.put(b"d", name, b"data")
    wants = [wanted(n, look(place, b"d", name)) for n, name in enumerate((b"a", b"b", b"c"))]
    place.remove(b"d", b"a")
    place.put(b"d", b"b", b"changed")
    results = place.store.erase({b"gone": [wants[0]._replace(number=9)], b"d": wants})
    assert [(r.number, r.outcome) for r in results] == [
        (9, Outcome.ALREADY_ABSENT),
        (0, Outcome.ALREADY_ABSENT),
        (1, place.overwritten),
        (2, Outcome.ERASED_VERIFIED),
    ]
    assert place.get(b"d", b"b") == b"changed"


@pytest.mark.parametrize("name", IMPOSSIBLE_NAMES)
def test_a_name_no_file_can_have_stops_the_batch_before_anything_is_touched(place: Place, name):
    place.put(b"", b"a", b"data")
    good = wanted(1, look(place, b"", b"a"))
    for act in (place.store.erase, place.store.recover, place.store.protect):
        with pytest.raises(MalformedError):
            act({b"": [good, good._replace(number=2, name=name)]})
    with pytest.raises(MalformedError):
        look(place, b"", name)
    with pytest.raises(MalformedError):
        place.store.open(b"", name)
    assert place.get(b"", b"a") == b"data"


@pytest.mark.parametrize("directory", IMPOSSIBLE_DIRECTORIES)
def test_a_directory_no_path_can_name_is_refused_as_well(place: Place, directory: bytes):
    place.put(b"", b"a", b"data")
    good = wanted(1, look(place, b"", b"a"))
    for act in (place.store.erase, place.store.recover, place.store.protect):
        with pytest.raises(MalformedError):
            act({b"": [good], directory: [good]})
    with pytest.raises(MalformedError):
        place.store.find(directory, good.name)
    with pytest.raises(MalformedError):
        list(place.store.listing(directory, never))
    assert place.get(b"", b"a") == b"data"


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tree=trees)
def test_names_are_bytes_whatever_they_look_like(
    new_place: Callable[[], Place], tree: dict[bytes, set[bytes]]
):
    """Every other file is erased, whatever its name; the rest stays."""
    place = new_place()
    try:
        put = set()
        for directory, names in tree.items():
            for name in names:
                try:
                    place.put(directory, name, name)
                except (FileExistsError, NotADirectoryError, IsADirectoryError):
                    continue  # the example wants it to be a file and a directory
                put.add((directory, name))
        assert files(place) == put
        going = sorted(put)[::2]
        batch: dict[bytes, list[Wanted]] = {}
        for number, (directory, name) in enumerate(going):
            batch.setdefault(directory, []).append(wanted(number, look(place, directory, name)))
        results = outcomes(place.store.erase(batch))
        assert results == dict.fromkeys(range(len(going)), Outcome.ERASED_VERIFIED)
        assert files(place) == put - set(going)
    finally:
        place.close()


def test_a_held_file_outlives_its_removal_and_can_be_given_back(keeper: Place):
    keeper.put(b"d", b"a", b"evidence")
    want = wanted(7, look(keeper, b"d", b"a"))
    assert keeper.store.protect({b"d": [want]}) == {7}
    assert keeper.store.protect({b"d": [want]}) == {7}
    assert list(keeper.store.protected()) == [7]
    keeper.remove(b"d", b"a")
    assert look(keeper, b"d", b"a") is None
    assert keeper.store.kept(7) == want.generation
    assert keeper.store.restore(7, b"d", want.name)
    assert keeper.get(b"d", b"a") == b"evidence"
    assert look(keeper, b"d", b"a").generation == want.generation
    assert not keeper.store.restore(7, b"d", want.name)


def test_giving_back_never_overwrites(keeper: Place):
    keeper.put(b"", b"a", b"evidence")
    want = wanted(7, look(keeper, b"", b"a"))
    keeper.store.protect({b"": [want]})
    keeper.remove(b"", b"a")
    keeper.put(b"", b"a", b"somebody else's")
    other = look(keeper, b"", b"a")
    assert not keeper.store.restore(7, b"no/such", want.name)
    assert not keeper.store.restore(8, b"", want.name)
    assert keeper.store.restore(7, b"", want.name) == named_by_content(keeper)
    assert keeper.store.find(b"", other.name) == other


def test_only_the_generation_that_is_held_is_protected(keeper: Place):
    keeper.put(b"", b"a", b"before")
    want = wanted(7, look(keeper, b"", b"a"))
    keeper.put(b"", b"a", b"afterwards")
    assert keeper.store.protect({b"": [want, want._replace(number=8, name=b"gone")]}) == set()
    assert list(keeper.store.protected()) == []


def test_protection_survives_a_restart(keeper: Place):
    keeper.put(b"", b"a", b"evidence")
    want = wanted(7, look(keeper, b"", b"a"))
    keeper.store.protect({b"": [want]})
    again = keeper.again()
    assert list(again.protected()) == [7]
    assert again.kept(7) == want.generation


def test_what_is_no_longer_held_is_no_longer_protected(keeper: Place):
    keeper.put(b"", b"a", b"data")
    keeper.store.protect({b"": [wanted(7, look(keeper, b"", b"a"))]})
    keeper.store.unprotect([7, 8])
    keeper.store.unprotect([7])
    assert (list(keeper.store.protected()), keeper.store.kept(7)) == ([], None)
    assert keeper.get(b"", b"a") == b"data"


def test_an_item_that_was_held_is_erased_with_its_private_name(keeper: Place):
    keeper.put(b"", b"a", b"data")
    want = wanted(7, look(keeper, b"", b"a"))
    keeper.store.protect({b"": [want]})
    assert outcomes(keeper.store.erase({b"": [want]})) == {7: Outcome.ERASED_VERIFIED}
    assert (list(keeper.store.protected()), keeper.store.kept(7)) == ([], None)
    assert keeper.get(b"", b"a") is None


def test_bytes_that_only_the_store_keeps_are_erased_in_the_end(keeper: Place):
    keeper.put(b"d", b"a", b"data")
    want = wanted(7, look(keeper, b"d", b"a"))
    keeper.store.protect({b"d": [want]})
    keeper.remove(b"d", b"a")
    assert outcomes(keeper.store.erase({b"d": [want]})) == {7: Outcome.ERASED_VERIFIED}
    assert keeper.store.kept(7) is None
    assert outcomes(keeper.store.erase({b"d": [want]})) == {7: Outcome.ALREADY_ABSENT}
    assert outcomes(keeper.store.erase({b"d": [want]})) == {7: Outcome.ALREADY_ABSENT}


def test_bytes_kept_behind_anothers_name_are_erased_and_the_other_is_not(keeper: Place):
    keeper.put(b"d", b"a", b"data")
    want = wanted(7, look(keeper, b"d", b"a"))
    keeper.store.protect({b"d": [want]})
    keeper.remove(b"d", b"a")
    keeper.put(b"d", b"a", b"a new recording")
    assert outcomes(keeper.store.erase({b"d": [want]})) == {7: Outcome.ERASED_VERIFIED}
    assert keeper.store.kept(7) is None
    assert keeper.get(b"d", b"a") == b"a new recording"


def test_recovery_leaves_alone_what_was_not_begun(place: Place):
    place.put(b"", b"a", b"data")
    batch = {b"": [wanted(1, look(place, b"", b"a"))]}
    assert place.again().recover(batch) == []
    assert place.get(b"", b"a") == b"data"


def test_recovery_books_what_is_gone_as_erased_and_what_changed_as_refused(place: Place):
    for name in (b"a", b"b"):
        place.put(b"d", name, b"data")
    wants = [wanted(n, look(place, b"d", name)) for n, name in enumerate((b"a", b"b"))]
    place.store.erase({b"d": wants[:1]})
    place.put(b"d", b"b", b"longer than before")
    lost = [wants[0]._replace(number=9)]
    found = place.again().recover({b"d": wants, b"no/such": lost})
    gone = dict.fromkeys((0, 9), Outcome.ERASED_VERIFIED)
    if place.overwritten is Outcome.REFUSED_CHANGED:
        gone[1] = Outcome.REFUSED_CHANGED
    elif place.overwritten is Outcome.ALREADY_ABSENT:
        gone[1] = Outcome.ERASED_VERIFIED
    assert outcomes(found) == gone
    assert place.get(b"d", b"b") == b"longer than before"


def test_recovery_leaves_alone_what_only_the_store_keeps_and_was_not_begun(keeper: Place):
    keeper.put(b"d", b"a", b"data")
    want = wanted(7, look(keeper, b"d", b"a"))
    keeper.store.protect({b"d": [want]})
    keeper.remove(b"d", b"a")
    assert keeper.again().recover({b"d": [want]}) == []
    assert keeper.again().kept(7) == want.generation


def test_of_many_names_those_are_missing_that_lead_nowhere(place: Place):
    titles = [b"%d" % number for number in range(30)]
    for title in titles:
        place.put(b"d", title, b"data " + title)
    names = [place.name(b"d", title) for title in titles]
    assert set() == place.store.missing(b"d", names)
    for title in titles[::3]:
        place.remove(b"d", title)
    assert set(names[::3]) == place.store.missing(b"d", names)
    assert set(names) == place.store.missing(b"none", names)
    assert set() == place.store.missing(b"d", [])
    with pytest.raises(MalformedError):
        place.store.missing(b"d", [names[1], b"../a"])


def test_a_lost_place_is_unreachable_and_never_empty(place: Place):
    place.put(b"", b"a", b"data")
    want = wanted(1, look(place, b"", b"a"))
    name = want.name
    place.lose()
    for act in (
        place.store.check,
        lambda: list(place.store.directories(never)),
        lambda: list(place.store.listing(b"", never)),
        lambda: place.store.find(b"", name),
        lambda: place.store.missing(b"", [name]),
        lambda: place.store.marked(b"", [name]),
        lambda: place.store.open(b"", name),
        lambda: place.store.erase({b"": [want]}),
        lambda: place.store.recover({b"": [want]}),
        lambda: place.store.protect({b"": [want]}),
        place.store.reclaim,
    ):
        with pytest.raises(StoreUnreachableError):
            act()


def test_a_place_lost_in_the_middle_of_a_walk_ends_the_walk(place: Place):
    place.put(b"d/e", b"a", b"data")
    walk = place.store.directories(never)
    assert next(walk) == b""
    place.lose()
    with pytest.raises(StoreUnreachableError):
        next(walk)


def test_a_store_that_was_closed_opens_again(place: Place):
    place.put(b"", b"a", b"data")
    place.store.close()
    place.store.close()
    assert files(place) == {(b"", b"a")}


def test_a_new_epoch_gives_back_what_only_the_old_one_kept(keeper: Place):
    for name in (b"a", b"b"):
        keeper.put(b"", name, name)
    wants = [wanted(n, look(keeper, b"", name)) for n, name in enumerate((b"a", b"b"))]
    keeper.store.protect({b"": wants})
    keeper.remove(b"", b"a")
    later = keeper.again(epoch=2)
    assert list(later.protected()) == []
    later.reclaim()
    later.reclaim()
    returned = b"a" if named_by_content(keeper) else b"returned-1-0"
    assert keeper.get(b"", returned) == b"a"
    assert files(keeper, later) == {(b"", returned), (b"", b"b")}
    for name in (returned, b"b"):
        assert later.find(b"", keeper.name(b"", name)).links == 1


def test_two_epochs_count_alike_and_do_not_meet(keeper: Place):
    keeper.put(b"", b"a", b"old")
    keeper.store.protect({b"": [wanted(1, look(keeper, b"", b"a"))]})
    later = keeper.again(epoch=2)
    keeper.put(b"", b"b", b"new")
    new = wanted(1, later.find(b"", keeper.name(b"", b"b")))
    assert later.protect({b"": [new]}) == {1}
    assert outcomes(later.erase({b"": [new]})) == {1: Outcome.ERASED_VERIFIED}
    assert keeper.again().kept(1) is not None
