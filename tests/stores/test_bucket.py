"""What is a bucket's own: versions, markers, locks, tags, and a server that says what is not so."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import assume, given
from hypothesis import strategies as st
from rgw import Gateway
from stores.place import STORE, BucketPlace, look, want, wanted

from agents.stores import Wanted
from agents.stores.bucket.bucket import Bucket, enrol
from agents.stores.bucket.keys import directory_and_title, name_of, version_of
from retention.errors import ConfigError, RefusedError, StoreUnreachableError
from retention.outcome import Outcome


@pytest.fixture
def versions(gateway: Gateway) -> BucketPlace:
    return BucketPlace(gateway, versioning="Enabled")


@pytest.fixture
def locked(gateway: Gateway) -> BucketPlace:
    return BucketPlace(gateway, lock=True)


class Twisted:
    """A client one of whose calls does something else: `act` is given the client and its arguments."""

    def __init__(self, client: Any, call: str, act: Callable[..., Any]) -> None:
        self._client = client
        setattr(self, call, partial(act, client))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def twisted(place: BucketPlace, call: str, act: Callable[..., Any]) -> Bucket:
    return Bucket(lambda: Twisted(place.gateway.client(), call, act), place.bucket, STORE)


def all_of(place: BucketPlace, directory: bytes) -> list[Wanted]:
    found = place.store.listing(directory, lambda *_: None)
    return [wanted(number, each) for number, each in enumerate(found, start=1)]


_keys = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("/.%;"), min_size=1
)


@given(key=_keys, version=st.sampled_from(["null", "a-Z_0.9"]))
def test_every_key_is_a_directory_and_a_name_and_comes_back(key: str, version: str):
    assume(not key.startswith(".retention/"))
    directory, title = directory_and_title(key)
    assert version_of(directory, name_of(title, version)) == (key, version)


def test_an_old_version_goes_and_the_young_one_of_the_same_key_stays(versions: BucketPlace):
    versions.put(b"d", b"a", b"old")
    old = want(versions, 1, b"d", b"a")
    versions.put(b"d", b"a", b"young")
    [result] = versions.store.erase({b"d": [old]})
    assert result.outcome is Outcome.ERASED_VERIFIED
    assert versions.get(b"d", b"a") == b"young"
    assert versions.left("Versions") == ["d/a"]


def test_a_marker_stays_while_a_version_is_below_it_and_goes_with_the_last(
    versions: BucketPlace,
):
    for data in (b"one", b"two"):
        versions.put(b"d", b"a", data)
    versions.client.delete_object(Bucket=versions.bucket, Key="d/a")
    first, second = all_of(versions, b"d")
    versions.store.erase({b"d": [first]})
    assert (versions.left("Versions"), versions.left("DeleteMarkers")) == (["d/a"], ["d/a"])
    versions.store.erase({b"d": [second]})
    assert (versions.left("Versions"), versions.left("DeleteMarkers")) == ([], [])


def test_a_foreign_legal_hold_blocks_one_version_and_no_other(locked: BucketPlace):
    for name in (b"a", b"b"):
        locked.put(b"d", name, b"data")
    wants = [want(locked, n, b"d", name) for n, name in enumerate((b"a", b"b"))]
    meant = {"Bucket": locked.bucket, "Key": "d/a", "VersionId": wants[0].name[2:].decode()}
    locked.client.put_object_legal_hold(**meant, LegalHold={"Status": "ON"})
    results = locked.store.erase({b"d": wants})
    assert [r.outcome for r in results] == [Outcome.BLOCKED, Outcome.ERASED_VERIFIED]
    assert locked.left("Versions") == ["d/a"]


def test_a_tag_marks_the_version_that_has_it(versions: BucketPlace):
    for name in (b"a", b"b"):
        versions.put(b"d", name, b"data")
    versions.client.put_object_tagging(
        Bucket=versions.bucket, Key="d/a", Tagging={"TagSet": [{"Key": "incident", "Value": ""}]}
    )
    a, b = versions.name(b"d", b"a"), versions.name(b"d", b"b")
    assert versions.store.marked(b"d", [a, b]) == {a: "tag"}


def test_what_the_server_calls_deleted_is_not_erased_while_it_is_listed(versions: BucketPlace):
    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    liar = twisted(
        versions, "delete_objects", lambda _client, **said: {"Deleted": said["Delete"]["Objects"]}
    )
    [result] = liar.erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert look(versions, b"d", b"a") is not None


def test_what_timed_out_after_the_server_did_it_is_erased(versions: BucketPlace):
    def late(client: Any, **said: Any) -> Any:
        client.delete_objects(**said)
        raise ReadTimeoutError(endpoint_url="")

    versions.put(b"d", b"a", b"data")
    [result] = twisted(versions, "delete_objects", late).erase(
        {b"d": [want(versions, 1, b"d", b"a")]}
    )
    assert result.outcome is Outcome.ERASED_VERIFIED


def test_one_versions_error_is_not_the_next_ones(versions: BucketPlace):
    def partly(client: Any, **said: Any) -> Any:
        first, *rest = said["Delete"]["Objects"]
        answer = client.delete_objects(**{**said, "Delete": {"Objects": rest, "Quiet": False}})
        return {**answer, "Errors": [{**first, "Code": "SlowDown", "Message": ""}]}

    for name in (b"a", b"b"):
        versions.put(b"d", name, b"data")
    wants = [want(versions, n, b"d", name) for n, name in enumerate((b"a", b"b"))]
    results = twisted(versions, "delete_objects", partly).erase({b"d": wants})
    assert [r.outcome for r in results] == [Outcome.FAILED, Outcome.ERASED_VERIFIED]
    assert results[0].detail == "The server said SlowDown."
    assert versions.left("Versions") == ["d/a"]


def test_what_is_overwritten_after_it_was_listed_stays(gateway: Gateway):
    place = BucketPlace(gateway)
    place.put(b"d", b"a", b"due")

    def listed(client: Any, **said: Any) -> Any:
        answer = client.list_object_versions(**said)
        place.put(b"d", b"a", b"a new recording")
        return answer

    due = want(place, 1, b"d", b"a")
    [result] = twisted(place, "list_object_versions", listed).erase({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert place.get(b"d", b"a") == b"a new recording"


def test_an_erasure_that_no_listing_confirms_is_not_called_one(versions: BucketPlace):
    looks = []

    def once(client: Any, **said: Any) -> Any:
        looks.append(said)
        if len(looks) > 1:
            raise ReadTimeoutError(endpoint_url="")
        return client.list_object_versions(**said)

    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    [result] = twisted(versions, "list_object_versions", once).erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert versions.store.recover({b"d": [due]})[0].outcome is Outcome.ERASED_VERIFIED


@pytest.mark.parametrize("mark", [{}, {"NextKeyMarker": "a"}])
def test_a_listing_that_does_not_go_on_is_an_unreachable_store(
    versions: BucketPlace, mark: dict[str, str]
):
    def stuck(client: Any, **said: Any) -> Any:
        del client, said
        return {"IsTruncated": True, **mark}

    store = twisted(versions, "list_object_versions", stuck)
    with pytest.raises(StoreUnreachableError, match="does not go on"):
        list(store.listing(b"", lambda *_: None))


def test_a_bucket_is_enrolled_once_and_never_inside_another(gateway: Gateway):
    client, bucket = gateway.client(), gateway.bucket()
    enrol(client, bucket, "one", prefix="calls/")
    enrol(client, bucket, "one", prefix="calls/")
    for prefix in ("calls/", "calls/riga/"):
        with pytest.raises(RefusedError, match="already enrolled as another store: 'one'"):
            enrol(client, bucket, "two", prefix=prefix)
    enrol(client, bucket, "two", prefix="other/")
    with pytest.raises(StoreUnreachableError, match="another store: 'one'"):
        Bucket(gateway.client, bucket, "two", prefix="calls/").check()


def test_a_bucket_that_is_not_there_is_the_users_mistake(gateway: Gateway):
    with pytest.raises(ConfigError, match="The bucket is not there"):
        enrol(gateway.client(), "no-such-bucket", STORE)
