"""What an agent is told when it greets: to go on, to begin anew, or that there are two of it."""

import threading

import pytest
from fleet import (
    CHAIN,
    IMAGE,
    NOW,
    STORE,
    Log,
    add_store,
    asks_for_a_lock,
    books,
    column,
    place,
    sight,
    states,
    table,
)
from msgspec import UNSET, UnsetType
from small_policy import DIRECTIVE_KEY
from sqlalchemy import Connection, Engine, insert, select, update
from waiting import wait_until

from enforcer import intake
from enforcer.govern import credentials
from enforcer.index import decisions
from enforcer.index import stores as register
from enforcer.index.engine import reading, writing
from enforcer.index.scope import Scope
from enforcer.index.tables import document_stores, documents, hold_stores, stores
from enforcer.intake import FrozenError, GapError
from retention import codec, envelope
from retention.calendar import DAY, Instant
from retention.directive import Directive
from retention.envelope import Envelope
from retention.errors import MalformedError, SignatureError, VerificationError
from retention.hold import ItemRef, StoreHold
from retention.numbers import Keyed
from retention.outcome import Outcome
from retention.report import GENESIS, Erased, Held, Scanned
from retention.wire import Hello, Prior, Welcome

CIVIL = 739691  # 2026-03-16


def greet(
    engine: Engine,
    epoch: int | None,
    number: int = 0,
    digest: bytes = GENESIS,
    *,
    booted: str = "boot-1",
    directive: Envelope | None = None,
    now: Instant = NOW,
) -> Welcome:
    said = Hello(epoch=epoch, number=number, digest=digest, booted=booted, directive=directive)
    return intake.hello(engine, store=STORE, said=said, chain=CHAIN, now=now)


def enrol_anew(engine: Engine) -> None:
    """As an agent does with another code."""
    with writing(engine) as connection:
        code, _ = credentials.invite(connection, STORE, NOW)
        credentials.redeem(connection, code, NOW)


def say_hello(log: Log, booted: str = "boot-1") -> Welcome:
    """As the agent of this log greets."""
    return greet(log.engine, log.epoch, len(log.lines), log.digest, booted=booted)


def prior(engine: Engine, after: int = 0, *, asked: bool = True) -> Prior:
    with reading(engine) as connection:
        return intake.prior(connection, store=STORE, after=after, earliest=asked, undated=asked)


@pytest.fixture
def log(either: Engine) -> Log:
    """A store with three items, the first of them held, whose agent has greeted."""
    add_store(either)
    log = Log(either)
    say_hello(log)
    log.say(sight(1), sight(2), sight(3), Held(NOW, "hold-1", ((1, 1),)))
    return log


def test_the_first_greeting_is_given_the_first_epoch_and_a_repeated_one_the_same(either: Engine):
    add_store(either, epoch=0)
    expected = Welcome(epoch=1, applied=0, digest=GENESIS, group="terminals")
    assert expected == greet(either, None)
    assert expected == greet(either, None)


def test_who_enrolled_anew_before_it_told_anything_gets_an_epoch_of_its_own(either: Engine):
    """In one boot: its first state may have left numbers in its store."""
    add_store(either, epoch=0)
    assert 1 == greet(either, None).epoch
    enrol_anew(either)
    enrol_anew(either)
    assert 1 == greet(either, 1).epoch, "with its state it goes on"
    enrol_anew(either)
    assert 2 == greet(either, None).epoch
    assert 2 == greet(either, None).epoch, "asked again, it answers the same"


def test_who_stands_where_we_do_goes_on(log: Log):
    welcome = say_hello(log)
    assert Welcome(epoch=1, applied=4, digest=log.digest, group="terminals") == welcome


def test_who_is_ahead_of_us_sends_what_we_lack(log: Log):
    """We come back from a backup: its log goes on where ours ends."""
    log.write([sight(4), sight(5)])
    welcome = say_hello(log)
    assert (1, 4) == (welcome.epoch, welcome.applied)
    assert 6 == log.send(welcome.applied + 1, 6).applied


