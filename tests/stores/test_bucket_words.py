"""Each word by which a server refuses something: whom it is about, what becomes of it, and one sentence.

The words are those of the S3 API reference ("Error Responses") for what the agent asks: listings, heads,
ranges, tags, legal holds, deletions. A word about one version costs the others nothing; one about the
bucket, about who asks, or about the server's own trouble is a store that cannot be reached.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest
from rgw import Gateway
from s3_proxy import Proxy, Rule
from stores.place import BucketPlace, want

from agents.stores import Wanted
from agents.stores.bucket.bucket import Bucket
from agents.stores.bucket.identity import enrol, look
from agents.stores.bucket.survey import survey
from retention.errors import (
    ConfigError,
    RetentionError,
    StoreUnreachableError,
    UnreadableError,
    WithheldError,
)
from retention.outcome import Outcome

ALWAYS = 10**6
LATE = (
    b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>Try again.</Message></Error>"
)
"""Found out when the answer of 200 had begun."""
PAGE_OF_A_PROXY = b"<html><body>Please log in.</body></html>"
NO_ANSWERS = pytest.mark.parametrize("body", [LATE, PAGE_OF_A_PROXY], ids=["late", "proxy"])

OF_ONE = [
    ("403 AccessDenied", UnreadableError, "The server forbids it"),
    ("403 InvalidObjectState", WithheldError, "It lies in an archive"),
    (
        "400 KMS.DisabledException",
        WithheldError,
        "encrypted with a key",
    ),
    (
        "400 KMS.NotFoundException",
        WithheldError,
        "encrypted with a key",
    ),
    ("400 KMS.KMSInvalidStateException", WithheldError, "encrypted with a key"),
    ("400 InvalidRequest", UnreadableError, "The server said InvalidRequest."),
    ("416 InvalidRange", UnreadableError, "The server said InvalidRange."),
]
OF_ALL = [
    (400, "ExpiredToken", "These credentials have expired."),
    (400, "InvalidToken", "The server refuses these credentials."),
    (403, "InvalidAccessKeyId", "The server does not know these credentials."),
    (403, "SignatureDoesNotMatch", "The server refuses these credentials."),
    (403, "AccountProblem", "The server refuses the account"),
    (
        403,
        "RequestTimeTooSkewed",
        "The clocks of the server and of this machine are too far apart.",
    ),
    (301, "PermanentRedirect", "The bucket is in another region than was set."),
    (400, "AuthorizationHeaderMalformed", "The bucket is in another region than was set."),
    (307, "TemporaryRedirect", "The server sends whoever asks to another one for now."),
    (404, "NoSuchBucket", "The bucket is not there."),
    (400, "RequestTimeout", "The server said RequestTimeout."),
    (400, "KMS.ThrottlingException", "The server said KMS.ThrottlingException."),
    (500, "InternalError", "The server said InternalError."),
    (503, "SlowDown", "The server said SlowDown."),
]


@pytest.fixture
def place(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway, versioning="Enabled")) as place:
        for name in (b"a", b"b"):
            place.put(b"d", name, b"data")
        yield place


@pytest.fixture
def locked(gateway: Gateway) -> Iterator[BucketPlace]:
    with closing(BucketPlace(gateway, lock=True)) as place:
        place.put(b"d", b"a", b"data")
        yield place


def both(place: BucketPlace) -> list[Wanted]:
    return [want(place, number, b"d", name) for number, name in enumerate((b"a", b"b"))]


def behind(proxy: Proxy, place: BucketPlace) -> Bucket:
    """The same store, as an agent sees it through the proxy, and connected."""
    place.endpoint = proxy.endpoint
    store = place.again()
    store.check()
    return store


def answers(proxy: Proxy, body: bytes, *having: str) -> None:
    proxy.rules.append(Rule(having, ALWAYS, status=200, body=body))


@pytest.mark.parametrize(("said", "kind", "sentence"), OF_ONE)
def test_what_is_said_of_one_version_is_that_ones_trouble(
    place: BucketPlace, proxy: Proxy, said: str, kind: type[RetentionError], sentence: str
):
    store = behind(proxy, place)
    status, code = said.split()
    proxy.say(int(status), code, "GET", "/d/a?", times=ALWAYS)
    with store.open(b"d", place.name(b"d", b"a")) as opened:
        with pytest.raises(UnreadableError, match=sentence) as raised:
            opened.read(0, 10)
        assert kind is raised.type
    with store.open(b"d", place.name(b"d", b"b")) as opened:
        assert opened.read(0, 10) == b"data"


@pytest.mark.parametrize(("status", "code", "sentence"), OF_ALL)
def test_what_is_said_of_the_bucket_or_who_asks_is_the_stores_trouble(
    place: BucketPlace, proxy: Proxy, status: int, code: str, sentence: str
):
    store = behind(proxy, place)
    proxy.say(status, code, "GET", "/d/a?", times=ALWAYS)
    with (
        store.open(b"d", place.name(b"d", b"a")) as opened,
        pytest.raises(StoreUnreachableError, match=sentence),
    ):
        opened.read(0, 10)


@pytest.mark.parametrize(("status", "code", "sentence"), OF_ALL)
def test_a_bucket_that_cannot_be_asked_about_locks_is_not_one_without(
    place: BucketPlace, proxy: Proxy, status: int, code: str, sentence: str
):
    """Else nothing in it would get a legal hold as long as this connection lasts."""
    proxy.say(status, code, "GET", "object-lock=", times=ALWAYS)
    with pytest.raises(StoreUnreachableError, match=sentence):
        behind(proxy, place)


@pytest.mark.parametrize(
    ("status", "outcome", "sentence"),
    [
        (400, Outcome.FAILED, "The server does not show it"),
        (403, Outcome.BLOCKED, "The server forbids it"),
    ],
)
def test_a_version_of_which_no_head_is_shown_stays_and_keeps_no_other_one(
    place: BucketPlace, proxy: Proxy, status: int, outcome: Outcome, sentence: str
):
    store, wants = behind(proxy, place), both(place)
    proxy.say(status, "", "HEAD", "/d/a?", times=ALWAYS)
    assert {} == store.marked(b"d", [each.name for each in wants])
    one, two = store.erase({b"d": wants})
    assert (outcome, Outcome.ERASED_VERIFIED) == (one.outcome, two.outcome)
    assert sentence in one.detail
    assert ["d/a"] == place.left("Versions")
    with pytest.raises(UnreadableError, match=sentence):
        store.find(b"d", wants[0].name)


def test_a_version_under_a_key_that_only_its_writer_has_keeps_no_other_one(place: BucketPlace):
    """As Ceph has it; on AWS too its head is 400 for who does not send the key along (SSE-C)."""
    theirs = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    place.client.put_object(Bucket=place.bucket, Key="d/theirs", Body=b"data", **theirs)
    found = {each.called: each for each in place.store.listing(b"d", lambda *_: None)}
    with pytest.raises(UnreadableError, match="a key that only its writer has"):
        place.store.open(b"d", found[b"theirs"].name)
    wants = [
        Wanted(number, each.name, each.generation, 1) for number, each in enumerate(found.values())
    ]
    outcomes = [result.outcome for result in place.store.erase({b"d": wants})]
    assert [Outcome.ERASED_VERIFIED, Outcome.ERASED_VERIFIED, Outcome.FAILED] == outcomes
    assert ["d/theirs"] == place.left("Versions")


@pytest.mark.parametrize(
    ("code", "outcome", "sentence"),
    [
        ("AccessDenied", Outcome.BLOCKED, "The server forbids it"),
        ("SlowDown", Outcome.FAILED, "The server said SlowDown."),
        ("InternalError", Outcome.FAILED, "The server said InternalError."),
        ("ServiceUnavailable", Outcome.FAILED, "The server said ServiceUnavailable."),
        ("NoSuchVersion", Outcome.FAILED, "The server called it deleted, and still lists it."),
    ],
)
def test_a_word_of_one_version_inside_a_deletion_is_no_other_ones(
    place: BucketPlace, proxy: Proxy, code: str, outcome: Outcome, sentence: str
):
    store, wants = behind(proxy, place), both(place)
    version = wants[0].name.rpartition(b";")[2].decode()
    error = f"<Error><Key>d/a</Key><VersionId>{version}</VersionId><Code>{code}</Code></Error>"
    partly = Rule(("POST", "delete="), 1, status=200)
    partly.body = f"<DeleteResult>{error}</DeleteResult>".encode()
    partly.before = lambda: place.remove(b"d", b"b")
    proxy.rules.append(partly)
    one, two = store.erase({b"d": wants})
    assert (outcome, Outcome.ERASED_VERIFIED) == (one.outcome, two.outcome)
    assert sentence in one.detail
    assert ["d/a"] == place.left("Versions")


@pytest.mark.parametrize(
    ("said", "outcome", "sentence"),
    [
        ("400 MalformedXML", Outcome.FAILED, "The server said MalformedXML."),
        ("400 BadDigest", Outcome.FAILED, "The server said BadDigest."),
        ("400 InvalidDigest", Outcome.FAILED, "The server said InvalidDigest."),
        ("400 InvalidRequest", Outcome.FAILED, "The server said InvalidRequest."),
        ("501 NotImplemented", Outcome.FAILED, "The server said NotImplemented."),
        ("403 AccessDenied", Outcome.BLOCKED, "The server forbids it"),
        ("400 ExpiredToken", Outcome.FAILED, "These credentials have expired."),
        ("403 RequestTimeTooSkewed", Outcome.FAILED, "The clocks of the server and"),
        ("301 PermanentRedirect", Outcome.FAILED, "The bucket is in another region than was set."),
        ("307 TemporaryRedirect", Outcome.FAILED, "to another one for now."),
        ("404 NoSuchBucket", Outcome.FAILED, "The bucket is not there."),
        ("503 SlowDown", Outcome.FAILED, "The server said SlowDown."),
    ],
)
def test_a_deletion_that_is_refused_as_a_whole_says_so_of_each_and_nothing_goes(
    place: BucketPlace, proxy: Proxy, said: str, outcome: Outcome, sentence: str
):
    store, wants = behind(proxy, place), both(place)
    status, code = said.split()
    proxy.say(int(status), code, "POST", "delete=", times=ALWAYS)
    for result in store.erase({b"d": wants}):
        assert outcome is result.outcome
        assert sentence in result.detail
    assert ["d/a", "d/b"] == place.left("Versions")
    proxy.rules.clear()
    assert {Outcome.ERASED_VERIFIED} == {r.outcome for r in store.erase({b"d": wants})}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (LATE, "The server said InternalError."),
        (PAGE_OF_A_PROXY, "The server called it deleted, and still lists it."),
        (b"no XML", "The server did not answer as it should (ParseError)."),
    ],
)
def test_a_deletion_that_is_answered_with_something_else_is_told_by_the_listing(
    place: BucketPlace, proxy: Proxy, body: bytes, sentence: str
):
    store, wants = behind(proxy, place), both(place)
    answers(proxy, body, "POST", "delete=")
    results = store.erase({b"d": wants})
    assert {(Outcome.FAILED, sentence)} == {(each.outcome, each.detail) for each in results}
    assert ["d/a", "d/b"] == place.left("Versions")


@NO_ANSWERS
def test_what_is_no_listing_is_no_empty_bucket(place: BucketPlace, proxy: Proxy, body: bytes):
    """Well-formed, with status 200, and without a single version: all would be called gone, or erased."""
    store, wants = behind(proxy, place), both(place)
    names = [each.name for each in wants]
    answers(proxy, body, "GET", "versions=")
    for act in (
        lambda: list(store.listing(b"d", lambda *_: None)),
        lambda: store.missing(b"d", names),
        lambda: store.recover({b"d": wants}),
    ):
        with pytest.raises(StoreUnreachableError, match="makes no sense"):
            act()
    results = store.erase({b"d": wants})
    assert {(Outcome.FAILED, False)} == {(each.outcome, each.settled) for each in results}


@NO_ANSWERS
def test_what_is_no_list_of_uploads_is_no_empty_one(place: BucketPlace, proxy: Proxy, body: bytes):
    store = behind(proxy, place)
    answers(proxy, body, "GET", "uploads=")
    with pytest.raises(StoreUnreachableError, match="makes no sense"):
        list(store.directories(lambda *_: None))


def test_where_no_server_is_the_system_says_why(gateway: Gateway):
    with (
        closing(gateway.wire("recordings", endpoint="http://127.0.0.1:1")) as wire,
        pytest.raises(ConfigError, match="Connection refused"),
    ):
        look(wire, "")


@pytest.mark.parametrize("body", [LATE, PAGE_OF_A_PROXY, b"no XML"])
def test_what_are_no_tags_are_not_none(place: BucketPlace, proxy: Proxy, body: bytes):
    """Else what is tagged as an incident's would go."""
    tagged = {"Bucket": place.bucket, "Key": "d/a"}
    place.client.put_object_tagging(
        **tagged, Tagging={"TagSet": [{"Key": "incident", "Value": ""}]}
    )
    store, wants = behind(proxy, place), both(place)
    answers(proxy, body, "GET", "tagging=")
    with pytest.raises(StoreUnreachableError, match="did not answer as it should"):
        store.marked(b"d", [each.name for each in wants])


