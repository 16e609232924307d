"""Which period a recording is under, and that nobody but its owners changes a policy."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from altered import a_change
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from small_policy import (
    CALL,
    IMAGE,
    KEYS,
    PUBLIC,
    begun,
    continued,
    first_policy,
    next_policy,
    record_class,
    signed,
    source,
)

from retention import codec, policy
from retention.calendar import DAY, Instant, Period, iso, limits, start_of_day, to_instant
from retention.envelope import seal
from retention.errors import MalformedError, SignatureError, VerificationError
from retention.people import Person, Role
from retention.policy import Chain, DueRange, Migration, Policy

RIGA = ZoneInfo("Europe/Riga")
HOUR = 3_600


def at(text: str) -> Instant:
    """An instant written as Riga's time."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=RIGA))


def shown(chain: Chain, day: date, name: str = IMAGE) -> tuple[str, str]:
    """Own target and limit of a day, in Riga's time without its offset."""
    found = chain.limits_of(name, day)
    assert found is not None
    return tuple(iso(each, RIGA)[:16] for each in (found.must_be_gone_by, found.outer_bound))


# --- the period of a recording -------------------------------------------------------------------


def test_a_recording_goes_by_the_version_of_its_day():
    chain = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(period="P90D"),),
    )

    assert ("2026-04-29T00:00", "2026-04-30T00:00") == shown(chain, date(2026, 2, 28))
    assert ("2026-05-30T00:00", "2026-05-31T00:00") == shown(chain, date(2026, 3, 1))


def test_a_longer_period_never_lengthens_what_was_recorded_before():
    before = begun()
    after = continued(
        before, effective_from=date(2026, 3, 1), classes=(record_class(period="P5Y"),)
    )

    assert before.limits_of(IMAGE, date(2026, 2, 28)) == after.limits_of(IMAGE, date(2026, 2, 28))


def test_a_shorter_period_shortens_what_was_recorded_before():
    chain = continued(
        begun(), effective_from=date(2026, 3, 1), classes=(record_class(period="P30D"),)
    )

    assert ("2026-03-27T00:00", "2026-03-28T00:00") == shown(chain, date(2026, 2, 25))


def test_a_shorter_period_erases_nothing_before_the_day_it_takes_effect_on():
    chain = continued(
        begun(), effective_from=date(2026, 3, 1), classes=(record_class(period="P30D"),)
    )

    # 30 days after 20 January are over in February, when 60 were still promised.
    assert ("2026-03-01T00:00", "2026-03-01T00:00") == shown(chain, date(2026, 1, 20))
    # 60 days after 30 December end before the new version begins.
    assert ("2026-02-28T00:00", "2026-03-01T00:00") == shown(chain, date(2025, 12, 30))
    assert date(2026, 2, 28) == chain.limits_of(IMAGE, date(2026, 1, 20)).last_day
    assert date(2026, 3, 1) == chain.limits_of(IMAGE, date(2026, 1, 30)).last_day
    [old] = chain.target_ranges(IMAGE, at("2026-02-28 23:59"))
    assert date(2025, 12, 30) == old.through
    [old] = chain.target_ranges(IMAGE, at("2026-03-01 00:00"))
    assert date(2026, 1, 30) == old.through


def test_what_was_due_under_a_shorter_period_stays_due_under_a_longer_one():
    short = continued(
        begun(), effective_from=date(2026, 3, 1), classes=(record_class(period="P30D"),)
    )
    chain = continued(
        short, effective_from=date(2026, 3, 15), classes=(record_class(period="P60D"),)
    )

    assert ("2026-03-12T00:00", "2026-03-13T00:00") == shown(chain, date(2026, 2, 10))
    # Recorded for 60 days; its 30 were not over when there were 60 again.
    assert ("2026-04-21T00:00", "2026-04-22T00:00") == shown(chain, date(2026, 2, 20))


def test_a_migration_lengthens_what_it_names_from_the_day_it_takes_effect_on():
    chain = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(period="P90D"), record_class(CALL, "P1Y")),
        migrations=(Migration(IMAGE, 1, "a court order"),),
    )

    assert ("2026-05-29T00:00", "2026-05-30T00:00") == shown(chain, date(2026, 2, 28))
    # Its own target would have come with the migration: it was not due before.
    assert ("2026-03-31T00:00", "2026-04-01T00:00") == shown(chain, date(2025, 12, 31))
    # Its own target came before the migration: it was due, and stays so.
    assert ("2026-02-28T00:00", "2026-03-01T00:00") == shown(chain, date(2025, 12, 30))
    # The class that no migration names keeps its 6 months.
    assert ("2026-08-28T00:00", "2026-08-29T00:00") == shown(chain, date(2026, 2, 28), CALL)