def test_a_lost_state_gets_a_new_epoch_and_the_old_one_is_superseded(log: Log):
    log.say(Erased(NOW, ((3, 3),), "due", Outcome.ERASED_VERIFIED))
    welcome = greet(log.engine, None, booted="boot-2")
    assert Welcome(2, 0, GENESIS, "terminals", prior=True) == welcome
    assert {
        (IMAGE, CIVIL, "seen"): (3, 300),
        (IMAGE, CIVIL, "erased"): (1, 100),
        (IMAGE, CIVIL, "superseded"): (2, 200),
    } == books(log.engine)
    # The erased one still waits for its certificate.
    assert {3: "erased"} == states(log.engine)
    assert [] == table(log.engine, "held_items")
    with pytest.raises(GapError):
        log.say(sight(4))


def test_the_old_epochs_dates_are_evidence_page_by_page(log: Log, monkeypatch: pytest.MonkeyPatch):
    greet(log.engine, None, booted="boot-2")
    monkeypatch.setattr("enforcer.intake.greeting.PAGE", 2)
    pages = [prior(log.engine).items]
    while pages[-1]:
        pages.append(prior(log.engine, pages[-1][-1].number).items)
    assert [2, 1, 0] == [len(page) for page in pages]
    found = [item for page in pages for item in page]
    assert [(n.to_bytes(4, "big") * 8, "front", NOW - 3600, NOW) for n in (1, 2, 3)] == [
        (item.fingerprint, item.source, item.anchor, item.seen) for item in found
    ]


def test_of_a_date_that_is_the_latest_who_asks_is_told_how_early_it_can_be(log: Log):
    """An agent of an earlier version does not ask, and would not understand the answer."""
    log.say(sight(4, how="latest", before=70 * DAY))
    greet(log.engine, None, booted="boot-2")
    assert ((4, NOW - 3600 - 70 * DAY),) == prior(log.engine).earliest
    assert UNSET == prior(log.engine, after=4).earliest
    asked_without = prior(log.engine, asked=False)
    assert (4, UNSET) == (len(asked_without.items), asked_without.earliest)


def test_of_what_has_no_date_who_asks_is_told_when_it_was_first_seen(log: Log):
    undated = {"anchor": None, "state": "undated"}
    log.say(sight(4, how="undated", **undated), sight(5, how="latest", before=DAY, **undated))
    log.say(sight(6, how="doubted", **undated), Held(NOW, "hold-1", ((4, 4), (6, 6))))
    greet(log.engine, None, booted="boot-2")
    found = prior(log.engine)
    assert isinstance(found.undated, tuple)
    assert [(4, NOW), (5, NOW)] == [(each.number, each.seen) for each in found.undated]
    assert (3, ((5, NOW - DAY),)) == (len(found.items), found.earliest)
    assert [4, 5] == [int.from_bytes(each.fingerprint[:4], "big") for each in found.undated]
    asked_without = prior(log.engine, asked=False)
    assert (3, UNSET, UNSET) == (
        len(asked_without.items),
        asked_without.earliest,
        asked_without.undated,
    )


def test_a_date_in_doubt_is_no_evidence_and_what_was_held_by_it_is_searched_for(log: Log):
    log.say(sight(4, how="doubted"), sight(5, how="doubted"), Held(NOW, "hold-1", ((5, 5),)))
    greet(log.engine, None, booted="boot-2")
    found = prior(log.engine)
    assert [1, 2, 3] == [int.from_bytes(item.fingerprint[:4], "big") for item in found.items]
    Log(log.engine, epoch=2).say(sight(1), Scanned(NOW, NOW, 1, 0))
    assert (1, 100) == books(log.engine)[IMAGE, CIVIL, "lost"]


