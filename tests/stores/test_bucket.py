"""What is a bucket's own: versions, markers, locks, tags, and a server that says what is not so."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rgw import Gateway
from s3_proxy import Proxy, Rule
from s3_server import S3Server
from stores.place import STORE, BucketPlace, look, want, wanted

from agents.stores import Wanted
from agents.stores.bucket.access import Access
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol
from agents.stores.bucket.keys import directory_and_title, name_of, version_of
from retention.errors import ConfigError, RefusedError, StoreUnreachableError
from retention.outcome import Outcome
from retention.probes import probe


@pytest.fixture
def versions(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway, versioning="Enabled")) as place:
        yield place


@pytest.fixture
def locked(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway, lock=True)) as place:
        yield place


@pytest.fixture
def plain(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway)) as place:
        yield place


def behind(proxy: Proxy, place: BucketPlace) -> Bucket:
    """The same store, as an agent sees it through the proxy."""
    place.endpoint = proxy.endpoint
    return place.again()


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
    assert "A legal hold that is not ours" in results[0].detail, "also where the server forbids it"
    assert locked.left("Versions") == ["d/a"]


def test_a_tag_marks_the_version_that_has_it(versions: BucketPlace):
    for name in (b"a", b"b"):
        versions.put(b"d", name, b"data")
    versions.client.put_object_tagging(
        Bucket=versions.bucket, Key="d/a", Tagging={"TagSet": [{"Key": "incident", "Value": ""}]}
    )
    a, b = versions.name(b"d", b"a"), versions.name(b"d", b"b")
    assert versions.store.marked(b"d", [a, b]) == {a: "tag"}


def test_tags_and_legal_holds_are_as_aws_has_them(moto: S3Server):
    with closing(BucketPlace(moto, lock=True)) as place:
        for name in (b"a", b"b", b"c"):
            place.put(b"d", name, name)
        wants = [want(place, n, b"d", name) for n, name in enumerate((b"a", b"b", b"c"))]
        meant = {"Bucket": place.bucket, "Key": "d/a"}
        incident = {"TagSet": [{"Key": "incident", "Value": ""}]}
        place.client.put_object_tagging(**meant, Tagging=incident)
        assert {wants[0].name: "tag"} == place.store.marked(b"d", [each.name for each in wants])
        place.client.put_object_legal_hold(
            Bucket=place.bucket, Key="d/b", LegalHold={"Status": "ON"}
        )
        assert {0} == place.store.protect({b"d": wants[:2]}), "the other one is not ours"
        assert [0] == list(place.again().protected())
        told = {tag["Key"] for tag in place.client.get_object_tagging(**meant)["TagSet"]}
        assert {"incident", "retention-hold"} == told
        results = place.store.erase({b"d": wants[1:]})
        assert [Outcome.BLOCKED, Outcome.ERASED_VERIFIED] == [each.outcome for each in results]
        place.store.unprotect([0])
        assert "OFF" == place.client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
        assert incident["TagSet"] == place.client.get_object_tagging(**meant)["TagSet"]


def test_what_the_server_calls_deleted_is_not_erased_while_it_is_listed(
    versions: BucketPlace, proxy: Proxy
):
    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    proxy.say(200, "Deleted", "POST", "delete=")
    [result] = behind(proxy, versions).erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert look(versions, b"d", b"a") is not None


@pytest.mark.parametrize("when", ["early", "middle", "late"])
def test_a_deletion_that_breaks_off_is_asked_for_again_or_found_done(
    versions: BucketPlace, proxy: Proxy, when
):
    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    proxy.fail(when, "POST", "delete=")
    [result] = behind(proxy, versions).erase({b"d": [due]})
    assert result.outcome is Outcome.ERASED_VERIFIED


@pytest.mark.parametrize(("when", "outcome"), [("early", "failed"), ("late", "erased_verified")])
def test_a_deletion_that_never_gets_an_answer_is_told_by_the_listing(
    versions: BucketPlace, proxy: Proxy, when, outcome
):
    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    proxy.fail(when, "POST", "delete=", times=9)
    [result] = behind(proxy, versions).erase({b"d": [due]})
    assert result.outcome == outcome


def test_one_versions_error_is_not_the_next_ones(versions: BucketPlace, proxy: Proxy):
    for name in (b"a", b"b"):
        versions.put(b"d", name, b"data")
    wants = [want(versions, n, b"d", name) for n, name in enumerate((b"a", b"b"))]
    version = wants[0].name[2:].decode()
    error = f"<Key>d/a</Key><VersionId>{version}</VersionId><Code>SlowDown</Code>"
    body = f"<DeleteResult><Error>{error}</Error></DeleteResult>".encode()
    partly = Rule(("POST", "delete="), 1, status=200, body=body)
    partly.before = lambda: versions.remove(b"d", b"b")
    proxy.rules.append(partly)
    results = behind(proxy, versions).erase({b"d": wants})
    assert [r.outcome for r in results] == [Outcome.FAILED, Outcome.ERASED_VERIFIED]
    assert results[0].detail == "The server said SlowDown."
    assert versions.left("Versions") == ["d/a"]


def test_what_is_overwritten_after_it_was_listed_stays(plain: BucketPlace, proxy: Proxy):
    place = plain
    place.put(b"d", b"a", b"due")
    due = want(place, 1, b"d", b"a")
    store = behind(proxy, place)
    assert store.marked(b"d", [due.name]) == {}
    proxy.before(lambda: place.put(b"d", b"a", b"a new recording"), "HEAD", "/d/a")
    [result] = store.erase({b"d": [due]})
    assert result.outcome is Outcome.REFUSED_CHANGED
    assert place.get(b"d", b"a") == b"a new recording"


def test_an_erasure_that_no_listing_confirms_is_not_called_one(versions: BucketPlace, proxy: Proxy):
    versions.put(b"d", b"a", b"data")
    due = want(versions, 1, b"d", b"a")
    proxy.fail("early", "GET", "versions=", times=9)
    [result] = behind(proxy, versions).erase({b"d": [due]})
    assert result.outcome is Outcome.FAILED
    assert versions.store.recover({b"d": [due]})[0].outcome is Outcome.ERASED_VERIFIED


@pytest.mark.parametrize("mark", ["", "<NextKeyMarker>a</NextKeyMarker>"])
def test_a_listing_that_does_not_go_on_is_an_unreachable_store(
    versions: BucketPlace, proxy: Proxy, mark: str
):
    page = f"<ListVersionsResult><IsTruncated>true</IsTruncated>{mark}</ListVersionsResult>"
    proxy.twist(lambda _: page.encode(), "versions=", times=9)
    with pytest.raises(StoreUnreachableError, match="does not go on"):
        list(behind(proxy, versions).listing(b"", lambda *_: None))


def test_a_listing_that_breaks_off_is_asked_for_again(versions: BucketPlace, proxy: Proxy):
    versions.put(b"", b"a", b"data")
    proxy.fail("middle", "versions=")
    proxy.say(503, "SlowDown", "versions=")
    [found] = behind(proxy, versions).listing(b"", lambda *_: None)
    assert found.called == b"a"
    proxy.twist(lambda data: data[: len(data) // 2], "versions=", times=9)
    with pytest.raises(StoreUnreachableError, match="makes no sense"):
        list(behind(proxy, versions).listing(b"", lambda *_: None))


def test_a_bucket_is_enrolled_once_and_neither_inside_another_nor_around_one(gateway: Gateway):
    bucket = gateway.bucket()
    with gateway.wire(bucket) as wire:
        enrol(wire, "one", prefix="calls/")
        enrol(wire, "one", prefix="calls/")
        for prefix in ("calls/", "calls/riga/"):
            with pytest.raises(RefusedError, match="already enrolled as another store: 'one'"):
                enrol(wire, "two", prefix=prefix)
        with pytest.raises(RefusedError, match="enrolled below it, at 'calls/'"):
            enrol(wire, "two")
        enrol(wire, "two", prefix="other/")
        with pytest.raises(StoreUnreachableError, match="another store: 'one'"):
            Bucket(lambda: wire, "two", prefix="calls/").check()


def test_of_two_agents_of_one_store_the_one_in_the_older_epoch_stops(gateway: Gateway):
    with gateway.wire(gateway.bucket()) as wire:
        enrol(wire, STORE)
        first, second = (Bucket(lambda: wire, STORE, epoch=epoch) for epoch in (1, 2))
        first.check()
        second.check()
        with pytest.raises(StoreUnreachableError, match="newer epoch"):
            first.check()


def test_a_bucket_that_is_not_there_is_the_users_mistake(gateway: Gateway):
    with (
        gateway.wire("no-such-bucket") as wire,
        pytest.raises(ConfigError, match="The bucket is not there"),
    ):
        enrol(wire, STORE)


@pytest.mark.parametrize("name", ["a+ä b%20.jpg", "a&<b>.jpg"])
def test_an_upload_is_aborted_whatever_its_key_is(plain: BucketPlace, name: str):
    meant = {"Bucket": plain.bucket, "Key": f"d/{name}"}
    plain.client.create_multipart_upload(**meant)
    plain.client.create_multipart_upload(Bucket=plain.bucket, Key="d/a b.jpg")
    [directory] = [d for d in plain.store.directories(lambda *_: None) if d]
    found = {each.called: each for each in plain.store.listing(directory, lambda *_: None)}
    assert {name.encode(), b"a b.jpg"} == found.keys()
    due = wanted(1, found[name.encode()])
    assert Outcome.ERASED_VERIFIED is plain.store.erase({b"d": [due]})[0].outcome
    [left] = plain.client.list_multipart_uploads(Bucket=plain.bucket)["Uploads"]
    assert "d/a b.jpg" == left["Key"]


def test_uploads_that_no_xml_can_name_are_asked_for_in_another_way(
    plain: BucketPlace, proxy: Proxy
):
    plain.client.create_multipart_upload(Bucket=plain.bucket, Key="d/a+ä b.jpg")
    proxy.twist(lambda data: data.replace(b"a+", b"a\x01"), "uploads=")
    store = behind(proxy, plain)
    assert [b"", b"d"] == list(store.directories(lambda *_: None))
    assert ["a+ä b.jpg".encode()] == [f.called for f in store.listing(b"d", lambda *_: None)]
    assert any("encoding-type=url&" in line and "uploads=" in line for line in proxy.asked)


def test_a_legal_hold_outlives_the_epoch_that_it_was_put_on_in(locked: BucketPlace):
    locked.put(b"d", b"a", b"data")
    held = want(locked, 7, b"d", b"a")
    meant = {"Bucket": locked.bucket, "Key": "d/a", "VersionId": held.name[2:].decode()}
    assert {7} == locked.store.protect({b"d": [held]})

    store = locked.again(epoch=2)
    assert {1} == store.protect({b"d": [held._replace(number=1)]})
    store.reclaim()
    assert "ON" == locked.client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
    assert [1] == list(locked.again(epoch=2).protected())

    store.unprotect([1])
    assert "OFF" == locked.client.get_object_legal_hold(**meant)["LegalHold"]["Status"]
    assert [] == locked.left("DeleteMarkers")


def test_a_key_that_no_xml_can_say_goes_and_spoils_no_others(versions: BucketPlace):
    for key in ("d/a\x01b.jpg", "d/\ufffe.jpg", "d/plain.jpg"):
        versions.client.put_object(Bucket=versions.bucket, Key=key, Body=b"data")
    wants = all_of(versions, b"d")
    assert 3 == len(wants)
    assert {Outcome.ERASED_VERIFIED} == {r.outcome for r in versions.store.erase({b"d": wants})}
    assert [] == versions.left("Versions")


def test_one_version_is_found_without_a_look_at_all_the_others_of_its_key(
    versions: BucketPlace, proxy: Proxy
):
    for number in range(5):
        versions.put(b"d", b"a", b"%d" % number)
    store = behind(proxy, versions)
    name = versions.name(b"d", b"a")
    assert store.find(b"d", name) is not None
    assert [] == [line for line in proxy.asked if "versions=" in line]
    versions.client.delete_object(Bucket=versions.bucket, Key="d/a")
    [marker] = versions.client.list_object_versions(Bucket=versions.bucket, Prefix="d/")[
        "DeleteMarkers"
    ]
    assert store.find(b"d", name_of(b"a", marker["VersionId"])) is None, "a marker is no version"
    assert store.find(b"d", name_of(b"a", "no-such-version")) is None
    assert store.find(b"d", name) is not None


def test_of_a_large_object_both_ends_are_asked_for_and_no_more(plain: BucketPlace, proxy: Proxy):
    meant = {"Bucket": plain.bucket, "Key": "d/large.mp4"}
    upload = plain.client.create_multipart_upload(**meant)["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": plain.client.upload_part(**part, Body=bytes(size))["ETag"]}
        for n, size in ((1, 5 << 20), (2, 1 << 20))
        for part in [meant | {"UploadId": upload, "PartNumber": n}]
    ]
    plain.client.complete_multipart_upload(
        **meant, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    store = behind(proxy, plain)
    with store.open(b"d", plain.name(b"d", b"large.mp4")) as opened:
        probe(opened, name=b"large.mp4", mtime_ns=None, stated=opened.stated, sparing=True)
        assert opened.content
        assert 6 << 20 == opened.size
        opened.read(opened.size - 10, 10)
    sent = [size for line, size in proxy.sent if "large.mp4" in line]
    assert sum(sent) <= 3 * 64 * 1024
    assert len(sent) <= 2


def test_a_file_that_has_no_keys_of_the_profile_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    file = tmp_path / "s3-credentials"
    file.write_text("[sweeper]\naws_access_key_id = a\naws_secret_access_key = b\n")
    with pytest.raises(ConfigError, match=r"s3-credentials has no keys of a profile \[default\]"):
        Access(file)
    assert "a" == Access(file, profile="sweeper").keys().access_key
