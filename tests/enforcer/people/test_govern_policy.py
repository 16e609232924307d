"""Policies as people write them."""

import io
import re
import subprocess
import sys
from datetime import UTC, date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import first_policy, signed_policy

from enforcer.cli import main
from enforcer.cli.explaining import Explainer, checked
from enforcer.govern import drafts
from retention import codec
from retention.calendar import Instant, Period, civil_date, iso, limits, parse_instant
from retention.classes import CANARY
from retention.errors import MalformedError
from retention.people import Person, Role
from retention.policy import follow

CLASS = """
[[class]]
name = "x"
period = "P1D"
anchor = "a"
legal_basis = "b"
purpose = "c"
notice = "d"
"""
PEOPLE = (Person("anna", (Role.OWNER,), b"a" * 32), Person("ben", (Role.OWNER,), b"b" * 32))


def policy(draft):
    return drafts.first_policy(
        draft,
        people=PEOPLE,
        directive_key=b"d" * 32,
        ledger_origin="o",
        ledger_key=b"l" * 32,
        now=Instant(0),
        today=date(2026, 1, 1),
    )


def test_the_built_in_classes_are_those_of_the_notice():
    found = {c.name: c for c in drafts.read(drafts.built_in(), "anna").classes}
    assert {name: c.period for name, c in found.items()} == {
        "terminal-image": "P60D",
        "contact-centre-call": "P6M",
        CANARY: "P1D",
    }
    assert {c.owner for c in found.values()} == {"anna"}
    assert {c.bound for c in found.values()} == {"maximum"}


def test_a_policy_written_out_and_read_again_is_the_same():
    draft = drafts.read(drafts.built_in() + SOURCE, "anna")
    first = policy(replace(draft, migrations=()))
    second = replace(first, version=2, migrations=draft.migrations)
    again = drafts.read(drafts.write(second), "nobody")
    assert again == draft


def test_a_draft_may_take_over_what_an_earlier_version_recorded_and_a_first_policy_may_not():
    draft = checked(drafts.built_in() + SOURCE)
    assert 1 == len(draft.migrations)
    with pytest.raises(MalformedError, match="an earlier version"):
        policy(draft)


