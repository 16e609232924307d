"""What is declared of a CSV, and what that makes of its rows."""

import binascii
from typing import NamedTuple

from agents.stores import Found, Generation
from agents.stores.rows.records import parsed
from agents.stores.rows.row import DIGEST_BYTES, OpenRow, digest_of, generation_of
from agents.stores.rows.shape import Shape

_HEX, _SIXTEEN = b"0123456789abcdef", b"ghijklmnopabcdef"
_LETTERS, _DIGITS = bytes.maketrans(_HEX, _SIXTEEN), bytes.maketrans(_SIXTEEN, _HEX)


class Declared(NamedTuple):
    """A CSV: the live file's name, its columns in their order, and what they mean."""

    live: bytes
    columns: tuple[str, ...]
    shape: Shape
    delimiter: str = ","

    @property
    def heading(self) -> bytes:
        """The digest of a first line that names the columns, as it is written without quotes."""
        return digest_of(self.delimiter.join(self.columns).encode())

    def found(self, content: bytes) -> Found:
        """What a listing says of a row."""
        name = name_of(content)
        part = self.shape.part(self._row(content), name)
        return Found(name, generation_of(content), 1, part=part)

    def opened(self, content: bytes) -> OpenRow:
        """The row, open for reading."""
        return OpenRow(content, self.shape.stated(self._row(content)))

    def _row(self, content: bytes) -> dict[str, bytes]:
        fields = parsed(content, delimiter=self.delimiter)
        return dict(zip(self.columns, fields or (), strict=False))


def name_of(content: bytes) -> bytes:
    """What a row is named: a hash of all of it, in letters, in which nobody can read a date."""
    return binascii.hexlify(digest_of(content)).translate(_LETTERS)


def digest_named(name: bytes) -> bytes | None:
    """The digest that a name is; None if it is none, and so no row's."""
    if len(name) != 2 * DIGEST_BYTES or name.strip(_SIXTEEN):
        return None
    return binascii.unhexlify(name.translate(_DIGITS))


def is_generation(content: bytes, generation: Generation) -> bool:
    """Whether this is the row that was meant."""
    return generation_of(content) == generation
