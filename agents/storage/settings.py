"""The settings of a bucket: the `[bucket]` table of an agent's TOML file."""

from pathlib import Path

import msgspec

from retention.errors import ConfigError


class BucketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a bucket is and who the agent is to it. Times are whole seconds."""

    endpoint: str  # https://s3.example:9000
    name: str
    prefix: str = ""  # empty: all of the bucket; else it ends with /
    region: str = "us-east-1"
    credentials: str | None = None  # a file like ~/.aws/credentials; None: environment or role
    profile: str | None = None  # of that file
    ca_file: str | None = None  # PEM; None: the system's authorities
    timeout: int = 60  # of one answer
    notifications: bool = False  # MinIO's listen_bucket_notification, as hints

    def check(self, where: Path) -> None:
        """`ConfigError` where it cannot be meant so."""
        if not self.endpoint.startswith(("http://", "https://")):
            raise ConfigError(f"{where}: bucket.endpoint begins with https:// or http://")
        if self.prefix and (self.prefix.startswith("/") or not self.prefix.endswith("/")):
            raise ConfigError(f"{where}: bucket.prefix does not begin with / and ends with one")
        if not self.name or "/" in self.name:
            raise ConfigError(f"{where}: bucket.name is the name of a bucket")
        if self.timeout < 1:
            raise ConfigError(f"{where}: bucket.timeout must be at least 1 second")