SOURCE = """
[[source]]
id = "cam"
group = "terminal-*"
directory = ""
record_class = "terminal-image"
purpose = 'people "in front"'
name_pattern = "*-%Y%m%d%H%M%S.jpg"
imports = true

[[migration]]
record_class = "terminal-image"
recorded_under = 1
reason = "approved"
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x =", "not a policy in TOML"),
        ("class = 3", "Expected `array`"),
        ("", "missing required field `class`"),
        (CLASS + "colour = 3", "unknown field `colour`"),
        (CLASS.replace("P1D", "60 d"), "did you mean P60D?"),
        (CLASS + 'zone = "Mars"', "no time zone 'Mars'"),
        (CLASS + CLASS, "two of class x"),
        (CLASS + 'bound = "minimum"', "at least one class with a maximum"),
        (CLASS + SOURCE.partition("[[migration]]")[0], "no class 'terminal-image'"),
        (drafts.built_in() + SOURCE.replace('""', '"../x"'), "below the store's root"),
        (drafts.built_in() + SOURCE.replace("%Y", "%Q"), "%Q"),
    ],
)
def test_what_cannot_be_right_is_one_sentence(text, sentence):
    with pytest.raises(MalformedError, match=sentence.replace("?", r"\?")):
        checked(text)


def test_explaining_agrees_with_the_calendar():
    anchor = "2026-01-15T14:20:00+02:00"
    found = Explainer(checked(drafts.built_in()), "terminal-image").of(anchor)
    assert (found.civil_date, found.due_at, found.must_be_gone_by, found.outer_bound) == (
        date(2026, 1, 15),
        "2026-03-15T06:00:00+02:00",
        "2026-03-16T00:00:00+02:00",
        "2026-03-17T00:00:00+02:00",
    )


@given(st.integers(0, 2**32))
def test_explaining_agrees_with_the_calendar_at_any_time(instant):
    explainer = Explainer(checked(drafts.built_in()), "contact-centre-call")
    zone = explainer._zone
    found = explainer.of(iso(Instant(instant), UTC))
    expected = limits(civil_date(Instant(instant), zone), Period(6, "M"), zone, 18 * 3600)
    assert parse_instant(found.due_at) == expected.due_at
    assert parse_instant(found.outer_bound) == expected.outer_bound


def test_a_class_with_a_minimum_is_never_erased():
    draft = checked(drafts.built_in() + CLASS + 'bound = "minimum"')
    found = Explainer(draft, "x").of("2026-01-15T14:20:00+02:00")
    assert (found.due_at, found.sentence) == (None, "x is kept at least 1 day; nothing erases it.")


def test_explain_answers_lines_of_standard_input_with_lines_of_json():
    command = [sys.executable, "-m", "enforcer.cli", "policy", "explain"]
    asked = subprocess.run(
        [*command, "--class", CANARY, "--anchor", "-"],
        input="2026-01-15T14:20:00+02:00\n2026-01-16T00:00:00Z\n",
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = asked.stdout.splitlines()
    assert '"due_at":"2026-01-15T12:00:00+02:00"' in first
    assert '"civil_date":"2026-01-16"' in second


def test_explain_names_the_line_that_is_no_time(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("2026-01-15T14:20:00+02:00\n2026-01-16\n"))
    assert main(["policy", "explain", "--class", CANARY, "--anchor", "-"]) == 2
    answered = capsys.readouterr()
    assert 1 == answered.out.count("\n")
    assert "line 2: '2026-01-16' does not say its offset from UTC" in answered.err


def test_a_period_is_explained_in_words():
    found = Explainer(checked(drafts.built_in()), "contact-centre-call")
    assert "kept no longer than 6 months" in found.of("2026-01-15T14:20:00+02:00").sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--class", "nix", "--anchor", "2026-01-15T14:20:00Z"], "no class 'nix'"),
        (["--class", CANARY, "--anchor", "2026-01-15"], "does not say its offset"),
        (["--class", CANARY, "--anchor", "-", "--policy", "nowhere"], "cannot read nowhere"),
    ],
)
def test_explain_refuses_with_one_sentence(words, sentence, capsys):
    assert main(["policy", "explain", *words]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("what", ["anchor", "legal_basis", "purpose", "notice"])
def test_no_class_leaves_unsaid_what_the_notice_publishes(what):
    text = re.sub(
        f'^{what} = ".*"', f'{what} = " "', drafts.built_in(), count=1, flags=re.MULTILINE
    )
    with pytest.raises(MalformedError, match=f"class terminal-image: say its {what}"):
        checked(text)


def test_no_camera_is_without_a_purpose():
    text = drafts.built_in().replace("the product's own test files", "")
    with pytest.raises(MalformedError, match="source canary: say its purpose"):
        checked(text)


def test_a_wrong_period_is_named_with_its_class():
    with pytest.raises(MalformedError, match="class contact-centre-call: '6' is not a period"):
        checked(drafts.built_in().replace("P6M", "6"))


def test_check_names_the_file_and_what_is_in_it(tmp_path: Path, capsys):
    file = tmp_path / "policy.toml"
    file.write_text(drafts.built_in())
    assert main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: 3 classes, 1 source, no mistake.\n"


def test_a_clock_that_was_set_back_draws_up_no_policy_older_than_the_present_one():
    known = signed_policy(first_policy())
    chain = follow([known], codec.digest(known.payload))
    issued_at = chain.current.issued_at
    back = Instant(issued_at - 3 * 86400)
    drawn = drafts.successor(chain, now=back, today=civil_date(back, UTC))
    assert drawn.issued_at == issued_at
    assert drawn.effective_from == civil_date(issued_at, UTC)