def test_what_is_sighted_again_is_evidence_no_more(log: Log):
    greet(log.engine, None, booted="boot-2")
    again = Log(log.engine, epoch=2)
    again.say(sight(1, fingerprint=(2).to_bytes(4, "big") * 8))
    assert [1, 3] == [int.from_bytes(i.fingerprint[:4], "big") for i in prior(log.engine).items]


def test_what_was_held_and_is_not_found_by_the_first_complete_scan_is_lost(log: Log):
    log.say(Held(NOW, "hold-2", ((2, 2),)))
    greet(log.engine, None, booted="boot-2")
    again = Log(log.engine, epoch=2)
    again.say(Scanned(NOW, NOW, 0, 1))
    assert (IMAGE, CIVIL, "lost") not in books(log.engine)
    again.say(sight(1, fingerprint=(2).to_bytes(4, "big") * 8), Scanned(NOW, NOW, 1, 0))
    assert (1, 100) == books(log.engine)[IMAGE, CIVIL, "lost"]
    assert (2, 200) == books(log.engine)[IMAGE, CIVIL, "superseded"]
    again.say(Scanned(NOW, NOW, 1, 0))
    assert (1, 100) == books(log.engine)[IMAGE, CIVIL, "lost"]


def test_evidence_is_dropped_when_its_limit_has_passed(log: Log):
    greet(log.engine, None, booted="boot-2")
    limit = Instant(1_778_878_800)  # 2026-05-16 00:00 in Riga: 60 days, and the last one's end
    for now, left in ((Instant(limit - 1), 3), (limit, 1)):
        with writing(log.engine) as connection:
            intake.forget_prior(connection, chain=CHAIN, now=now)
        assert left == len(table(log.engine, "prior_items"))
    # The held one is still searched for.
    assert [(True,)] == table(log.engine, "prior_items", "held")


def test_nothing_counts_as_in_force_after_the_agents_memory_is_gone(log: Log):
    place(log.engine, "hold-1")
    with writing(log.engine) as connection:
        connection.execute(insert(hold_stores).values(hold="hold-1", store=STORE, effective_at=NOW))
        connection.execute(
            insert(documents).values(
                id="act-1", kind="activation", envelope=b"", state="applied", proposed_at=NOW
            )
        )
        connection.execute(
            insert(document_stores).values(document="act-1", store=STORE, acknowledged_at=NOW)
        )
    greet(log.engine, None, booted="boot-2")
    assert [(None,)] == table(log.engine, "hold_stores", "effective_at")
    assert [(None,)] == table(log.engine, "document_stores", "acknowledged_at")


def test_an_old_copy_of_the_state_is_a_lost_state(log: Log):
    """With fewer entries than it sent it would use numbers twice; asked again, it says that."""
    old = Log(log.engine)
    old.lines = log.lines[:2]
    for _ in range(2):
        assert (2, 0) == (say_hello(old).epoch, say_hello(old).applied)
    assert (2, 0) == (greet(log.engine, None).epoch, greet(log.engine, None).applied)


def test_another_log_of_the_same_length_freezes_the_store(log: Log):
    with pytest.raises(FrozenError):
        greet(log.engine, 1, 4, bytes(31) + b"x")
    assert "two boxes" in str(column(log.engine, "frozen"))
    with pytest.raises(FrozenError):
        say_hello(log)


def test_of_two_thawed_boxes_the_first_to_greet_is_the_store_whosever_log_we_have(log: Log):
    """The other one spoke first, before; it freezes the store again if it is still there."""
    other = bytes(31) + b"x"
    with pytest.raises(FrozenError):
        greet(log.engine, 1, 4, other, booted="boot-2")
    with writing(log.engine) as connection:
        register.thaw(connection, STORE, 1)
    assert 2 == greet(log.engine, 1, 4, other, booted="boot-2").epoch
    with pytest.raises(FrozenError):
        say_hello(log)


def test_a_shorter_log_that_never_was_ours_freezes_the_store(log: Log):
    log.say(sight(4))
    with pytest.raises(FrozenError):
        greet(log.engine, 1, 4, bytes(31) + b"x")


