"""Real files say what three independent tools say of them, and no file can do harm."""

import itertools
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import MalformedError
from retention.probes import (
    BytesSource,
    Candidate,
    NamePattern,
    Probed,
    Span,
    TimeSource,
    ZoneKnowledge,
    probe,
)
from retention.probes.source import (
    ALLOWANCE_BYTES,
    ALLOWANCE_READS,
    ALLOWANCE_STEPS,
    Reader,
)

CORPUS = Path(__file__).parent.parent / "media"
TRUTH: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_bytes())
BYTES = {name: (CORPUS / name).read_bytes() for name in TRUTH}

EXIF_DATES = {  # our tag: exiftool's date and offset
    "DateTimeOriginal": ("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal"),
    "DateTimeDigitized": ("ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized"),
    "DateTime": ("IFD0:ModifyDate", "ExifIFD:OffsetTime"),
}


class CountingSource(BytesSource):
    """Counts what is read, and can pretend to be as long as it likes."""

    def __init__(self, data: bytes, size: int | None = None) -> None:
        super().__init__(data)
        self._length = len(data) if size is None else size
        self.reads = 0
        self.bytes = 0

    @property
    def size(self) -> int:
        return self._length

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset < offset + length <= self._length
        self.reads += 1
        self.bytes += length
        return super().read(offset, length).ljust(min(length, self._length - offset), b"\0")


def probed(data: bytes, name: bytes = b"x") -> Probed:
    return probe(BytesSource(data), name=name, mtime_ns=0)


def claims(data: bytes, source: TimeSource) -> dict[str, Candidate]:
    return {found.tag: found for found in probed(data).candidates if found.source is source}


def wall(text: str | None) -> datetime | None:
    """A date as exiftool prints it; its zeros are no date."""
    if not text or text.startswith("0000"):
        return None
    return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")


@pytest.mark.parametrize("name", [name for name in TRUTH if name.endswith(".jpg")])
def test_a_picture_says_what_exiftool_says(name: str) -> None:
    said = TRUTH[name]["exiftool"]
    found = claims(BYTES[name], TimeSource.EXIF)
    for tag, (date, offset) in EXIF_DATES.items():
        expected = wall(said.get(date))
        assert expected == (found[tag].value.replace(tzinfo=None) if tag in found else None)
        if expected:
            hours = said.get("IFD0:TimeZoneOffset")
            written = said.get(offset) or (None if hours is None else f"{hours:+03d}:00")
            zone = found[tag].value.strftime("%z")
            assert written == (f"{zone[:3]}:{zone[3:]}" if zone else None)
            assert (ZoneKnowledge.OFFSET if written else ZoneKnowledge.LOCAL) == found[tag].zone


@pytest.mark.parametrize(
    "name", [name for name in TRUTH if name.endswith((".mp3", ".ogg", ".opus"))]
)
def test_a_compressed_call_says_what_exiftool_says(name: str) -> None:
    said = TRUTH[name]["exiftool"]
    found = [
        c for c in probed(BYTES[name]).candidates if c.source in {TimeSource.MP3, TimeSource.OGG}
    ]
    if "ID3v2_3:Year" in said:  # three tags, of which one alone is no date
        year, date, time = (str(said[f"ID3v2_3:{each}"]) for each in ("Year", "Date", "Time"))
        written = f"{year}:{date[2:]}:{date[:2]} {time[:-2]:0>2}:{time[-2:]}:00"
        said = {"ID3v2_4:RecordingTime": written}
    tags = ("ID3v2_4:RecordingTime", "Vorbis:Date")
    expected = [said[tag].replace("-", ":", 2).replace("T", " ") for tag in tags if tag in said]
    assert expected == [
        f"{c.value:%Y:%m:%d %H:%M:%S}{c.value.isoformat()[19:]}"[: len(text)]
        for c, text in zip(found, expected, strict=True)
    ]


@pytest.mark.parametrize(
    "name", [name for name in TRUTH if name.endswith((".mp4", ".mov", ".m4a"))]
)
def test_an_mp4_says_what_exiftool_and_mediainfo_say(name: str) -> None:
    said = TRUTH[name]["exiftool"]
    found = claims(BYTES[name], TimeSource.MP4)
    header = found.get("mvhd")
    assert wall(said.get("QuickTime:CreateDate")) == (header.value if header else None)
    assert header is None or header.zone is ZoneKnowledge.UTC_OR_LOCAL
    mediainfo = TRUTH[name]["mediainfo"]["created"]
    assert mediainfo == (f"{header.value} UTC" if header else None)
    apple = found.get("com.apple.quicktime.creationdate")
    expected = said.get("Keys:CreationDate")
    assert expected == (apple.value.strftime("%Y:%m:%d %H:%M:%S+02:00") if apple else None)


