"""A ledger that was written anew, and is in order by itself, is not the one that was witnessed."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_server import Server, running
from sqlalchemy import delete, select, update

from auditor.cli import main
from enforcer import prove
from enforcer.index import tables, tree
from enforcer.index.engine import reading, writing
from enforcer.index.policies import Chains
from enforcer.metrics import Facts
from retention import ledger, merkle
from retention.calendar import Instant, parse_instant
from retention.ledger import Certificate, Count, Day, LastHead, Succession, Timing
from retention.witness import root_words

BEGAN = parse_instant("2026-02-20T00:00:00Z")


def now() -> Instant:
    return Instant(int(time.time()))  # noqa: TID251 - Prometheus' clock is the real one


@pytest.fixture
def young(empty_operator):
    """An operator whose ledger begins now: five erased, one head."""
    empty_operator.erase(5)
    empty_operator.prove(at=now())
    return empty_operator


@pytest.fixture
def port(young) -> Iterator[int]:
    """Its metrics at a port of loopback."""
    registry = CollectorRegistry()
    registry.register(Facts(young.engine, Chains(young.pin), now))
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def prometheus(tmp_path_factory, need, port) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("prometheus")
    with running(need("prometheus"), home, {"retention-enforcer": port}) as server:
        yield server


def size_of(operator) -> int:
    return operator.head().size


def grow(operator, prometheus) -> None:
    """A head more, and scraped."""
    operator.erase(1)
    operator.prove(at=now())
    prometheus.wait_for(f"retention_ledger_tree_size == {size_of(operator)}")


def write_anew(operator, change) -> None:
    """What somebody can do who has the database and the ledger's key: other leaves, heads to match."""
    with writing(operator.engine) as connection:
        old = [
            ledger.decode(data)
            for data in connection.execute(
                select(tables.leaves.c.data).order_by(tables.leaves.c.position)
            ).scalars()
        ]
        heads = list(tree.heads(connection))
        for table in (tables.leaves, tables.nodes, tables.checkpoints):
            connection.execute(delete(table))
    new, done = change(old), 0
    for head in heads:
        if head.size > len(new):
            break
        with writing(operator.engine) as connection:
            tree.append(connection, [tree.NewLeaf(leaf) for leaf in new[done : head.size]])
            prove.publish(
                connection,
                origin=operator.chain.current.ledger_origin,
                key=operator.ledger,
                now=Instant(head.at),
            )
        done = head.size


def hide_one(leaves):
    """The first certificate counts one less."""
    first = next(n for n, leaf in enumerate(leaves) if isinstance(leaf, Certificate))
    counts = (Count("due", "erased_verified", Timing.IN_TIME, 4),)
    leaves[first] = structs.replace(leaves[first], items=4, counts=counts)
    return leaves


def hide_in_books(operator) -> None:
    with writing(operator.engine) as connection:
        c = tables.tallies.c
        connection.execute(
            update(tables.tallies)
            .where(c.state.in_(("seen", "erased")))
            .values(items=tables.tallies.c["items"] - 1)
        )


@pytest.fixture
def audit(tmp_path, capsys):
    """Run a command of the auditor over a bundle of the operator; its exit code and findings."""

    def run(operator, command, *words: str, at=None):
        file = tmp_path / f"{time.monotonic_ns()}.zip"
        file.write_bytes(operator.bundle(now=at or now()))
        pin = ("--pin", operator.pin.hex())
        code = main([command, *words, *pin, "--json", str(file)])
        printed = capsys.readouterr()
        assert "" == printed.err
        told = json.loads(printed.out)
        return code, "\n".join(f"{f['verdict']} {f['text']}" for f in told["findings"])

    return run


def test_a_ledger_edited_by_hand_is_found_although_it_is_in_order_by_itself(
    young, prometheus, audit
):
    operator = young
    prometheus.wait_for(f"retention_ledger_tree_size == {size_of(operator)}")
    grow(operator, prometheus)
    witness = ("witness", "--prometheus", prometheus.url)
    code, told = audit(operator, *witness, at=Instant(now() + 1))
    assert (0, True) == (code, "2 checkpoints seen from" in told), told

    write_anew(operator, hide_one)
    hide_in_books(operator)
    code, told = audit(operator, "verify")
    assert 0 == code, told
    code, told = audit(operator, *witness, at=Instant(now() + 1))
    assert 1 == code
    assert "violated a checkpoint of 2 entries was seen" in told
    assert "its root was another than this ledger's" in told


