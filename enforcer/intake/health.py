"""Scans and heartbeats: how an agent is, and whether its count of items is ours."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from enforcer.index import evidence, quarantines, tally
from enforcer.index.tally import LIVE
from enforcer.intake.batch import Batch
from retention.policy import UNREGISTERED
from retention.report import Heartbeat, Scanned

#: States that an agent's catalogue does not tell apart, or not by the same rule as the books.
_ALIKE = {"blocked": "present", "restricted": "held"}

#: A note is a word out of a closed list that newer agents may have lengthened.
_NOTE = re.compile(r"[a-z]+(?:-[a-z]+)*")


def scanned(batch: Batch, entries: Sequence[Scanned]) -> None:
    """Note the newest complete scan; what an earlier epoch held and the scan did not see is lost."""
    for entry in entries:
        batch.columns["unreadable"] = entry.unreadable
        if entry.unreadable:
            continue
        batch.columns |= {"scan_began_at": entry.began, "scan_complete_at": entry.at}
        if batch.has_prior:
            for group in evidence.take_missing(batch.connection, batch.store):
                moved = (group.state, "lost")
                batch.books.move(group.record_class, group.civil, moved, group.amount)


def heartbeat(batch: Batch, entries: Sequence[Heartbeat]) -> None:
    """Note how the agent is by the newest of several heartbeats in a row."""
    entry = entries[-1]
    counts = _counted(batch, entry.counts)
    if quarantines.NOTE not in entry.notes:
        quarantines.end(batch.connection, batch.store)
    batch.write_books()
    batch.columns |= {
        "heartbeat_at": entry.at,
        "booted": entry.booted,
        "clock_trusted": entry.clock_trusted,
        "clock_offset": entry.clock_offset,
        "brake": entry.brake,
        "paused": entry.frozen,
        "notes": json.dumps([note for note in entry.notes if _NOTE.fullmatch(note)]),
        "counts": json.dumps([[*key, items] for key, items in sorted(counts.items())]),
        "imbalance": _imbalance(batch, counts),
    }


def _counted(batch: Batch, counts: Iterable[tuple[str, str, int]]) -> Counter[tuple[str, str]]:
    """The agent's own counts by class and state, in the words of our books."""
    counted: Counter[tuple[str, str]] = Counter()
    for record_class, state, items in counts:
        if state in LIVE:
            filed = batch.register.file(record_class, UNREGISTERED)
            counted[filed.record_class, state] += items
    return counted


def _imbalance(batch: Batch, counts: Counter[tuple[str, str]]) -> int:
    """By how many items the agent's books differ from ours at this entry of its log (I14)."""
    differences: Counter[tuple[str, str]] = Counter()
    for (record_class, state), items in counts.items():
        differences[record_class, _ALIKE.get(state, state)] += items
    for line in tally.sums(batch.connection, batch.store):
        if line.state in LIVE:
            differences[line.record_class, _ALIKE.get(line.state, line.state)] -= line.items
    return sum(map(abs, differences.values()))
