"""Why people signed is in one table at the centre for 90 days, and nowhere else (I8).

The commands are those that people type; marks are planted in what they give as a reason.
"""

import io
import re
import sqlite3
import urllib.request
import zipfile
from base64 import b64encode
from contextlib import closing, redirect_stderr
from pathlib import Path

import pytest
from sqlalchemy import update

from enforcer import log
from enforcer.govern import shedding
from enforcer.index import tables
from enforcer.index.engine import reading, scrub, writing
from enforcer.index.policies import published
from retention import acts, codec, policy
from retention.calendar import DAY, Instant
from retention.directive import Directive
from retention.ledger import SALT_SECONDS
from retention.reasons import is_commitment

NAME, PATH, NUMBER = "Janis Ozolins", "motion/front/x26123456.jpg", "tel26123456"
WHY = f"{NAME} asked, {NUMBER}, see {PATH}"
MIGRATION = f"""
[[migration]]
record_class = "terminal-image"
recorded_under = 1
reason = "{WHY}"
"""
SIGNED = ("--reason", WHY, "--yes")


def spellings(mark: str) -> list[bytes]:
    """A mark as it is, and as it lies in base64 at each of three places."""
    shifted = (b64encode(b"." * by + mark.encode())[4:-4] for by in range(3))
    return [mark.encode(), *shifted]


def marks_in(data: bytes) -> set[str]:
    return {mark for mark in (NAME, PATH, NUMBER) if any(s in data for s in spellings(mark))}


def tables_with_marks(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name
            for (name,) in names
            for row in connection.execute(f'SELECT * FROM "{name}"')
            if marks_in(b"\0".join(v if isinstance(v, bytes) else str(v).encode() for v in row))
        }


