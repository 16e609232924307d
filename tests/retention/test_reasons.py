"""What is signed of a reason says nothing of it, and proves it to whoever has words and salt."""

import subprocess
from collections.abc import Callable

import pytest

from retention import codec
from retention.errors import MalformedError, VerificationError
from retention.reasons import SaltedReason, is_commitment, opened

SALT = bytes(range(32))
REASON = SaltedReason(SALT, "lūdza Jānis Bērziņš")
OTHER = SaltedReason(SALT, "lūdza Anna Bērziņa")


def test_a_commitment_is_what_openssl_makes_of_words_and_salt(need: Callable[[str], str]):
    """So an inspector needs no program of ours (docs/for-inspectors.md)."""
    command = [
        need("openssl"),
        "dgst",
        "-sha256",
        "-mac",
        "HMAC",
        "-macopt",
        f"hexkey:{SALT.hex()}",
    ]
    done = subprocess.run(command, input=REASON.words.encode(), capture_output=True, check=True)
    assert REASON.commitment == f"hmac-sha256:{done.stdout.decode().split()[-1]}"


def test_words_are_what_a_commitment_stands_for_and_no_others():
    assert is_commitment(REASON.commitment)
    assert REASON.words == opened(REASON.commitment, [OTHER, REASON])
    for told in ([], [OTHER], [SaltedReason(bytes(32), REASON.words)]):
        with pytest.raises(VerificationError, match="not those that were signed"):
            opened(REASON.commitment, told)


@pytest.mark.parametrize("words", ["closed", "", f"{REASON.commitment} ", "hmac-sha256:", "a" * 64])
def test_what_an_earlier_version_signed_is_its_words(words: str):
    assert not is_commitment(words)
    assert words == opened(words, [])


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_salt_of_another_length_is_none(length: int):
    with pytest.raises(MalformedError):
        codec.decode(codec.encode(SaltedReason(bytes(length), "closed")), SaltedReason)


def test_words_that_are_no_text_commit_to_nothing():
    with pytest.raises(MalformedError, match="not Unicode"):
        _ = SaltedReason(SALT, "\udcff").commitment