def test_a_ledger_cut_off_is_found_to_have_shrunk(young, prometheus, audit):
    operator = young
    prometheus.wait_for(f"retention_ledger_tree_size == {size_of(operator)}")
    before = size_of(operator)
    grow(operator, prometheus)
    after = size_of(operator)
    write_anew(operator, lambda leaves: leaves[:before])
    prometheus.wait_for(f"retention_ledger_tree_size == {before}")
    witness = ("witness", "--prometheus", prometheus.url)
    code, told = audit(operator, *witness, at=Instant(now() + 1))
    assert (1, True) == (code, f"the ledger had {after} entries at" in told), told
    late = Instant(now() + 200)  # minutes later it cannot be the clocks either
    assert "it was rolled back" in audit(operator, *witness, at=late)[1]


# What a server remembers of the past is written into it: nobody can wait for a gap of hours.


def exposition(samples, states=(), *, job: str = "retention-enforcer") -> str:
    """OpenMetrics text of (time, size, root or None, up), and of (time, state of the pictures)."""
    labels = f'job="{job}",instance="centre"'
    ups = [f"up{{{labels}}} {up} {at}" for at, _, _, up in samples]
    seen = [s for s in samples if s[2] is not None]
    sizes = [f"retention_ledger_tree_size{{{labels}}} {size} {at}" for at, size, _, _ in seen]
    words = [
        f'retention_ledger_head_word{{{labels},i="{i}"}} {word} {at}'
        for at, _, root, _ in seen
        for i, word in enumerate(root_words(root))
    ]
    shown = [
        f'retention_compliance_state{{{labels},class="terminal-image",state="{each}"}}'
        f" {int(each == state)} {at}"
        for each in ("ok", "violated", "unknown")
        for at, state in states
    ]
    return "\n".join([*ups, *sizes, *words, *shown, "# EOF", ""])


@pytest.fixture
def remembering(tmp_path_factory, need):
    """Start a server that has these samples in its storage."""
    started = []

    def start(samples, states=()) -> Server:
        home = tmp_path_factory.mktemp("prometheus")
        (home / "samples").write_text(exposition(samples, states))
        command = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run([*command, home / "samples", home / "data"], check=True, capture_output=True)
        context = running(need("prometheus"), home, {})
        server = context.__enter__()
        started.append(context)
        server.wait_for("vector(1)")
        return server

    yield start
    for context in started:
        context.__exit__(None, None, None)


@pytest.fixture
def beating(empty_operator):
    """An operator with a heartbeat and a head every ten minutes for a day, and when they were."""
    for at in range(BEGAN, BEGAN + 86_400, 600):
        empty_operator.prove(at=Instant(at))
    with reading(empty_operator.engine) as connection:
        return empty_operator, list(tree.heads(connection))


def scraped(heads, *, every=60, but=()):
    """What a server that scrapes every minute would have, but for stretches of another kind."""
    found = []
    for at in range(BEGAN + 30, BEGAN + 86_400, every):
        head = max((h for h in heads if h.at <= at), key=lambda h: h.size)
        kind = next((kind for begin, end, kind in but if begin <= at - BEGAN < end), "seen")
        if kind == "seen":
            found.append((at, head.size, head.root, 1))
        elif kind == "no_answer":
            found.append((at, 0, None, 0))
        elif kind == "no_head":
            found.append((at, 0, None, 1))
    return found


END = Instant(BEGAN + 86_400)


def test_a_day_that_was_seen_whole_is_ok(beating, remembering, audit):
    operator, heads = beating
    server = remembering(scraped(heads))
    code, told = audit(operator, "witness", "--prometheus", server.url, at=END)
    assert (0, True) == (code, "144 checkpoints seen from" in told), told


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("nothing", "nothing was scraped"),
        ("no_answer", "the enforcer did not answer"),
        ("no_head", "the enforcer answered Prometheus, and showed no checkpoint"),
    ],
)
def test_a_gap_is_told_with_its_cause(beating, remembering, audit, kind, why):
    operator, heads = beating
    server = remembering(scraped(heads, but=[(3600, 7200, kind)]))
    code, told = audit(operator, "witness", "--prometheus", server.url, at=END)
    assert 2 == code
    assert f"unwitnessed for 61 minutes in all: {why}" in told
    # Of another job nothing was seen at all, and that is not well either.
    words = ("witness", "--prometheus", server.url, "--job", "another")
    code, told = audit(operator, *words, at=END)
    assert (2, True) == (code, "unknown no checkpoint was seen" in told)


