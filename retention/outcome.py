"""What became of one intent to erase (docs/rules.md, Erasing)."""

from enum import StrEnum


class Outcome(StrEnum):
    """Every intent ends in exactly one of these; the values travel in log entries and metrics."""

    ERASED_VERIFIED = "erased_verified"  # the name is gone, and that was looked at and is durable
    ALREADY_ABSENT = "already_absent"  # somebody else was first; nothing was done
    PARTIAL = "partial"  # some parts of a call are gone, others not yet
    REFUSED_HELD = "refused_held"
    REFUSED_EARLY = "refused_early"
    REFUSED_CHANGED = "refused_changed"  # the name no longer leads to the generation that was due
    REFUSED_CLOCK = "refused_clock"
    REFUSED_BRAKE = "refused_brake"
    BLOCKED = "blocked"  # somebody has to act: another hard link, a read-only mount, a lock
    FAILED = "failed"  # an error that may pass: the next sweep tries again
