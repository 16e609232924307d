"""An operator to audit: a policy, two stores, a ledger, and all that a bundle is made of."""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
from nacl.signing import SigningKey
from sqlalchemy import Connection, insert

from auditor import pack
from enforcer import prove
from enforcer.index import policies, tables, tree
from enforcer.index.engine import open_index, reading, writing
from enforcer.inspection import bundle as bundles
from retention import acts, bundle, codec, envelope
from retention.acts import Activation, Erasure, Release
from retention.bundle import Counted, Rescanned
from retention.calendar import Instant, parse_instant, start_of_day
from retention.classes import RecordClass
from retention.envelope import Envelope
from retention.hold import ItemRef
from retention.ledger import DAY_ZONE, AnyLeaf, Day
from retention.people import Person, Role
from retention.policy import Chain, Policy, Source, first
from retention.witness import Alarm, Cause, Gap, Sighting, Watched

ANNA, BERTA, CARL, DIRECTIVE, LEDGER, STRANGER = (SigningKey(bytes([n]) * 32) for n in range(1, 7))

NOW = parse_instant("2026-03-10T12:00:00+02:00")
ON = date(2026, 1, 5)
ERASED_AT = parse_instant("2026-03-05T07:00:00+02:00")
"""The recordings of `ON` were due an hour before; they had to be gone by the 6th."""

PHONE, NAME, CASE = "+371 26123456", "Ozoliņa", "KP-2026-117"
"""Planted where the centre may have them; no bundle may."""


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def a_class(name: str, period: str) -> RecordClass:
    return RecordClass(name, period, "start", "GDPR 6(1)(f)", "security", "notice 3", "anna")


def a_policy() -> Policy:
    return Policy(
        version=1,
        previous=None,
        effective_from=date(2024, 3, 1),
        issued_at=parse_instant("2024-02-01T00:00:00Z"),
        classes=(a_class("terminal-image", "P60D"), a_class("contact-centre-call", "P6M")),
        sources=(
            Source("cam-1", "lockers", "cam", "terminal-image", "door", "%Y%m%d-%H%M%S*.jpg"),
            Source("calls", "lockers", "calls", "contact-centre-call", "queue"),
        ),
        people=(
            Person("anna", (Role.OWNER, Role.DPO), public(ANNA)),
            Person("berta", (Role.OWNER, Role.APPROVER), public(BERTA)),
            Person("carl", (Role.OPERATOR,), public(CARL)),
        ),
        directive_keys=(public(DIRECTIVE),),
        ledger_origin="ledger.example/retention",
        ledger_keys=(public(LEDGER),),
    )


