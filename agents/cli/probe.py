"""`retention-agent probe`: what time files say, and which the product would believe."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents.cli.lines import one_line
from agents.stores.files.opening import open_file
from retention.anchor import date_recording
from retention.calendar import Instant, iso
from retention.errors import ConfigError, UnreadableError
from retention.probes import NamePattern, ZoneKnowledge, probe

#: Nobody's camera is older: dates before are the factory's, not the recording's.
NO_RECORDER_BEFORE = Instant(946_684_800)  # 2000-01-01T00:00:00Z


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options of `probe`."""
    parser.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="or a directory: all files below it"
    )
    parser.add_argument(
        "--pattern",
        action="append",
        default=[],
        help="how names tell the time, such as '%%Y%%m%%d-%%H%%M%%S*'; once for each",
    )
    parser.add_argument(
        "--zone", default="Europe/Riga", help="of times without an offset [%(default)s]"
    )


def run(arguments: argparse.Namespace) -> int:
    """Probe each file and print what was found. 0, or 2 if a file could not be read."""
    try:
        zone = ZoneInfo(arguments.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"there is no time zone {arguments.zone!r}") from error
    patterns = [NamePattern.parse(text) for text in arguments.pattern]
    paths = [path for given in arguments.file for path in _files(given)]
    if not paths:
        raise ConfigError(f"there is no file below {', '.join(map(str, arguments.file))}")
    answers = [_answer(path, patterns, zone) for path in paths]
    if arguments.json:
        print(json.dumps(answers, indent=1))
    else:
        for answer in answers:
            print(f"{one_line(answer['path'])}: {answer['anchor'] or '-'} ({answer['reason']})")
    return 2 if any("error" in answer for answer in answers) else 0


def _files(given: Path) -> list[Path]:
    """The file itself, or all files below a directory."""
    if not given.is_dir():
        return [given]
    return sorted(path for path in given.rglob("*") if path.is_file())


def _answer(path: Path, patterns: Sequence[NamePattern], zone: ZoneInfo) -> dict[str, Any]:
    try:
        with _opened(path) as file:
            mtime_ns = file.generation.mtime_ns
            probed = probe(file, name=os.fsencode(path.name), mtime_ns=mtime_ns, patterns=patterns)
    except (UnreadableError, OSError) as error:
        reason = f"cannot be read: {str(error).rstrip('.')}"
        return {"path": str(path), "anchor": None, "reason": reason, "error": reason}
    dated = date_recording(
        probed.candidates,
        zone=zone,
        first_seen=Instant(mtime_ns // 10**9),
        commissioned=NO_RECORDER_BEFORE,
        span=probed.span_seconds or 0,
    )
    return {
        "path": str(path),
        "kind": str(probed.kind),
        "candidates": [
            {
                "source": str(candidate.source),
                "value": candidate.value.isoformat(),
                "offset_known": candidate.zone in {ZoneKnowledge.OFFSET, ZoneKnowledge.UTC},
            }
            for candidate in probed.candidates
        ],
        "anchor": None if dated.anchor is None else iso(dated.anchor, zone),
        "anchor_source": dated.how,
        "reason": dated.reason,
    }


def _opened(path: Path) -> Any:
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return open_file(os.fsencode(path.name), directory)
    finally:
        os.close(directory)
