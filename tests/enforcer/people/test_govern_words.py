"""Times and places as people say them."""

import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.govern import sites
from enforcer.govern.moments import around, between
from retention.calendar import DAY, Instant, civil_date, iso, parse_instant
from retention.errors import ConfigError

RIGA = ZoneInfo("Europe/Riga")
NOW = parse_instant("2026-06-10T05:00:00+03:00")
SITES = ("Brīvības iela 12", "Brīvības iela 120", "Brīvības 12, Sigulda", "Čaka 5", "Ķengaraga 1a")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("03:10", "2026-06-10T03:10:00+03:00"),
        ("3.10", "2026-06-10T03:10:00+03:00"),
        ("05:00", "2026-06-10T05:00:00+03:00"),
        ("05:01", "2026-06-09T05:01:00+03:00"),
        ("2026-06-01 23:59", "2026-06-01T23:59:00+03:00"),
        ("2026-06-01T23:59", "2026-06-01T23:59:00+03:00"),
        ("2026-06-01T20:59:00Z", "2026-06-01T23:59:00+03:00"),
    ],
)
def test_a_time_without_a_date_is_the_last_one_there_was(typed, meant):
    found = around(typed, RIGA, NOW)
    assert (iso(found.begins, RIGA), iso(found.ends, RIGA)) == (meant, meant)


@pytest.mark.parametrize(
    "typed", ["", "3", "24:00", "03:60", "2026-02-30 03:10", "2026-02-30", "yesterday"]
)
def test_what_is_no_time_is_said_to_be_none(typed):
    with pytest.raises(ConfigError):
        around(typed, RIGA, NOW)


def test_a_day_alone_is_all_of_it():
    """From midnight to midnight on the wall, 23 hours in the night of the change."""
    found = between("2026-03-28", "2026-03-29", RIGA, NOW)
    assert iso(found.begins, RIGA) == "2026-03-28T00:00:00+02:00"
    assert iso(found.ends, RIGA) == "2026-03-29T23:59:59+03:00"


def test_a_time_that_a_clock_showed_twice_is_both():
    morning = parse_instant("2026-10-25T08:00:00+02:00")
    found = around("03:10", RIGA, morning)
    assert iso(found.begins, RIGA) == "2026-10-25T03:10:00+03:00"
    assert iso(found.ends, RIGA) == "2026-10-25T03:10:00+02:00"


def test_a_time_that_no_clock_showed_is_both_readings_around_the_jump():
    morning = parse_instant("2026-03-29T08:00:00+03:00")
    found = around("03:10", RIGA, morning)
    assert found.ends - found.begins == 3600
    assert iso(found.begins, RIGA) == "2026-03-29T02:10:00+02:00"


@given(now=st.integers(0, 2**32), hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_the_last_time_there_was_is_within_a_day_and_not_ahead(now, hour, minute):
    found = around(f"{hour:02}:{minute:02}", RIGA, Instant(now))
    assert found.begins <= found.ends
    assert found.begins <= now <= found.begins + DAY + 2 * 3600


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("22:00", "03:30", ("2026-06-09T22:00:00+03:00", "2026-06-10T03:30:00+03:00")),
        ("03:10", "03:10", ("2026-06-10T03:10:00+03:00", "2026-06-10T03:10:00+03:00")),
        (
            "2026-06-01 10:00",
            "2026-06-03 11:00",
            ("2026-06-01T10:00:00+03:00", "2026-06-03T11:00:00+03:00"),
        ),
    ],
)
def test_an_end_without_a_date_is_the_first_after_the_beginning(since, until, expected):
    assert tuple(iso(each, RIGA) for each in between(since, until, RIGA, NOW)) == expected


def test_an_end_before_the_beginning_is_refused():
    with pytest.raises(ConfigError, match="is before"):
        between("2026-06-02 10:00", "2026-06-01 10:00", RIGA, NOW)


@given(now=st.integers(10**8, 2**32), minutes=st.integers(0, 1439), later=st.integers(0, 1439))
def test_an_interval_is_never_longer_than_a_day_where_no_dates_are_typed(now, minutes, later):
    since, until = (f"{each // 60:02}:{each % 60:02}" for each in (minutes, later))
    found = between(since, until, RIGA, Instant(now))
    assert 0 <= found.ends - found.begins <= DAY + 2 * 3600
    assert civil_date(found.begins, RIGA) <= civil_date(found.ends, RIGA)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Brivibas 120", "Brīvības iela 120"),
        ("brivibs 120", "Brīvības iela 120"),
        ("BRĪVĪBAS IELA 12", "Brīvības iela 12"),
        ("sigulda", "Brīvības 12, Sigulda"),
        ("caka", "Čaka 5"),
        ("kengar 1A", "Ķengaraga 1a"),
    ],
)
def test_a_site_is_found_without_diacritics_begun_or_misspelt(typed, meant):
    assert sites.resolve(typed, SITES) == meant


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        ("Brivibas 12", "which one: 'Brīvības 12, Sigulda', 'Brīvības iela 12'?"),
        ("Brivibas 13", "did you mean"),
        ("", "no site is called ''"),
        ("zzzzz", "no site is called 'zzzzz'"),
    ],
)
def test_what_fits_several_sites_or_none_is_a_question(typed, question):
    with pytest.raises(ConfigError, match=question):
        sites.resolve(typed, SITES)


@given(st.sampled_from(SITES))
def test_every_answer_to_the_question_can_be_typed(site):
    assert sites.resolve(site, SITES) == site
    plain = unicodedata.normalize("NFD", site).encode("ascii", "ignore").decode()
    assert sites.resolve(plain, SITES) == site


@given(st.integers(1, 500), st.integers(1, 500))
def test_a_number_is_never_taken_for_another(wanted, other):
    known = [f"Brīvības {other}"]
    if wanted == other:
        assert sites.resolve(f"brivibas {wanted}", known) == known[0]
    else:
        with pytest.raises(ConfigError):
            sites.resolve(f"brivibas {wanted}", known)
