"""What is a recording, and of which kind: by bytes first, then by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.media import (
    HEAD_BYTES,
    SUFFIXES,
    MediaFormat,
    MediaKind,
    format_of,
    may_be_media,
    recognise,
)

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0"
EBML = b"\x1aE\xdf\xa3\xa3B\x86\x81\x01"


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        (b"a.jpg", JPEG, MediaKind.IMAGE),
        (b"a.JPG", b"", MediaKind.IMAGE),
        (b"a", JPEG, MediaKind.IMAGE),
        (b"a.txt", JPEG, MediaKind.IMAGE),
        (b"a.mp4", JPEG, MediaKind.IMAGE),
        (b"a.jpg", MP4, MediaKind.CLIP),
        (b"a.m4a", MP4, MediaKind.VOICE),
        (b"a.mp4", b"\0" * HEAD_BYTES, MediaKind.CLIP),
        (b"a.mkv", EBML, MediaKind.CLIP),
        (b"a.mka", EBML, MediaKind.VOICE),
        (b"a.wav", b"RIFF\x24\0\0\0WAVEfmt ", MediaKind.VOICE),
        (b"a.avi", b"RIFF\x24\0\0\0AVI LIST", MediaKind.CLIP),
        (b"a.ulaw", b"\xff\x7e\xff\x7e", MediaKind.VOICE),
        (b"cam.jpg/a", b"", MediaKind.OTHER),
        (b"a.json", b"{}", MediaKind.OTHER),
        (b"", b"", MediaKind.OTHER),
    ],
)
def test_bytes_come_first_then_the_name(name: bytes, head: bytes, kind: MediaKind) -> None:
    assert recognise(name, head) is kind


@pytest.mark.parametrize(
    "name",
    [
        b"a.jpg.tmp",
        b"a.incident",
        b"cam/.a.jpg.Xy12",
        b".jpg",
        b"README",
        b"x/Readme.md",
        b"a.jpg~",
    ],
)
def test_markers_hidden_and_half_written_files_are_no_recordings(name: bytes) -> None:
    assert not may_be_media(name)
    assert recognise(name, JPEG) is MediaKind.OTHER


def test_a_hidden_directory_does_not_hide_what_is_in_it() -> None:
    assert may_be_media(b".thumbnails/a.jpg")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_speaks_where_the_bytes_do_not(suffix: bytes) -> None:
    assert recognise(b"dir/name" + suffix.upper(), b"") is SUFFIXES[suffix]


def test_iso_files_are_told_apart_by_their_brand() -> None:
    assert format_of(b"\0\0\0\x18ftypheic") is MediaFormat.HEIF
    assert format_of(b"\0\0\0\x18ftypisom") is MediaFormat.MP4


@given(name=st.binary(max_size=40), head=st.binary(max_size=HEAD_BYTES))
def test_any_name_and_any_bytes_have_a_kind(name: bytes, head: bytes) -> None:
    kind = recognise(name, head)
    assert kind is MediaKind.OTHER or may_be_media(name)
