"""Times in names: what was declared, what is guessed, and what is left alone."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import MalformedError
from retention.probes import BytesSource, Candidate, NamePattern, TimeSource, ZoneKnowledge, probe


def declared(pattern: str, name: str) -> str | None:
    found = NamePattern.parse(pattern).match(name.encode())
    return found and found.value.isoformat()


def named(name: str, *patterns: str) -> list[Candidate]:
    parsed = [NamePattern.parse(pattern) for pattern in patterns]
    found = probe(BytesSource(b""), name=name.encode(), mtime_ns=0, patterns=parsed).candidates
    return [claim for claim in found if claim.source is not TimeSource.MTIME]


@pytest.mark.parametrize(
    ("pattern", "name", "value"),
    [
        ("*-%Y%m%d%H%M%S-*.jpg", "01-20261122031000-02.jpg", "2026-11-22T03:10:00"),
        ("*-%Y%m%d%H%M%S-*.jpg", "cam/01-20261122031000-02.jpg", "2026-11-22T03:10:00"),
        ("cam1-%Y-%m-%d_%H-%M-%S.mp4", "cam1-2026-11-22_03-10-00.mp4", "2026-11-22T03:10:00"),
        ("%Y/%m/%d/%H%M%S*", "a/2026/11/22/031000-7.mkv", "2026-11-22T03:10:00"),
        ("%Y%m%d/%Y%m%d%H%M%S.jpg", "20261122/20261122031000.jpg", "2026-11-22T03:10:00"),
        ("%Y%m%d/%Y%m%d%H%M%S.jpg", "20261121/20261122031000.jpg", None),
        ("%y%j.wav", "26326.wav", "2026-11-22T00:00:00"),
        ("%Y%j.wav", "2024366.wav", "2024-12-31T00:00:00"),
        ("%Y%j.wav", "2026366.wav", None),
        ("%Y%j.wav", "2026000.wav", None),
        ("%Y%j.wav", "9999999.wav", None),
        ("%Y%m%dT%H%M%S%z.mp4", "20261122T031000+0200.mp4", "2026-11-22T03:10:00+02:00"),
        ("%Y%m%dT%H%M%S%z.mp4", "20261122T031000-03:30.mp4", "2026-11-22T03:10:00-03:30"),
        ("%Y%m%dT%H%M%S%z.mp4", "20261122T031000Z.mp4", "2026-11-22T03:10:00+00:00"),
        ("%Y%m%dT%H%M%S.%f.mp4", "20261122T031000.999999.mp4", "2026-11-22T03:10:00"),
        ("%s.%f-*.jpg", "1795309800.25-x.jpg", "2026-11-22T01:10:00+00:00"),
        ("%s%f.jpg", "1795309800999.jpg", "2026-11-22T01:10:00+00:00"),
        ("*/%Y%m%d.jpg", "a/b/20261122.jpg", "2026-11-22T00:00:00"),
        ("?%Y%m%d.jpg", "x20261122.jpg", "2026-11-22T00:00:00"),
        ("100%%-%Y%m%d", "100%-20261122", "2026-11-22T00:00:00"),
        ("[a].(%Y%m%d)", "[a].(20261122)", "2026-11-22T00:00:00"),
        ("ā*%Y%m%d", "ā-20261122", "2026-11-22T00:00:00"),
        ("%Y%m%d", "20260231", None),
        ("%Y%m%d", "20261322", None),
        ("%Y%m%d%H%M%S", "20261122235960", "2026-11-22T23:59:59"),
        ("*%Y%m%d", "a/20261122/b", None),
        ("a/%Y%m%d", "20261122", None),
        ("%Y%m%d.jpg", "20261122xjpg", None),
        ("%Y%m%d.jpg", "20261122.jpg\n", None),
    ],
)
def test_a_pattern_reads_what_it_declares(pattern: str, name: str, value: str | None) -> None:
    assert value == declared(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "because"),
    [
        ("*.jpg", "no whole date"),
        ("%Y%m.jpg", "no whole date"),
        ("%m%d%H%M%S", "no whole date"),
        ("%H%M%S", "no whole date"),
        ("", "no whole date"),
        ("%Y%m%d-%S", "without what they are part of"),
        ("%Y%m%d-%M", "without what they are part of"),
        ("%Y%m%d-%q", "has %q; it may have %Y"),
        ("%Y%m%d%", "has %; it may have"),
    ],
)
def test_a_pattern_that_gives_no_date_is_refused_in_a_sentence(pattern: str, because: str) -> None:
    with pytest.raises(MalformedError, match=because):
        NamePattern.parse(pattern)


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [("%Y%m%d", 86_400), ("%Y%j*%H", 3_600), ("%y%m%d%H%M", 60), ("%Y%m%d%H%M%S", 1), ("%s", 1)],
)
def test_the_finest_code_says_how_much_is_left_open(pattern: str, seconds: int) -> None:
    name = datetime(2026, 11, 22, 3, 10, tzinfo=UTC).strftime(pattern)
    found = NamePattern.parse(pattern).match(name.encode())
    assert found is not None
    assert seconds == found.precision_seconds


@given(
    moment=st.datetimes(datetime(2002, 1, 1), datetime(2099, 12, 31)),
    pattern=st.sampled_from(
        ["*_%Y%m%d_*_%H%M%S*", "%Y/%j/%H/*-%M-%S", "%y%m%d%H%M%S", "*%Y-%m-%dT%H:%M:%S.%f*"]
    ),
    star=st.text(st.characters(codec="utf-8", exclude_characters="/_-T.0123456789"), max_size=9),
)
def test_what_strftime_writes_is_read_back(moment: datetime, pattern: str, star: str) -> None:
    name = moment.strftime(pattern).replace("*", star)
    assert moment.replace(microsecond=0).isoformat() == declared(pattern, name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2026-11-22_03-10-00.jpg", ["2026-11-22T03:10:00"]),
        ("20261122T031000.jpg", ["2026-11-22T03:10:00"]),
        ("01-20261122031000-02.jpg", ["2026-11-22T03:10:00"]),
        ("01-20261122031000.jpg", ["2026-11-22T03:10:00"]),
        ("IMG_20261122_031000123.jpg", ["2026-11-22T03:10:00"]),
        ("2026-11-22T03:10:00+02:00.mp4", ["2026-11-22T03:10:00+02:00"]),
        ("20261122T031000Z.mp4", ["2026-11-22T03:10:00+00:00"]),
        ("20261122031000-0001.jpg", ["2026-11-22T03:10:00"]),
        ("20261122-0310.wav", ["2026-11-22T03:10:00"]),
        ("1795309800.jpg", ["2026-11-22T01:10:00+00:00"]),
        ("1795309800.123456-ab.jpg", ["2026-11-22T01:10:00+00:00"]),
        ("1795309800123.jpg", ["2026-11-22T01:10:00+00:00"]),
        ("2026-11-22.jpg", ["2026-11-22T00:00:00"]),
        ("20260415-20261122-031000.wav", ["2026-11-22T03:10:00"]),
        # What is no date, or may be somebody's number.
        ("20261122.wav", []),
        ("+37120261122.wav", []),
        ("2026-13-22.jpg", []),
        ("2026-02-30_10-00-00.jpg", []),
        ("20261122-9.jpg", []),
        ("12026112203100000.jpg", []),
        ("0000000042.jpg", []),
        ("9795309800.jpg", []),
        ("1920x1080.jpg", []),
    ],
)
def test_a_name_is_guessed_at_with_care(name: str, found: list[str]) -> None:
    guesses = named(name)
    assert found == [guess.value.isoformat() for guess in guesses]
    assert not any(guess.declared for guess in guesses)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2026/11/22/x.jpg", [("2026-11-22T00:00:00", 86_400)]),
        ("cam1/2026-11-22/x.jpg", [("2026-11-22T00:00:00", 86_400)]),
        ("cam1/20261122/x.jpg", [("2026-11-22T00:00:00", 86_400)]),
        ("2026/11/22/03/x.jpg", [("2026-11-22T03:00:00", 3_600)]),
        ("2026-11-22/03/cam/x.jpg", [("2026-11-22T03:00:00", 3_600)]),
        ("2026/11/22", []),
        ("x2026/11/22/x.jpg", []),
        ("2026/11/22x/x.jpg", []),
        ("2026/02/30/x.jpg", []),
        ("2026/11-22/x.jpg", []),
    ],
)
def test_directories_tell_a_day_or_an_hour(name: str, found: list[tuple[str, int]]) -> None:
    guesses = named(name)
    assert found == [(guess.value.isoformat(), guess.precision_seconds) for guess in guesses]
    assert {guess.source for guess in guesses} <= {TimeSource.DIRECTORY}
    assert {guess.zone for guess in guesses} <= {ZoneKnowledge.LOCAL}


def test_where_a_declared_pattern_speaks_nobody_guesses() -> None:
    (found,) = named("1795309800-20261122.jpg", "*-%Y%m%d.jpg")
    assert (TimeSource.NAME, "*-%Y%m%d.jpg", True) == (found.source, found.tag, found.declared)
    (found,) = named("1795309800-20261122.png", "*-%Y%m%d.jpg")
    assert (TimeSource.NAME_GUESS, False) == (found.source, found.declared)


def test_names_need_not_be_text() -> None:
    found = NamePattern.parse("*-%Y%m%d").match(b"\xff\xfe\n-20261122")
    assert found is not None
    assert datetime(2026, 11, 22) == found.value


@given(st.binary(max_size=300))
def test_any_name_at_all_is_looked_at(name: bytes) -> None:
    patterns = [NamePattern.parse(text) for text in ("*%Y*%m*%d*", "%Y/%j", "*%s*", "??%y%m%d%z")]
    found = probe(BytesSource(b""), name=name, mtime_ns=0, patterns=patterns).candidates
    assert found[-1] == Candidate(
        TimeSource.MTIME, datetime(1970, 1, 1, tzinfo=UTC), ZoneKnowledge.UTC, is_end=True
    )


def test_no_name_makes_matching_slow() -> None:
    pattern = NamePattern.parse("*a*a*a*a*a*a*a*a*%Y%m%d*b")
    began = time.process_time()
    assert pattern.match(b"a" * 4_000) is None
    assert pattern.match(b"a20261122" * 500) is None
    named("2026" * 1_000 + "1" * 1_000)
    assert time.process_time() - began < 60  # milliseconds; with a way back it would outlive us


def test_a_candidate_cannot_be_of_two_minds_about_its_zone() -> None:
    aware = datetime(2026, 11, 22, tzinfo=UTC)
    naive = aware.replace(tzinfo=None) + timedelta(seconds=1)
    for value, zone in (
        (aware, ZoneKnowledge.LOCAL),
        (aware, ZoneKnowledge.UTC_OR_LOCAL),
        (naive, ZoneKnowledge.OFFSET),
        (naive, ZoneKnowledge.UTC),
    ):
        with pytest.raises(MalformedError, match="cannot be written"):
            Candidate(TimeSource.NAME, value, zone)
