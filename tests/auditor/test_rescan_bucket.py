"""A rescan of a bucket on a real S3 server, with keys that may list and read and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from rgw import Gateway
from s3_proxy import Proxy
from s3_server import ACCESS, SECRET, S3Server

from auditor.bucket import Bucket, Place, _bare
from auditor.findings import Report, Verdict
from auditor.rescan import Batch, Judged, Rescan, Standing
from auditor.storage import What
from retention import bundle, codec, envelope, exceptions
from retention.calendar import DAY, Instant, parse_instant, to_instant
from retention.errors import ConfigError, StoreUnreachableError
from retention.exceptions import Exceptions, Reason
from retention.fingerprint import fingerprint_begun, fingerprint_stored
from retention.policy import Chain

NOW = parse_instant("2026-03-10T12:00:00+02:00")
OLD, OVERDUE, YOUNG = "20260105-090000", "20260109-090000", "20260220-090000"
LONG_AGO = {"captured-at": "2026-01-05T09:00:00+02:00"}
PICTURE = b"\xff\xd8\xff a picture \xff\xd9"
STORE = "terminal-1"


def a_list(*found: tuple[Reason, bytes], at: Instant = NOW) -> Exceptions:
    nonce = bytes(range(32))
    since = parse_instant("2025-06-01T00:00:00Z")
    return Exceptions(STORE, "lockers", since, at, nonce, exceptions.listed(nonce, found))


@dataclass
class Storage:
    """A bucket with a store in it, and somebody who looks at it."""

    gateway: S3Server
    bucket: str
    chain: Chain
    prefix: str = ""
    endpoint: str = ""
    keys: tuple[str, str] = ("", "")
    clients: list[Any] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.gateway.shared

    def put(self, key: str, data: bytes = PICTURE, **options: Any) -> bytes:
        """Put an object; what a list of exceptions knows it by."""
        meant = {"Bucket": self.bucket, "Key": self.prefix + key}
        answer = self.client.put_object(**meant, Body=data, **options)
        return fingerprint_stored(len(data), answer["ETag"])

    def today(self) -> Instant:
        """By the server's clock."""
        told = self.client.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
        return to_instant(parsedate_to_datetime(told))

    def delete(self, key: str, **options: Any) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key, **options)

    def reader(self) -> Any:
        made = self.gateway.client(keys=self.keys, endpoint=self.endpoint)
        self.clients.append(made)
        return made

    def look(
        self, listed: Exceptions | None, now: Instant = NOW
    ) -> tuple[Rescan, dict[str, Judged], Report]:
        looked = Bucket(self.reader(), Place(self.bucket, self.prefix), STORE)
        scan = Rescan(looked, chain=self.chain, group="lockers", exceptions=listed, now=now)
        found = {each.path.decode().partition(";")[0]: each for each in scan.recordings()}
        return scan, found, scan.conclude()


@pytest.fixture(params=["", "lockers/riga/"], ids=["whole bucket", "prefix"])
def storage(
    request: pytest.FixtureRequest, gateway: Gateway, honest_chain: Chain
) -> Iterator[Storage]:
    yield from _on_ceph(gateway, honest_chain, request.param)


@pytest.fixture
def plain(gateway: Gateway, honest_chain: Chain) -> Iterator[Storage]:
    yield from _on_ceph(gateway, honest_chain, "")


def _on_ceph(gateway: Gateway, chain: Chain, prefix: str) -> Iterator[Storage]:
    bucket = gateway.bucket(versioning="Enabled")
    yield from _storage(gateway, bucket, chain, prefix, gateway.reader(bucket))


def _storage(
    server: S3Server, bucket: str, chain: Chain, prefix: str, keys: tuple[str, str]
) -> Iterator[Storage]:
    storage = Storage(server, bucket, chain, prefix, server.endpoint, keys)
    storage.put(".retention/store", f"{STORE}\n1\n".encode())
    yield storage
    for client in storage.clients:
        client.close()


def texts(report: Report, verdict: Verdict) -> list[str]:
    return report.texts(verdict)