def test_a_migration_approves_the_period_of_its_own_version_and_no_later_one():
    ninety = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(period="P90D"),),
        migrations=(Migration(IMAGE, 1, "a court order"),),
    )
    chain = continued(
        ninety, effective_from=date(2026, 3, 2), classes=(record_class(period="P5Y"),)
    )

    assert ninety.limits_of(IMAGE, date(2026, 2, 28)) == chain.limits_of(IMAGE, date(2026, 2, 28))


def test_of_two_migrations_the_later_one_counts():
    ninety = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(period="P90D"),),
        migrations=(Migration(IMAGE, 1, "a court order"),),
    )
    chain = continued(
        ninety,
        effective_from=date(2026, 3, 2),
        classes=(record_class(period="P120D"),),
        migrations=(Migration(IMAGE, 1, "another court order"),),
    )

    assert ("2026-06-28T00:00", "2026-06-29T00:00") == shown(chain, date(2026, 2, 28))
    assert ("2026-05-30T00:00", "2026-05-31T00:00") == shown(chain, date(2026, 3, 1))


def test_a_class_that_was_dropped_keeps_its_last_period():
    chain = continued(begun(), effective_from=date(2026, 3, 1), classes=(record_class(),))

    assert begun().limits_of(CALL, date(2026, 5, 1)) == chain.limits_of(CALL, date(2026, 5, 1))
    assert CALL in chain.class_names()


def test_a_class_keeps_the_first_period_it_ever_had_for_what_is_older_than_it():
    first = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(), record_class("door", "P10D")),
    )
    chain = continued(
        first,
        effective_from=date(2026, 3, 2),
        classes=(record_class(), record_class("door", "P5Y")),
    )

    assert ("2026-03-08T00:00", "2026-03-09T00:00") == shown(chain, date(2026, 2, 26), "door")


def test_nothing_limits_a_class_that_no_version_knows():
    assert begun().limits_of("door", date(2026, 3, 1)) is None
    assert [] == list(begun().due_ranges("door", at("2036-01-01 00:00")))


def test_what_is_kept_for_a_minimum_is_never_swept():
    papers = record_class("papers", "P10Y", bound="minimum")
    chain = begun(classes=(record_class(), papers))

    assert chain.limits_of("papers", date(2026, 3, 1)) is None
    assert [] == list(chain.limit_ranges("papers", at("2199-01-01 00:00")))
    assert (IMAGE,) == chain.class_names()


def test_what_was_recorded_for_a_minimum_is_not_swept_when_its_class_gets_a_maximum():
    papers = record_class("papers", "P10Y", bound="minimum")
    chain = continued(
        begun(classes=(record_class(), papers)),
        effective_from=date(2026, 3, 1),
        classes=(record_class(), record_class("papers", "P1Y")),
    )

    assert chain.limits_of("papers", date(2026, 2, 28)) is None
    assert chain.limits_of("papers", date(2026, 3, 1)) is not None


def test_a_class_that_gets_a_minimum_lengthens_nothing_recorded_before():
    chain = continued(
        begun(),
        effective_from=date(2026, 3, 1),
        classes=(record_class(bound="minimum"), record_class(CALL, "P6M")),
    )

    assert begun().limits_of(IMAGE, date(2026, 2, 28)) == chain.limits_of(IMAGE, date(2026, 2, 28))
    assert chain.limits_of(IMAGE, date(2026, 3, 1)) is None


def test_each_limit_is_the_strictest_where_zones_differ():
    # Over Riga's autumn change 60 elapsed days end at 21:00 UTC, the calendar's at 22:00. Istanbul,
    # which changes no clocks, is an hour earlier in the limit only.
    chain = continued(
        begun(), effective_from=date(2026, 10, 1), classes=(record_class(zone="Europe/Istanbul"),)
    )
    found = chain.limits_of(IMAGE, date(2026, 9, 1))

    assert "2026-10-30T21:00:00+00:00" == iso(found.must_be_gone_by, UTC)
    assert "2026-10-31T21:00:00+00:00" == iso(found.outer_bound, UTC)


