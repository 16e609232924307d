"""The demo's recordings carry the date they were stamped with, and nothing else has moved."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from demo.stamp import stamp_jpeg, stamp_mkv, stamp_mp4
from retention.probes import BytesSource, Candidate, TimeSource, probe

CORPUS = Path(__file__).parent.parent / "media"
WINTER = timezone(timedelta(hours=2))
MOMENTS = (
    datetime(2026, 9, 1, 23, 59, 59, tzinfo=WINTER),
    datetime(1999, 12, 31, 0, 0, 0, tzinfo=UTC),
    datetime(2026, 7, 5, 12, 30, 1, tzinfo=timezone(timedelta(hours=-5))),
)


def embedded(data: bytes) -> list[Candidate]:
    probed = probe(BytesSource(data), name=b"x", mtime_ns=0)
    return [found for found in probed.candidates if found.source is not TimeSource.MTIME]


def files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in CORPUS.glob(pattern))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "path", files("motion*/*.jpg", "edge/offset.jpg"), ids=lambda path: path.name
)
def test_a_stamped_picture_says_the_moment_and_its_offset(path: Path, moment: datetime) -> None:
    before = path.read_bytes()
    after = stamp_jpeg(before, moment)
    assert len(before) == len(after)
    claims = embedded(after)
    assert {moment} == {claim.value for claim in claims}
    assert {moment.utcoffset()} == {claim.value.utcoffset() for claim in claims}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("path", files("motion/*.mp4", "ffmpeg/*.mp4"), ids=lambda path: path.name)
def test_a_stamped_mp4_says_the_moment_in_utc(path: Path, moment: datetime) -> None:
    before = path.read_bytes()
    after = stamp_mp4(before, moment)
    assert len(before) == len(after)
    assert [moment.astimezone(UTC).replace(tzinfo=None)] == [
        claim.value for claim in embedded(after)
    ]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("path", files("ffmpeg/*.mkv", "ffmpeg/*.webm"), ids=lambda path: path.name)
def test_a_stamped_matroska_says_the_moment(path: Path, moment: datetime) -> None:
    before = path.read_bytes()
    after = stamp_mkv(before, moment)
    assert len(before) == len(after)
    assert [moment] == [claim.value for claim in embedded(after)]


def test_what_has_no_date_is_not_stamped() -> None:
    with pytest.raises(ValueError, match="no date to overwrite"):
        stamp_mkv(b"no recording", MOMENTS[0])
    with pytest.raises(ValueError, match="not found"):
        stamp_jpeg((CORPUS / "edge/no-exif.jpg").read_bytes(), MOMENTS[0])


def test_half_an_hour_is_refused_where_the_field_has_whole_hours() -> None:
    picture = files("motion/*.jpg")[0].read_bytes()
    with pytest.raises(ValueError, match="whole hours"):
        stamp_jpeg(picture, datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))))
