"""What agents say is amiss, and clocks that contradict each other: words for programs and people."""

from collections.abc import Mapping

from retention.calendar import Instant

#: Notes of a heartbeat, and what each comes to for whoever asks about the store. What is `""` leaves
#: the state as it is: what an agent refuses to believe did not happen, a recorder's wrong clock is not
#: believed either, a held item without a second name is still there, and what a retired store's agent
#: wrote down we read only if we came back from before.
NOTES: Mapping[str, str] = {
    "root-missing": "its recordings cannot be reached: the directory or bucket is not there",
    "disk-full": "its disk is full: nothing new is indexed until there is room",
    "ledger-refused": "its agent refuses our ledger: it does not go on from what it saw before",
    "policy-refused": "its agent refuses our policy: it is not what two owners signed",
    "directive-refused": "its agent refuses our instruction: it is older than what it had, or not signed by us",
    "act-refused": "",
    "retired": "",
    "held-unprotected": "",
    "recorder-clock": "",
    "from-backup": "its recordings came from a backup, and no sweep has gone through all of them yet",
    "canary-not-planted": "no file can be written there: what cannot be written is not erased either",
}
#: Two clocks this far apart cannot both be right; agents trust theirs no longer either.
APART_SECONDS = 120


def ahead_of_us(last_seen_at: int | None, now: Instant) -> bool:
    """Whether a store was heard in the future: our clock was set back, and what is late looks early."""
    return last_seen_at is not None and last_seen_at > now + APART_SECONDS
