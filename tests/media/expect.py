"""Prints what exiftool, ffprobe and mediainfo say of every file of the corpus, as JSON.

    python tests/media/expect.py > tests/media/expected.json

None of our own code takes part, so that the probes can be held against it.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TAGS = (
    "DateTimeOriginal",
    "CreateDate",
    "ModifyDate",
    "CreationDate",
    "TimeZoneOffset",
    "DateCreated",
    "RecordingTime",
    "Year",
    "Date",
    "Time",
)
OFFSETS = ("OffsetTime", "OffsetTimeOriginal", "OffsetTimeDigitized")


def files() -> list[Path]:
    """The recordings: all that lies in a directory of its own."""
    return sorted(path for path in HERE.glob("*/*") if path.is_file())


def by_exiftool(path: Path) -> dict[str, Any]:
    tags = [f"-{tag}" for tag in TAGS + OFFSETS]
    said = output("exiftool", "-q", "-q", "-json", "-a", "-G1", *tags, str(path))
    facts = json.loads(said)[0] if said else {}
    return {tag: fact for tag, fact in facts.items() if ":" in tag}


def by_ffprobe(path: Path) -> dict[str, Any]:
    wanted = "format=duration:format_tags=creation_time"
    said = output("ffprobe", "-v", "quiet", "-of", "json", "-show_entries", wanted, str(path))
    facts = json.loads(said).get("format", {})
    return {"seconds": facts.get("duration"), "created": facts.get("tags", {}).get("creation_time")}


def by_mediainfo(path: Path) -> dict[str, Any]:
    general = json.loads(output("mediainfo", "--Output=JSON", str(path)))["media"]["track"][0]
    return {"seconds": general.get("Duration"), "created": general.get("Encoded_Date")}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def truth() -> dict[str, Any]:
    """File -> tool -> what it says; a picture's 0.04 s of length is a tool's invention."""
    facts: dict[str, Any] = {}
    for path in files():
        said = {"exiftool": by_exiftool(path)}
        if path.suffix != ".jpg":
            said |= {"ffprobe": by_ffprobe(path), "mediainfo": by_mediainfo(path)}
        facts[str(path.relative_to(HERE))] = said
    return facts


if __name__ == "__main__":
    print(json.dumps(truth(), indent=1, sort_keys=True))
