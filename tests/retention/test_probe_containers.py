"""MP4 and Matroska as the standards allow them, beyond what the corpus' recorders write."""

import struct
from datetime import UTC, datetime

import pytest

from retention.probes import BytesSource, Probed, probe
from retention.probes.source import ALLOWANCE_READS

MOMENT = datetime(2026, 11, 22, 1, 10)
SINCE_1904 = int((MOMENT - datetime(1904, 1, 1)).total_seconds())
SINCE_2001 = int((MOMENT - datetime(2001, 1, 1)).total_seconds()) * 10**9


def box(kind: bytes, *content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(b"".join(content))) + kind + b"".join(content)


def header(kind: bytes, created: int, scale: int, ticks: int, *, version: int = 0) -> bytes:
    """An mvhd or mdhd."""
    times = struct.pack(">QQIQ" if version else ">IIII", created, created, scale, ticks)
    return box(kind, bytes([version, 0, 0, 0]), times, bytes(80))


def movie(
    *, created: int = SINCE_1904, scale: int = 600, ticks: int = 900, version: int = 0
) -> bytes:
    return box(b"moov", header(b"mvhd", created, scale, ticks, version=version))


def probed(data: bytes) -> Probed:
    return probe(BytesSource(data), name=b"x", mtime_ns=0)


def claimed(data: bytes) -> list[datetime]:
    return [found.value for found in probed(data).candidates[:-1]]


class Sparse:
    """A file of zeros with islands in it: three gigabytes that need no memory."""

    size = 3 * 2**30

    def __init__(self, islands: dict[int, bytes]) -> None:
        self.islands = islands
        self.reads: list[int] = []

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(length)
        found = bytearray(max(0, min(length, self.size - offset)))
        for start, data in self.islands.items():
            first, last = max(start, offset), min(start + len(data), offset + len(found))
            if first < last:
                found[first - offset : last - offset] = data[first - start : last - start]
        return bytes(found)


@pytest.mark.parametrize("version", [0, 1])
def test_both_versions_of_the_movie_header_are_read(version: int) -> None:
    data = box(b"ftyp", b"isom") + movie(version=version)
    assert [MOMENT] == claimed(data)
    assert probed(data).span_seconds == 2


def test_a_header_without_ftyp_is_old_quicktime() -> None:
    assert [MOMENT] == claimed(movie())


def test_a_movie_header_behind_three_gigabytes_costs_a_few_small_reads() -> None:
    end = movie()
    start = Sparse.size - len(end)
    front = box(b"ftyp", b"isom")
    media = struct.pack(">I4sQ", 1, b"mdat", start - len(front))  # a size of 64 bits
    source = Sparse({0: front + media, start: end})
    found = probe(source, name=b"x.mp4", mtime_ns=0)
    assert MOMENT == found.candidates[0].value
    assert [4096, len(end)] == source.reads


def test_a_box_of_size_zero_reaches_to_the_end() -> None:
    front = box(b"ftyp", b"isom")
    assert [MOMENT] == claimed(front + bytes(4) + movie()[4:])
    assert [] == claimed(front + bytes(4) + b"mdat" + movie())


def test_a_header_that_counts_from_1970_is_understood() -> None:
    unix = int(MOMENT.replace(tzinfo=UTC).timestamp())
    assert [MOMENT] == claimed(movie(created=unix))


def test_a_date_past_all_calendars_is_none() -> None:
    assert [] == claimed(movie(created=2**64 - 1, version=1))


@pytest.mark.parametrize(
    ("scale", "ticks", "version", "seconds"),
    [
        (1_000, 1_000, 0, 1),
        (1_000, 1_001, 0, 2),
        (90_000, 1, 0, 1),
        (1_000, 0, 0, None),
        (0, 1_000, 0, None),
        (90_000, 2**32 - 1, 0, None),  # not known when it was written
        (2**32 - 1, 2**64 - 1, 1, None),
        (1, 7 * 86_400, 0, 604_800),
        (1, 7 * 86_400 + 1, 0, None),  # no recorder cuts that late
    ],
)
def test_a_span_is_in_whole_seconds_rounded_up(
    scale: int, ticks: int, version: int, seconds: int | None
) -> None:
    assert seconds == probed(movie(scale=scale, ticks=ticks, version=version)).span_seconds