def test_every_version_is_counted_by_class_and_civil_date(storage: Storage):
    storage.put(f"cam/{YOUNG}.jpg")
    storage.put(f"cam/{YOUNG}.jpg", PICTURE + b"again")
    storage.put(
        "calls/a.wav", b"RIFF", Metadata={"captured-at": "2026-02-03T21:30:00Z", "duration": "9"}
    )
    storage.put("cam/readme.txt", b"no recording")
    scan, _, report = storage.look(a_list())
    assert {
        Batch("terminal-image", date(2026, 2, 20), Standing.IN_TIME): 2,
        Batch("contact-centre-call", date(2026, 2, 3), Standing.IN_TIME): 1,
    } == {batch: tally.files for batch, tally in scan.counts.items()}
    assert 2 == scan.others, "what was put in beside, and the store's own mark"
    assert Verdict.OK is report.verdict


def test_an_old_version_behind_a_young_one_or_a_marker_is_found(storage: Storage):
    storage.put("cam/cam.jpg", Metadata=LONG_AGO)
    storage.put("cam/cam.jpg", PICTURE + b"young", Metadata={"captured-at": "2026-02-20T09:00:00Z"})
    storage.put("cam/hidden.jpg", Metadata=LONG_AGO)
    storage.delete("cam/hidden.jpg")
    _, _, report = storage.look(a_list())
    assert ["2 recordings are past the limit, and no exception names them"] == texts(
        report, Verdict.VIOLATED
    )


def test_metadata_and_a_declared_name_are_both_believed_and_the_earlier_counts(storage: Storage):
    storage.put(f"cam/{YOUNG}.jpg", Metadata=LONG_AGO)
    storage.put(f"cam/{OLD}.jpg", PICTURE + b"b", Metadata={"captured-at": "2026-02-20T09:00:00Z"})
    _, found, _ = storage.look(a_list())
    assert {date(2026, 1, 5)} == {judged.civil for judged in found.values()}


def test_what_the_list_names_is_excepted_for_its_reason(storage: Storage):
    mark = storage.put(f"cam/{OLD}.jpg")
    storage.put(f"cam/{OLD}b.jpg", PICTURE + b"b")
    _, found, report = storage.look(a_list((Reason.HELD, mark)))
    assert (Standing.EXCEPTED, "held") == (
        found[f"cam/{OLD}.jpg"].standing,
        found[f"cam/{OLD}.jpg"].note,
    )
    assert ["1 recording is past the limit, and no exception names them"] == texts(
        report, Verdict.VIOLATED
    )


def test_what_cannot_be_dated_is_told_apart_until_the_servers_own_word_is_too_old(storage: Storage):
    """LastModified dates nothing, and yet nothing is younger than it."""
    storage.put("cam/picture.jpg")
    today = storage.today()
    _, found, report = storage.look(a_list(at=today), now=today)
    assert Standing.UNDATED is found["cam/picture.jpg"].standing
    assert ["1 recording cannot be dated, and no list names them"] == texts(report, Verdict.UNKNOWN)
    later = Instant(today + 70 * DAY)
    _, found, report = storage.look(a_list(at=later), now=later)
    assert Standing.PAST_LIMIT is found["cam/picture.jpg"].standing
    assert Verdict.VIOLATED is report.verdict


def test_an_upload_that_nobody_completed_is_as_old_as_its_beginning(storage: Storage):
    meant = {"Bucket": storage.bucket, "Key": f"{storage.prefix}cam/{OLD}+ä.jpg"}
    begun = storage.client.create_multipart_upload(**meant)["UploadId"]
    today = storage.today()
    _, found, report = storage.look(a_list(at=today), now=today)
    assert Standing.IN_TIME is found[f"cam/{OLD}+ä.jpg"].standing, "and not as old as its name"
    assert Verdict.OK is report.verdict
    later = Instant(today + 70 * DAY)
    _, found, report = storage.look(a_list(at=later), now=later)
    assert What.UPLOAD is found[f"cam/{OLD}+ä.jpg"].what
    assert ["1 unfinished upload is past the limit, and no exception names them"] == texts(
        report, Verdict.VIOLATED
    )
    named = a_list((Reason.BLOCKED, fingerprint_begun(begun)), at=later)
    assert Verdict.OK is storage.look(named, now=later)[2].verdict


