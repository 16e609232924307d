"""AWS's dialect of S3, as `moto` mocks it: it listens on loopback, in a thread of this process.

It is asked what neither Ceph's gateway nor the server in memory shows: storage classes out of which
nothing is read, and configurations in AWS's own words. What a deletion leaves is Ceph's to show.
"""

import logging
from typing import Any

from moto.s3.models import S3Backend
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
from s3_server import S3Server


class Moto(S3Server):
    """A running mock."""

    refuses = "\n"  # AWS takes it: the mock's addresses are matched line by line

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells each request
        self._mock = ThreadedMotoServer("127.0.0.1", 0, verbose=False)

    def start(self) -> None:
        """Listen on a port of its own."""
        S3Backend.list_object_versions = _listed  # type: ignore[method-assign]
        S3Response.head_object = _head  # type: ignore[method-assign]
        self._mock.start()
        host, port = self._mock.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"

    def stop(self) -> None:
        """End it, and give its port back, which it does not by itself."""
        super().stop()
        self._mock.stop()
        assert self._mock._server is not None
        self._mock._server.server_close()
        S3Backend.list_object_versions = _moto_listed  # type: ignore[method-assign]
        S3Response.head_object = _moto_head  # type: ignore[method-assign]


_moto_listed, _moto_head = S3Backend.list_object_versions, S3Response.head_object


def _listed(
    self: S3Backend,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    version_id_marker: str | None = None,
    **more: Any,
) -> Any:
    """Go on behind a key as AWS documents it: behind all of its versions, and behind no other's.

    moto leaves out the first version of the key or of whatever comes after it, and no more.
    """
    if key_marker and not version_id_marker:
        passed = [
            version
            for name, versions in self.get_bucket(bucket_name).keys.iterlists()
            for version in versions
            if name <= key_marker
            or (delimiter and key_marker.endswith(delimiter) and name.startswith(key_marker))
        ]
        last = max(passed, key=lambda v: (v.name, -v.last_modified.timestamp()), default=None)
        key_marker = None if last is None else last.name
        version_id_marker = None if last is None else str(last.version_id)
    return _moto_listed(
        self,
        bucket_name,
        delimiter=delimiter,
        key_marker=key_marker,
        version_id_marker=version_id_marker,
        **more,
    )


def _head(
    self: S3Response,
    bucket_name: str,
    query: dict[str, Any],
    key_name: str,
    headers: dict[str, Any],
) -> Any:
    """Know the version `null` of a bucket that keeps none, as AWS does; moto refuses any id there."""
    if query.get("versionId") == ["null"] and not self.backend.get_bucket(bucket_name).is_versioned:
        query = {name: value for name, value in query.items() if name != "versionId"}
    return _moto_head(self, bucket_name, query, key_name, headers)