def test_what_is_no_head_of_an_object_is_no_answer(place: BucketPlace, proxy: Proxy):
    """Such as a proxy's, of its own page: status 200, and nothing that an object has."""
    store, wants = behind(proxy, place), both(place)
    answers(proxy, PAGE_OF_A_PROXY, "HEAD", "/d/")
    for act in (
        lambda: store.open(b"d", wants[0].name),
        lambda: store.find(b"d", wants[0].name),
        lambda: store.marked(b"d", [wants[0].name]),
        lambda: store.erase({b"d": wants}),
    ):
        with pytest.raises(StoreUnreachableError, match="no head of an object"):
            act()
    assert ["d/a", "d/b"] == place.left("Versions")


@pytest.mark.parametrize("call", ["tagging=", "legal-hold="])
@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (400, "InvalidRequest"), (400, "MalformedXML"), (404, "NoSuchVersion")],
)
def test_a_legal_hold_that_is_refused_protects_nothing_and_is_given_when_it_is_not(
    locked: BucketPlace, proxy: Proxy, call: str, status: int, code: str
):
    store, held = behind(proxy, locked), want(locked, 1, b"d", b"a")
    proxy.say(status, code, "PUT", call, times=ALWAYS)
    assert set() == store.protect({b"d": [held]})
    assert store.kept(1) is None
    proxy.rules.clear()
    assert {1} == store.protect({b"d": [held]})
    store.unprotect([1])


