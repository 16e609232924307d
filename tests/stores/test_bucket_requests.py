"""How a request to a bucket is signed, and how the answer to a HEAD is read."""

import base64
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

import pytest
from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st
from s3_server import Keys
from waiting import NEVER_SECONDS

from agents.stores.bucket.heads import ask_head
from agents.stores.bucket.signing import Signer
from agents.stores.bucket.wire import Place, Wire, encoded

HOST = "s3.example:9000"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=32)


def target_of(key: str, version: str) -> str:
    return f"/bucket/{quote(key, safe='/~')}?tagging=&{encoded(versionId=version)}"


@given(
    method=st.sampled_from(["HEAD", "PUT"]),
    target=st.builds(target_of, TEXT, TEXT),
    etag=IDS,
    body=st.binary(max_size=40),
    token=st.sampled_from([None, "of a role"]),
)
def test_a_signature_is_the_one_that_botocore_makes(
    method: str, target: str, etag: str, body: bytes, token: str | None
):
    headers = {"Range": "bytes=0-9", "If-Match": f'"{etag}"'}
    keys = ReadOnlyCredentials("access", "secret", token)
    theirs = AWSRequest(method, f"https://{HOST}{target}", headers=dict(headers), data=body)
    S3SigV4Auth(keys, "s3", "eu-north-1").add_auth(theirs)
    stamp = datetime.strptime(theirs.headers["X-Amz-Date"], SIGV4_TIMESTAMP).replace(tzinfo=UTC)

    signer = Signer(HOST, "eu-north-1")
    ours = signer.signed(method, target, headers, body, by=keys, at=stamp.timestamp())
    assert {n.lower(): v for n, v in theirs.headers.items()} | {"host": HOST} == ours


def test_a_signature_is_the_one_of_the_reference():
    """The example `GET Object` of the S3 API reference, and the same keys on the next day."""
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    keys = ReadOnlyCredentials("AKIAIOSFODNN7EXAMPLE", secret, None)
    signer = Signer("examplebucket.s3.amazonaws.com", "us-east-1")
    midnight = datetime(2013, 5, 24, tzinfo=UTC).timestamp()

    def signature(at: float) -> str:
        said = signer.signed("GET", "/test.txt", {"Range": "bytes=0-9"}, b"", by=keys, at=at)
        return said["authorization"].rpartition("=")[2]

    known = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert known == signature(midnight)
    assert known != signature(midnight + 86_400)
    assert known == signature(midnight)


def test_a_body_goes_with_its_md5_and_with_no_newer_checksum():
    """Deletions and legal holds are refused without one, and by older servers with a newer one."""
    wire = Wire(Place(f"http://{HOST}", "b", "eu-north-1"), Keys("a", "s"), wall=lambda: 0.0)
    body = b"<Delete/>"
    said = wire._signed("POST", "/b?delete=", {}, body)
    md5 = hashlib.md5(body, usedforsecurity=False).digest()
    assert base64.b64encode(md5).decode() == said["content-md5"]
    assert "SignedHeaders=content-md5;host;" in said["authorization"]
    assert not any("checksum" in name or "trailer" in name for name in said)
    assert "content-md5" not in wire._signed("GET", "/b/a", {}, b"")


Answering = Callable[[bytes], HTTPConnection]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Make a connection to a server that answers with these bytes, and closes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        made: list[HTTPConnection] = []

        def make(answer: bytes) -> HTTPConnection:
            def serve() -> None:
                with listening.accept()[0] as accepted, suppress(OSError):  # who asked may be gone
                    accepted.recv(65_536)
                    accepted.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            made.append(HTTPConnection(*listening.getsockname()[:2], timeout=NEVER_SECONDS))
            return made[-1]

        yield make
        for each in made:
            each.close()


def test_a_head_is_its_status_and_its_headers(answering: Answering):
    told = b'HTTP/1.1 200 OK\r\nETag: "a:b"\r\nx-amz-meta-Who:  caf\xe9 \r\n\r\n'
    head = ask_head(answering(told), "/b/a", {})
    assert (200, {"etag": '"a:b"', "x-amz-meta-who": "caf\xe9"}, True) == head
    assert ask_head(answering(b"HTTP/1.1 404\r\n\r\n"), "/b/a", {}) == (404, {}, True)


def test_a_head_that_comes_behind_another_word_of_the_server_is_waited_for(answering: Answering):
    told = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    assert (200, {}, True) == ask_head(answering(told), "/b/a", {})


@pytest.mark.parametrize(
    "told",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n<Error>that a HEAD has not</Error>",
    ],
)
def test_a_connection_that_ends_or_is_out_of_step_is_not_used_again(
    answering: Answering, told: bytes
):
    assert not ask_head(answering(told), "/b/a", {}).stays


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nETag: a",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 103\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 30_000,
    ],
)
def test_what_is_no_answer_or_does_not_end_is_none(answering: Answering, told: bytes):
    with pytest.raises((HTTPException, OSError)):
        ask_head(answering(told), "/b/a", {})