# --- the same, for every day and history ---------------------------------------------------------

ZONES = ("Europe/Riga", "UTC", "America/Santiago", "Asia/Kolkata")
START = date(2026, 1, 1)

periods = st.sampled_from(["P1D", "P20D", "P60D", "P90D", "P1M"])
classes = st.builds(
    record_class,
    st.just(IMAGE),
    periods,
    zone=st.sampled_from(ZONES),
    bound=st.sampled_from(["maximum", "maximum", "maximum", "minimum"]),
    lead_seconds=st.integers(0, DAY - 1),
)


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Up to four versions of one class that changes, comes and goes; unsigned."""
    versions: list[Policy] = []
    effective_from = START
    for version in range(1, draw(st.integers(1, 4)) + 1):
        found = draw(st.none() | classes) if version > 1 else draw(classes)
        named = draw(st.sets(st.integers(1, version - 1))) if version > 1 else set()
        versions.append(
            first_policy(
                version=version,
                effective_from=effective_from,
                classes=(record_class("other"), *((found,) if found else ())),
                migrations=tuple(Migration(IMAGE, number, "why") for number in sorted(named)),
            )
        )
        effective_from += timedelta(days=draw(st.integers(0, 40)))
    return Chain(tuple(versions), b"")


days = st.dates(START - timedelta(days=70), START + timedelta(days=150))
nows = st.integers(at("2025-10-01 00:00"), at("2026-10-01 00:00")).map(Instant)


def governing(chain: Chain, recorded: Policy, newest: Policy) -> Iterator[tuple[Period, ZoneInfo]]:
    """The rule in other words than the code's: whose periods count while `newest` is in effect."""
    known = [p.record_class(IMAGE) for p in chain.policies]

    def in_version(number: int) -> object:
        earlier = [c for c in known[:number] if c]
        return earlier[-1] if earlier else next(c for c in known if c)

    source_version = recorded.version
    for each in chain.policies[: newest.version]:
        if any(m.recorded_under == recorded.version for m in each.migrations):
            source_version = each.version
    recorded_class = in_version(source_version)
    if recorded_class.bound == "minimum":
        return
    for each in (recorded_class, in_version(newest.version)):
        if each.bound == "maximum":
            yield Period.parse(each.period), ZoneInfo(each.zone)


def targets(chain: Chain, day: date) -> list[Instant]:
    """Every instant at which a recording of this day becomes due, whoever's zone says when."""
    recorded = [p for p in chain.policies if p.effective_from <= day] or [chain.policies[0]]
    found = []
    for newest, following in pairwise([*chain.policies[recorded[-1].version - 1 :], None]):
        for period, zone in governing(chain, recorded[-1], newest):
            target = limits(day, period, zone, 0).must_be_gone_by
            if newest is not recorded[-1]:
                target = max(target, start_of_day(newest.effective_from, zone))
            if following is None or target < start_of_day(following.effective_from, zone):
                found.append(target)
    return found


@given(chains(), days)
def test_a_recording_is_due_as_soon_as_a_version_in_effect_says_so(chain, day):
    found = chain.limits_of(IMAGE, day)

    assert min(targets(chain, day), default=None) == (found and found.must_be_gone_by)


def covered(ranges: Iterator[DueRange], day: date) -> bool:
    return any(each.since <= day <= each.through for each in ranges)


@settings(max_examples=300)
@given(chains(), days, nows)
def test_ranges_and_limits_agree_for_every_civil_date(chain, day, now):
    found = chain.limits_of(IMAGE, day)

    for name, ranges in (
        ("due_at", chain.due_ranges),
        ("must_be_gone_by", chain.target_ranges),
        ("outer_bound", chain.limit_ranges),
    ):
        exact = None if found is None else getattr(found, name)
        assert (exact is not None and exact <= now) == covered(ranges(IMAGE, now), day), name
        if exact is not None:  # to the second
            assert covered(ranges(IMAGE, exact), day), name
            assert not covered(ranges(IMAGE, Instant(exact - 1)), day), name


@given(chains(), days)
def test_limits_come_in_order(chain, day):
    found = chain.limits_of(IMAGE, day)

    if found is not None:
        assert day == found.civil_date
        assert found.due_at <= found.must_be_gone_by <= found.outer_bound


