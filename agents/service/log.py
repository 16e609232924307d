"""What the agent logs: one JSON object per line, and only facts that cannot name a person (I8).

An event is a constant phrase, what varies is a fact out of `FACTS`, passed in `extra`. Of an
exception its type and where it passed are told, and of a library's message who and where: neither
text is ours, and either may quote a file's name.

The standard library's logging does it. structlog brings asyncio along, 4 MiB on every terminal.
"""

import logging
import sys
import traceback
from datetime import UTC

import msgspec

from retention.calendar import Instant, iso

FACTS = ("task", "reason")

#: Our own loggers are below this one.
ROOT = "agents"


def logger() -> logging.Logger:
    """The agent's logger; all that is warned of goes to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return logging.getLogger(ROOT)


class JsonLines(logging.Formatter):
    """Writes a record as a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, without the line feed."""
        line: dict[str, object] = {
            "at": iso(Instant(int(record.created)), UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FACTS if hasattr(record, name)}
        if record.name.partition(".")[0] != ROOT:
            line["event"] = "a library logged"
            line["kind"] = f"{record.name}:{record.funcName}:{record.lineno}"
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            line["error"] = f"{kind.__module__}.{kind.__qualname__}"
            line["frames"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(trace)
            ]
        return msgspec.json.encode(line).decode()
