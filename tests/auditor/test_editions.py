"""A bundle is judged by what was signed and counted; another edition's words are no lie.

`editions/` keeps bundles of the operator of `conftest.py`: `1.zip` as edition 1 makes it, and so on, and
`uncounted.zip` from before editions were counted: today's, without an edition in its manifest, with
another sentence in its page and another one on what was not checked, signed again by his key.
"""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import UNSET, Raw, json, structs

from auditor.cli import main
from auditor.findings import Verdict
from auditor.verify import verify
from retention import bundle, codec, envelope
from retention.bundle import Book, Manifest, Placed
from retention.ledger import Certificate, decode, encode

EDITIONS = Path(__file__).parent / "editions"
PIN = bytes.fromhex("26db1b7ffebf1b40f91502b8bc3a0040f9df44d4955f213862cdf497df0916b4")


def kept(name):
    return bundle.read(io.BytesIO((EDITIONS / f"{name}.zip").read_bytes()))


def told(report, verdict):
    return [f"{f.check}: {f.text}" for f in report.findings if f.verdict is verdict]


def signed(members, key, **changes: object):
    """Under another manifest, signed with the enforcer's online key."""
    payload = envelope.decode(members[bundle.MANIFEST]).payload
    manifest = structs.replace(codec.decode(payload, Manifest), **changes)
    listed = structs.replace(manifest, members=bundle.members_of(members))
    return members | {bundle.MANIFEST: sealed(codec.encode(listed), key)}


def sealed(payload, key):
    return envelope.encode(envelope.seal(bundle.KIND, payload, [key]))


def test_the_page_of_this_edition_is_still_made_byte_for_byte(honest, tmp_path):
    """Whoever changes a word of the page, or of what cannot be checked, raises `bundle.EDITION`."""
    file = EDITIONS / f"{bundle.EDITION}.zip"
    fresh = tmp_path / file.name
    fresh.write_bytes(honest.packed)
    assert file.exists(), f"keep a bundle of the new edition: cp {fresh} {file}"
    report = verify(kept(bundle.EDITION), pin=PIN)
    assert Verdict.OK is report.verdict, (
        f"an upgrade would call its predecessor's page violated: raise bundle.EDITION"
        f" {told(report, Verdict.VIOLATED)}"
    )


def test_another_editions_words_are_unknown_and_all_else_is_checked():
    members = kept("uncounted")
    report = verify(members, pin=PIN)
    assert [
        (
            "page: not checked: the page was made by another edition"
            f" (uncounted; this auditor is of {bundle.EDITION}): believe it no further"
        )
    ] == told(report, Verdict.UNKNOWN)
    assert [] == told(report, Verdict.VIOLATED)
    assert Verdict.UNKNOWN is report.verdict
    same = {line.split(":")[0] for line in told(verify(kept(1), pin=PIN), Verdict.OK)} - {"page"}
    assert same == {line.split(":")[0] for line in told(report, Verdict.OK)}


def test_a_regulator_sees_no_violation_because_of_an_upgrade(capsys):
    assert 2 == main(["verify", str(EDITIONS / "uncounted.zip"), "--pin", PIN.hex()])
    assert not any(line.startswith("violated") for line in capsys.readouterr().out.splitlines())


def book_with_one_less(members):
    books = list(bundle.parse(members[bundle.BOOKS], Book))
    books[0] = structs.replace(books[0], seen=books[0].seen - 1)
    return members | {bundle.BOOKS: bundle.lines(books)}


def certificate_of_another_store(members):
    placed = list(bundle.parse(members[bundle.LEAVES], Placed))
    for number, each in enumerate(placed):
        leaf = decode(bytes(each.data))
        if isinstance(leaf, Certificate):
            other = encode(structs.replace(leaf, store="terminal-9"))
            placed[number] = Placed(each.position, Raw(other))
            break
    return members | {bundle.LEAVES: bundle.lines(placed)}


def no_act(members):
    return members | {bundle.ACTS: b""}


@pytest.mark.parametrize("tamper", [book_with_one_less, certificate_of_another_store, no_act])
@pytest.mark.parametrize("name", ["uncounted", str(bundle.EDITION)])
def test_what_was_tampered_with_is_found_in_any_edition(keys, name, tamper):
    members = signed(tamper(kept(name)), keys.directive)
    assert Verdict.VIOLATED is verify(members, pin=PIN).verdict


@pytest.mark.parametrize("member", bundle.CONTENTS)
def test_no_member_of_another_edition_can_change_unsigned(member):
    members = kept("uncounted")
    report = verify(members | {member: members[member] + b"\n"}, pin=PIN)
    assert Verdict.VIOLATED is report.verdict


@pytest.mark.parametrize("edition", [bundle.EDITION - 1, bundle.EDITION + 1])
def test_a_false_page_that_claims_another_edition_is_never_ok(keys, edition):
    members = kept(bundle.EDITION)
    forged = members[bundle.PAGE].replace(b"Neviens nav", b"Visi ir")
    assert forged != members[bundle.PAGE]
    claimed = {"edition": edition} if edition else {"edition": UNSET}
    report = verify(signed(members | {bundle.PAGE: forged}, keys.directive, **claimed), pin=PIN)
    assert Verdict.UNKNOWN is report.verdict


def later(members, key, **more: object):
    """A bundle of the next edition, with fields in its manifest that nobody here knows."""
    said = json.decode(envelope.decode(members[bundle.MANIFEST]).payload)
    said |= {"edition": bundle.EDITION + 1} | more
    return members | {bundle.MANIFEST: sealed(json.encode(said, order="sorted"), key)}


def test_a_later_manifest_with_fields_nobody_knows_yet_is_unknown(keys):
    report = verify(later(kept(bundle.EDITION), keys.directive, tested_by="x"), pin=PIN)
    assert Verdict.UNKNOWN is report.verdict
    assert bundle.LATER in told(report, Verdict.UNKNOWN)[0]
    assert [] == told(report, Verdict.VIOLATED)


def test_a_later_manifest_of_somebody_else_is_none(keys):
    report = verify(later(kept(bundle.EDITION), keys.stranger), pin=PIN)
    assert Verdict.VIOLATED is report.verdict


def test_members_that_a_later_edition_added_are_one_sentence_and_2(keys, tmp_path, monkeypatch):
    members = later(kept(bundle.EDITION), keys.directive) | {"more.jsonl": b""}
    file = tmp_path / "bundle.zip"
    with monkeypatch.context() as changed, file.open("wb") as target:
        changed.setattr(bundle, "CONTENTS", (*bundle.CONTENTS, "more.jsonl"))
        bundle.write(target, members[bundle.MANIFEST], members)
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", "verify", str(file), "--pin", PIN.hex()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, f"auditor: {bundle.LATER}\n") == (done.returncode, done.stderr)


@pytest.mark.slow
def test_the_single_file_says_the_same_of_another_edition(single_file):
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", single_file, "verify", EDITIONS / "uncounted.zip"),
            *("--pin", PIN.hex()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "") == (done.returncode, done.stderr)
    assert "the page was made by another edition" in done.stdout
