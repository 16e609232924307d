"""What a store may do now, as the agent will verify it."""

from pathlib import Path

import pytest
from fleet import NOW, add_store, place
from nacl.signing import SigningKey
from sqlalchemy import delete, select, update
from world import DIRECTIVE_KEY, first_policy, signed_policy

from enforcer.direct import Director
from enforcer.index import decisions, scope
from enforcer.index.engine import open_index, writing
from enforcer.index.tables import hold_stores, holds, stores
from retention import codec, directive, envelope, policy
from retention.calendar import DAY, Instant
from retention.directive import Directive
from retention.errors import RefusedError, VerificationError

CHAIN = policy.first(signed_policy(first_policy()), codec.digest(codec.encode(first_policy())))
FRONT = codec.encode(scope.Scope(sources=("front",)))
KEYS = [bytes(DIRECTIVE_KEY.verify_key)]


@pytest.fixture
def engine(tmp_path: Path):
    opened = open_index(f"sqlite:///{tmp_path}/index.db")
    for name in ("riga-001", "riga-002"):
        add_store(opened, name)
    yield opened
    opened.dispose()


DIRECTOR = Director(DIRECTIVE_KEY)


def direct(
    engine,
    store: str = "riga-001",
    *,
    now: Instant = NOW,
    known: int = 0,
    director: Director = DIRECTOR,
) -> Directive:
    with writing(engine) as connection:
        sealed = director.direct(connection, store, CHAIN, now)
    return directive.accept(sealed, KEYS, store=store, known_version=known)


def test_the_same_state_has_the_same_version_and_a_fresh_expiry(engine):
    first = direct(engine)
    again = direct(engine, now=Instant(NOW + 60), known=first.version)
    assert (first.version, first.expires_at + 60) == (again.version, again.expires_at)


def test_a_restored_index_never_gives_out_an_older_version_even_if_nobody_marked_it(engine):
    """It says what it said this morning; agents have heard more since, and refuse older versions."""
    direct(engine)
    with writing(engine) as connection:
        backup = connection.execute(select(stores).where(stores.c.id == "riga-001")).one()
    place(engine, "hold-1", "riga-001", scope=FRONT)
    heard = direct(engine, now=Instant(NOW + 60))
    with writing(engine) as connection:
        connection.execute(delete(hold_stores))
        values = {name: backup._mapping[name] for name in ("directive_version", "directive_digest")}
        connection.execute(update(stores).where(stores.c.id == "riga-001").values(values))
    restarted = Director(DIRECTIVE_KEY)
    again = direct(engine, now=Instant(NOW + 120), known=heard.version, director=restarted)
    assert heard.version < again.version


def test_a_version_grows_with_every_change_and_never_falls_behind_the_clock(engine):
    first = direct(engine)
    assert first.version == NOW * 1000
    place(engine, "hold-1", "riga-001", scope=FRONT)
    second = direct(engine)
    assert first.version < second.version
    with writing(engine) as connection:  # a backup of last week comes back
        connection.execute(update(stores).values(directive_version=5, directive_digest=b""))
    third = direct(engine, now=Instant(NOW + 1))
    assert second.version < third.version


def test_a_hold_goes_to_its_own_store_only_and_stays_until_a_day_after_the_agent_let_go(engine):
    place(engine, "hold-1", "riga-001", scope=FRONT)
    assert (1, 0) == (len(direct(engine).holds), len(direct(engine, "riga-002").holds))
    with writing(engine) as connection:
        connection.execute(update(holds).values(released_at=NOW))
    assert ("front",) == direct(engine).holds[0].sources
    with writing(engine) as connection:
        connection.execute(update(hold_stores).values(freed_at=NOW))
    assert [NOW] == [hold.released_at for hold in direct(engine, now=Instant(NOW + DAY - 1)).holds]
    assert () == direct(engine, now=Instant(NOW + DAY)).holds


def test_a_store_that_lost_its_memory_let_go_of_nothing_later_than_now(engine):
    place(engine, "hold-1", "riga-001", scope=FRONT)
    with writing(engine) as connection:  # by a clock that was a month ahead
        connection.execute(update(hold_stores).values(freed_at=NOW + 30 * DAY))
        decisions.forget_acknowledgements(connection, "riga-001", NOW)
    assert [NOW] == [hold.released_at for hold in direct(engine).holds]


def test_due_dates_are_those_of_the_policy(engine):
    due = {d.record_class: d.through for d in direct(engine).due}
    expected = {
        name: [r.through for r in CHAIN.due_ranges(name, NOW)][-1] for name in CHAIN.class_names()
    }
    assert expected == due
    later = {d.record_class: d.through for d in direct(engine, now=Instant(NOW + DAY)).due}
    assert all(due[name] < later[name] for name in due)


def test_a_restored_index_directs_nobody_before_it_has_heard_what_the_agent_knows(engine):
    with writing(engine) as connection:
        connection.execute(update(stores).values(restored=True))
    with pytest.raises(RefusedError, match="restored"):
        direct(engine)


def test_no_other_key_and_no_other_store_is_obeyed(engine):
    with writing(engine) as connection:
        said = Director(DIRECTIVE_KEY).direct(connection, "riga-001", CHAIN, NOW)
        forged = envelope.seal("directive", said.payload, [SigningKey.generate()])
        other = Director(DIRECTIVE_KEY).direct(connection, "riga-002", CHAIN, NOW)
        assert connection.execute(select(stores.c.id)).all()
    with pytest.raises(Exception, match="signed by no key"):
        directive.accept(forged, KEYS, store="riga-001", known_version=0)
    with pytest.raises(VerificationError, match="another store"):
        directive.accept(other, KEYS, store="riga-001", known_version=0)


def test_a_key_that_the_policy_does_not_name_directs_nobody(engine):
    with writing(engine) as connection, pytest.raises(RefusedError, match="does not name our"):
        Director(SigningKey.generate()).direct(connection, "riga-001", CHAIN, NOW)


def test_the_time_answers_one_question_only():
    told = Director(DIRECTIVE_KEY).tell_time("riga-001", b"n" * 16, NOW)
    assert NOW == directive.accept_time(told, KEYS, store="riga-001", nonce=b"n" * 16)
    with pytest.raises(VerificationError, match="somebody else"):
        directive.accept_time(told, KEYS, store="riga-001", nonce=b"m" * 16)