@pytest.mark.parametrize("name", [name for name in TRUTH if name.endswith((".mkv", ".webm"))])
def test_a_matroska_says_what_exiftool_and_mediainfo_say(name: str) -> None:
    (found,) = claims(BYTES[name], TimeSource.MATROSKA).values()
    assert found.zone is ZoneKnowledge.UTC
    said = TRUTH[name]["exiftool"]["Matroska:DateTimeOriginal"]
    assert wall(said) == found.value.replace(tzinfo=None)
    assert TRUTH[name]["mediainfo"]["created"] == f"{found.value:%Y-%m-%d %H:%M:%S} UTC"


@pytest.mark.parametrize("name", [name for name in TRUTH if name.endswith(".wav")])
def test_a_wave_says_what_exiftool_says(name: str) -> None:
    """exiftool reads bext and ICRD; the other two know only one of them."""
    said = TRUTH[name]["exiftool"]
    found = claims(BYTES[name], TimeSource.WAVE)
    bext = wall(said.get("RIFF:DateTimeOriginal"))
    assert bext == (found["bext"].value if "bext" in found else None)
    listed = said.get("RIFF:DateCreated")
    assert listed == (found["ICRD"].value.strftime("%Y:%m:%d") if "ICRD" in found else None)
    assert all(claim.zone is ZoneKnowledge.LOCAL for claim in found.values())


@pytest.mark.parametrize("name", [name for name in TRUTH if not name.endswith(".jpg")])
def test_a_clip_is_as_long_as_ffprobe_says(name: str) -> None:
    seconds = TRUTH[name]["ffprobe"]["seconds"]
    assert (ceil(float(seconds)) if seconds else None) == probed(BYTES[name]).span_seconds


@pytest.mark.slow
def test_the_committed_truth_is_what_the_tools_say_today(need: Callable[[str], str]) -> None:
    for tool in ("exiftool", "ffprobe", "mediainfo"):
        need(tool)
    said = subprocess.run(
        [sys.executable, str(CORPUS / "expect.py")], capture_output=True, check=True
    ).stdout
    assert json.loads(said) == TRUTH


def test_a_recorders_file_costs_three_reads_at_most() -> None:
    for name, data in BYTES.items():
        source = CountingSource(data)
        probe(source, name=name.encode(), mtime_ns=0)
        assert source.reads <= 3, name
        assert source.bytes <= 3 * 4096, name


def test_candidates_come_embedded_declared_directory_mtime() -> None:
    picture = BYTES["edge/little-endian.jpg"]
    found = probe(
        BytesSource(picture),
        name=b"cam1/2026/11/22/031000-1.jpg",
        mtime_ns=1_795_309_805_999_999_999,
        patterns=[NamePattern.parse("%Y/%m/%d/%H%M%S-*.jpg"), NamePattern.parse("no-%Y%m%d")],
    ).candidates
    assert [
        ("exif", "2026-11-22T03:10:00-03:30", False),
        ("name", "2026-11-22T03:10:00", False),
        ("directory", "2026-11-22T00:00:00", False),
        ("mtime", "2026-11-22T01:10:05+00:00", True),
    ] == [(claim.source.value, claim.value.isoformat(), claim.is_end) for claim in found]
    assert [False, True, False, False] == [claim.declared for claim in found]


def test_what_the_storage_states_comes_before_the_name_and_a_time_nobody_set_not_at_all() -> None:
    captured = Candidate(TimeSource.STATED, datetime(2026, 11, 22, tzinfo=UTC), ZoneKnowledge.UTC)
    found = probe(
        BytesSource(b""),
        name=b"20261122-031000.jpg",
        mtime_ns=None,
        patterns=[NamePattern.parse("%Y%m%d-%H%M%S.jpg")],
        stated=[captured, Span(60)],
    )
    assert ["stated", "name"] == [claim.source.value for claim in found.candidates]
    assert 60 == found.span_seconds
    assert all(claim.declared for claim in found.candidates)


