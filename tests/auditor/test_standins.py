"""What the single file has instead of libraries written in C decides as those do."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from altered import a_change
from any_document import documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from auditor.standins import ed25519
from retention import codec
from retention.errors import MalformedError

_SLOW = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
#: Encodings of points of small order, and others that no honest key has.
STRANGE = [
    bytes(32),
    b"\1" + bytes(31),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    b"\xed" + b"\xff" * 30 + b"\x7f",
    b"\xff" * 32,
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


def by_libsodium(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS)
def test_the_vectors_of_the_standard_verify_and_no_other_message_does(vector):
    key, message, signature = map(bytes.fromhex, vector)
    assert ed25519.verify(key, message, signature)
    assert not ed25519.verify(key, message + b"!", signature)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.data())
@_SLOW
def test_it_agrees_with_libsodium_on_what_was_signed_and_on_what_was_changed(seed, message, data):
    signing = SigningKey(seed)
    key, signature = bytes(signing.verify_key), signing.sign(message).signature
    assert ed25519.verify(key, message, signature)
    for spoilt in (
        (data.draw(a_change(key)), message, signature),
        (key, message, data.draw(a_change(signature))),
        (key, message + b"\0", signature),
    ):
        assert by_libsodium(*spoilt) == ed25519.verify(*spoilt)


def test_a_signature_has_one_spelling():
    """S and S + L satisfy the same equation; only the smaller is accepted."""
    key, message, signature = map(bytes.fromhex, VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + _ORDER
    again = signature[:32] + s.to_bytes(32, "little")
    assert not ed25519.verify(key, message, again)
    assert not by_libsodium(key, message, again)


@pytest.mark.parametrize("key", STRANGE)
@pytest.mark.parametrize("r", STRANGE)
def test_no_key_or_point_of_small_order_verifies_anything(key, r):
    for s in (bytes(32), b"\1" + bytes(31)):
        assert not ed25519.verify(key, b"anything", r + s)
        assert by_libsodium(key, b"anything", r + s) is False


ASKED = """
import json, sys
from base64 import b64decode, b64encode
sys.path.insert(0, sys.argv[1])
from retention import acts, bundle, codec, envelope, errors, exceptions, ledger, policy, witness
kinds = {kind.__name__: kind for kind in (
    bundle.Book, bundle.HoldExtract, bundle.ItemAct, bundle.Manifest, bundle.Rescanned,
    envelope.Envelope, exceptions.Exceptions, ledger.LastHead, policy.Policy, witness.Watched,
    acts._Document, ledger._Document)}
both = {"acts": acts._Document, "ledger": ledger._Document}
for line in sys.stdin:
    name, data = line.split()
    try:
        found = codec.decode(b64decode(data), both.get(name) or kinds[name])
        print(b64encode(codec.encode(found)).decode(), flush=True)
    except errors.MalformedError:
        print("-", flush=True)
"""


@pytest.fixture(scope="session")
def alone(single_file: Path) -> Iterator[Callable[[str, bytes], bytes | None]]:
    """Decode a document with nothing but Python and the file; gives it encoded again, None if refused."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", ASKED, single_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout

    def ask(name: str, data: bytes) -> bytes | None:
        process.stdin.write(f"{name} {b64encode(data).decode() or '='}\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        return None if answer == "-" else b64decode(answer)

    yield ask
    process.stdin.close()
    process.wait()
    process.stdout.close()


def kinds():
    from retention import acts, bundle, envelope, exceptions, ledger, policy, witness  # noqa: PLC0415

    return {
        **{
            kind.__name__: kind
            for kind in (
                bundle.HoldExtract,
                bundle.ItemAct,
                bundle.Manifest,
                bundle.Rescanned,
                envelope.Envelope,
                exceptions.Exceptions,
                ledger.LastHead,
                policy.Policy,
                witness.Watched,
            )
        },
        "acts": acts._Document,
        "ledger": ledger._Document,
    }


@pytest.mark.parametrize("name", kinds())
def test_every_document_is_read_and_written_as_by_msgspec_and_every_change_refused_alike(
    alone, name
):
    kind = kinds()[name]

    @given(st.data())
    @_SLOW
    def holds(data):
        written = codec.encode(data.draw(documents(kind)))
        assert readable(written, kind) == (alone(name, written) == written)
        changed = data.draw(a_change(written))
        assert readable(changed, kind) == (alone(name, changed) is not None)

    holds()


def readable(data: bytes, kind: type) -> bool:
    try:
        codec.decode(data, kind)
    except MalformedError:
        return False
    return True


def test_the_same_sources_give_the_same_file(single_file: Path, tmp_path: Path):
    again = tmp_path / "auditor.pyz"
    subprocess.run([sys.executable, "-m", "auditor.pack", again], check=True)
    assert single_file.read_bytes() == again.read_bytes()


def test_it_looks_at_a_storage_with_nothing_but_python(single_file, honest, tmp_path):
    (tmp_path / "january.zip").write_bytes(honest.packed)
    root = tmp_path / "root"
    (root / "cam").mkdir(parents=True)
    (root / "cam" / "20260310-090000.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", single_file, "rescan", root),
            *("--bundle", tmp_path / "january.zip", "--store", "terminal-1", "--group", "lockers"),
            *("--now", "2026-03-10T12:00:00+02:00", "--pin", honest.pin.hex(), "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    [counted] = json.loads(done.stdout)["counts"]
    assert ("in_time", 1) == (counted["standing"], counted["files"])
