"""Which site is meant: names as people type them at night, without diacritics, with a slip.

Numbers must be right: "Brivibas 12" is never "Brīvības 120". Words may be begun, or misspelt.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches

from retention.errors import ConfigError

_ALIKE = 0.75
_SHOWN = 6
_WORD = re.compile(r"\w+")
#: Words that people leave out, or write in two ways.
_FILLING = {"iela", "ielas", "street", "str", "gatve", "bulvaris", "prospekts"}

_Same = Callable[[str, str], bool]


def resolve(typed: str, sites: Iterable[str]) -> str:
    """The one site that is meant; `ConfigError` that asks which, if there are several or none."""
    known = sorted(set(sites))
    named = [site for site in known if _plain(site) == _plain(typed.strip())]
    if len(named) == 1:  # the way out of a question is to type one of the answers
        return named[0]
    for same in (_equal, _begun, _alike):
        found = [site for site in known if _fits(typed, site, same)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"which one: {_listed(found)}? {typed!r} fits {len(found)} sites")
    close = get_close_matches(_plain(typed), [_plain(site) for site in known], n=3, cutoff=0.5)
    near = [site for site in known if _plain(site) in close]
    hint = f"; did you mean {_listed(near)}?" if near else "; `enforcer store list` names all"
    raise ConfigError(f"no site is called {typed!r}{hint}")


def _fits(typed: str, site: str, same: _Same) -> bool:
    """Whether every word typed is a word of the site's name, in order."""
    words = iter(_words(site))
    wanted = _words(typed)
    return bool(wanted) and all(any(same(want, word) for word in words) for want in wanted)


def _equal(typed: str, word: str) -> bool:
    return typed == word


def _begun(typed: str, word: str) -> bool:
    return typed == word if _number(typed) else word.startswith(typed)


def _alike(typed: str, word: str) -> bool:
    if _number(typed) or _number(word):
        return typed == word
    return SequenceMatcher(None, typed, word).ratio() >= _ALIKE


def _words(name: str) -> Sequence[str]:
    found = _WORD.findall(_plain(name))
    return [word for word in found if word not in _FILLING] or found


def _plain(name: str) -> str:
    """Small letters without diacritics: Brīvības -> brivibas."""
    split = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _number(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}, and {len(names) - _SHOWN} more"
