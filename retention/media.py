"""What a file is, by its first bytes and then by its name.

A store's scan meets pictures, clips and voice files, and beside them markers, half-written
files and read-me notes. Two questions are asked here, both answered without opening anything:
may a file of this *name* be a recording at all, and what do its first bytes and its name say it
is. Bytes come first because names lie: a clip renamed to `.txt` is still a clip, and its person
still in it (requirement R1: stills, clips, thumbnails, previews and exports alike).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

HEAD_BYTES = 16
"""How many of a file's first bytes `recognise` and `format_of` look at."""


class MediaKind(StrEnum):
    """What a person would call the file; `OTHER` is no recording."""

    IMAGE = "image"
    CLIP = "clip"
    VOICE = "voice"
    OTHER = "other"


class MediaFormat(StrEnum):
    """The layout of the bytes, as far as telling time or kind depends on it."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIF = "heif"
    MP4 = "mp4"  # ISO base media (ISO/IEC 14496-12) and its forefather QuickTime
    MATROSKA = "matroska"  # and WebM (RFC 9559)
    AVI = "avi"
    FLV = "flv"
    MPEG = "mpeg"  # program stream
    WAVE = "wave"
    OGG = "ogg"
    MP3 = "mp3"
    FLAC = "flac"
    AMR = "amr"
    PCAP = "pcap"  # packets as they passed: what a media proxy records of a call


SUFFIXES: Mapping[bytes, MediaKind] = MappingProxyType(
    {
        b"." + suffix: kind
        for kind, suffixes in {
            MediaKind.IMAGE: b"jpg jpeg jpe png webp heic heif avif",
            MediaKind.CLIP: b"mp4 m4v mov 3gp mkv webm avi flv ts mpg mpeg ogv h264 h265 mjpg mjpeg",
            MediaKind.VOICE: b"wav mp3 ogg oga opus m4a mka flac amr gsm aac ulaw alaw sln g722 g729"
            b" wav49 pcap pcapng",
        }.items()
        for suffix in suffixes.split()
    }
)
"""Lower-case suffix, with its dot -> kind."""

_NOT_A_RECORDING = (b".incident", b".tmp", b".temp", b".part", b".partial", b".swp", b"~")

# Where, which bytes, what. The most telling first.
_MAGIC: tuple[tuple[int, bytes, MediaFormat], ...] = (
    (0, b"\xff\xd8\xff", MediaFormat.JPEG),
    (0, b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
    (0, b"\x1aE\xdf\xa3", MediaFormat.MATROSKA),
    (8, b"WEBP", MediaFormat.WEBP),
    (8, b"WAVE", MediaFormat.WAVE),
    (8, b"AVI ", MediaFormat.AVI),
    (4, b"ftyphei", MediaFormat.HEIF),
    (4, b"ftypmif1", MediaFormat.HEIF),
    (4, b"ftypavif", MediaFormat.HEIF),
    (4, b"ftyp", MediaFormat.MP4),
    (4, b"moov", MediaFormat.MP4),  # QuickTime of before 2001 has no ftyp
    (4, b"mdat", MediaFormat.MP4),
    (4, b"wide", MediaFormat.MP4),
    (4, b"styp", MediaFormat.MP4),  # a lone segment of a fragmented stream
    (0, b"FLV\x01", MediaFormat.FLV),
    (0, b"\x00\x00\x01\xba", MediaFormat.MPEG),
    (0, b"OggS", MediaFormat.OGG),
    (0, b"ID3", MediaFormat.MP3),
    *(
        (0, b"\xff" + second, MediaFormat.MP3)
        for second in (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xe3")
    ),
    (0, b"fLaC", MediaFormat.FLAC),
    (0, b"#!AMR", MediaFormat.AMR),
    (0, b"\xd4\xc3\xb2\xa1", MediaFormat.PCAP),
    (0, b"\xa1\xb2\xc3\xd4", MediaFormat.PCAP),
    (0, b"\x4d\x3c\xb2\xa1", MediaFormat.PCAP),  # to the nanosecond
    (0, b"\xa1\xb2\x3c\x4d", MediaFormat.PCAP),
    (0, b"\x0a\x0d\x0d\x0a", MediaFormat.PCAP),  # its successor pcapng
)

# The kinds a layout can hold, its usual one first: a suffix may choose among these.
_KINDS: Mapping[MediaFormat, tuple[MediaKind, ...]] = MappingProxyType(
    {
        MediaFormat.JPEG: (MediaKind.IMAGE,),
        MediaFormat.PNG: (MediaKind.IMAGE,),
        MediaFormat.WEBP: (MediaKind.IMAGE,),
        MediaFormat.HEIF: (MediaKind.IMAGE,),
        MediaFormat.MP4: (MediaKind.CLIP, MediaKind.VOICE),
        MediaFormat.MATROSKA: (MediaKind.CLIP, MediaKind.VOICE),
        MediaFormat.AVI: (MediaKind.CLIP,),
        MediaFormat.FLV: (MediaKind.CLIP,),
        MediaFormat.MPEG: (MediaKind.CLIP,),
        MediaFormat.WAVE: (MediaKind.VOICE,),
        MediaFormat.OGG: (MediaKind.VOICE, MediaKind.CLIP),
        MediaFormat.MP3: (MediaKind.VOICE,),
        MediaFormat.FLAC: (MediaKind.VOICE,),
        MediaFormat.AMR: (MediaKind.VOICE,),
        MediaFormat.PCAP: (MediaKind.VOICE,),
    }
)


def may_be_media(name: bytes) -> bool:
    """Tell whether a file of this name can be a recording; `name` is a path or a base name.

    Hidden files, files still being written, markers of the locker software and read-me notes
    are not recordings, whatever is in them. Every other file is worth a look at its bytes.
    """
    base = name.rpartition(b"/")[2].lower()
    return not (base.startswith((b".", b"readme")) or base.endswith(_NOT_A_RECORDING))


def format_of(head: bytes) -> MediaFormat | None:
    """Recognise the layout from a file's first `HEAD_BYTES` bytes; None if it is not one of ours."""
    for offset, magic, layout in _MAGIC:
        if head.startswith(magic, offset):
            return layout
    return None


def recognise(name: bytes, head: bytes) -> MediaKind:
    """Say what kind of recording this is, from its first `HEAD_BYTES` bytes, then from its name.

    Bytes that are nobody's layout (cut off, zeroed, encrypted, headerless audio) leave the word
    to the suffix: a recorder's broken file is still a recording and still has to go in time.
    """
    if not may_be_media(name):
        return MediaKind.OTHER
    named = SUFFIXES.get(_suffix(name), MediaKind.OTHER)
    layout = format_of(head)
    if layout is None:
        return named
    possible = _KINDS[layout]
    return named if named in possible else possible[0]


def _suffix(name: bytes) -> bytes:
    base = name.rpartition(b"/")[2]
    stem, dot, suffix = base.rpartition(b".")
    return dot + suffix.lower() if stem else b""