def test_two_roots_at_one_size_are_found_by_the_witness_alone(beating, remembering, audit):
    """The ledger was changed and put back before the bundle: the bundle shows nothing of it."""
    operator, heads = beating
    samples = scraped(heads)
    at, size, _, up = samples[500]
    samples[500] = at, size, merkle.leaf_hash(b"another"), up
    server = remembering(samples)
    code, told = audit(operator, "witness", "--prometheus", server.url, at=END)
    assert 1 == code
    assert f"violated the ledger had two roots over {size} entries" in told


def test_what_two_people_signed_for_after_a_restore_is_unknown_and_no_violation(
    beating, remembering, audit
):
    operator, heads = beating
    samples = scraped(heads, but=[(43_200, 86_400, "nothing")])
    lost = merkle.leaf_hash(b"lost")
    samples += [(BEGAN + 43_200 + 60 * n, 500 + n, lost, 1) for n in range(10)]
    last = LastHead(at=Instant(BEGAN + 43_800), reason="the disk died", size=509, root=lost)
    signed = operator.seal("act", last)
    operator.append(Succession(at=Instant(BEGAN + 44_000), approval=signed))
    server = remembering(samples)
    code, told = audit(operator, "witness", "--prometheus", server.url, at=END)
    assert 2 == code, told
    assert "10 checkpoints were seen before a restore and are not this ledger's" in told


DAY_ENDS = Instant(BEGAN + 79_200)  # 20 February in Riga began two hours before BEGAN


def tell_day(operator, *, violated=0, unknown=0, reasons=()):
    """The leaf of that day, with the rest of it ok, under a head."""
    leaf = Day(
        at=DAY_ENDS,
        day=date(2026, 2, 20),
        record_class="terminal-image",
        ok=86_400 - violated - unknown,
        violated=violated,
        unknown=unknown,
        reasons=reasons,
    )
    with writing(operator.engine) as connection:
        tree.append(connection, [tree.NewLeaf(leaf)])
    operator.prove(at=Instant(BEGAN + 86_300))
    with reading(operator.engine) as connection:
        return list(tree.heads(connection))


SAID_0 = "for 169 minutes of 2026-02-20, and the ledger says 0"
HONEST = [
    ("violated", {"violated": 10_800, "reasons": ("overdue",)}),
    ("unknown", {"unknown": 10_800, "reasons": ("silent",)}),
    # Down or restored for some of it, the enforcer knows less, and says so.
    ("violated", {"unknown": 10_800, "reasons": ("not_watched",)}),
]
LIES = [
    ("violated", {}, f"was seen not ok {SAID_0}"),
    ("unknown", {"unknown": 60, "reasons": ("silent",)}, "was seen not ok for 169 minutes"),
    ("violated", {"unknown": 10_800, "reasons": ("silent",)}, f"was seen violated {SAID_0}"),
]


@pytest.fixture
def hold_against(beating, remembering, audit):
    """Hold the leaf of a day against a record of three hours in which something was wrong."""

    def hold(shown, leaf):
        heads = tell_day(beating[0], **leaf)
        states = [
            (at, shown if 7200 <= at - BEGAN <= 18_000 else "ok")
            for at in range(BEGAN + 30, DAY_ENDS, 60)
        ]
        server = remembering(scraped(heads), states)
        return audit(beating[0], "witness", "--prometheus", server.url, at=END)

    return hold


@pytest.mark.parametrize(("shown", "leaf"), HONEST)
def test_a_day_that_is_told_as_it_was_seen_is_no_violation(hold_against, shown, leaf):
    code, told = hold_against(shown, leaf)
    assert 0 == code, told


@pytest.mark.parametrize(("shown", "leaf", "expected"), LIES)
def test_a_day_that_is_told_better_than_it_was_seen_is_found(hold_against, shown, leaf, expected):
    code, told = hold_against(shown, leaf)
    assert (1, True) == (code, expected in told), told


def test_a_server_that_does_not_answer_is_a_sentence(operator, tmp_path):
    file = tmp_path / "bundle.zip"
    file.write_bytes(operator.bundle())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "auditor.cli", "witness", str(file)),
            *("--prometheus", "http://127.0.0.1:1", "--pin", operator.pin.hex()),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert 2 == done.returncode
    assert done.stderr.startswith("auditor: http://127.0.0.1:1 does not answer")