def track(number: int, scale: int, ticks: int = 0) -> bytes:
    head = box(b"tkhd", bytes(12), struct.pack(">I", number), bytes(64))
    return box(b"trak", head, box(b"mdia", header(b"mdhd", 0, scale, ticks)))


def fragment(number: int, begin: int | None, *runs: bytes, usual: int | None = None) -> bytes:
    told = b"" if usual is None else bytes(12) + struct.pack(">I", usual)
    head = box(b"tfhd", struct.pack(">II", 0xB if told else 0, number), told)
    time = b"" if begin is None else box(b"tfdt", b"\1\0\0\0", struct.pack(">Q", begin))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", head, time, *runs))


def run(count: int, *durations: int) -> bytes:
    if not durations:
        return box(b"trun", struct.pack(">II", 0x1, count), bytes(4))
    samples = b"".join(struct.pack(">II", duration, 0) for duration in durations)
    return box(b"trun", struct.pack(">II", 0x305, count), bytes(8), samples)


def fragmented(*fragments: bytes, before: int = 0, extends: bytes = b"") -> bytes:
    usual = struct.pack(">IIIII", 0, 1, 1, 100, 0)
    return box(
        b"moov",
        header(b"mvhd", SINCE_1904, 1_000, before),
        track(1, 1_000, before),
        track(2, 8_000),
        box(b"mvex", extends, box(b"trex", usual, bytes(4))),
    ) + b"".join(part + box(b"mdat", bytes(50)) for part in fragments)


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (fragmented(), None),
        (fragmented(fragment(1, 0, run(10))), 1),  # 10 samples of the usual 100 ticks
        (fragmented(fragment(1, 0, run(10), usual=101)), 2),
        (fragmented(fragment(1, 0, run(2, 1_500, 1_501))), 4),
        (fragmented(fragment(1, 0, run(10)), fragment(1, 1_000, run(10), run(1))), 3),
        (fragmented(fragment(1, None, run(10)), fragment(1, None, run(11))), 3),
        (fragmented(fragment(1, 5_000_000, run(10)), fragment(1, 5_003_000, run(10))), 4),
        (fragmented(fragment(1, 3_000, run(10)), fragment(1, 0, run(10))), 4),
        (fragmented(fragment(2, 0, run(1, 64_000)), fragment(1, 0, run(1))), 8),
        (fragmented(fragment(1, 2_000, run(10)), before=2_000), 3),
        (fragmented(fragment(3, 0, run(10))), None),
        (fragmented(extends=box(b"mehd", bytes(4), struct.pack(">I", 60_001))), 61),
    ],
)
def test_a_fragmented_file_is_as_long_as_its_fragments(data: bytes, seconds: int | None) -> None:
    assert seconds == probed(data).span_seconds
    assert [MOMENT] == claimed(data)


