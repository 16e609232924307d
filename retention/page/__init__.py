"""The page in a bundle that an inspector reads and prints, in Latvian and in English.

It says nothing that is not in the other members: whoever has those can make it again, byte for byte,
and `auditor verify` does. So the page can be believed as far as they can, and no further.
"""

from collections.abc import Mapping
from datetime import date

from retention.calendar import Instant
from retention.page.figures import Figures
from retention.page.layout import document
from retention.policy import Chain

__all__ = ["page"]


def page(
    contents: Mapping[str, bytes], chain: Chain, *, made_at: Instant, since: date, through: date
) -> bytes:
    """The page of these contents of a bundle. Raises `MalformedError` if they are none."""
    return document(
        Figures(contents, chain, made_at=made_at, since=since, through=through)
    ).encode()
