"""Why people signed: words that stay at the centre, and the commitment to them that is signed (I8).

What two people signed is kept for good, goes to agents and is shown to inspectors; a reason may name
somebody, and no pattern knows a plain name. So a document carries a commitment in place of the words
(docs/ledger-format.md, Reasons). Documents of earlier versions carry the words themselves.
"""

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from retention import ledger
from retention.bounds import Text
from retention.errors import MalformedError, VerificationError

_COMMITMENT = re.compile(r"hmac-sha256:[0-9a-f]{64}")


class SaltedReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person typed, and 32 random bytes without which nobody can try out what it was."""

    salt: Annotated[bytes, Meta(min_length=ledger.SALT_BYTES, max_length=ledger.SALT_BYTES)]
    words: Text

    @property
    def commitment(self) -> str:
        """What stands in the document: `hmac-sha256:` and HMAC-SHA256(salt, words in UTF-8) in hex.

        `MalformedError` if the words are not Unicode.
        """
        try:
            words = self.words.encode()
        except UnicodeEncodeError as error:
            raise MalformedError("a reason holds text that is not Unicode") from error
        return f"hmac-sha256:{ledger.commitment(self.salt, words).hex()}"


def is_commitment(reason: str) -> bool:
    """Whether the reason in a document is a commitment, and not the words of an earlier version."""
    return _COMMITMENT.fullmatch(reason) is not None


def opened(reason: str, told: Iterable[SaltedReason]) -> str:
    """The words that the reason in a document stands for; `VerificationError` if none of these are."""
    if not is_commitment(reason):
        return reason
    for each in told:
        if each.commitment == reason:
            return each.words
    raise VerificationError("the words of its reason are not those that were signed, or are gone")