def test_half_of_too_many_fragments_is_not_taken_for_the_length() -> None:
    far = [fragment(1, second * 1_000, run(10)) + box(b"free", bytes(4096)) for second in range(99)]
    assert probed(fragmented(*far[: ALLOWANCE_READS // 2])).span_seconds == ALLOWANCE_READS // 2
    assert probed(fragmented(*far)).span_seconds is None
    assert [MOMENT] == claimed(fragmented(*far))


def keyed(value: bytes, *, full: bool) -> bytes:
    """Apple's list of keys and values: two keys, of which the second is the date."""
    names = (b"com.apple.quicktime.make", b"com.apple.quicktime.creationdate")
    keys = box(b"keys", struct.pack(">II", 0, 2), *(box(b"mdta", name) for name in names))
    values = [
        box(struct.pack(">I", at), box(b"data", bytes(8), text))
        for at, text in ((1, b"x"), (2, value))
    ]
    return box(
        b"meta", bytes(4) if full else b"", box(b"hdlr", bytes(25)), keys, box(b"ilst", *values)
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_apples_date_is_found_wherever_its_list_may_stand(full: bool, wrapped: bool) -> None:
    meta = keyed(b"2026-11-22T03:10:00.5+0200", full=full)
    data = box(b"moov", header(b"mvhd", 0, 1, 1), box(b"udta", meta) if wrapped else meta)
    assert ["2026-11-22T03:10:00+02:00"] == [found.isoformat() for found in claimed(data)]


def test_a_file_cannot_claim_for_ever() -> None:
    metas = keyed(b"2026-11-22T03:10:00+0200", full=True) * 40
    assert 16 == len(claimed(box(b"moov", header(b"mvhd", 0, 1, 1), metas)))


def element(identity: int, content: bytes, width: int = 8) -> bytes:
    length = len(content) | 1 << 7 * width
    return identity.to_bytes((identity.bit_length() + 7) // 8) + length.to_bytes(width) + content


def unknown(identity: int, content: bytes, width: int = 8) -> bytes:
    return (
        element(identity, b"", width)[:-width]
        + ((1 << 7 * width + 1) - 1).to_bytes(width)
        + content
    )


DATE = element(0x4461, struct.pack(">q", SINCE_2001 + 999_999_999))
HEAD = element(0x1A45DFA3, element(0x4282, b"matroska"))
VOID = element(0xEC, bytes(100), width=1)
CLUSTER = element(0x1F43B675, element(0xE7, b"\0"))
STAMP = MOMENT.replace(tzinfo=UTC)


def duration(ticks: float, form: str = ">d") -> bytes:
    return element(0x4489, struct.pack(form, ticks))


def info(*fields: bytes) -> bytes:
    return element(0x1549A966, b"".join(fields))


def segment(*elements: bytes) -> bytes:
    return HEAD + element(0x18538067, b"".join(elements))


def test_info_is_found_among_voids_whatever_the_sizes() -> None:
    content = VOID + info(VOID, DATE) + CLUSTER
    for data in (
        segment(content),
        HEAD + unknown(0x18538067, content),
        HEAD + unknown(0x18538067, content, width=1),
        HEAD + VOID + segment(content)[len(HEAD) :],
        segment(unknown(0x1549A966, DATE)),
    ):
        assert [STAMP] == claimed(data)


def test_info_behind_the_clusters_is_found_by_the_seek_head() -> None:
    def seek(position: int) -> bytes:
        target = element(0x53AB, (0x1549A966).to_bytes(4)) + element(0x53AC, position.to_bytes(4))
        return element(0x114D9B74, element(0x4DBB, target))

    clusters = CLUSTER * 3
    position = len(seek(0)) + len(clusters)
    assert [STAMP] == claimed(segment(seek(position), clusters, info(DATE)))
    assert [] == claimed(segment(seek(position + 1), clusters, info(DATE)))
    assert [] == claimed(segment(seek(2**32 - 1), clusters, info(DATE)))


def test_info_behind_a_cluster_of_unknown_size_is_left_alone() -> None:
    assert [] == claimed(segment(unknown(0x1F43B675, info(DATE))))


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        (duration(1_500.0), 2),
        (duration(1_000.0), 1),
        (duration(1_000.5, ">f"), 2),
        (duration(90_000.0) + element(0x2AD7B1, (11_111).to_bytes(2)), 1),
        (duration(0.0), None),
        (duration(-5.0), None),
        (duration(float("nan")), None),
        (duration(float("inf")), None),
        (duration(1e300), None),
        (element(0x4489, b"\0\0"), None),
        (b"", None),
    ],
)
def test_a_duration_is_exact_and_rounded_up(fields: bytes, seconds: int | None) -> None:
    data = segment(info(DATE, fields))
    assert seconds == probed(data).span_seconds
    assert [STAMP] == claimed(data)


def test_a_date_before_2001_is_negative() -> None:
    data = segment(info(element(0x4461, struct.pack(">q", -1))))
    assert [datetime(2000, 12, 31, 23, 59, 59, tzinfo=UTC)] == claimed(data)
