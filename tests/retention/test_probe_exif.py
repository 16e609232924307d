"""Whatever exiftool can read in a picture's EXIF, we read the same."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.probes import BytesSource, Candidate, ZoneKnowledge, probe

CORPUS = Path(__file__).parent.parent / "media"
PLAIN = CORPUS / "edge/no-exif.jpg"
MOTION = next((CORPUS / "motion").glob("*-snapshot.jpg"))


class ExifTool:
    """One exiftool for many pictures: starting it costs more than its work."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [program, "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*arguments, "-execute1", sep="\n", file=self._process.stdin, flush=True)
        return "".join(iter(self._process.stdout.readline, "{ready1}\n"))

    def dates(self, *paths: Path) -> list[dict[str, Any]]:
        asked = [f"-{tag}" for tag in ("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal")]
        said = self.run("-q", "-q", "-json", *asked, *map(str, paths))
        return json.loads(said) if said else []

    def close(self) -> None:
        self._process.communicate("-stay_open\nFalse\n")


@pytest.fixture(scope="module")
def exiftool(need: Callable[[str], str]) -> Iterator[ExifTool]:
    tool = ExifTool(need("exiftool"))
    yield tool
    tool.close()


def original(data: bytes) -> Candidate | None:
    candidates = probe(BytesSource(data), name=b"x.jpg", mtime_ns=0).candidates
    return next((found for found in candidates if found.tag == "DateTimeOriginal"), None)


def as_written(text: object) -> datetime | None:
    """A date in EXIF's form; None for any that no calendar has."""
    try:
        return datetime.strptime(str(text)[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


dates = st.datetimes(datetime(1970, 1, 1), datetime(2105, 1, 1)).map(
    lambda moment: moment.strftime("%Y:%m:%d %H:%M:%S")
)
padded = st.builds(str.__add__, dates, st.sampled_from(["", " ", "   ", ".5", "Z"]))
offsets = st.none() | st.builds(
    "{}{:02d}:{:02d}".format,
    st.sampled_from("+-"),
    st.integers(0, 14),
    st.sampled_from([0, 30, 45]),
)
beside = st.lists(
    st.sampled_from(
        [
            "-EXIF:Make=A camera's maker",
            "-EXIF:GPSLatitude=56.95",
            "-EXIF:UserComment=nobody is in it",
            "-EXIF:SubSecTimeOriginal=987",
            "-EXIF:ModifyDate=2001:01:01 01:01:01",
            "-EXIF:CreateDate=2002:02:02 02:02:02",
            "-EXIF:ExposureTime=1/60",
            "-XMP:DateTimeOriginal=2003:03:03 03:03:03+03:00",
            "-XMP:Title=another",
            "-IPTC:DateCreated=2004:04:04",
            "-Comment=before all",
        ]
    ),
    unique=True,
)
# What may stand between the picture's first marker and its EXIF.
ahead = st.lists(
    st.sampled_from(
        [
            b"\xff\xfe\x00\x04ab",
            b"\xff\xff\xff\xe2\x00\x02",
            b"\xff\xe1\x00\x0dnot Exif..\x00",
            b"\xff\xeb\xea\x62" + bytes(60_000),
        ]
    ),
    max_size=3,
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(date=padded, offset=offsets, others=beside, order=st.sampled_from(["II", "MM"]), ahead=ahead)
def test_every_way_to_write_the_date_is_read(
    *,
    exiftool: ExifTool,
    tmp_path_factory: pytest.TempPathFactory,
    date: str,
    offset: str | None,
    others: list[str],
    order: str,
    ahead: list[bytes],
) -> None:
    picture = tmp_path_factory.mktemp("exif") / "picture.jpg"
    written = [f"-ExifIFD:DateTimeOriginal#={date}"]
    written += [f"-ExifIFD:OffsetTimeOriginal={offset}"] if offset else []
    exiftool.run(
        "-q", "-api", f"ByteOrder={order}", "-o", str(picture), *written, *others, str(PLAIN)
    )
    data = picture.read_bytes()
    picture.write_bytes(data[:2] + b"".join(ahead) + data[2:])
    (said,) = exiftool.dates(picture)
    found = original(picture.read_bytes())
    assert found is not None
    assert as_written(said["DateTimeOriginal"]) == found.value.replace(tzinfo=None)
    zone = said.get("OffsetTimeOriginal") or ("+00:00" if date.endswith("Z") else None)
    assert (zone or "").replace("-00:00", "+00:00") == found.value.isoformat()[19:]
    assert (found.zone is ZoneKnowledge.LOCAL) == (zone is None)


@pytest.mark.slow
def test_a_damaged_picture_is_dated_wherever_exiftool_can_date_it(
    exiftool: ExifTool, tmp_path: Path
) -> None:
    """One to three bytes of the EXIF segment overwritten, in a thousand ways."""
    whole = [MOTION.read_bytes(), (CORPUS / "edge/offset.jpg").read_bytes()]
    damaged = {
        tmp_path / f"{number}.jpg": data
        for number, data in enumerate(islice(damages(whole), 1_000))
    }
    for path, data in damaged.items():
        path.write_bytes(data)
    said = exiftool.dates(*damaged)
    assert len(said) > 900
    for facts in said:
        expected = as_written(facts.get("DateTimeOriginal"))
        found = original(damaged[Path(facts["SourceFile"])])
        if expected is not None:
            assert found is not None, facts
            assert expected == found.value.replace(tzinfo=None), facts


def damages(pictures: list[bytes]) -> Iterator[bytes]:
    """An endless series, the same in every run, so that a finding can be looked at."""
    state = 20_261_122
    while True:
        for data in pictures:
            start = data.index(b"Exif\0\0") + 6
            length = int.from_bytes(data[start - 8 : start - 6], "big") - 8
            damaged = bytearray(data)
            for _ in range(1 + state % 3):
                state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
                damaged[start + (state >> 33) % length] = (0, 1, 255, state >> 56)[
                    (state >> 20) % 4
                ]
            yield bytes(damaged)
