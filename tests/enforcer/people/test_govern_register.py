"""Stores on paper: every mistake named by line and column, and nothing taken in by halves."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.govern.forms.stores import NewStore
from enforcer.govern.register import faults, read_csv
from retention.errors import ConfigError

TODAY = date(2026, 6, 10)
GOOD = NewStore(id="t-1", site="Čaka 5", group="terminal", commissioned_on=date(2025, 1, 1))
HEAD = "id,site,group,commissioned_on\n"


def test_a_file_becomes_stores_with_what_is_usual_where_it_says_nothing():
    lines = ["id,site,group,commissioned_on,kind\n", "t-1,Čaka 5,terminal,2025-01-01,\n", "\n"]
    assert read_csv(lines, "f", TODAY) == (GOOD,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "f is empty"),
        ("id,site,group\n", "f, line 1: column commissioned_on is missing"),
        ("id,sight,group,commissioned_on\n", "f, line 1: unknown column 'sight'"),
        ("id,id,site,group,commissioned_on\n", "f, line 1: a column is there twice"),
        (HEAD + "t-1,Čaka 5,terminal\n", "f, line 2: has 3 columns, not 4"),
        (HEAD + "T 1,Čaka 5,terminal,2025-01-01\n", "f, line 2, column id: 'T 1' is not"),
        (HEAD + "t-1,,terminal,2025-01-01\n", "f, line 2, column site: is empty"),
        (HEAD + "t-1,Čaka 5,terminal,2025-13-01\n", "f, line 2, column commissioned_on: invalid"),
        (HEAD + "t-1,Čaka 5,terminal,2026-06-11\n", "column commissioned_on: 2026-06-11 is in the"),
        (HEAD + "t-1,Čaka 5,terminal,1970-01-01\n", "1970-01-01 is before there were recorders"),
        (HEAD + 2 * "t-1,Čaka 5,terminal,2025-01-01\n", "f, line 3, column id: t-1 is there twice"),
        (HEAD + "t-1,ask 29123456,terminal,2025-01-01\n", "f, line 2, column site: "),
        (HEAD + 't-1,"Čaka\n', "f, line 2"),
        ("id,site,group,commissioned_on,region\nt,S,g,2025-01-01,US\n", "column region: 'US' is"),
        ("id,site,group,commissioned_on,zone\nt,S,g,2025-01-01,Mars\n", "column zone: there is no"),
    ],
)
def test_a_mistake_is_named_by_line_and_column(text, sentence):
    with pytest.raises(ConfigError) as caught:
        read_csv(text.splitlines(keepends=True), "f", TODAY)
    assert str(caught.value).startswith(sentence) or sentence in str(caught.value)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_stores_or_one_sentence(text):
    try:
        read_csv((HEAD + text).splitlines(keepends=True), "f", TODAY)
    except ConfigError as error:
        assert str(error).startswith("f, line ")  # noqa: PT017


@pytest.mark.parametrize("region", ["EEA", "US: SCC 2021/914", "GB: adequacy 2021/1772"])
def test_data_lies_in_the_eea_or_on_the_basis_of_a_transfer(region):
    assert list(faults(NewStore(**{**fields(), "region": region}), TODAY)) == []


@pytest.mark.parametrize("region", ["US", "", "us: SCC", "US:", "US:  ", "EEA and beyond"])
def test_elsewhere_without_a_basis_is_refused(region):
    (fault,) = faults(NewStore(**{**fields(), "region": region}), TODAY)
    assert fault.field == "region"


def fields():
    return {name: getattr(GOOD, name) for name in GOOD.__struct_fields__}
