"""What the enforcer logs: one JSON object per line, and only fields that cannot name a person (I8).

An event is a constant phrase; everything that varies is a field, and a field that is not on the
list is left out and named. Of an exception its type and where it passed are told, never its text:
that can quote what somebody sent.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

FIELDS = frozenset(
    {
        "address",
        "attempt",
        "at",
        "bytes",
        "certificates",
        "count",
        "epoch",
        "error",
        "event",
        "frames",
        "kind",
        "level",
        "method",
        "milliseconds",
        "omitted",
        "person",
        "policy",
        "reason",
        "route",
        "seconds",
        "size",
        "status",
        "store",
        "task",
        "version",
    }
)

_LIBRARIES = "site-packages"

_Event = MutableMapping[str, Any]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str) -> None:
    """Send structlog's and the libraries' events of this level and above to standard error."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _frames,
            allow_listed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries(max(threshold, logging.WARNING))], force=True)


def allow_listed(_logger: Any, _method: str, event: _Event) -> _Event:
    """Drop every field that is not on the list, and say which."""
    omitted = sorted(event.keys() - FIELDS)
    for name in omitted:
        del event[name]
    if omitted:
        event["omitted"] = omitted
    return event


class _Libraries(logging.Handler):
    """What libraries log: who and where, not the message, which we did not write."""

    def emit(self, record: logging.LogRecord) -> None:
        where = f"{record.name}:{record.funcName}:{record.lineno}"
        structlog.get_logger().log(
            record.levelno, "a library logged", kind=where, exc_info=record.exc_info or None
        )


def _frames(_logger: Any, _method: str, event: _Event) -> _Event:
    found = _exception(event.pop("exc_info", None))
    if found is not None:
        kind, _, trace = found
        event["error"] = f"{kind.__module__}.{kind.__qualname__}"
        passed = traceback.extract_tb(trace)
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in passed
            if _LIBRARIES not in frame.filename or frame is passed[-1]
        ]
    return event


def _exception(exc_info: Any) -> _ExcInfo | None:
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple) and exc_info[0] is not None:
        return exc_info
    kind, value, trace = sys.exc_info()
    return (kind, value, trace) if exc_info and kind and value else None