def test_two_boots_in_turns_freeze_the_store(log: Log):
    say_hello(log, "boot-2")
    say_hello(log, "boot-2")
    with pytest.raises(FrozenError):
        say_hello(log, "boot-1")


def test_the_box_of_an_older_epoch_freezes_the_store_until_two_people_name_it(log: Log):
    greet(log.engine, None, booted="boot-2")
    Log(log.engine, epoch=2).say(sight(1))
    with pytest.raises(FrozenError):
        say_hello(log, "boot-1")
    with writing(log.engine) as connection:
        register.thaw(connection, STORE, 1)
    assert 3 == say_hello(log, "boot-1").epoch
    with pytest.raises(FrozenError):
        greet(log.engine, 2, 1, Log(log.engine, epoch=2).digest, booted="boot-2")


def test_an_epoch_that_only_the_agent_remembers_is_taken_over(log: Log):
    """We come back from a backup of before its state was lost."""
    later = Log(log.engine, epoch=4)
    later.write([sight(1)])
    welcome = say_hello(later)
    assert (4, 0) == (welcome.epoch, welcome.applied)
    assert 1 == later.send(1, 1).applied
    assert 10**6 == greet(log.engine, 10**6, 0).epoch
    with pytest.raises(MalformedError, match="far beyond"):
        greet(log.engine, 2**40, 0)


def directed(store: str = STORE, *held: StoreHold, version: int = 99) -> Envelope:
    said = Directive(
        store=store,
        epoch=1,
        version=version,
        issued_at=NOW,
        expires_at=Instant(NOW + DAY),
        policy=1,
        policy_digest=bytes(32),
        due=(),
        holds=held,
        acts=(),
    )
    return envelope.seal("directive", codec.encode(said), [DIRECTIVE_KEY])


def test_a_restored_index_takes_holds_and_the_version_back_from_the_agent(log: Log):
    with writing(log.engine) as connection:
        connection.execute(update(stores).values(restored=True, directive_digest=b"x"))
    item = ItemRef(STORE, 1, 1, "front", Instant(1), Instant(2), b"f")
    held = StoreHold("hold-9", Instant(100), Instant(200), ("front",), (item,))
    for _ in range(2):
        greet(log.engine, 1, 4, log.digest, directive=directed(STORE, held))
    names = ("id", "ground", "owner", "origin", "begins", "ends", "placed_at", "review_on")
    [row] = table(log.engine, "holds", *names)
    assert ("hold-9", "crime", "", "recovered", 100, 200, NOW, CIVIL + 3) == row
    [(scope,)] = table(log.engine, "holds", "scope")
    assert Scope(sources=("front",), items=(item,)) == codec.decode(scope, Scope)
    assert [("hold-9", STORE, None)] == table(
        log.engine, "hold_stores", "hold", "store", "effective_at"
    )
    told = [column(log.engine, n) for n in ("restored", "directive_version", "directive_digest")]
    assert [False, 99, None] == told


def test_a_hold_of_several_stores_comes_back_as_wide_as_any_of_them_was_told(log: Log):
    add_store(log.engine, "riga-002")
    items = [ItemRef(s, 1, 1, "front", Instant(1), Instant(2), b"f") for s in (STORE, "riga-002")]
    told = [
        StoreHold("hold-9", Instant(1), Instant(2), (s,), (i,))
        for s, i in zip("ab", items, strict=True)
    ]
    greet(log.engine, 1, 4, log.digest, directive=directed(STORE, told[0]))
    said = Hello(1, 0, GENESIS, "boot-7", directed("riga-002", told[1]))
    intake.hello(log.engine, store="riga-002", said=said, chain=CHAIN, now=NOW)
    [(scope,)] = table(log.engine, "holds", "scope")
    assert Scope(sources=("a", "b"), items=tuple(items)) == codec.decode(scope, Scope)
    assert 2 == len(table(log.engine, "hold_stores"))


