"""`python -m docs`: write anew the tables that the code knows best, between their marks."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.engine.metrics import CONTRACT
from enforcer.index.engine import open_index, reading
from enforcer.metrics import families
from enforcer.tasks.rounds import VERIFIED
from retention.calendar import Instant
from retention.policy import Chain

PAGE = Path(__file__).parent / "metrics.md"
_HEAD = "| metric | labels | says |\n|---|---|---|\n"

Row = tuple[str, tuple[str, ...], str]


def written(text: str) -> str:
    """The page with its tables as the code has them."""
    for name, rows in (("enforcer", _of_enforcer()), ("agent", CONTRACT)):
        begin, end = f"<!-- {name}: `make docs` -->\n", "<!-- end -->"
        table = _HEAD + "".join(_lines(rows))
        before, _, rest = text.partition(begin)
        text = before + begin + table + end + rest.partition(end)[2]
    return text


def _of_enforcer() -> Iterator[Row]:
    """Every name with its labels, also those that an empty index has no series of."""
    with TemporaryDirectory() as directory:
        index = open_index(f"sqlite:///{directory}/index.db")
        with reading(index) as connection:
            for family in families(connection, Chain((), b""), Instant(0)):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield name, family.labels, family.documentation
        index.dispose()
    yield VERIFIED


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for name, labels, sentence in rows:
        said = sentence.removesuffix(".").replace(sentence[0], sentence[0].lower(), 1)
        yield f"| `{name}` | {', '.join(labels)} | {said} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
