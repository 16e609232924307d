"""Telephone numbers: one spelling of each, and nothing of it without the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.bounds import MAX_NAME
from retention.errors import ConfigError, MalformedError
from retention.numbers import Keyed, NumberKey, asked, e164, keyed, parse_keys

ONE, TWO = NumberKey("2026-01", b"1" * 32), NumberKey("2026-07", b"2" * 32)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+37120000001", "+37120000001"),
        ("+371 2000 00-01", "+37120000001"),
        ("0037120000001", "+37120000001"),
        ("00371 20000001", "+37120000001"),
        ("37120000001", "+37120000001"),
        ("20000001", "+37120000001"),
        ("67 000 000", "+37167000000"),
        ('"Anna B." <+37120000001>', "+37120000001"),
        ('"20000002" <20000001>', "+37120000001"),
        ("sip:+37120000001@10.0.0.1;user=phone", "+37120000001"),
        ("tel:+371-20000001;phone-context=x", "+37120000001"),
        ("+46 (70) 123.45.67", "+46701234567"),
        ("46701234567", "+46701234567"),
        ("100", None),
        ("1234567", None),
        ("anonymous", None),
        ("Anonymous <anonymous@invalid>", None),
        ("", None),
        ("123456789", "+123456789"),
        ("+1234567", "+1234567"),
        ("+123456", None),
        ("+03712000", None),
        ("+123456789012345", "+123456789012345"),
        ("+1234567890123456", None),
        ("+371\u0662\u0660\u0660\u0660\u0660\u0660\u0660\u0661", None),
        ("+", None),
    ],
)
def test_a_number_has_one_spelling(written: str, meant: str | None):
    assert e164(written) == meant


@given(st.text(max_size=40))
def test_whatever_is_written_a_spelling_stays_itself(written: str):
    number = e164(written)
    assert number is None or e164(number) == number


@given(st.from_regex(r"[26][0-9]{7}", fullmatch=True))
def test_all_spellings_of_one_number_meet(national: str):
    spellings = (national, "371" + national, "+371" + national, "00371 " + national)
    assert {e164(spelling) for spelling in spellings} == {"+371" + national}


def test_a_number_is_told_by_every_key_and_by_no_other():
    assert [each.key for each in keyed("+37120000001", (ONE, TWO))] == ["2026-01", "2026-07"]
    [one] = keyed("+37120000001", (ONE,))
    [other] = keyed("+37120000001", (NumberKey("2026-01", b"3" * 32),))
    assert one.mac != other.mac
    assert asked("20000001", (ONE,)) == (one,)
    assert isinstance(one, Keyed)
    assert b"20000001" not in one.mac


def test_what_is_no_number_is_refused_and_not_said_again():
    with pytest.raises(MalformedError) as error:
        asked("Anna 2000", (ONE,))
    assert "2000 " not in str(error.value).replace("20000000", "")
    assert "Anna" not in str(error.value)


def test_keys_are_read_from_lines():
    text = f"# the newest last\n2026-01 {'31' * 32}\n\n2026-07 {'32' * 32} # since July\n"
    assert parse_keys(text) == (ONE, TWO)
    longest = "a" * MAX_NAME
    assert parse_keys(f"{longest} {'31' * 32}") == (NumberKey(longest, ONE.secret),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no key"),
        ("# nothing", "has no key"),
        ("2026-01", "line 1: write an id"),
        (f"\n2026-01 {'31' * 31}", "line 2: a key is 64"),
        (f"2026-01 {'x1' * 32}", "line 1: a key is 64"),
        (f"a/b {'31' * 32}", "line 1: write an id"),
        (f"{'a' * (MAX_NAME + 1)} {'31' * 32}", "line 1: write an id"),
        (f"a {'31' * 32}\na {'32' * 32}", "the same id"),
    ],
)
def test_a_broken_key_file_is_one_sentence(text: str, sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        parse_keys(text)