def test_a_marker_is_left_over_when_no_version_is_below_it(storage: Storage):
    storage.put(f"cam/{YOUNG}.jpg")
    for key in (f"cam/{YOUNG}.jpg", f"cam/{OLD}.jpg", "cam/no-recording.tmp"):
        storage.delete(key)
    scan, found, report = storage.look(a_list())
    assert What.MARKER is found[f"cam/{OLD}.jpg"].what
    assert ["1 delete marker without a version is past the limit, and no exception names them"] == (
        texts(report, Verdict.VIOLATED)
    )
    assert 1 == scan.others, "the mark of the store"
    today = storage.today()
    assert storage.put("cam/whatever.jpg")
    [version] = storage.client.list_object_versions(
        Bucket=storage.bucket, Prefix=f"{storage.prefix}cam/whatever"
    )["Versions"]
    storage.delete("cam/whatever.jpg")
    storage.delete("cam/whatever.jpg", VersionId=version["VersionId"])
    _, found, _ = storage.look(a_list(at=today), now=today)
    assert Standing.UNDATED is found["cam/whatever.jpg"].standing


def rows(*keys: str) -> list[dict[str, str]]:
    return [{"Key": key} for key in keys]


def test_markers_of_a_key_wait_for_the_rest_of_it_on_the_next_page():
    pages = [
        (rows("a", "c"), rows("b", "d")),
        (rows("d"), rows("c", "e")),
        (rows("f"), rows("f", "g")),
        (rows(), rows("g", "h")),
    ]
    pages[1] = (rows("d"), rows("d", "e"))
    bare = [row["Key"] for _, markers in _bare(pages) for row in markers]
    assert ["b", "e", "g", "g", "h"] == bare
    assert [] == [m for _, m in _bare([(rows("k"), rows()), (rows(), rows("k"))]) if m]
    assert [] == [m for _, m in _bare([(rows(), rows("k")), (rows("k"), rows())]) if m]


def test_more_versions_than_a_page_holds_in_memory_of_a_page(plain: Storage):
    """Of one key, and under as many names: a page ends amid either."""
    for number in range(1200):
        plain.put("cam/cam.jpg", b"%d" % number, Metadata=LONG_AGO)
    looked = Bucket(plain.reader(), Place(plain.bucket, ""), STORE)
    scan = Rescan(looked, chain=plain.chain, group="lockers", exceptions=a_list(), now=NOW)
    assert 1200 == sum(1 for _ in scan.recordings())
    assert 1200 == sum(tally.files for tally in scan.counts.values())


def test_of_a_large_object_the_ends_are_asked_for_and_no_more(plain: Storage, proxy: Proxy):
    size = 6 << 20
    meant = {"Bucket": plain.bucket, "Key": "cam/large.mp4"}
    upload = plain.client.create_multipart_upload(**meant)["UploadId"]
    parts = []
    for number in (1, 2):
        body = b"\0" * (5 << 20) if number == 1 else b"\0" * (size - (5 << 20))
        etag = plain.client.upload_part(**meant, UploadId=upload, PartNumber=number, Body=body)[
            "ETag"
        ]
        parts.append({"ETag": etag, "PartNumber": number})
    plain.client.complete_multipart_upload(
        **meant, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    plain.endpoint = proxy.endpoint
    _, found, _ = plain.look(a_list())
    assert size == found["cam/large.mp4"].size
    passed = sum(sent for line, sent in proxy.sent if "/cam/large.mp4" in line)
    assert passed < 256 * 1024


def test_nothing_can_be_changed_with_the_auditors_keys(plain: Storage):
    plain.put(f"cam/{YOUNG}.jpg")
    reader = plain.reader()
    forbidden = [
        lambda: reader.delete_object(Bucket=plain.bucket, Key=f"cam/{YOUNG}.jpg"),
        lambda: reader.put_object(Bucket=plain.bucket, Key="cam/new.jpg", Body=b""),
        lambda: reader.create_multipart_upload(Bucket=plain.bucket, Key="cam/new.jpg"),
    ]
    for act in forbidden:
        with pytest.raises(reader.exceptions.ClientError, match="AccessDenied"):
            act()


def test_what_may_not_be_read_is_unknown(plain: Storage):
    plain.put(f"cam/{YOUNG}.jpg")
    plain.keys = plain.gateway.reader(plain.bucket, without="GetObjectVersion")
    scan, _, report = plain.look(a_list())
    assert scan.unread
    assert Verdict.UNKNOWN is report.verdict


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("404 NoSuchBucket", "the bucket is not there"),
        ("403 InvalidAccessKeyId", "does not know these credentials"),
        ("403 SignatureDoesNotMatch", "refuses these credentials"),
        ("403 AccessDenied", "may not list the bucket, or not all of it"),
        ("400 Strange", "server said Strange"),
    ],
)
@pytest.mark.parametrize("which", ["versions=", "versions", "uploads"])
def test_a_listing_that_is_refused_half_way_is_unknown(
    plain: Storage, proxy: Proxy, answer: str, told: str, which: str
):
    """The first page, the second one, and the uploads after all versions were seen."""
    for number in range(3):
        plain.put(f"cam/{YOUNG}-{number}.jpg", b"%d" % number)
    plain.endpoint = proxy.endpoint
    having = ("versions", "key-marker=cam") if which == "versions=" else (which,)
    status, _, code = answer.partition(" ")
    proxy.say(int(status), code, *having, times=9)
    client = _short_pages(plain.reader())
    looked = Bucket(client, Place(plain.bucket, ""), STORE)
    scan = Rescan(looked, chain=plain.chain, group="lockers", exceptions=a_list(), now=NOW)
    with pytest.raises(StoreUnreachableError, match=told):
        list(scan.recordings())


