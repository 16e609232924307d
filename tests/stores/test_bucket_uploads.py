"""What becomes of uploads that nobody completed, whatever happens to them meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from rgw import Gateway
from s3_proxy import Proxy, Rule
from stores.place import BucketPlace, wanted

from agents.stores import Found, Store, Wanted
from retention.errors import GoneError
from retention.outcome import Outcome


@dataclass
class Begun:
    """An upload that a recorder has begun, with one part of it."""

    place: BucketPlace
    key: str
    upload: str = ""
    etag: str = ""

    def __post_init__(self) -> None:
        self.upload = self.client.create_multipart_upload(**self.meant)["UploadId"]
        self.part(b"one")

    @property
    def client(self) -> Any:
        return self.place.client

    @property
    def meant(self) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self.key}

    def part(self, body: bytes) -> None:
        answer = self.client.upload_part(
            **self.meant, UploadId=self.upload, PartNumber=1, Body=body
        )
        self.etag = answer["ETag"]

    def complete(self) -> None:
        parts = {"Parts": [{"PartNumber": 1, "ETag": self.etag}]}
        self.client.complete_multipart_upload(
            **self.meant, UploadId=self.upload, MultipartUpload=parts
        )

    def abort(self) -> None:
        self.client.abort_multipart_upload(**self.meant, UploadId=self.upload)


@pytest.fixture(params=["", "Enabled", "Suspended", "lock"])
def place(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[BucketPlace]:
    kind = {"lock": True} if request.param == "lock" else {"versioning": request.param}
    with closing(BucketPlace(gateway, **kind)) as place:
        yield place


@pytest.fixture
def begun(place: BucketPlace) -> Begun:
    return Begun(place, "d/call.wav")


def found(store: Store) -> list[Found]:
    def never(path: bytes, why: str) -> None:
        pytest.fail(f"{path!r} could not be read: {why}")

    return [each for d in store.directories(never) for each in store.listing(d, never)]


def due(place: BucketPlace) -> Wanted:
    [one] = found(place.store)
    return wanted(1, one)


def uploads(place: BucketPlace) -> list[str]:
    listed = place.client.list_multipart_uploads(Bucket=place.bucket)
    return [each["Key"] for each in listed.get("Uploads", ())]


def erased(store: Store, due: Wanted) -> tuple[Outcome, str]:
    [result] = store.erase({b"d": [due]})
    return result.outcome, result.detail


def test_a_part_that_comes_later_changes_nothing_of_what_it_is(place: BucketPlace, begun: Begun):
    before = due(place)
    begun.part(b"two")
    assert before == due(place)
    assert (Outcome.ERASED_VERIFIED, "") == erased(place.store, before)
    assert ([], []) == (uploads(place), place.left("Versions"))


def test_after_the_abort_no_part_comes_and_it_is_absent(place: BucketPlace, begun: Begun):
    going = due(place)
    assert (Outcome.ERASED_VERIFIED, "") == erased(place.store, going)
    with pytest.raises(begun.client.exceptions.ClientError, match="NoSuchUpload"):
        begun.part(b"late")
    assert (Outcome.ALREADY_ABSENT, "") == erased(place.store, going)
    assert [] == found(place.store)


@pytest.mark.parametrize("end", ["complete", "abort"])
def test_one_that_ended_before_the_erasure_is_absent_and_what_came_of_it_stays(
    place: BucketPlace, begun: Begun, end: str
):
    going = due(place)
    getattr(begun, end)()
    assert (Outcome.ALREADY_ABSENT, "") == erased(place.store, going)
    assert (["d/call.wav"] if end == "complete" else []) == place.left("Versions")
    with pytest.raises(GoneError):
        place.store.open(b"d", going.name)
    assert {going.name} == place.store.missing(b"d", [going.name])


def test_one_that_is_completed_in_the_very_moment_is_not_called_erased(
    place: BucketPlace, begun: Begun, proxy: Proxy
):
    """Its bytes are a version now, which is found and dated like any other."""
    going = due(place)
    proxy.before(begun.complete, "DELETE", "uploadId=")
    place.endpoint = proxy.endpoint
    assert Outcome.ALREADY_ABSENT is erased(place.again(), going)[0]
    assert ["d/call.wav"] == place.left("Versions")
    assert [b"call.wav"] == [each.called for each in found(place.store)]


@pytest.mark.parametrize(("left", "outcome"), [(1, Outcome.ERASED_VERIFIED), (9, Outcome.FAILED)])
def test_parts_that_come_though_it_is_aborted_are_aborted_too_and_never_called_gone(
    place: BucketPlace, begun: Begun, proxy: Proxy, left: int, outcome: Outcome
):
    """As AWS documents it for parts that are under way (AbortMultipartUpload); Ceph lets none come."""
    going = due(place)
    parts = b"<ListPartsResult><Part><PartNumber>2</PartNumber></Part></ListPartsResult>"
    proxy.rules.append(Rule(("GET", "/d/call.wav?uploadId="), left, status=200, body=parts))
    proxy.rules.append(Rule(("DELETE", "uploadId="), 1))
    proxy.rules.append(Rule(("DELETE", "uploadId="), 9, status=204, body=b"-"))
    place.endpoint = proxy.endpoint
    told = erased(place.again(), going)
    assert outcome is told[0]
    assert (outcome is Outcome.FAILED) == ("parts that were on their way" in told[1])
    aborts = [line for line in proxy.asked if line.startswith("DELETE") and "uploadId=" in line]
    assert (2 if outcome is Outcome.ERASED_VERIFIED else 3) == len(aborts)


def test_one_that_is_held_gets_no_legal_hold_and_nothing_happens_to_it(
    place: BucketPlace, begun: Begun
):
    held = due(place)
    assert set() == place.store.protect({b"d": [held]})
    assert ["d/call.wav"] == uploads(place)
    begun.complete()


def test_two_uploads_of_one_key_and_a_version_are_three_items(place: BucketPlace, begun: Begun):
    other = Begun(place, begun.key)
    place.put(b"d", b"call.wav", b"a version")
    items = found(place.store)
    assert [b"call.wav"] * 3 == [each.called for each in items]
    ids = {each.name: each for each in items}
    [going] = [each for name, each in ids.items() if other.upload.encode() in name]
    assert Outcome.ERASED_VERIFIED is erased(place.store, wanted(1, going))[0]
    assert (["d/call.wav"], ["d/call.wav"]) == (uploads(place), place.left("Versions"))
    begun.abort()
