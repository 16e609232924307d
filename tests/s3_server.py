"""What the tests ask of any S3 server that listens on loopback, whoever speaks there."""

import itertools
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from agents.engine.clock import SystemClock
from agents.stores.bucket.access import Access
from agents.stores.bucket.wire import Place as At
from agents.stores.bucket.wire import Wire

ACCESS, SECRET = "accesskey1", "secretkey123"


class Keys(Access):
    """Keys that are known, wherever they came from."""

    def __init__(self, access: str, secret: str) -> None:
        self._found = Credentials(access, secret, method="test")


class S3Server:
    """`client` speaks to it; `bucket` makes an empty bucket of its own."""

    endpoint: str
    refuses = ""  # signs that it takes in no key

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def wire(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        timeout: float = 60,
        keys: tuple[str, str] = (ACCESS, SECRET),
    ) -> Wire:
        """The agent's own wire to a bucket; with every right there is, unless it is given other keys.

        It waits for nobody.
        """
        place = At(endpoint or self.endpoint, bucket, "us-east-1")
        return Wire(
            place, Keys(*keys), wall=SystemClock().wall, timeout=timeout, sleep=lambda _: None
        )

    @cached_property
    def shared(self) -> Any:
        """A client that lasts as long as the server."""
        return self.client()

    def client(
        self, *, retries: int = 0, keys: tuple[str, str] = (ACCESS, SECRET), endpoint: str = ""
    ) -> Any:
        """A boto3 client; with every right there is, unless it is given other keys."""
        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(
                retries={"total_max_attempts": retries + 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def bucket(self, *, versioning: str = "", lock: bool = False) -> str:
        """Make a bucket; `versioning` is empty, `Enabled` or `Suspended`. A lock needs versions."""
        name = f"bucket-{next(self._numbers)}"
        self.shared.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        if versioning:
            for status in dict.fromkeys(("Enabled", versioning)):
                self.shared.put_bucket_versioning(
                    Bucket=name, VersioningConfiguration={"Status": status}
                )
        return name

    def stop(self) -> None:
        """Close the client that lasted."""
        if "shared" in self.__dict__:
            self.shared.close()
