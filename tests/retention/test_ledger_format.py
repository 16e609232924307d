"""docs/ledger-format.md says what the code does: every name in it, and its worked example."""

import re
from pathlib import Path

import pytest

from retention import bundle, codec, ledger, merkle
from retention.bundle import (
    Backup,
    Book,
    Counted,
    HoldExtract,
    ItemAct,
    Manifest,
    Member,
    Node,
    Placed,
    Published,
    Rescanned,
)
from retention.exceptions import Exceptions, Reason
from retention.ledger import Certificate, Count, Day, ItemRecord, LastHead, Succession, Timing
from retention.reasons import SaltedReason
from retention.witness import Alarm, Cause, Gap, Sighting, Watched

TEXT = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`\n]+)`", TEXT))
EXAMPLES = "".join(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)).encode().splitlines()


@pytest.mark.parametrize(
    "document",
    [
        *(Certificate, Count, Day, Succession, LastHead),
        *(Manifest, Member, Published, Placed, Node, Book, HoldExtract, ItemAct, Exceptions),
        *(Backup, Rescanned, Counted, Watched, Sighting, Gap, Alarm),
    ],
)
def test_every_field_is_told(document):
    assert set(document.__struct_fields__) <= WORDS


def test_every_member_kind_timing_and_reason_is_told():
    assert {bundle.MANIFEST, *bundle.CONTENTS} <= WORDS
    assert {*map(str, Timing), *map(str, Reason), *map(str, Cause)} <= WORDS
    kinds = {str(kind.__struct_config__.tag) for kind in ledger.AnyLeaf.__args__}
    assert kinds <= WORDS


def test_the_members_are_told_in_their_order():
    told = re.findall(r"^\| `([^`]+)` \|", TEXT.partition("## The bundle")[2], re.MULTILINE)
    assert [bundle.MANIFEST, *bundle.CONTENTS] == told


def test_the_reason_of_the_example_is_committed_to_as_told():
    reason = SaltedReason(bytes(range(32)), "the site was closed")
    assert {reason.words, reason.commitment.removeprefix("hmac-sha256:")} <= WORDS


def test_the_worked_example_comes_out():
    *records, certificate = EXAMPLES
    seed = bytes(range(32))
    salt = ledger.salts(seed, 3)[0]
    committed = ledger.commit(seed, [codec.decode(record, ItemRecord) for record in records])
    assert committed == ledger.decode(certificate).commitments
    expected = {
        salt.hex(),
        ledger.commitment(salt, records[0]).hex(),
        merkle.leaf_hash(certificate).hex(),
    }
    assert expected <= WORDS
