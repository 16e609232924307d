"""Signing requests by AWS Signature Version 4, in the form that travels in headers.

As the S3 API reference has it ("Authenticating Requests: Using the Authorization Header"), every
header signed, and the path taken as it is. botocore's signer does the same in four times the time,
and a sweep signs a request per version; the tests hold the two against each other.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()


class Credentials(Protocol):
    """Who asks; `token` belongs to keys that expire."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs for one host and region. Any thread may ask."""

    def __init__(self, host: str, region: str) -> None:
        """`host` as the header says it: with the port, unless it is the scheme's own."""
        self._host = host
        self._region = region
        self._derived = ("", "", b"")  # a secret, a day, and the key made of them

    def signed(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        by: Credentials,
        at: float,
    ) -> dict[str, str]:
        """All headers of a request. `target`: path and query, quoted, in order; `at`: unix seconds."""
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
        day = stamp[:8]
        digest = hashlib.sha256(body).hexdigest() if body else _NO_BODY
        said = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        said |= {name.lower(): value for name, value in headers.items()}
        if by.token:
            said["x-amz-security-token"] = by.token
        path, _, query = target.partition("?")
        names = ";".join(sorted(said))
        lines = "".join(f"{name}:{said[name]}\n" for name in sorted(said))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{day}/{self._region}/s3/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = self._key(by.secret_key, day)
        signature = hmac.digest(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}".encode(), "sha256")
        said["authorization"] = (
            f"{_ALGORITHM} Credential={by.access_key}/{scope},"
            f" SignedHeaders={names}, Signature={signature.hex()}"
        )
        return said

    def _key(self, secret: str, day: str) -> bytes:
        known_secret, known_day, key = self._derived
        if (secret, day) != (known_secret, known_day):
            key = b"AWS4" + secret.encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = secret, day, key
        return key