@pytest.mark.parametrize(
    "body",
    [b"<Error><Code>InternalError</Code></Error>", b"<html><body>Please log in.</body></html>"],
)
@pytest.mark.parametrize("which", ["versions", "uploads"])
def test_what_is_no_listing_is_no_clean_bucket(
    plain: Storage, proxy: Proxy, body: bytes, which: str
):
    plain.put(f"cam/{OLD}.jpg")
    proxy.twist(lambda _: body, which, times=9)
    plain.endpoint = proxy.endpoint
    with pytest.raises(StoreUnreachableError):
        plain.look(a_list())


@pytest.fixture
def mocked(moto: S3Server, honest_chain: Chain) -> Iterator[Storage]:
    """In AWS's dialect; moto knows no rights."""
    bucket = moto.bucket(versioning="Enabled")
    yield from _storage(moto, bucket, honest_chain, "", (ACCESS, SECRET))


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE"])
def test_what_is_archived_is_judged_by_what_stands_beside_its_bytes(mocked: Storage, kind: str):
    mocked.put(f"calls/{OLD}.wav", b"1", StorageClass=kind, Metadata=LONG_AGO)
    mocked.put("calls/a.wav", b"2", StorageClass=kind)
    mocked.put("calls/a", b"3", StorageClass=kind)
    mocked.put("cam/b.jpg", Metadata=LONG_AGO)
    scan, found, report = mocked.look(a_list(), now=mocked.today())
    assert {f"calls/{OLD}.wav": Standing.PAST_LIMIT, "calls/a.wav": Standing.UNDATED} == {
        path: each.standing for path, each in found.items() if path.startswith("calls/")
    }
    assert Standing.PAST_LIMIT is found["cam/b.jpg"].standing
    assert 1 == scan.unread, "what may be anything"
    assert any("archived" in text for text in texts(report, Verdict.UNKNOWN))


def _short_pages(client: Any) -> Any:
    """Have the server give two entries a page."""

    def shorten(params: dict[str, Any], **_: object) -> None:
        params["MaxKeys"] = 2

    client.meta.events.register("before-parameter-build.s3.ListObjectVersions", shorten)
    return client


@pytest.mark.parametrize("mark", ["", "<NextKeyMarker>a</NextKeyMarker>"])
def test_a_listing_that_does_not_go_on_is_unknown(plain: Storage, proxy: Proxy, mark: str):
    page = f"<ListVersionsResult><IsTruncated>true</IsTruncated>{mark}</ListVersionsResult>"
    proxy.twist(lambda _: page.encode(), "versions", times=9)
    plain.endpoint = proxy.endpoint
    with pytest.raises(StoreUnreachableError, match="does not go on"):
        plain.look(a_list())


