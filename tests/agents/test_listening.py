"""Hints out of a bucket: the stream of notifications, and all that can be wrong with it."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from bucket_world import BucketWorld
from notifications import Teller, event
from ports import free_port
from rgw import Gateway
from s3_server import ACCESS, SECRET, Keys
from waiting import NEVER_SECONDS, wait_until
from world import World, at

from agents.engine.daemon import Daemon, Pace, Uncounted
from agents.engine.finding.watch import Hint
from agents.storage import listening
from agents.storage.listening import Listener
from agents.stores.bucket.notices import LONGEST_LINE_BYTES, Notices, offered
from agents.stores.bucket.wire import Place
from retention.errors import StoreUnreachableError
from retention.report import Sighted

LOG = logging.getLogger("agents.test")
Listening = Callable[..., Listener]


@pytest.fixture
def teller() -> Iterator[Teller]:
    teller = Teller()
    yield teller
    teller.stop()


def notices(
    endpoint: str, prefix: str = "", *, silence: float = NEVER_SECONDS, bucket: str = "bucket"
) -> Notices:
    place = Place(endpoint, bucket, "us-east-1")
    return Notices(place, Keys(ACCESS, SECRET), prefix, silence=silence)


@pytest.fixture
def listening_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """Start a listener that does not wait long between two attempts."""
    monkeypatch.setattr(listening, "FIRST_WAIT_SECONDS", 0.05)
    listeners: list[Listener] = []

    def start(endpoint: str, prefix: str = "", **options: object) -> Listener:
        connect = partial(notices, endpoint, prefix, **options)  # type: ignore[arg-type]
        listeners.append(Listener(connect, LOG))
        listeners[-1].start()
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.stop()


def told(listener: Listener, number: int) -> list[Hint]:
    """So many hints, as soon as they have come."""
    found: list[Hint] = []

    def enough() -> bool:
        found.extend(listener.hints(0.1))
        return len(found) >= number

    wait_until(enough, f"{number} hints")
    return found


def deaf(listener: Listener) -> bool:
    """Whether it has ended, there being nothing to hear."""
    return not listener._thread.is_alive()


def test_what_is_written_or_tagged_is_hinted_at_by_its_version(
    teller: Teller, listening_to: Listening
):
    listener = listening_to(teller.endpoint)
    teller.tell(
        event("front/a+b ä.jpg", "v-1"),
        event("top.jpg"),
        event("front/tagged.jpg", "v2", "s3:ObjectCreated:PutTagging"),
    )
    assert [
        Hint(b"front", "a+b ä.jpg;v-1".encode(), closed=True),
        Hint(b"", b"top.jpg;null", closed=True),
        Hint(b"front", b"tagged.jpg;v2", closed=True),
    ] == told(listener, 3)
    assert [["s3:ObjectCreated:*"], [""]] == [teller.asked[0]["events"], teller.asked[0]["prefix"]]


def test_what_is_not_the_stores_or_its_own_doing_is_not_hinted_at(
    teller: Teller, listening_to: Listening
):
    listener = listening_to(teller.endpoint, "calls/")
    teller.tell(
        event("other/a.jpg"),
        event("calls/.retention/held/1.1"),
        event("calls/a.wav", "", "s3:ObjectCreated:PutLegalHold"),
        event("calls/b.wav"),
    )
    assert [Hint(b"", b"b.wav;null", closed=True)] == told(listener, 1)
    assert ["calls/"] == teller.asked[0]["prefix"]


def test_spaces_keep_the_line_alive_and_a_line_may_come_in_pieces(
    teller: Teller, listening_to: Listening
):
    listener = listening_to(teller.endpoint)
    line = event("a.jpg")
    teller.tell(
        b" ",
        b"  \n ",
        line[:9],
        line[9:] + b" " + event("b.jpg")[:-1],
        b"\n ",
        b'{"Records": null}\n',
    )
    assert [b"a.jpg;null", b"b.jpg;null"] == [hint.name for hint in told(listener, 2)]


def test_each_new_line_asks_for_a_scan_because_what_was_told_to_nobody_is_lost(
    teller: Teller, listening_to: Listening
):
    listener = listening_to(teller.endpoint)
    wait_until(listener.overflowed, "it asks for a scan")
    assert not listener.overflowed()
    teller.hang_up()
    wait_until(listener.overflowed, "it asks for a scan")
    teller.tell(event("a.jpg"))
    assert 1 == len(told(listener, 1))
    assert listener.alive()


def test_a_marker_asks_for_a_scan(teller: Teller, listening_to: Listening):
    listener = listening_to(teller.endpoint)
    wait_until(listener.overflowed, "it asks for a scan")
    teller.tell(event("front/a.jpg.incident"))
    wait_until(listener.overflowed, "it asks for a scan")
    assert [] == listener.hints(0)


GARBAGE = {
    "no JSON": b"<html>\n",
    "a list": b"[1]\n",
    "no records": b'{"Records": 1}\n',
    "an empty record": b'{"Records": [{}]}\n',
    "no key": b'{"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": {"object": {"key": 1}}}]}\n',
    "a key that is no text": event("x").replace(b'"x"', b'"%ff"'),
    "no text": b"\xff\xfe\n",
    "too deep": b"[" * 100_000 + b"\n",
    "no end": b"x" * (LONGEST_LINE_BYTES + 70_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_nonsense_ends_the_line_and_the_next_one_is_listened_to(
    teller: Teller, listening_to: Listening, garbage: bytes
):
    listener = listening_to(teller.endpoint)
    assert teller.connected.acquire(timeout=NEVER_SECONDS)
    teller.tell(garbage)
    teller.hang_up()
    assert teller.connected.acquire(timeout=NEVER_SECONDS)
    teller.tell(event("a.jpg"))
    assert [b"a.jpg;null"] == [hint.name for hint in told(listener, 1)]
    assert listener.alive()


@pytest.mark.parametrize("key", ["/a.jpg", "a//b.jpg", "../x.jpg", "%2f", "a/../b.jpg", "\0"])
def test_no_key_leads_out_of_the_store(teller: Teller, listening_to: Listening, key: str):
    """What no name can be is left to the scan, which tells of it."""
    listener = listening_to(teller.endpoint)
    teller.tell(event(key), event("z.jpg"))
    for hint in told(listener, 1):
        parts = [*hint.directory.split(b"/"), hint.name]
        assert not {b"", b".", b".."} & set(parts[1:])
        assert not any(b"\0" in part or b"/" in part for part in parts)


def test_a_line_that_is_silent_is_dead(teller: Teller, listening_to: Listening):
    listener = listening_to(teller.endpoint, silence=0.3)
    assert teller.connected.acquire(timeout=NEVER_SECONDS)
    assert teller.connected.acquire(timeout=NEVER_SECONDS)
    assert listener.alive()


LISTING = b'<?xml version="1.0"?><ListBucketResult></ListBucketResult>'
DENIED = b"<Error><Code>AccessDenied</Code></Error>"
UNKNOWN = b"<Error><Code>NotImplemented</Code></Error>"


@pytest.mark.parametrize(
    "refusal",
    [
        (200, "application/xml", LISTING),
        (403, "application/xml", DENIED),
        (501, "application/xml", UNKNOWN),
        (501, "text/plain", b"no"),
        (404, "text/html", b"no"),
    ],
)
def test_a_server_that_tells_nothing_is_said_to_be_so_once_and_asked_no_more(
    teller: Teller,
    listening_to: Listening,
    caplog: pytest.LogCaptureFixture,
    refusal: tuple[int, str, bytes],
):
    teller.refusal = refusal
    listener = listening_to(teller.endpoint)
    wait_until(lambda: deaf(listener), "it has nothing to listen to")
    assert listener.alive(), "nothing died: there is nothing to hear"
    assert [] == listener.hints(0)
    assert ["no notifications"] == [record.getMessage() for record in caplog.records]
    assert 1 == len(teller.asked)
    place = Place(teller.endpoint, "bucket", "us-east-1")
    assert not offered(place, Keys(ACCESS, SECRET), "")


def test_amazon_is_not_even_asked(caplog: pytest.LogCaptureFixture):
    listener = Listener(partial(notices, "https://s3.eu-central-1.amazonaws.com"), LOG)
    listener.start()
    wait_until(lambda: deaf(listener), "it has nothing to listen to")
    assert listener.alive()
    assert ["no notifications"] == [record.getMessage() for record in caplog.records]
    listener.stop()


@pytest.mark.parametrize(
    "refusal",
    [
        (503, "application/xml", b"<Error><Code>SlowDown</Code></Error>"),
        (403, "application/xml", b"<Error><Code>InvalidAccessKeyId</Code></Error>"),
        (500, "text/html", b"no"),
        (307, "text/html", b"elsewhere"),
    ],
)
def test_what_may_pass_is_tried_again(
    teller: Teller, listening_to: Listening, refusal: tuple[int, str, bytes]
):
    teller.refusal = refusal
    listener = listening_to(teller.endpoint)
    wait_until(lambda: len(teller.asked) > 1, "it asks again")
    teller.refusal = None
    teller.tell(event("a.jpg"))
    assert 1 == len(told(listener, 1))


def test_a_server_that_is_away_is_waited_for_longer_and_longer(caplog: pytest.LogCaptureFixture):
    waits: list[float] = []
    listener = Listener(partial(notices, f"http://127.0.0.1:{free_port()}"), LOG)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 12:
            listener.stop()
        return False

    listener._stopping.wait = wait  # type: ignore[method-assign]
    listener._run()
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] == waits
    assert {"unreachable"} == {record.getMessage() for record in caplog.records}


def test_to_stop_waits_for_nothing_to_be_told(
    teller: Teller, listening_to: Listening, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is: if it waited, it would be as long as a line may be silent."""
    monkeypatch.setattr(listening, "_END_SECONDS", NEVER_SECONDS)
    listener = listening_to(teller.endpoint, silence=2 * NEVER_SECONDS)
    assert teller.connected.acquire(timeout=NEVER_SECONDS)
    listener.stop()
    assert not listener._thread.is_alive()


