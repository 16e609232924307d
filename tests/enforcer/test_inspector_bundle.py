"""The bundle is made out of one state of the index, SQLite's and PostgreSQL's alike."""

import io
from datetime import date

import pytest
import small_policy
from fleet import add_store
from sqlalchemy import insert

from auditor.findings import Verdict
from auditor.verify import verify
from enforcer import prove
from enforcer.index import policies
from enforcer.index.engine import reading, writing
from enforcer.index.tables import tallies
from enforcer.inspection import bundle as bundles
from retention import bundle
from retention.calendar import parse_instant
from retention.errors import ConfigError, RefusedError

NOW = parse_instant("2026-03-10T12:00:00+02:00")
POLICY = small_policy.signed(small_policy.first_policy())
CHAIN = small_policy.begun()
JANUARY = date(2026, 1, 1), date(2026, 1, 31)


@pytest.fixture(params=["index", "postgres"])
def engine(request):
    engine = request.getfixturevalue(request.param)
    add_store(engine, "a")
    with writing(engine) as connection:
        policies.publish(connection, 1, POLICY)
        for state in ("seen", "present"):
            connection.execute(
                insert(tallies).values(
                    store="a",
                    record_class=small_policy.IMAGE,
                    civil=date(2026, 1, 25).toordinal(),
                    state=state,
                    items=4,
                    bytes=4000,
                )
            )
    return engine


def make(engine, *, since=JANUARY[0], through=JANUARY[1]):
    file = io.BytesIO()
    with reading(engine) as connection:
        bundles.make(
            connection,
            file,
            chain=CHAIN,
            key=small_policy.DIRECTIVE_KEY,
            since=since,
            through=through,
            now=NOW,
            random=bytes,
        )
    return file.getvalue()


def publish(engine):
    with writing(engine) as connection:
        prove.heartbeat(connection, NOW)
        prove.publish(
            connection,
            origin=CHAIN.current.ledger_origin,
            key=small_policy.LEDGER_KEY,
            now=NOW,
        )


def test_it_verifies_and_one_state_gives_one_sequence_of_bytes(engine):
    publish(engine)
    packed = make(engine)
    assert packed == make(engine)
    report = verify(bundle.read(io.BytesIO(packed)), pin=CHAIN.head)
    assert (Verdict.OK, []) == (
        report.verdict,
        [finding for finding in report.findings if finding.verdict is not Verdict.OK],
    )


def test_books_of_other_days_are_left_out(engine):
    publish(engine)
    packed = make(engine, since=date(2026, 2, 1), through=date(2026, 2, 28))
    assert b"" == bundle.read(io.BytesIO(packed))[bundle.BOOKS]


def test_without_a_head_there_is_nothing_to_show(engine):
    with pytest.raises(RefusedError, match="no published head"):
        make(engine)


def test_a_range_that_ends_before_it_begins_is_refused(engine):
    with pytest.raises(ConfigError, match="2026-02-01 is after 2026-01-31"):
        make(engine, since=date(2026, 2, 1))