def test_behind_a_wrong_prefix_nothing_is_green(plain: Storage):
    plain.put("empty/place.txt", b"")
    for prefix, told in [("lokers/", "no store is enrolled"), ("other/", "'terminal-2'")]:
        plain.prefix = prefix
        if prefix == "other/":
            plain.put(".retention/store", b"terminal-2\n1\n")
        with pytest.raises(StoreUnreachableError, match=told):
            plain.look(a_list())


def test_a_place_is_written_as_other_clients_write_it():
    assert Place("b", "") == Place.parse("s3://b") == Place.parse("s3://b/")
    assert Place("b", "calls/") == Place.parse("s3://b/calls") == Place.parse("s3://b/calls/")
    with pytest.raises(ConfigError, match="names no bucket"):
        Place.parse("s3:///calls")


@pytest.fixture
def command(plain: Storage, honest: Any, tmp_path: Any, keys: Any) -> Any:
    """Run the command as a person would."""
    (tmp_path / "policy.jsonl").write_bytes(honest.members[bundle.POLICY])
    listed = envelope.seal(exceptions.KIND, codec.encode(a_list()), [keys.directive])
    (tmp_path / "exceptions.json").write_bytes(envelope.encode(listed))

    def run(*more: str, url: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"AWS_ACCESS_KEY_ID": plain.keys[0], "AWS_SECRET_ACCESS_KEY": plain.keys[1]}
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return subprocess.run(
            [
                *(sys.executable, "-m", "auditor.cli", "rescan", url or f"s3://{plain.bucket}"),
                *("--endpoint", plain.endpoint, "--store", STORE, "--group", "lockers"),
                *("--policy", str(tmp_path / "policy.jsonl"), "--pin", honest.pin.hex()),
                *("--exceptions", str(tmp_path / "exceptions.json")),
                *("--now", "2026-03-10T12:00:00+02:00", *more),
            ],
            capture_output=True,
            check=False,
            text=True,
            env={**kept, "HOME": str(tmp_path), **(known | environment)},
        )

    return run


def test_the_command_ends_with_0_1_or_2_and_names_versions(plain: Storage, command: Any):
    assert 0 == command().returncode
    plain.put(f"cam/{OLD}.jpg")
    done = command()
    assert (1, "") == (done.returncode, done.stderr)
    assert f"past limit   2026-01-05  cam/{OLD}.jpg;" in done.stdout
    told = json.loads(command("--json").stdout)
    assert "recording" == told["recordings"][0]["what"]


def test_a_users_mistake_is_one_sentence_and_2(plain: Storage, command: Any):
    mistakes = {
        "does not know these credentials": command(AWS_ACCESS_KEY_ID="nobody"),
        "refuses these credentials": command(AWS_SECRET_ACCESS_KEY="wrong"),
        "bucket is not there": command(url="s3://no-such-bucket"),
        "no store is enrolled": command(url=f"s3://{plain.bucket}/elsewhere"),
        "names no bucket": command(url="s3://"),
        "no credentials": command(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""),
        "could not be found": command("--profile", "nobody"),
        "does not answer": command("--endpoint", "http://127.0.0.1:9"),
        "cannot be asked so": command("--endpoint", "nonsense"),
    }
    for sentence, done in mistakes.items():
        assert (2, 1) == (done.returncode, done.stderr.count("\n")), (sentence, done.stderr)
        assert sentence in done.stderr
        assert "OK" not in done.stdout


def test_what_speaks_to_a_bucket_is_loaded_for_a_bucket_alone():
    code = "import sys, auditor.cli\nprint([m for m in ('botocore', 'boto3') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == ran.stdout.strip()


@pytest.mark.usefixtures("command")
def test_the_single_file_says_what_it_lacks_for_a_bucket(
    single_file: Any, honest: Any, tmp_path: Any
):
    """It brings no library of S3: where the machine has none either, that is the sentence."""
    ran = subprocess.run(
        [
            *(sys.executable, "-I", "-S", str(single_file), "rescan", "s3://b", "--store", STORE),
            *("--group", "lockers", "--policy", str(tmp_path / "policy.jsonl")),
            *("--pin", honest.pin.hex()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 2 == ran.returncode
    assert "auditor: install botocore to look into a bucket\n" == ran.stderr
