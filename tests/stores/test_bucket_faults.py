"""Every call the agent makes of a bucket's server fails: early, in the middle, late, and by the book.

Whatever fails, and for however long: nothing is called erased that is there, nothing gone that was
not looked for, nothing held is let go, and as soon as the server is well again all is as it should be.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from rgw import Gateway
from s3_proxy import Proxy
from stores.place import BucketPlace, want
from waiting import NEVER_SECONDS

from agents.stores import Store
from agents.stores.bucket.wire import AT_ONCE, TRIES
from retention.errors import StoreUnreachableError, UnreadableError
from retention.outcome import Outcome

#: Each call by what stands in its request line, and what has it made.
CALLS = {
    "identity": ("GET", ".retention/store"),
    "listing": ("GET", "versions="),
    "uploads": ("GET", "uploads="),
    "head": ("HEAD", "/d/"),
    "read": ("GET", "/d/a?versionId"),
    "tags": ("GET", "tagging="),
    "delete": ("POST", "delete="),
    "abort": ("DELETE", "uploadId="),
    "record": ("PUT", ".retention/held/"),
    "tag": ("PUT", "tagging="),
    "legal hold": ("PUT", "legal-hold="),
    "lock": ("GET", "object-lock="),
}
FAULTS = ("early", "late", "500", "403 RequestTimeTooSkewed")


@pytest.fixture
def place(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway, lock=True)) as place:
        for name in (b"a", b"held", b"tagged"):
            place.put(b"d", name, b"data of " + name)
        place.client.put_object_tagging(
            Bucket=place.bucket, Key="d/tagged", Tagging={"TagSet": [{"Key": "x", "Value": ""}]}
        )
        place.client.create_multipart_upload(Bucket=place.bucket, Key="d/begun")
        yield place


def _break(proxy: Proxy, fault: str, call: tuple[str, ...], times: int) -> None:
    if fault in {"early", "middle", "late"}:
        proxy.fail(fault, *call, times=times)  # type: ignore[arg-type]
    else:
        status, _, code = fault.partition(" ")
        proxy.say(int(status), code, *call, times=times)


def _everything(store: Store, wanted: dict[bytes, list]) -> list[Outcome]:
    """All that an agent does with a store. What cannot be done is told by an error of ours."""
    known = (StoreUnreachableError, UnreadableError)
    outcomes: list[Outcome] = []
    held, *due = wanted[b"d"]
    with suppress(*known):
        for directory in store.directories(lambda *_: None):
            list(store.listing(directory, lambda *_: None))
    with suppress(*known), store.open(b"d", due[0].name) as opened:
        opened.read(0, 10)
    with suppress(*known):
        store.protect({b"d": [held]})
    with suppress(*known):
        store.marked(b"d", [each.name for each in due])
        outcomes += [each.outcome for each in store.erase({b"d": due})]
    return outcomes


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_always_fails_tells_no_lie_and_leaves_nothing_undone_when_it_is_over(
    place: BucketPlace, proxy: Proxy, call: str, fault: str
):
    names = [b"held", b"a", b"tagged"]
    wants = [want(place, number, b"d", name) for number, name in enumerate(names)]
    [begun] = [
        found
        for directory in place.store.directories(lambda *_: None)
        for found in place.store.listing(directory, lambda *_: None)
        if found.called == b"begun"
    ]
    wants.append(wants[0]._replace(number=9, name=begun.name, generation=begun.generation))
    place.endpoint = proxy.endpoint
    _break(proxy, fault, CALLS[call], 10**6)
    outcomes = _everything(place.again(), {b"d": wants})
    left = {each["Key"] for each in place._versions("Versions", "", only=False)}
    for each, outcome in zip((b"d/a", b"d/tagged"), outcomes, strict=False):
        assert (outcome is Outcome.ERASED_VERIFIED) <= (each.decode() not in left)
    assert "d/held" in left

    proxy.rules.clear()
    place.endpoint = place.gateway.endpoint
    store = place.again()
    batch = {b"d": wants[1:]}
    recovered = {each.number: each.outcome for each in store.recover(batch)}
    again = {each.number: each.outcome for each in store.erase(batch)}
    gone = {Outcome.ERASED_VERIFIED, Outcome.ALREADY_ABSENT}
    assert all(recovered.get(n) in gone or again[n] in gone for n in (1, 2, 9))
    assert store.protect({b"d": wants[:1]}) == {0}
    assert {"d/held"} == {key for key in place.left("Versions") if key.startswith("d/")}
    assert "Uploads" not in place.client.list_multipart_uploads(Bucket=place.bucket)
    store.unprotect([0])


@pytest.mark.parametrize("fault", ["middle", "503 SlowDown"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_once_is_made_again_and_nobody_hears_of_it(
    place: BucketPlace, proxy: Proxy, call: str, fault: str
):
    wants = [want(place, number, b"d", name) for number, name in enumerate([b"held", b"a"])]
    place.endpoint = proxy.endpoint
    _break(proxy, fault, CALLS[call], 1)
    assert _everything(place.again(), {b"d": wants}) == [Outcome.ERASED_VERIFIED]
    place.endpoint = place.gateway.endpoint
    store = place.again()
    assert list(store.protected()) == [0]
    store.unprotect([0])


def test_connections_that_a_server_closed_while_they_were_idle_cost_one_try_and_not_all(
    place: BucketPlace, proxy: Proxy
):
    proxy.fail("after", times=2 * AT_ONCE)
    with place.gateway.wire(place.bucket, endpoint=proxy.endpoint) as wire:
        gathered = threading.Barrier(AT_ONCE)

        def ask(_: int) -> int:
            gathered.wait(NEVER_SECONDS)
            return wire.ask("GET", query="versioning=").status

        assert [200] * AT_ONCE == list(wire.each(ask, range(AT_ONCE)))
        assert len(wire._idle) > TRIES
        assert wire.ask("GET", query="versioning=").status == 200