def test_a_listener_that_died_ends_the_process(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    def broken() -> Notices:
        raise RuntimeError("a bug")

    world = World.make(tmp_path, at("2026-03-16 12:00"))
    assert world.agent is not None
    daemon = Daemon(
        world.agent,
        watch=Listener(broken, LOG),
        metrics=Uncounted(),
        pace=Pace(hint=0.05, talk=1),
        log=LOG,
    )
    daemon.run()
    assert {"failed", "watcher died"} <= {record.getMessage() for record in caplog.records}
    world.stop()


def test_a_real_server_without_notifications_is_said_to_be_so(
    gateway: Gateway, listening_to: Listening, caplog: pytest.LogCaptureFixture
):
    """It answers with a listing of the bucket, which is no stream."""
    bucket = gateway.bucket()
    listener = listening_to(gateway.endpoint, bucket=bucket)
    wait_until(lambda: deaf(listener), "it has nothing to listen to")
    assert listener.alive()
    assert ["no notifications"] == [record.getMessage() for record in caplog.records]
    keys = Keys(ACCESS, SECRET)
    assert not offered(Place(gateway.endpoint, bucket, "us-east-1"), keys, "")
    with pytest.raises(StoreUnreachableError, match="does not know these credentials"):
        offered(Place(gateway.endpoint, bucket, "us-east-1"), Keys("nobody", SECRET), "")


def test_whether_a_server_tells_what_comes_is_seen_at_once(teller: Teller):
    assert offered(Place(teller.endpoint, "bucket", "us-east-1"), Keys(ACCESS, SECRET), "")


@pytest.fixture
def world(tmp_path: Path, gateway: Gateway) -> Iterator[BucketWorld]:
    world = BucketWorld.found(tmp_path, at("2026-03-16 12:00"), gateway)
    yield world
    world.stop()


def test_a_new_object_is_indexed_before_the_next_scan_and_a_tag_holds_it_at_once(
    world: BucketWorld, teller: Teller, listening_to: Listening
):
    assert world.agent is not None
    world.record(at("2026-03-15 12:00"))
    world.scan()
    world.true.pass_(60)
    listener = listening_to(teller.endpoint)
    put = world.record(at("2026-03-16 12:00"), tag="-1")
    lost = event("front/never-was.jpg", "no-such-version")
    teller.tell(lost, event(put.key, put.version))

    def take(number: int) -> None:
        for hint in told(listener, number):
            world.agent.scanner.hint(hint.directory, hint.name, closed=hint.closed)
        world.agent.look()
        world.agent.tick()

    take(2)
    world.report()
    assert [at("2026-03-15 12:00"), at("2026-03-16 12:00")] == [
        entry.anchor for entry in world.centre.entries() if isinstance(entry, Sighted)
    ]
    tag = {"TagSet": [{"Key": "incident", "Value": "break-in"}]}
    world.client.put_object_tagging(Bucket=world.bucket, Key=put.key, Tagging=tag)
    teller.tell(event(put.key, put.version, "s3:ObjectCreated:PutTagging"))
    take(1)
    assert {"held": 1, "present": 1} == {state: n for _, state, n in world.agent.counts()}
