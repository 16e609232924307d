"""People are told in English or in Latvian; a sentence is never half of each, and programs see no difference."""

import json
import re
from pathlib import Path
from string import Formatter

import pytest

from enforcer.cli import language, main
from enforcer.cli.latvian import REASONS, SENTENCES
from enforcer.tasks.days import NOT_WATCHED
from enforcer.trouble import NOTES
from retention.page import words

ROOT = Path(__file__).parents[3]
CLI = "\n".join(path.read_text() for path in (ROOT / "enforcer" / "cli").glob("[a-km-z]*.py"))
LEDGER = (ROOT / "enforcer" / "cli" / "ledger.py").read_text()
COMPLY = (ROOT / "enforcer" / "comply.py").read_text()


@pytest.fixture(autouse=True)
def english_again():
    yield
    language.choose("en", {})


@pytest.fixture
def said(live, capsys):
    """What a person is told by a command."""

    def say(*words: str, person: str = "hugo") -> str:
        main([*words, "--as", str(live.home / "people" / f"{person}.toml")])
        return capsys.readouterr().out

    return say


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_both_languages_fill_in_the_same():
    wrong = [
        english for english, latvian in SENTENCES.items() if fields(english) != fields(latvian)
    ]
    assert [] == wrong


def test_every_sentence_that_is_translated_is_said_and_every_one_that_is_said_is_translated():
    templates = set(re.findall(r'\bsay\(\s*"([^"]+)"', CLI + LEDGER))
    templates |= set(re.findall(r"\bsay\(\s*'([^']+)'", CLI + LEDGER))
    templates |= set(re.findall(r'said = "([^"]+)"', CLI + LEDGER))
    templates.discard(", ")  # joins what is said
    assert set() == templates - set(SENTENCES)
    with_fields = {each for each in SENTENCES if fields(each)}
    assert set() == with_fields - templates


def test_every_reason_has_its_latvian():
    found = set(re.findall(r'_(?:violated|unknown)\(\s*"([a-z_]+)"', COMPLY))
    found |= {note.replace("-", "_") for note, sentence in NOTES.items() if sentence}
    assert found == set(REASONS)
    assert {"number", "quoted"} >= {
        name for latvian in REASONS.values() for name in fields(latvian)
    }


def test_the_inspector_s_page_has_words_for_every_reason_of_a_day():
    assert {*REASONS, NOT_WATCHED} == set(words.REASONS)


@pytest.mark.parametrize(
    ("asked", "environ", "spoken"),
    [
        (None, {}, "ok"),
        (None, {"LANG": "en_GB.UTF-8"}, "ok"),
        (None, {"LANG": "lv_LV.UTF-8"}, "kārtībā"),
        (None, {"LANG": "lv_LV.UTF-8", "LC_ALL": "C"}, "ok"),
        ("en", {"LANG": "lv_LV.UTF-8"}, "ok"),
        ("lv", {}, "kārtībā"),
    ],
)
def test_the_language_is_what_was_asked_for_or_that_of_the_machine(asked, environ, spoken):
    language.choose(asked, environ)
    assert spoken == language.say("ok")


def test_a_status_and_a_hold_in_latvian(live, said):
    agent = live.enrol("t-1", "Brīvības iela 12")
    agent.sight(None)
    told = said("status", "--lang", "lv", person="anna")
    assert "terminal-image: nav zināms; pierādītas 0 no 1 glabātuvēm; nav pierādītas: 1" in told
    assert "tā nekad nav pilnībā pārlūkota" in told
    place = ("hold", "place", "crime", "--site", "brivibas iela 12", "--around", "03:10")
    told = said(*place, "--no-wait", "--lang", "lv")
    assert "prettiesisks nodarījums (19.1. punkts), noteikts" in told
    assert "aizliegts dzēst: visi avoti vietā Brīvības iela 12, no " in told
    assert "GAIDA, vēl nav spēkā: pēdējoreiz sazinājās" in told
    preview = ("hold", "preview", "--site", "brivibas iela 12", "--around", "03:10")
    assert "apskatot nekas netiek aizliegts" in said(*preview, "--lang", "lv")
    listed = said("hold", "list", "--lang", "lv")
    assert "AIZLIEGUMS" in listed
    assert "prettiesisks nodarījums" in listed
    assert "1, vēl nav spēkā: 1" in listed
    forecast = said("forecast", "--days", "6", "--lang", "lv", person="olga")
    assert forecast.startswith("Līdz ")
    assert "nekas nav jādzēš" in forecast
    as_json = [said("status", "--json", "--lang", each, person="anna") for each in ("en", "lv")]
    english, latvian = (json.loads(each)["stores"] for each in as_json)
    assert english == latvian
