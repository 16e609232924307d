"""How long erased content has to be known again: until no copy of it can come back (I11)."""

from retention.calendar import DAY, Period
from retention.policy import Chain

#: What agents remember, whoever says that copies live less long.
LEAST_SECONDS = 400 * DAY


def wanted_seconds(chain: Chain, backup_days: int) -> int:
    """For how long after an erasure, where copies stay in some backup for up to `backup_days`.

    A copy is made at the latest just before the erasure and comes back at the latest when its backup
    runs out; from then on it could be kept for another period by mistake.
    """
    periods = [Period.parse(c.period) for policy in chain.policies for c in policy.classes]
    longest = max(period.roughly_days for period in periods)
    return max(LEAST_SECONDS, (backup_days + longest) * DAY if backup_days else 0)
