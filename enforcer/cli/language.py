"""The language that people are spoken to in: English, or Latvian by `--lang lv` or LANG=lv_LV.UTF-8.

A sentence is known by its English; what has no Latvian yet is said in English rather than not at all.
What programs read (`--json`, exit codes, words of states in it) is in no language.
"""

import re
from argparse import ArgumentParser
from collections.abc import Mapping
from contextvars import ContextVar

from enforcer.cli.latvian import REASONS, SENTENCES
from enforcer.govern.forms.compliance import Reason

LANGUAGES = ("en", "lv")
_ONE = re.compile(r"\b1 (certificate|hold|item|source|store)s\b")
_spoken: ContextVar[str] = ContextVar("spoken", default="en")


def declare(parser: ArgumentParser) -> None:
    """Add --lang."""
    parser.add_argument(
        "--lang", choices=LANGUAGES, help="language of what is printed [LANG, or en]"
    )


def choose(asked: str | None, environ: Mapping[str, str]) -> None:
    """Speak this language from now on; None: that of the environment, as POSIX has it."""
    names = (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    usual = next((name for name in names if name), "")
    _spoken.set(asked or ("lv" if usual.lower().startswith("lv") else "en"))


def say(english: str, **values: object) -> str:
    """A sentence with its values filled in."""
    latvian = SENTENCES.get(english) if _spoken.get() == "lv" else None
    return singular((latvian or english).format(**values))


def singular(said: str) -> str:
    """English has another word for one; Latvian sentences are written so that none is needed."""
    return _ONE.sub(r"1 \1", said)


def reason(why: Reason) -> str:
    """Why a state is not ok. What the reason quotes (after a colon) is quoted as it was said."""
    latvian = REASONS.get(why.word) if _spoken.get() == "lv" else None
    if latvian is None:
        return singular(why.sentence)
    quoted = why.sentence.partition(": ")[2] if "{quoted}" in latvian else ""
    return latvian.format(number=why.number, quoted=quoted)
