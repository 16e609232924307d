"""List a bucket without changing it: all versions, delete markers, and uploads that nobody completed.

Over botocore, with credentials of the auditor's own that may list and read and nothing else. Memory
grows with a page of the listing, never with the bucket.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from auditor.objects import Marker, Row, Upload, Version, reaching, reading
from auditor.storage import Unread
from retention.errors import ConfigError, StoreUnreachableError, UnreadableError

IDENTITY = ".retention/store"
"""Below a store's prefix: its id, written at enrolment."""

AT_ONCE = 8
PAGE = 1000
TRIES = 4


class Place(NamedTuple):
    """A bucket, or what of one has a prefix: empty, or one that ends with `/`."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "Place":
        """What `s3://BUCKET/PREFIX` names; `ConfigError` if it names nothing."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigError(f"{url!r} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else prefix + "/")


def connect(*, endpoint: str | None, region: str, profile: str | None) -> Any:
    """A client with the credentials of the environment or of a profile; `ConfigError` without any."""
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        s3={"addressing_style": "path"},
    )
    try:
        session = Session(profile=profile)
        # Else servers that send the checksum of a whole object with a part of it are not understood.
        session.set_config_variable("response_checksum_validation", "when_required")
        if session.get_credentials() is None:
            raise ConfigError(
                "no credentials for the bucket: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or"
                " name a --profile of ~/.aws/credentials"
            )
        return session.create_client("s3", region, endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"the bucket's server cannot be asked so: {error}") from error


class Bucket:
    """A `Storage`. First it is asked whether it is this store's: behind a wrong prefix nothing lies."""

    def __init__(self, client: Any, place: Place, store: str) -> None:
        self._client = client
        self._place = place
        self._store = store

    def __call__(self, unread: Unread) -> Iterator[Version | Upload | Marker]:
        """See `Storage`. `unread` hears nothing: a listing that is refused is an error."""
        del unread
        self._must_be_enrolled()
        with ThreadPoolExecutor(AT_ONCE) as crew:
            for versions, markers in _bare(self._versions()):
                yield from (Marker(row, self._place.prefix) for row in markers)
                yield from crew.map(self._looked_at, versions)
        for row in self._uploads():
            yield Upload(row, self._place.prefix)

    def _must_be_enrolled(self) -> None:
        key = self._place.prefix + IDENTITY
        try:
            with reading():
                answer = self._client.get_object(Bucket=self._place.bucket, Key=key)
                found = answer["Body"].read(1024).decode("utf-8", "replace").split("\n")[0].strip()
        except UnreadableError as error:  # who may not list is not told whether it is there
            told = "no store is enrolled at this prefix, or these credentials may not read it"
            raise StoreUnreachableError(told) from error
        if found != self._store:
            raise StoreUnreachableError(f"another store is enrolled at this prefix: {found[:80]!r}")

    def _looked_at(self, row: Row) -> Version:
        return Version(row, self._place.prefix, self._client, self._place.bucket)

    def _versions(self) -> Iterator[tuple[list[Row], list[Row]]]:
        """Versions and markers, page by page."""
        ask = self._client.list_object_versions
        for page in self._pages(ask, "VersionIdMarker", MaxKeys=PAGE):
            yield page.get("Versions", []), page.get("DeleteMarkers", [])

    def _uploads(self) -> Iterator[Row]:
        """Unfinished uploads; their keys as they are: Ceph does not say whether it encoded them."""
        ask = self._client.list_multipart_uploads
        for page in self._pages(ask, "UploadIdMarker", MaxUploads=PAGE):
            yield from page.get("Uploads", [])

    def _pages(
        self, ask: Callable[..., dict[str, Any]], second: str, **options: object
    ) -> Iterator[dict[str, Any]]:
        """All pages of a listing. One that says there is more and not where is an error: no end."""
        bucket, prefix = self._place
        after: dict[str, str] = {}
        while True:
            with reaching():
                page = ask(Bucket=bucket, Prefix=prefix, **options, **after)
            yield page
            if page.get("IsTruncated") is False:
                return
            marks = {mark: page.get(f"Next{mark}") or "" for mark in ("KeyMarker", second)}
            following = {mark: value for mark, value in marks.items() if value}
            if "KeyMarker" not in following or following == after:
                raise StoreUnreachableError("the server's listing does not go on from where it was")
            after = following


def _bare(pages: Iterable[tuple[list[Row], list[Row]]]) -> Iterator[tuple[list[Row], list[Row]]]:
    """Versions as they come, and those markers whose key has no version.

    The entries of one key may go on in the next page: markers wait until another key is met.
    """
    waiting: dict[str, list[Row]] = defaultdict(list)
    last = ""  # the key that a version of was met last
    for versions, markers in pages:
        for row in markers:
            waiting[row["Key"]].append(row)
        alive = {row["Key"] for row in versions} | {last}
        open_key = max((row["Key"] for row in (*versions, *markers)), key=str.encode, default=last)
        done = [key for key in waiting if key in alive or key != open_key]
        left = {key: waiting.pop(key) for key in done}
        yield versions, [row for key, rows in left.items() if key not in alive for row in rows]
        last = open_key if open_key in alive else ""
    yield [], [row for rows in waiting.values() for row in rows]