@given(chains(), days)
def test_limits_grow_with_the_day_within_one_version(chain, day):
    after = day + timedelta(days=1)
    if chain.in_force(day) is not chain.in_force(after):
        return
    today, tomorrow = chain.limits_of(IMAGE, day), chain.limits_of(IMAGE, after)

    assert (today is None) <= (tomorrow is None)
    if today is not None and tomorrow is not None:
        assert today.must_be_gone_by <= tomorrow.must_be_gone_by
        assert today.outer_bound <= tomorrow.outer_bound


@given(chains(), nows)
def test_the_ranges_of_one_instant_do_not_overlap(chain, now):
    ranges = list(chain.due_ranges(IMAGE, now))

    assert all(each.since <= each.through for each in ranges)
    assert all(one.through < other.since for one, other in pairwise(ranges))


@given(chains(), days, st.data())
def test_no_further_version_lengthens_a_period_without_a_migration(chain, day, data):
    last = chain.current.effective_from
    effective_from = data.draw(st.dates(max(last, day + timedelta(days=1)), date(2029, 1, 1)))
    found = data.draw(st.none() | classes)
    further = first_policy(
        version=chain.current.version + 1,
        effective_from=effective_from,
        classes=(record_class("other"), *((found,) if found else ())),
    )
    before = chain.limits_of(IMAGE, day)
    after = Chain((*chain.policies, further), b"").limits_of(IMAGE, day)

    recorded = chain.in_force(day)
    if before is None or any(p.version > recorded.version for p in chain.policies):
        return  # what is in between may have been shorter than what it was recorded under
    assert after is not None
    assert after.must_be_gone_by <= before.must_be_gone_by
    assert after.outer_bound <= before.outer_bound


# --- the strictest class -------------------------------------------------------------------------


def test_what_is_unregistered_gets_the_shortest_class_of_its_group():
    chain = begun(
        classes=(
            record_class("years", "P3Y"),
            record_class("months", "P2M"),
            record_class("days", "P70D"),
            record_class("shortest", "P7D"),
            record_class("canary", "P1D"),
            record_class("papers", "P2D", bound="minimum"),
        ),
        sources=(
            source("a", record_class="years"),
            source("b", record_class="days"),
            source("c", record_class="months"),
            source("d", record_class="papers"),
            source("e", record_class="canary"),
            source("f", group="calls-*", record_class="years"),
            source("g", group="papers", record_class="papers"),
        ),
    )

    assert "months" == chain.strictest("terminals").name
    assert "years" == chain.strictest("calls-1").name
    assert "shortest" == chain.strictest("papers").name
    assert "shortest" == chain.strictest("nobody wrote a source for it").name


# --- the chain -----------------------------------------------------------------------------------


def test_a_chain_is_followed_from_its_pin():
    first = signed(first_policy())
    second = signed(next_policy(begun(), effective_from=date(2026, 3, 1)))

    chain = policy.follow([first, second], codec.digest(first.payload))

    assert [1, 2] == [p.version for p in chain.policies]
    assert codec.digest(second.payload) == chain.head
    assert 1 == chain.in_force(date(2026, 2, 28)).version
    assert 2 == chain.in_force(date(2026, 3, 1)).version
    assert 1 == chain.in_force(date(1999, 1, 1)).version


def test_no_other_first_policy_passes_the_pin():
    other = signed(first_policy(ledger_origin="other/ledger"))

    with pytest.raises(VerificationError, match="not the one that the pin names"):
        policy.first(other, begun().head)
    with pytest.raises(VerificationError, match="at least one"):
        policy.follow([], begun().head)


@pytest.mark.parametrize("changes", [{"version": 2}, {"previous": b"before"}])
def test_a_first_policy_follows_none(changes):
    document = signed(first_policy(**changes))

    with pytest.raises(VerificationError, match="version 1"):
        policy.first(document, codec.digest(document.payload))


@pytest.mark.parametrize(
    "names",
    [("anna",), ("anna", "anna"), ("anna", "clara"), ("clara", "dace"), ("mallory", "anna")],
)
def test_a_version_takes_two_owners_of_the_one_before_it(names):
    first = signed(first_policy(), *names)
    second = signed(next_policy(begun()), *names)

    with pytest.raises(SignatureError, match="two different people"):
        policy.first(first, codec.digest(first.payload))
    with pytest.raises(SignatureError, match="two different people"):
        begun().extended(second)


