"""The documents say what the code does: links lead somewhere, names exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.__main__ import PAGE, written

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = [
    path
    for package in ("retention", "agents", "enforcer", "auditor", "demo")
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    missing = [each for each in links if not (page.parent / each).exists()]
    assert [] == missing


def test_every_page_and_section_that_the_code_names_is_there():
    named = {
        (page, section.strip())
        for path in CODE
        for page, section in re.findall(
            r"(docs/[a-z-]+\.md)(?:,\s+([A-Z][a-z]+(?: [a-z]+)*))?",
            re.sub(r"\s*\n\s*#?\s*", " ", path.read_text()),
        )
    }
    wrong = []
    for page, section in named:
        text = (ROOT / page).read_text() if (ROOT / page).exists() else None
        if text is None or (section and not _has_section(text, section)):
            wrong.append((page, section))
    assert [] == wrong


def _has_section(text: str, section: str) -> bool:
    """A reference may run on into its sentence: the heading is how it begins."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return any(section == h or section.startswith(f"{h} ") for h in headings)


def test_the_page_of_metrics_is_what_the_code_says():
    page = PAGE.read_text()
    assert written(page) == page, "run `make docs`"
    assert page.count("| `retention_") > 45


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path):
    named = set(re.findall(r"`(tests/[a-z_/.]+)`", page.read_text()))
    assert [] == sorted(each for each in named if not (ROOT / each).exists())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_code_that_a_page_names_in_full_is_there(page: Path):
    packages = "retention|agents|enforcer|auditor|demo|deploy|config"
    named = set(re.findall(rf"`((?:{packages})/[\w./@-]+)`", page.read_text()))
    assert [] == sorted(each for each in named if not (ROOT / each).exists())


def test_the_readme_leads_to_every_page():
    linked = set(re.findall(r"\]\((docs/[^)#]+\.md)", (ROOT / "README.md").read_text()))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} == linked


NOUNS = {"store", "hold", "policy", "backup", "ledger", "item"}  # a verb follows


@pytest.mark.slow
def test_every_command_of_the_pages_is_one():
    blocks = [
        block for page in PAGES for block in re.findall(r"\n\n((?: {4,}.*\n+)+)", page.read_text())
    ]
    commands = {
        found
        for block in blocks
        for found in re.findall(
            r"^ {4,}(enforcer|retention-agent|auditor) ([a-z]+)(?: ([a-z]+))?", block, re.MULTILINE
        )
    }
    assert len(commands) > 25
    for program, noun, verb in sorted(commands):
        words = [noun, verb] if verb and noun in NOUNS else [noun]
        done = subprocess.run(
            [Path(sys.executable).parent / program, *words, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, (program, words, done.stderr)