def test_a_legal_hold_that_a_server_has_no_time_for_is_asked_for_again(
    locked: BucketPlace, proxy: Proxy
):
    store, held = behind(proxy, locked), want(locked, 1, b"d", b"a")
    proxy.say(503, "SlowDown", "PUT", "legal-hold=", times=ALWAYS)
    with pytest.raises(StoreUnreachableError, match="SlowDown"):
        store.protect({b"d": [held]})
    proxy.rules.clear()
    assert {1} == store.protect({b"d": [held]})
    store.unprotect([1])


@pytest.mark.parametrize(("status", "code", "sentence"), OF_ALL)
def test_a_bucket_that_cannot_be_reached_is_enrolled_as_nobodys(
    gateway: Gateway, proxy: Proxy, status: int, code: str, sentence: str
):
    bucket = gateway.bucket()
    proxy.say(status, code, times=ALWAYS)
    with (
        gateway.wire(bucket, endpoint=proxy.endpoint) as wire,
        pytest.raises(ConfigError, match=sentence),
    ):
        enrol(wire, "s-1")
    assert "Contents" not in gateway.shared.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("query", ["versioning=", "lifecycle=", "replication="])
def test_a_configuration_that_is_an_error_is_not_known(gateway: Gateway, proxy: Proxy, query: str):
    bucket = gateway.bucket()
    with gateway.wire(bucket) as wire:
        enrol(wire, "s-1")
    answers(proxy, LATE, "GET", query)
    with gateway.wire(bucket, endpoint=proxy.endpoint) as wire:
        facts = survey(wire, "", "s-1", wall=lambda: 0.0, shortest=60)
    assert "It cannot be known (the server said InternalError)." in [f.sentence for f in facts]
