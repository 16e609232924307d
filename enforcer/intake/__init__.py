"""From log entries to the index: each applied once, in order, with everything it changes.

    log       the order: what was applied already, what is missing, what does not fit together
    batch     what the entries of one upload share, and what they change besides items
    sighting  items come, and change
    ending    items are erased, vanish, or cannot be erased
    holding   items are held and let go; directives take effect
    health    scans and heartbeats
    greeting  an agent starts: where both stand, and new epochs
    register  which class and source an agent may name

An agent's log is believed as to facts and not as to words: what it calls by a name that no policy
knows is booked under the strictest class, and nothing it writes becomes a label.
"""

from enforcer.intake.greeting import await_all, forget_prior, hello, prior
from enforcer.intake.log import FrozenError, GapError, apply

__all__ = ["FrozenError", "GapError", "apply", "await_all", "forget_prior", "hello", "prior"]