def test_of_stores_that_greet_at_once_each_brings_back_what_it_was_told(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch
):
    """The second waits for the first: neither undoes what the other one named."""
    names = ("riga-001", "riga-002")
    items = [ItemRef(name, 1, 1, "front", Instant(1), Instant(2), b"f") for name in names]

    def hello(name: str, item: ItemRef) -> None:
        said = directed(name, StoreHold("hold-9", Instant(1), Instant(2), (), (item,)))
        intake.hello(
            postgres,
            store=name,
            said=Hello(1, 0, GENESIS, f"boot of {name}", said),
            chain=CHAIN,
            now=NOW,
        )

    for name in names:
        add_store(postgres, name)
    second = threading.Thread(target=hello, args=(names[1], items[1]))
    placed_at = decisions.placed_at

    def meanwhile(connection: Connection, hold: str) -> Instant | None:
        known = placed_at(connection, hold)
        if not second.ident:
            second.start()
            wait_until(
                lambda: not second.is_alive() or asks_for_a_lock(postgres), "it is done, or waits"
            )
        return known

    monkeypatch.setattr(decisions, "placed_at", meanwhile)
    hello(names[0], items[0])
    second.join()
    [(scope,)] = table(postgres, "holds", "scope")
    assert tuple(items) == codec.decode(scope, Scope).items


@pytest.mark.parametrize(
    ("told", "wanted"),
    [(("a",), "a"), (("a", "b"), "ab"), (("a", None), None), ((None, "a"), None)],
    ids=str,
)
def test_a_hold_on_somebodys_calls_comes_back_as_that_and_holds_no_others(
    log: Log, told: tuple[str | None, ...], wanted: str | None
):
    """Unless a store was told of it without a number: then it holds whoever called."""
    for store, number in zip((STORE, "riga-002"), told, strict=False):
        if store != STORE:
            add_store(log.engine, store)
        hold = StoreHold("hold-9", Instant(1), Instant(2), numbers=_keyed(number))
        said = Hello(1, 0, GENESIS, "boot-7", directed(store, hold))
        intake.hello(log.engine, store=store, said=said, chain=CHAIN, now=NOW)
    [(scope,)] = table(log.engine, "holds", "scope")
    assert _keyed(wanted) == codec.decode(scope, Scope).numbers


def _keyed(numbers: str | None) -> tuple[Keyed, ...] | UnsetType:
    return UNSET if numbers is None else tuple(Keyed("k1", n.encode() * 16) for n in numbers)


def test_a_hold_that_we_know_is_as_we_know_it(log: Log):
    greet(log.engine, 1, 4, log.digest, directive=directed(STORE, version=5))
    assert ([], 5) == (table(log.engine, "holds"), column(log.engine, "directive_version"))
    greet(log.engine, 1, 4, log.digest, directive=directed(STORE, version=3))
    assert 5 == column(log.engine, "directive_version")


def test_a_directive_that_we_did_not_give_this_store_is_refused(log: Log):
    with pytest.raises(VerificationError):
        greet(log.engine, 1, 4, log.digest, directive=directed("riga-002"))
    forged = envelope.seal("directive", directed().payload, [])
    with pytest.raises(SignatureError):
        greet(log.engine, 1, 4, log.digest, directive=forged)


@pytest.mark.parametrize(
    ("number", "digest", "booted"),
    [
        (-1, GENESIS, "b"),
        (2**60, GENESIS, "b"),
        (0, b"", "b"),
        (0, GENESIS, ""),
        (0, GENESIS, "b" * 65),
    ],
)
def test_a_malformed_greeting_is_refused(log: Log, number: int, digest: bytes, booted: str):
    with pytest.raises(MalformedError):
        greet(log.engine, 1, number, digest, booted=booted)


def test_greeting_shows_that_the_store_was_heard(log: Log):
    greet(log.engine, 1, 4, log.digest, now=Instant(NOW + 77))
    with reading(log.engine) as connection:
        assert NOW + 77 == connection.execute(select(stores.c.last_seen_at)).scalar_one()