class Operator:
    """Somebody who runs an enforcer; methods make facts, `bundle` shows them."""

    anna, berta, carl, directive, ledger, stranger = ANNA, BERTA, CARL, DIRECTIVE, LEDGER, STRANGER
    now, on = NOW, ON
    planted = PHONE, NAME, CASE

    def __init__(self, directory: Path) -> None:
        self.engine = open_index(f"sqlite:///{directory / 'index.db'}")
        sealed = envelope.seal("policy", codec.encode(a_policy()), [ANNA, BERTA])
        self.pin = sha256(sealed.payload).digest()
        self.chain: Chain = first(sealed, self.pin)
        self._next = 0
        with writing(self.engine) as connection:
            policies.publish(connection, 1, sealed)
            for store in ("terminal-1", "terminal-2"):
                _enrol(connection, store)

    def random(self, size: int) -> bytes:
        self._next += 1
        return sha256(self._next.to_bytes(8, "big")).digest()[:size]

    def add(self, number: int, *, state: str = "present", **changes: object) -> None:
        """Book items that were seen and are now in `state`."""
        with writing(self.engine) as connection:
            for _ in range(number):
                self._next += 1
                connection.execute(insert(tables.items).values(self._item(state) | changes))
            store = str(changes.get("store", "terminal-1"))
            civil = int(str(changes.get("civil", ON.toordinal())))
            _book(connection, store, civil, "seen", number)
            _book(connection, store, civil, state, number)

    def erase(self, number: int, **changes: object) -> None:
        """Book items whose erasure was reported."""
        ending = {"erased_at": ERASED_AT, "why": "due", "outcome": "erased_verified"}
        self.add(number, state="erased", **ending | changes)

    def prove(self, *, at: Instant = NOW) -> None:
        """Certify all that waits, and publish a head."""
        with writing(self.engine) as connection:
            prove.certify(connection, self.chain, at, self.random)
            prove.heartbeat(connection, at)
            prove.publish(connection, origin=self.chain.current.ledger_origin, key=LEDGER, now=at)

    def hold(self, name: str, *, items: int, released_at: Instant | None = None) -> None:
        """Place a hold, with held items of the day under it."""
        with writing(self.engine) as connection:
            connection.execute(insert(tables.holds).values(_hold(name, released_at)))
            connection.execute(
                insert(tables.hold_stores).values(hold=name, store="terminal-1", effective_at=NOW)
            )
            for number in range(items):
                connection.execute(
                    insert(tables.held_items).values(
                        store="terminal-1", epoch=9, number=number, hold=name
                    )
                )
        if items:
            self.add(items, state="held")

    def approve(self, act: acts.AnyAct, *keys: SigningKey) -> Envelope:
        """Put an act on record, signed by these."""
        sealed = envelope.seal("act", acts.encode(act), keys)
        with writing(self.engine) as connection:
            connection.execute(
                insert(tables.documents).values(
                    id=act.id,
                    kind=acts.kind_of(act),
                    envelope=envelope.encode(sealed),
                    state="approved",
                    proposed_at=act.at,
                    approved_at=act.at,
                )
            )
        return sealed

    def bundle(self, *, now: Instant = NOW, watched: Watched | None = None) -> bytes:
        """The bundle of January."""
        file = io.BytesIO()
        with reading(self.engine) as connection:
            bundles.make(
                connection,
                file,
                chain=self.chain,
                key=DIRECTIVE,
                since=date(2026, 1, 1),
                through=date(2026, 1, 31),
                now=now,
                random=self.random,
                watched=watched,
            )
        return file.getvalue()

    def members(self, **options: object) -> dict[str, bytes]:
        """The bundle of January, opened."""
        return bundle.read(io.BytesIO(self.bundle(**options)))

    def register_backup(self) -> None:
        """Say that copies of the index are kept for two weeks."""
        row = {"name": "nightly", "of": "index", "days": 14, "registered_at": NOW}
        with writing(self.engine) as connection:
            connection.execute(insert(tables.backups).values(row))

    def hand_in(self, report: Rescanned) -> None:
        """Keep an auditor's report for the bundle."""
        data = codec.encode(report)
        row = {"digest": codec.digest(data), "at": report.at, "report": data}
        with writing(self.engine) as connection:
            connection.execute(insert(tables.rescans).values(row))

    def tell_day(self, day: date) -> None:
        """Append the leaf of a day: all well, but for an hour in which nobody looked."""
        spent = Day(
            at=start_of_day(day + timedelta(days=1), ZoneInfo(DAY_ZONE)),
            day=day,
            record_class="terminal-image",
            ok=82_800,
            violated=0,
            unknown=3600,
            reasons=("not_watched",),
        )
        with writing(self.engine) as connection:
            tree.append(connection, [tree.NewLeaf(spent)])

    def watched(self) -> Watched:
        """What the operator's Prometheus recorded: the newest head, a gap and an alert."""
        head = self.head()
        seen = Sighting("centre", head.size, head.root, Instant(head.at), Instant(head.at))
        gap = Gap(Instant(head.at - 7200), Instant(head.at), Cause.NO_ANSWER)
        alarm = Alarm("RetentionBrake", (("reason", "unusual"),), gap.since, gap.until)
        return Watched(gap.since, gap.until, (seen,), (gap,), (alarm,))

    def head(self) -> tree.Head:
        """The newest head."""
        with reading(self.engine) as connection:
            found = tree.last_head(connection)
        assert found is not None
        return found

    def release(self, hold: str, *keys: SigningKey) -> Envelope:
        """Put the release of a hold on record, signed by these."""
        return self.approve(release_of(hold), *keys)

    def approve_erasure(self, id_: str) -> Envelope:
        """Put an act on record that names an item."""
        return self.approve(an_erasure(id_), ANNA, BERTA)

    def seal(self, kind: str, document: msgspec.Struct) -> Envelope:
        """A document in an envelope that two people signed."""
        return envelope.seal(kind, codec.encode(document), [ANNA, BERTA])

    def append(self, leaf: AnyLeaf, *, at: Instant = NOW) -> None:
        """Put any leaf into the ledger, and publish a head over it."""
        with writing(self.engine) as connection:
            tree.append(connection, [tree.NewLeaf(leaf)])
        self.prove(at=at)

    def _item(self, state: str) -> dict[str, object]:
        return {
            "store": "terminal-1",
            "epoch": 1,
            "number": self._next,
            "record_class": "terminal-image",
            "source": "cam-1",
            "anchor": parse_instant("2026-01-05T09:00:00+02:00") + self._next,
            "civil": ON.toordinal(),
            "how": "name",
            "span": 0,
            "before": 0,
            "after": 0,
            "seen": parse_instant("2026-01-05T09:00:10+02:00") + self._next,
            "size": 1000,
            "fingerprint": sha256(b"file %d" % self._next).digest()[:16],
            "not_before": 0,
            "state": state,
        }


def _enrol(connection: Connection, store: str) -> None:
    connection.execute(
        insert(tables.stores).values(
            id=store,
            site=f"Brīvības 12, {NAME}",
            store_group="lockers",
            zone="Europe/Riga",
            region="EEA",
            processor="us",
            kind="terminal",
            state="active",
            commissioned_at=parse_instant("2025-06-01T00:00:00Z"),
            digest=b"",
        )
    )