def test_owners_of_the_new_version_alone_cannot_bring_it_in():
    people = tuple(Person(n, (Role.OWNER,), PUBLIC[n]) for n in ("gita", "mallory"))
    document = next_policy(begun(), people=people)

    with pytest.raises(SignatureError):
        begun().extended(signed(document, "gita", "mallory"))
    chain = begun().extended(signed(document, "anna", "boris"))
    assert 3 == chain.extended(signed(next_policy(chain), "gita", "mallory")).current.version


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 1}, "does not follow"),
        ({"version": 3}, "does not follow"),
        ({"previous": None}, "does not follow"),
        ({"previous": bytes(32)}, "does not follow"),
        ({"effective_from": date(2025, 12, 31)}, "take effect before"),
        ({"issued_at": Instant(1_766_999_999)}, "drawn up before"),
    ],
)
def test_a_version_that_does_not_follow_on_is_refused(changes, sentence):
    with pytest.raises(VerificationError, match=sentence):
        continued(begun(), **changes)


@pytest.mark.parametrize(("version", "under"), [(1, 1), (2, 2), (2, 3)])
def test_a_migration_is_of_an_earlier_version_and_the_first_has_none(version, under):
    """The reason of a first version's would be signed in words, and stay for ever."""
    document = first_policy(version=version, migrations=(Migration(IMAGE, under, "why"),))
    with pytest.raises(MalformedError, match="an earlier version"):
        document.check()


def test_a_version_does_not_reach_back_behind_the_day_it_was_drawn_up_on():
    drawn_up = at("2026-06-10 12:00")

    with pytest.raises(MalformedError, match="keeps its period"):
        continued(begun(), issued_at=drawn_up, effective_from=date(2026, 6, 8))
    # The day before is today somewhere.
    continued(begun(), issued_at=drawn_up, effective_from=date(2026, 6, 9))


def test_an_act_is_no_policy():
    document = next_policy(begun())
    sealed = seal("act", codec.encode(document), [KEYS["anna"], KEYS["boris"]])

    with pytest.raises(MalformedError):
        begun().extended(sealed)


def nobody(number: int) -> bytes:
    return bytes(SigningKey(bytes([number]) * 32).verify_key)


OWNERS = tuple(Person(f"p{n}", (Role.OWNER,), nobody(n)) for n in (1, 2))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": ()}, "at least one class"),
        ({"classes": (record_class("canary", "P1D"),)}, "at least one class"),
        ({"classes": (record_class(bound="minimum"),)}, "at least one class"),
        ({"classes": (record_class(), record_class())}, "two of class terminal-image"),
        ({"classes": (record_class(period="60"),)}, "period"),
        ({"classes": (record_class(zone="Europe"),)}, "no time zone 'Europe'"),
        ({"classes": (record_class(zone="Europe/Rīga"),)}, "no time zone"),
        ({"classes": (record_class(zone="../passwd"),)}, "no time zone"),
        ({"classes": (record_class(zone=""),)}, "no time zone"),
        ({"classes": (record_class(zone="Europe/Riga\0"),)}, "no time zone"),
        ({"classes": (record_class(zone="x" * 300),)}, "no time zone"),
        ({"classes": (record_class(lead_seconds=-1),)}, "lead"),
        ({"classes": (record_class(lead_seconds=7 * DAY),)}, "lead"),
        ({"classes": (record_class(period="P1D", lead_seconds=DAY),)}, "shorter than the period"),
        ({"classes": (record_class(), record_class("", "P1D"))}, "cannot name a class"),
        ({"classes": (record_class(), record_class("a\nb", "P1D"))}, "cannot name a class"),
        ({"classes": (record_class(), record_class("x" * 65, "P1D"))}, "cannot name a class"),
        ({"sources": (source(), source(directory="back"))}, "two of source front"),
        ({"sources": (source(), source("door", directory="front"))}, "two of directory 'front'"),
        ({"sources": (source(record_class="door"),)}, "no class 'door'"),
        ({"sources": (source("unregistered"),)}, "cannot name a source"),
        ({"sources": (source(" front"),)}, "cannot name a source"),
        ({"sources": (source(directory="../front"),)}, "below the store's root"),
        ({"sources": (source(directory="a/../../b"),)}, "below the store's root"),
        ({"sources": (source(directory="/front"),)}, "below the store's root"),
        ({"sources": (source(directory="front/"),)}, "below the store's root"),
        ({"sources": (source(directory="a//b"),)}, "below the store's root"),
        ({"sources": (source(directory="./front"),)}, "below the store's root"),
        ({"sources": (source(directory="a\0b"),)}, "below the store's root"),
        ({"sources": (source(name_pattern="%Q"),)}, "%Q"),
        ({"sources": (source(max_delay_seconds=-1),)}, "max_delay"),
        ({"sources": (source(max_delay_seconds=31 * DAY),)}, "max_delay"),
        ({"people": OWNERS[:1]}, "two owners"),
        ({"people": (OWNERS[0], Person("p2", (Role.DPO,), nobody(2)))}, "two owners"),
        ({"people": (*OWNERS, Person("p1", (), nobody(3)))}, "two of person p1"),
        ({"people": (*OWNERS, Person("p3", (), nobody(1)))}, "two of public key"),
        ({"people": (*OWNERS, Person("", (), nobody(3)))}, "cannot name a person"),
        ({"people": (*OWNERS, Person("p3", (), b"short"))}, "32 bytes"),
        ({"people": OWNERS, "directive_keys": (nobody(1),)}, "two of public key"),
        ({"people": OWNERS, "ledger_keys": (nobody(2),)}, "two of public key"),
        ({"directive_keys": (bytes(31),)}, "32 bytes"),
        ({"ledger_keys": (bytes(33),)}, "32 bytes"),
        ({"directive_keys": ()}, "nobody obeys"),
        ({"ledger_keys": ()}, "nobody obeys"),
        ({"migrations": (Migration("door", 1, "why"),)}, "names no class"),
        ({"effective_from": date(9999, 1, 1)}, "too late"),
    ],
)
def test_a_policy_that_cannot_be_right_is_malformed(changes, sentence):
    with pytest.raises(MalformedError, match=sentence):
        first_policy(**changes).check()


