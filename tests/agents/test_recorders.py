"""Calls as real recorders leave them: moved in when they are over, across midnight, without a sidecar."""

import os
import shutil
import struct
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from world import GROUP, RIGA, World, at, first_policy

from agents.storage.recorders import BUILT_IN, Recorders
from retention.calendar import Instant, civil_date
from retention.policy import Source

RECORDERS = Recorders([*BUILT_IN["asterisk"], *BUILT_IN["rtpengine"], *BUILT_IN["baresip"]])
CORPUS = Path(__file__).parent.parent / "media" / "calls" / "loopback"
RATE = 16_000  # bytes a second: 8 kHz, 16 bits


def calls(name: str, pattern: str, *, max_delay: int = 0) -> Source:
    return Source(
        id=name,
        group=GROUP,
        directory=name,
        record_class="contact-centre-call",
        purpose="calls",
        name_pattern=pattern,
        max_delay_seconds=max_delay,
    )


SOURCES = (
    calls("monitor", "*%Y%m%d-%H%M%S-*", max_delay=3600),
    calls("pcaps", "*-%s*"),
    calls("dumps", "dump-%Y-%m-%d-%H-%M-%S-*.wav"),
)


def contact_centre(path: Path, now: Instant) -> World:
    world = World.make(
        path,
        now,
        first_policy(sources=SOURCES),
        parts=RECORDERS.part,
        tells=RECORDERS.told,
    )
    world.rest()
    return world


def monitor(world: World, began: Instant, *, seconds: int, rest: str = ".wav") -> Path:
    """MixMonitor's file of a call: named by Riga's clock at its start, finished at its end."""
    local = datetime.fromtimestamp(began, RIGA)
    path = world.root / "monitor" / f"{local:%Y%m%d-%H%M%S}-{began}.17{rest}"
    path.parent.mkdir(exist_ok=True)
    if rest == ".wav":
        samples = seconds * RATE
        form = struct.pack("<HHIIHH", 1, 1, RATE // 2, RATE, 2, 16)
        head = (
            b"RIFF" + struct.pack("<I", samples + 36) + b"WAVEfmt " + struct.pack("<I", 16) + form
        )
        path.write_bytes(head + b"data" + struct.pack("<I", samples))
        os.truncate(path, len(head) + 8 + samples)  # silence takes no room
    else:
        path.write_bytes(b"gsm" * 100)
    os.utime(path, (began + seconds, began + seconds))
    return path


def only(world: World) -> tuple[Instant, date, int]:
    """Anchor, civil date and span of the one item there is."""
    [row] = world.agent.catalogue.rows("SELECT anchor, civil, span FROM items WHERE holds >= 0")
    return row[0], date.fromordinal(row[1]), row[2]


@pytest.mark.parametrize(
    "rest", [".wav", ".gsm"]
)  # the one says how long it is, the other does not
def test_a_call_of_45_minutes_that_is_moved_in_at_its_end_began_when_it_began(
    tmp_path: Path, rest: str
):
    began = at("2026-03-16 09:00")
    world = contact_centre(tmp_path, at("2026-03-16 09:40"))  # a scan while the call goes on
    world.true.now = Instant(began + 2700 + 60)
    monitor(world, began, seconds=2700, rest=rest)
    world.rest()
    assert (began, date(2026, 3, 16), 2700 if rest == ".wav" else 0) == only(world)
    world.check()


def test_a_call_across_midnight_is_of_the_day_on_which_it_began(tmp_path: Path):
    began = at("2026-03-16 21:50")  # ten to midnight in Riga
    world = contact_centre(tmp_path, at("2026-03-16 21:00"))
    world.true.now = Instant(began + 1300)
    monitor(world, began, seconds=1200)
    monitor(world, began, seconds=1200, rest=".json")
    world.rest()
    assert (began, date(2026, 3, 16), 1200) == only(world)
    limits = world.centre.chain.limits_of("contact-centre-call", date(2026, 3, 16))
    assert limits is not None
    assert date(2026, 9, 17) == civil_date(limits.outer_bound, RIGA)


@pytest.mark.parametrize("began", [at("2026-10-25 00:30"), at("2026-10-25 01:30")])
def test_in_the_night_in_which_an_hour_comes_twice_the_earlier_one_counts(
    tmp_path: Path, began: Instant
):
    world = contact_centre(tmp_path, at("2026-10-25 00:00"))
    world.true.now = Instant(began + 2 * 3600)
    monitor(world, began, seconds=60)
    world.rest()
    anchor, civil, _ = only(world)
    assert (at("2026-10-25 00:30"), date(2026, 10, 25)) == (anchor, civil)


@pytest.mark.parametrize("rest", [".wav", ".json"])
def test_a_recording_without_its_sidecar_and_a_sidecar_without_its_recording_go_in_time(
    tmp_path: Path, rest: str
):
    began = at("2026-03-16 09:00")
    world = contact_centre(tmp_path, at("2026-03-16 08:00"))
    world.true.now = Instant(began + 120)
    monitor(world, began, seconds=60, rest=rest)
    world.rest()
    assert began == only(world)[0]
    limits = world.centre.chain.limits_of("contact-centre-call", date(2026, 3, 16))
    assert limits is not None
    world.activate(record_class="contact-centre-call")
    world.true.now = Instant(limits.due_at - 1)
    world.rest()
    assert 1 == len(world.files())
    world.true.pass_(1)
    world.rest()
    assert set() == world.files()
    world.check()


def test_real_calls_are_indexed_with_all_that_their_recorders_left_and_go_as_wholes(tmp_path: Path):
    first = at("2026-11-25 01:53:42")
    world = contact_centre(tmp_path, Instant(first - 600))
    world.true.now = Instant(first + 60)
    shutil.copytree(CORPUS / "rtpengine", world.root / "pcaps")
    shutil.copytree(CORPUS / "baresip", world.root / "dumps")
    for path in world.root.rglob("*.*"):
        os.utime(path, (first + 20, first + 20))
    world.rest()
    books = world.books()
    assert 4 == len(books.live)
    assert {"contact-centre-call"} == {entry.record_class for entry in books.live.values()}
    began = sorted(datetime.fromtimestamp(e.anchor, UTC) for e in books.live.values() if e.anchor)
    assert [42, 42, 47, 47] == [moment.second for moment in began]
    world.activate(record_class="contact-centre-call")
    limits = world.centre.chain.limits_of("contact-centre-call", date(2026, 11, 25))
    assert limits is not None
    world.true.now = limits.due_at
    world.rest()
    assert set() == world.files()
    assert [] == world.agent.catalogue.rows("SELECT * FROM parts")
