"""How large may be what a document says: what a database keeps, a calendar knows and a person reads.

Checked where bytes are decoded (`codec.decode`, `report.decode`), so whoever holds a decoded
document may store its numbers, turn its instants into dates and show its words without asking.
"""

from typing import Annotated

from msgspec import Meta

from retention.calendar import Instant

#: Characters of a name: log entries carry no longer ones, and what cannot be reported is not proved.
MAX_NAME = 64

#: To the year 2242. Nothing that this product keeps was recorded before 1970.
At = Annotated[Instant, Meta(ge=0, lt=2**33)]
Number = Annotated[int, Meta(ge=1, lt=2**53)]
Count = Annotated[int, Meta(ge=0, lt=2**53)]
Size = Annotated[int, Meta(ge=0, lt=2**46)]  # bytes, to 64 TiB: sums of them stay within 64 bits
Small = Annotated[int, Meta(ge=0, lt=2**31)]
Difference = Annotated[int, Meta(gt=-(2**53), lt=2**53)]
#: A day as `date.toordinal()` counts it.
Ordinal = Annotated[int, Meta(ge=1, le=3_652_059)]
#: A name out of the policy or a closed list, or an id.
Word = Annotated[str, Meta(max_length=MAX_NAME)]
#: A sentence or two, of ours or of a person.
Sentence = Annotated[str, Meta(max_length=400)]
#: What people write into a document that others sign and that is kept: a reason, a citation.
Text = Annotated[str, Meta(max_length=2_000)]
#: A fingerprint, a nonce, a digest.
Mark = Annotated[bytes, Meta(max_length=64)]


def is_name(text: str) -> bool:
    """Whether people and labels can name something so: 1 to 64 characters, all of them visible."""
    return 0 < len(text) <= MAX_NAME and text.isprintable() and text == text.strip()
