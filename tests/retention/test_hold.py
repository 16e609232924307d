"""What a hold holds, and what nobody may write into a register."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from retention.calendar import DAY, Instant
from retention.errors import RefusedError
from retention.hold import (
    AFTER_RELEASE_SECONDS,
    COMPLETE_WITHIN_SECONDS,
    MAX_REVIEW_DAYS,
    Ground,
    ItemRef,
    StoreHold,
    either_number,
    padded,
    refuse_personal_data,
)
from retention.numbers import Keyed

MINUTE = 60
BEGINS, ENDS = Instant(1_000_000), Instant(1_003_600)
HOLD = StoreHold("hold-1", BEGINS, ENDS, sources=("front",))
SITE = StoreHold("hold-2", BEGINS, ENDS)
NAMED = ItemRef("riga-001", 1, 7, "front", BEGINS, ENDS, b"f" * 16)
ITEMS = StoreHold("hold-3", Instant(1), Instant(0), items=(NAMED,))
MINE, YOURS, THEIRS = (Keyed("key-1", bytes([each]) * 16) for each in range(3))


@pytest.mark.parametrize(
    ("earliest", "latest", "held"),
    [
        (BEGINS - 10, BEGINS - 1, False),
        (BEGINS - 10, BEGINS, True),
        (BEGINS, BEGINS, True),
        (BEGINS + 5, BEGINS + 6, True),
        (BEGINS - 10, ENDS + 10, True),
        (ENDS, ENDS + 10, True),
        (ENDS + 1, ENDS + 10, False),
    ],
)
def test_a_hold_matches_what_may_have_a_second_in_it(earliest, latest, held):
    assert held == HOLD.matches("front", Instant(earliest), Instant(latest))
    assert held == SITE.matches("back", Instant(earliest), Instant(latest))
    assert not HOLD.matches("back", Instant(earliest), Instant(latest))


def test_an_undated_file_matches_every_hold_on_its_source():
    assert HOLD.matches("front", None, None)
    assert SITE.matches("back", None, None)
    assert not HOLD.matches("back", None, None)


def test_a_hold_of_items_holds_nothing_else():
    assert not ITEMS.matches("front", BEGINS, ENDS)
    assert not ITEMS.matches("front", BEGINS, ENDS, b"g" * 16)
    assert not ITEMS.matches("front", None, None, b"g" * 16)
    assert not ITEMS.matches("front", Instant(0), Instant(1))


def test_a_named_item_is_found_again_by_its_content_and_its_time():
    assert ITEMS.matches("front", BEGINS, BEGINS, b"f" * 16)
    assert ITEMS.matches("called otherwise now", ENDS, ENDS, b"f" * 16)
    assert ITEMS.matches("front", None, None, b"f" * 16)
    assert not ITEMS.matches("front", Instant(ENDS + 1), Instant(ENDS + 2), b"f" * 16)


def test_what_has_no_fingerprint_is_not_found_by_it():
    nameless = StoreHold(
        "h", Instant(1), Instant(0), items=(ItemRef("r", 1, 7, "front", BEGINS, ENDS, b""),)
    )

    assert not nameless.matches("front", BEGINS, ENDS, b"")
    assert not nameless.matches("front", None, None)


def test_items_named_besides_an_interval_are_held_whatever_it_is():
    both = StoreHold("h", Instant(5), Instant(6), ("back",), (NAMED,))

    assert both.matches("front", BEGINS, ENDS, b"f" * 16)
    assert both.matches("back", Instant(0), Instant(5))
    assert not both.matches("front", Instant(0), Instant(5))


def test_a_hold_of_numbers_holds_only_calls_with_one_of_them():
    hold = structs.replace(HOLD, numbers=(MINE, YOURS))

    assert hold.matches("front", BEGINS, ENDS, numbers=(YOURS,))
    assert not hold.matches("front", BEGINS, ENDS, numbers=(THEIRS,))
    assert not hold.matches("front", BEGINS, ENDS)


@pytest.mark.parametrize(
    ("known", "told", "either"),
    [
        ((MINE,), (YOURS, MINE), (MINE, YOURS)),
        ((MINE,), UNSET, UNSET),
        (UNSET, (MINE,), UNSET),
    ],
)
def test_of_two_holds_the_numbers_are_all_that_either_covers(known, told, either):
    assert either == either_number(known, told)


def test_a_review_a_completion_and_a_release_have_their_times():
    """docs/rules.md, Holds: 90 days, 72 hours, a day."""
    times = MAX_REVIEW_DAYS * DAY, COMPLETE_WITHIN_SECONDS, AFTER_RELEASE_SECONDS
    assert (90 * DAY, 3 * DAY, DAY) == times


instants = st.integers(0, 40).map(Instant)


pairs = st.tuples(instants, instants).map(sorted)


@given(pairs, pairs, pairs)
def test_the_wider_the_interval_the_more_holds_match(held, wide, other):
    """An item is matched at the widest its date allows: no narrower knowledge finds another hold."""
    begins, ends = held
    narrow = [min(max(bound, wide[0]), wide[1]) for bound in other]
    hold = StoreHold("h", begins, ends)

    assert hold.matches("a", *narrow) <= hold.matches("a", *wide) <= hold.matches("a", None, None)
    assert hold.matches("a", *wide) == bool(
        set(range(begins, ends + 1)) & set(range(wide[0], wide[1] + 1))
    )


def test_a_person_s_interval_gets_a_quarter_of_an_hour_on_either_side():
    assert (BEGINS - 15 * MINUTE, ENDS + 15 * MINUTE) == padded(BEGINS, ENDS)


def test_the_grounds_are_those_of_the_notice():
    assert {"crime": "19.1", "dispute": "19.2", "statute": "19.4"} == {
        str(ground): ground.clause for ground in Ground
    }


# --- no personal data in registers ---------------------------------------------------------------


def refusal(*texts: str) -> str:
    """Why these may not be written; nothing if they may."""
    try:
        refuse_personal_data(texts)
    except RefusedError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        "161175-19997",
        "persona 161175-19997 bija",
        "161175-19998",  # the hyphen says what it is meant to be, whatever its check digit
        "161175 - 19997",
        "161175\N{EN DASH}19997",
        "16117519997",  # its check digit is right
        "16117510010",  # and so is a 0 for a remainder of 10
        "010175-19997",
        "311275-19997",
        "161175 19997",
        "32503511782",  # without a birthday
        "325035-11782",
        "(161175-19997)",
        "pk:161175-19997.",
    ],
)
def test_a_personal_code_is_refused(text):
    assert "looks like a personal code" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "26123456",
        "67123456",
        "2612 3456",
        "26 123 456",
        "26-123-456",
        "26 12 34 56",
        "+37126123456",
        "+371 26123456",
        "+371 2012-3456",
        "0037126123456",
        "37126123456",
        "tel.26123456",
        "tel: 26123456, vakarā",
        "(26123456)",
        "+44 7911 123456",
        "+1 (212) 555-0100",
        "20260115",  # a date as much as a number: dates are written with hyphens
        "26\N{NO-BREAK SPACE}123\N{NO-BREAK SPACE}456",
    ],
)
def test_a_phone_number_is_refused(text):
    assert "looks like a phone number" in refusal(text)


@pytest.mark.parametrize(
    "text", ["anna@example.lv", "rakstīt anna.b+x@mail.example.lv rīt", "<a@b.lv>", "ā@b.lv"]
)
def test_an_e_mail_address_is_refused(text):
    assert "looks like an e-mail address" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "11816003129",  # a criminal case: 81 is no month, though the check digit is right
        "45017512344",  # 45 is no day
        "011375-19997",
        "kriminālprocess Nr. 11096012322",  # a birthday, but another check digit
        "40003032949",  # a company
        "C30123426",
        "Lieta C-30-1234-26/2",
        "KP-26123456",
        "INC-20260115-3",
        "2026-0012",
        "2026-01-15",
        "2026-01-15 03:10",
        "2026-01-15T03:10:00+02:00",
        "26-01-2026",
        "26.01.2026",
        "26.01.2026 12:34",
        "26.01.2026 1234",
        "26/01/2026",
        "20260115T031000",
        "202601150310",
        "1773135000",
        "Brīvības 12, Rīga, LV-1010",
        "KPL 190. pants; GDPR 15(1)(c)",
        "t-1/1/99",
        "at 03:10, before 15 min, after 15 min",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "612345",
        "kamera @ ieeja",
    ],
)
def test_case_numbers_dates_and_places_are_not(text):
    assert "" == refusal(text)


def test_a_refusal_does_not_say_the_words_again():
    for text in ("161175-19997", "26123456", "anna@example.lv"):
        assert text not in refusal(text)


@given(st.lists(st.text("0126789٣-–+()@.a ", max_size=20), max_size=3))
def test_whatever_is_written_is_refused_if_a_part_of_it_would_be_alone(texts):
    assert bool(refusal(*texts)) == any(refusal(text) for text in texts)


@pytest.mark.parametrize("piece", ["2", "26 ", "1-", "a@", "@", "+1(", "2026-", "161175 "])
def test_a_long_text_is_read_in_time(piece):
    """Less than a second for a hundred kilobytes, where a careless expression would take an hour."""
    text = piece * (100_000 // len(piece))
    began = process_time()
    refusal(text)

    assert process_time() - began < 60