def files_of(home: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def named(proposed) -> str:
    assert 0 == proposed.code, proposed.err
    return re.match(r"[a-z-]+-[0-9a-f]+", proposed.out)[0]


def all_kinds_signed(live, type_, tmp_path: Path) -> Directive:
    """Two people sign an act of each sort, a next policy and a succession; what the store is told."""
    agent = live.enrol("t-1")
    agent.sight(*(Instant(live.clock() - hours * 3600) for hours in (1, 2)))
    draft = tmp_path / "policy.toml"
    draft.write_text(type_("uldis", "policy", "show", "--toml").out + MIGRATION)
    placed = type_("hugo", "hold", "place", "crime", "--item", "t-1/1/2", "--no-wait", "--json")
    for first, second, words in (
        ("aija", "dana", ("hold", "release", placed.json["id"], *SIGNED)),
        ("aija", "dana", ("item", "erase", "t-1/1/1", *SIGNED)),
        ("olga", "aija", ("store", "activate", "t-1", "--class", "terminal-image", "--count", "1",
                          *SIGNED)),
        ("anna", "ivo", ("ledger", "succeed", "7:" + "00" * 32, *SIGNED)),
        ("anna", "ivo", ("policy", "propose", str(draft), "--yes")),
    ):  # fmt: skip
        proposed = type_(first, *words)
        assert WHY in proposed.err, "who signs is shown what they typed"
        document = named(proposed)
        approved = type_(second, "approve", document, "--yes")
        assert WHY in approved.err, "and so is the second pair of eyes"
        assert 0 == approved.code
        assert f"Reason: {WHY}" in type_("dana", "history", document).out
        told = agent.fetch()
        if document.startswith("policy"):
            assert 0 == type_("anna", "policy", "publish", document).code
    agent.fetch()
    assert agent.chain.current.migrates("terminal-image", 1)
    return told


def test_what_names_somebody_in_a_reason_is_in_one_table_until_it_is_shredded(
    live, type_, tmp_path: Path
):
    with redirect_stderr(io.StringIO()) as logged:
        log.configure("debug")
    type_("hugo", "item", "restrict", "t-1/1/1", "--reason", WHY)  # refused: nothing is there yet
    told = all_kinds_signed(live, type_, tmp_path)
    rounds = live.built.rounds
    rounds.prove()
    with urllib.request.urlopen(f"{live.url}/metrics") as answer:
        shown = answer.read()
    bundle = live.person("dana").get_bytes("/v1/bundle", since="2026-01-01", through="2100-01-01")
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert {"acts.jsonl", "item-acts.jsonl", "policy.jsonl", "leaves.jsonl"} <= {
        name for name, data in members.items() if data.strip()
    }
    directive = codec.encode(told)
    for what, data in {**members, "metrics": shown, "directive": directive}.items():
        assert set() == marks_in(data), what
    assert '"level": "debug"' in logged.getvalue()
    assert set() == marks_in(logged.getvalue().encode())
    assert len(told.acts) == 3
    assert all(is_commitment(acts.decode(each.payload).reason) for each in told.acts)

    database = live.home / "enforcer.db"
    assert {"reasons"} == tables_with_marks(database)
    shed(live, Instant(live.clock() + SALT_SECONDS - DAY))
    assert {"reasons"} == tables_with_marks(database), "90 days are not over"
    shed(live, Instant(live.clock() + SALT_SECONDS + DAY))
    assert set() == marks_in(files_of(live.home)), "nor in a free page, nor in the log beside it"
    shredded = type_("dana", "history", next(iter(documents(live, "release")))).out
    assert re.search(r"Reason: shredded; hmac-sha256:[0-9a-f]{64}\n", shredded)


def shed(live, now: Instant) -> None:
    with writing(live.engine) as connection:
        chain = policy.follow(published(connection), live.pin)
        shedding.shed(connection, chain, now)
    scrub(live.engine)


def documents(live, kind: str) -> list[str]:
    with reading(live.engine) as connection:
        found = connection.execute(
            tables.documents.select().where(tables.documents.c.kind == kind)
        ).all()
    return [row.id for row in found]


@pytest.mark.parametrize("how", ["withdrawn", "withered"])
def test_what_nobody_signs_keeps_no_reason(live, type_, how: str):
    live.enrol("t-1")
    activation = ("activate", "t-1", "--class", "terminal-image", "--count", "1")
    document = named(type_("olga", "store", *activation, *SIGNED))
    shed(live, Instant(live.clock() + 29 * DAY))
    assert {"reasons"} == tables_with_marks(live.home / "enforcer.db"), "it may still be signed"
    if how == "withdrawn":
        assert 0 == type_("olga", "approve", document, "--withdraw").code
    shed(live, Instant(live.clock() + (0 if how == "withdrawn" else 31 * DAY)))
    assert set() == marks_in(files_of(live.home))


def test_a_centre_that_shows_another_reason_gets_no_signature(live, type_):
    """The second signer's own machine holds what it is shown against what the first one signed."""
    live.enrol("t-1")
    activation = ("activate", "t-1", "--class", "terminal-image", "--count", "1")
    document = named(type_("olga", "store", *activation, *SIGNED))
    with writing(live.engine) as connection:
        connection.execute(update(tables.reasons).values(words="as agreed"))
    refused = type_("aija", "approve", document, "--yes")
    assert (1, "") == (refused.code, refused.out)
    assert "not those that were signed" in refused.err
    assert "as agreed" not in refused.err
    assert 1 == type_("dana", "history", document).code
    with writing(live.engine) as connection:
        connection.execute(tables.reasons.delete())
    assert 1 == type_("aija", "approve", document, "--yes").code
    assert "observe" in type_("olga", "store", "list").out


def test_why_a_restriction_was_asked_for_goes_when_nothing_is_under_it_any_more(live, type_):
    agent = live.enrol("t-1")
    agent.sight(Instant(live.clock() - 3600))
    placed = type_("hugo", "item", "restrict", "t-1/1/1", "--reason", WHY)
    hold = re.match(r"restriction-\w+", placed.out)[0]
    assert WHY in type_("hugo", "hold", "show", hold).out
    shed(live, Instant(live.clock() + SALT_SECONDS + DAY))
    assert {"holds"} == tables_with_marks(live.home / "enforcer.db"), "it stands, and so does why"
    with writing(live.engine) as connection:
        connection.execute(update(tables.holds).values(released_at=0))
        connection.execute(update(tables.hold_stores).values(freed_at=0))
    shed(live, live.clock())
    assert set() == marks_in(files_of(live.home))
