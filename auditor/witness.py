"""Whether the ledger is the one that a Prometheus server saw grow (I7), and tells the days it saw.

Whoever holds the enforcer's keys and its database can write a ledger anew and sign every head of it;
it will be consistent with itself. What he cannot write anew is what somebody else's server recorded.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from typing import NamedTuple

from msgspec import UNSET

from auditor import days
from auditor.evidence import Evidence
from auditor.findings import Report, Verdict
from retention import bundle, ledger
from retention.bundle import Manifest
from retention.calendar import Instant, iso
from retention.errors import MalformedError, SignatureError
from retention.ledger import LastHead, Succession
from retention.policy import Chain
from retention.witness import Cause, Gap, Sighting, Watched, forked, shrunk

CLOCKS_DIFFER_SECONDS = 120
"""The server's clock and the enforcer's may differ by this; what it saw just before is not late."""

_WHY = {
    Cause.NOT_SCRAPED: "nothing was scraped: Prometheus was down, was not told to, or has forgotten",
    Cause.NO_ANSWER: "the enforcer did not answer Prometheus",
    Cause.NO_HEAD: "the enforcer answered Prometheus, and showed no checkpoint",
}


class _GivenUp(NamedTuple):
    """A head that two people signed as the last before a restore, and when."""

    at: Instant
    size: int

    def covers(self, sighting: Sighting) -> bool:
        """Whether it was seen before the restore, and may be of the branch that was lost."""
        return sighting.first <= self.at and sighting.size <= self.size


def check_witness(
    report: Report, seen: Watched, evidence: Evidence, chain: Chain, manifest: Manifest
) -> None:
    """Hold each head that was seen against the bundle's, and tell what nobody saw."""
    given_up = list(_given_up(evidence, chain))
    lost: list[Sighting] = []
    standing: list[Sighting] = []
    for sighting in seen.sightings:
        (lost if any(g.covers(sighting) for g in given_up) else standing).append(sighting)
    contradicted = [*_contradictions(standing), *_foreign(standing, evidence, manifest)]
    if seen.stretches is not UNSET:
        contradicted += days.contradicted(evidence, seen.stretches)
    if not report.violated("witness", contradicted):
        _tell_agreement(report, standing, evidence)
    _tell_lost(report, lost, evidence)
    _tell_gaps(report, seen.gaps)


def check_copy(
    report: Report,
    members: Mapping[str, bytes],
    evidence: Evidence,
    chain: Chain,
    manifest: Manifest,
) -> None:
    """Hold the operator's copy of the record against the ledger.

    Who made the ledger anew could have made the copy to fit it: that they agree establishes little,
    that they do not establishes much. What nobody saw is told, and is for `auditor witness` to judge.
    """
    copies = report.attempt("witness", _copies, members)
    for seen in copies or ():
        found = Report()
        check_witness(found, seen, evidence, chain, manifest)
        if not report.violated("witness", found.texts(Verdict.VIOLATED)):
            told = "; ".join([*found.texts(Verdict.OK), *found.texts(Verdict.UNKNOWN)])
            report.ok("witness", f"by the operator's own copy of a record: {told}")


def _copies(members: Mapping[str, bytes]) -> list[Watched]:
    return list(bundle.parse(members[bundle.WITNESS], Watched))


def _contradictions(seen: list[Sighting]) -> Iterator[str]:
    """What the server's record says against the enforcer without any bundle."""
    for before, after in shrunk(seen):
        yield (
            f"the ledger had {before.size} entries at {_time(before.last)},"
            f" and {after.size} at {_time(after.first)}"
        )
    for one, other in forked(seen):
        yield (
            f"the ledger had two roots over {one.size} entries: {one.root.hex()} at"
            f" {_time(one.first)}, {other.root.hex()} at {_time(other.first)}"
        )


def _foreign(seen: list[Sighting], evidence: Evidence, manifest: Manifest) -> Iterator[str]:
    """Heads that were seen and are not those of the bundle's ledger."""
    for sighting in seen:
        what = f"a checkpoint of {sighting.size} entries was seen at {_time(sighting.first)}"
        if sighting.size > evidence.heads[-1].size:
            if sighting.first < manifest.made_at - CLOCKS_DIFFER_SECONDS:
                yield f"{what}, and the bundle's ledger ends before: it was rolled back"
        elif evidence.root(sighting.size) not in {None, sighting.root}:
            yield f"{what}, and its root was another than this ledger's: {sighting.root.hex()}"


def _tell_agreement(report: Report, seen: list[Sighting], evidence: Evidence) -> None:
    if not seen:
        report.unknown("witness", "no checkpoint was seen")
        return
    sizes = {s.size for s in seen if s.size <= evidence.heads[-1].size}
    compared = sum(evidence.root(size) is not None for size in sizes)
    first, last = min(s.first for s in seen), max(s.last for s in seen)
    if compared:
        text = f"{compared} checkpoints seen from {_time(first)} to {_time(last)} are this ledger's"
        report.ok("witness", text)
    if compared < len(sizes):
        text = (
            f"{len(sizes) - compared} checkpoints were seen that this bundle cannot be held against"
        )
        report.unknown("witness", text)


def _tell_lost(report: Report, lost: list[Sighting], evidence: Evidence) -> None:
    """After a restore two people sign for what was lost; nobody can show it any more."""
    other = {s.size for s in lost if evidence.root(s.size) != s.root}
    if other:
        report.unknown(
            "witness",
            f"{len(other)} checkpoints were seen before a restore and are not this ledger's: two people"
            " signed for it, and what stood only under those cannot be checked",
        )


def _tell_gaps(report: Report, gaps: Iterable[Gap]) -> None:
    for cause in sorted({gap.cause for gap in gaps}):
        of_cause = [gap for gap in gaps if gap.cause is cause]
        minutes = sum(gap.until - gap.since for gap in of_cause) // 60
        longest = max(of_cause, key=lambda gap: gap.until - gap.since)
        report.unknown(
            "witness",
            f"unwitnessed for {minutes} minutes in all: {_WHY[cause]}; the longest time"
            f" from {_time(longest.since)} to {_time(longest.until)}",
        )


def _given_up(evidence: Evidence, chain: Chain) -> Iterator[_GivenUp]:
    """What two people signed, by any policy there was."""
    for leaf in evidence.leaves.values():
        if isinstance(leaf, Succession) and (head := _approved(leaf, chain)):
            yield _GivenUp(leaf.at, head.size)


def _approved(leaf: Succession, chain: Chain) -> LastHead | None:
    with suppress(SignatureError, MalformedError):  # `verify` says so
        return ledger.succeeded(leaf, chain)
    return None


def _time(at: Instant) -> str:
    return iso(at, UTC)