def test_the_sources_of_a_store_are_those_of_its_group():
    document = first_policy(
        sources=(
            source("root", directory=""),
            source("front", directory="cameras/front", max_delay_seconds=30 * DAY),
            source("back", group="term*", directory="cameras/back", name_pattern="%Y%m%d-%H%M%S*"),
            source("front", group="calls"),
            source("side", group="Terminals"),
        )
    )
    document.check()

    assert ["root", "front", "back"] == [s.id for s in document.sources_of("terminals")]


policies = st.builds(
    first_policy,
    version=st.integers(1, 2**53 - 1),
    previous=st.none() | st.binary(min_size=32, max_size=32),
    effective_from=st.dates(),
    issued_at=st.integers(0, 2**33 - 1),
    classes=st.lists(classes, max_size=2).map(tuple),
    migrations=st.lists(
        st.builds(
            Migration,
            st.just(IMAGE),
            st.integers(1, 9),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
        ),
        max_size=2,
    ).map(tuple),
)


@given(policies)
def test_a_policy_travels_unchanged(document):
    assert document == codec.decode(codec.encode(document), Policy)


@given(st.data())
def test_an_altered_version_is_not_followed(data):
    known = signed(next_policy(begun(), effective_from=date(2026, 3, 1)))
    payload = data.draw(a_change(known.payload))
    altered = msgspec.structs.replace(known, payload=payload)

    if payload != known.payload:
        with pytest.raises((MalformedError, SignatureError, VerificationError)):
            begun().extended(altered)


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": Instant(-1)},
        {"issued_at": Instant(2**33)},
        {"version": 0},
        {"sources": (source(max_delay_seconds=-1),)},
        {"people": (Person("x" * 65, (), b""),)},
    ],
)
def test_numbers_and_names_beyond_bounds_do_not_decode(changes):
    with pytest.raises(MalformedError):
        codec.decode(codec.encode(first_policy(**changes)), Policy)


def test_every_version_has_one_range_of_its_own():
    chain = begun()
    for month in range(2, 13):
        chain = continued(chain, effective_from=date(2026, month, 1))

    [one] = chain.due_ranges(IMAGE, at("2026-01-01 00:00"))
    ranges = list(chain.due_ranges(IMAGE, at("2026-12-31 12:00")))

    assert DueRange(IMAGE, 1, date.min, date(2025, 11, 2)) == one
    assert DueRange(IMAGE, 11, date(2026, 11, 1), date(2026, 11, 2)) == ranges[-1]
    assert list(range(1, 12)) == [each.policy for each in ranges]