def _book(connection: Connection, store: str, civil: int, state: str, number: int) -> None:
    key = {"store": store, "record_class": "terminal-image", "civil": civil, "state": state}
    table = tables.tallies
    where = [table.c[name] == value for name, value in key.items()]
    change = table.update().where(*where).values(items=table.c["items"] + number)
    if not connection.execute(change).rowcount:
        connection.execute(insert(table).values(**key, items=number, bytes=1000 * number))


def _hold(name: str, released_at: Instant | None) -> dict[str, object]:
    return {
        "id": name,
        "ground": "crime",
        "case_reference": f"{CASE} {PHONE}",
        "citation": "",
        "owner": "anna",
        "origin": "person",
        "scope": b"{}",
        "begins": NOW - 86_400,
        "ends": NOW,
        "placed_at": NOW - 5 * 86_400,
        "review_on": date(2026, 5, 1).toordinal(),
        "released_at": released_at,
    }


def a_rescan(**changes: object) -> Rescanned:
    """An auditor's report of terminal 1, with the inspector's number in it."""
    counted = Counted("terminal-image", date(2026, 3, 1), "in_time", 7, 7000)
    facts = {
        "number": "DVI-2026-44",
        "store": "terminal-1",
        "group": "lockers",
        "at": Instant(NOW - 3600),
        "policy": 1,
        "verdict": "ok",
        "counts": (counted,),
        "unregistered": 0,
        "unread": 0,
    }
    return Rescanned(**(facts | changes))  # type: ignore[arg-type]


def release_of(hold: str, at: Instant = NOW) -> Release:
    return Release(id=f"release-{hold}", at=at, reason="the case is closed", hold=hold)


def an_erasure(id_: str) -> Erasure:
    item = ItemRef("terminal-1", 1, 7, "cam-1", Instant(NOW - 5), NOW, b"f" * 16)
    return Erasure(id=id_, at=NOW, reason="article 17", items=(item,))


def an_activation() -> Activation:
    return Activation(
        id="activation-1",
        at=NOW,
        reason="forecast seen",
        stores=("terminal-1",),
        record_class="terminal-image",
        through_ordinal=ON.toordinal(),
        count=100,
    )


def an_operator(directory: Path) -> Operator:
    """One whose books are in order: erased in time, held, released, with two heads and a day between."""
    operator = Operator(directory)
    for day in (1, 2, 3):  # of December: their certificates are leaves that the bundle leaves out
        operator.erase(1, civil=date(2025, 12, day).toordinal())
    operator.erase(5)
    operator.prove(at=Instant(NOW - 86_400))
    operator.erase(3, store="terminal-2")
    operator.erase(2, civil=date(2026, 1, 20).toordinal(), why="erasure")
    operator.add(4, civil=date(2026, 1, 20).toordinal())
    operator.hold("hold-1", items=2)
    operator.hold("hold-2", items=0, released_at=NOW)
    operator.approve(release_of("hold-2"), ANNA, BERTA)
    operator.approve(an_activation(), BERTA, CARL)
    operator.approve_erasure("erasure-1")
    operator.register_backup()
    operator.hand_in(a_rescan())
    for day in range(1, 10):
        operator.tell_day(date(2026, 3, day))
    for at in range(NOW - 86_400 + 600, NOW, 600):
        with writing(operator.engine) as connection:
            prove.heartbeat(connection, Instant(at))
    operator.prove()
    return operator


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """An operator whose books are in order, to do with as the test likes."""
    operator = an_operator(tmp_path)
    yield operator
    operator.engine.dispose()


@pytest.fixture
def empty_operator(tmp_path: Path) -> Iterator[Operator]:
    """An operator who has a policy and two stores, and no ledger yet."""
    operator = Operator(tmp_path)
    yield operator
    operator.engine.dispose()


@pytest.fixture(scope="session")
def keys() -> type[Operator]:
    """Everybody's keys."""
    return Operator


@pytest.fixture(scope="session")
def single_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The auditor as one file that needs only Python."""
    target = tmp_path_factory.mktemp("dist") / "auditor.pyz"
    pack.main(target)
    return target


class Honest(NamedTuple):
    """What an operator in order shows, for tests that only read."""

    pin: bytes
    packed: bytes
    members: dict[str, bytes]

    def __repr__(self) -> str:
        return "an honest bundle"


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    """The bundle of an operator in order."""
    operator = an_operator(tmp_path_factory.mktemp("honest"))
    packed = operator.bundle(watched=operator.watched())
    operator.engine.dispose()
    return Honest(operator.pin, packed, bundle.read(io.BytesIO(packed)))


@pytest.fixture(scope="session")
def honest_chain(honest: Honest) -> Chain:
    """The policy of the operator in order."""
    [document] = bundle.parse(honest.members[bundle.POLICY], Envelope)
    return first(document, honest.pin)