@given(mtime_ns=st.integers())
def test_any_mtime_is_a_second_rounded_down_or_nothing(mtime_ns: int) -> None:
    found = probe(BytesSource(b""), name=b"x", mtime_ns=mtime_ns).candidates
    for claim in found:
        since = claim.value - datetime(1970, 1, 1, tzinfo=UTC)
        assert timedelta(seconds=mtime_ns // 10**9) == since
    assert found or not -62_135_596_800 <= mtime_ns // 10**9 < 253_402_300_800


def test_what_the_source_raises_passes_through() -> None:
    class BrokenDisk(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        probe(BrokenDisk(b"12345"), name=b"x", mtime_ns=0)


class ShrinkingSource(BytesSource):
    """A file that somebody cut off after its size was asked for."""

    def __init__(self, data: bytes, left: int) -> None:
        super().__init__(data[:left])
        self._announced = len(data)

    @property
    def size(self) -> int:
        return self._announced


@pytest.mark.parametrize("left", [0, 3, 20, 40])
def test_a_file_that_shrinks_while_it_is_read_is_a_candidate_less(left: int) -> None:
    for data in BYTES.values():
        found = probe(ShrinkingSource(data, left), name=b"x", mtime_ns=0).candidates
        assert [TimeSource.MTIME] == [claim.source for claim in found]


def mutations() -> st.SearchStrategy[bytes]:
    """Files of the corpus with bytes overwritten, cut out or doubled."""

    @st.composite
    def mutated(draw: st.DrawFn) -> bytes:
        data = bytearray(draw(st.sampled_from([data for data in BYTES.values() if data])))
        for _ in range(draw(st.integers(1, 8))):
            # Headers are at the front, and that is where a mutation tells.
            at = draw(st.integers(0, min(len(data), 900)))
            length = draw(st.integers(0, 9))
            data[at : at + length] = draw(
                st.one_of(
                    st.binary(min_size=length, max_size=length),
                    st.sampled_from([b"\xff" * length, b"\0" * length, b"", bytes(data[: 2 * at])]),
                )
            )
        return bytes(data)

    return mutated()


MAGIC = (b"\xff\xd8\xff\xe1", b"\x1aE\xdf\xa3", b"\0\0\0\x08ftyp", b"\0\0\0\x08moov", b"")


@given(st.one_of(mutations(), st.builds(bytes.__add__, st.sampled_from(MAGIC), st.binary())))
def test_no_bytes_make_a_probe_raise_or_read_much(data: bytes) -> None:
    source = CountingSource(data)
    found = probe(source, name=b"x.jpg", mtime_ns=0)
    assert source.reads <= ALLOWANCE_READS
    assert source.bytes <= ALLOWANCE_BYTES
    assert found.span_seconds is None or 0 < found.span_seconds <= 7 * 86_400
    assert found.candidates[-1].source is TimeSource.MTIME


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(">HHII", tag, kind, count, value)


#: Three times what the worst takes. As many boxes, segments and elements as fit take millions.
MOST_STEPS = 1_000_000


def hostile() -> dict[str, bytes]:
    """Files made to cost time: as many of the cheapest steps as fit, or pointers in a circle."""
    directory = (5000).to_bytes(2, "big") + entry(0x9000, 3, 999, 8) * 5000 + bytes(4)
    tiff = b"MM\0*\0\0\0\x08" + directory
    exif = b"\xff\xe1" + (8 + len(tiff)).to_bytes(2, "big") + b"Exif\0\0" + tiff
    return {
        "boxes": box(b"ftyp") + box(b"free") * 300_000,
        "boxes in moov": box(b"moov", box(b"udta") * 300_000),
        "lists of keys": box(b"moov", box(b"mvhd", bytes(100)) + box(b"meta") * 300_000),
        "segments": b"\xff\xd8" + b"\xff\xe0\0\x02" * 600_000,
        "fill": b"\xff\xd8" + b"\xff" * 2_000_000,
        "tags": b"\xff\xd8" + exif,
        "elements": b"\x1aE\xdf\xa3\x80" + b"\xec\x80" * 1_000_000,
        "elements in a segment": b"\x1aE\xdf\xa3\x80\x18\x53\x80\x67\xff" + b"\xec\x80" * 1_000_000,
    }


@pytest.mark.parametrize("attack", hostile())
def test_a_hostile_file_costs_a_bounded_time(attack: str) -> None:
    """Time is counted in calls and returns, which are the same on every machine."""
    source, steps = CountingSource(hostile()[attack], size=3 * 2**30), itertools.count()
    sys.setprofile(lambda *_: next(steps))
    try:
        probe(source, name=b"x", mtime_ns=0)
    finally:
        sys.setprofile(None)
    assert next(steps) < MOST_STEPS
    assert source.bytes <= ALLOWANCE_BYTES


def test_steps_that_read_nothing_new_are_counted_as_well() -> None:
    reader = Reader(BytesSource(b"block"))
    for _ in range(ALLOWANCE_STEPS):
        reader.exactly(0, 1)
    with pytest.raises(MalformedError, match="more parts"):
        reader.exactly(0, 1)
