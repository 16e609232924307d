"""The numbers of the page, out of the members of a bundle."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date
from functools import lru_cache
from typing import NamedTuple

from retention import acts, bundle, codec, exceptions, ledger, note
from retention.backlog import activations, inherited
from retention.bundle import Backup, Book, HoldExtract, ItemAct, Placed, Published, Rescanned
from retention.calendar import Instant, civil_date, iso
from retention.envelope import Envelope
from retention.exceptions import Exceptions
from retention.ledger import Certificate, Day, Timing
from retention.note import Checkpoint
from retention.policy import Chain
from retention.witness import Watched

STATES = (
    "present",
    "held",
    "restricted",
    "undated",
    "late",
    "blocked",
    "erased",
    "gone_elsewhere",
    "lost",
    "unproven",
    "superseded",
)
"""The exclusive states of the double entry, in the order of its rule (I14)."""


class Batch(NamedTuple):
    """One class and civil date over all stores."""

    record_class: str
    civil: date
    seen: int
    states: Counter[str]

    @property
    def balanced(self) -> bool:
        """Whether what was seen is accounted for."""
        return self.seen == self.states.total()


class Figures:
    """All that the page tells."""

    def __init__(
        self,
        contents: Mapping[str, bytes],
        chain: Chain,
        *,
        made_at: Instant,
        since: date,
        through: date,
    ) -> None:
        self.made_at, self.since, self.through = self.moment(made_at), since, through
        self._now = made_at
        self.chain = chain
        self._limits_of = lru_cache(maxsize=None)(chain.limits_of)  # stores share their civil dates
        documents = list(bundle.parse(contents[bundle.POLICY], Envelope))
        self.pin = codec.digest(documents[0].payload).hex() if documents else ""
        self._read_books(contents)
        self._read_ledger(contents)
        self._read_backlog(contents)
        self.holds = list(bundle.parse(contents[bundle.HOLDS], HoldExtract))
        self.backups = list(bundle.parse(contents[bundle.BACKUPS], Backup))
        self.rescans = list(bundle.parse(contents[bundle.RESCANS], Rescanned))
        self.watched = next(iter(bundle.parse(contents[bundle.WITNESS], Watched)), None)
        signed = bundle.parse(contents[bundle.ACTS], Envelope)
        self.acts = Counter(acts.kind_of(acts.decode(each.payload)) for each in signed)
        receipts = bundle.parse(contents[bundle.ITEM_ACTS], ItemAct)
        self.acts.update(receipt.kind for receipt in receipts)
        self.not_checked = bundle.not_checked(contents)

    def _read_books(self, contents: Mapping[str, bytes]) -> None:
        seen = Counter[tuple[str, date]]()
        states: defaultdict[tuple[str, date], Counter[str]] = defaultdict(Counter)
        stores = set()
        late = Counter[str]()
        for book in bundle.parse(contents[bundle.BOOKS], Book):
            batch = book.record_class, book.civil
            seen[batch] += book.seen
            states[batch].update(book.states)
            stores.add(book.store)
            if self._is_past(*batch):
                late[book.store] += book.states.get("present", 0)
        self.stores = len(stores)
        graces = exceptions.in_grace(_lists(contents))
        self.in_grace = (late & graces).total()
        self.still_there = late.total() - self.in_grace
        self.batches = [Batch(*batch, seen[batch], states[batch]) for batch in sorted(seen)]
        self.seen = Counter[str]()
        self.states: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for each in self.batches:
            self.seen[each.record_class] += each.seen
            self.states[each.record_class].update(each.states)

    def _is_past(self, record_class: str, civil: date) -> bool:
        limits = self._limits_of(record_class, civil)
        return limits is not None and limits.outer_bound < self._now

    def _read_backlog(self, contents: Mapping[str, bytes]) -> None:
        """By class, what was past its limit when its store was activated, and went then."""
        started = activations(contents, self.chain)
        self.backlog = Counter[str]()
        for name in self.timings:
            ours = (each for each in self._certified if each.record_class == name)
            self.backlog[name] = sum(inherited(ours, started, self.chain))

    def _read_ledger(self, contents: Mapping[str, bytes]) -> None:
        self.timings: defaultdict[str, Counter[Timing]] = defaultdict(Counter)
        self._certified: list[Certificate] = []
        self.days: defaultdict[str, list[Day]] = defaultdict(list)
        for placed in bundle.parse(contents[bundle.LEAVES], Placed):
            leaf = ledger.decode(bytes(placed.data))
            if isinstance(leaf, Certificate):
                self._certified.append(leaf)
                for count in leaf.counts:
                    self.timings[leaf.record_class][count.timing] += count.items
            elif isinstance(leaf, Day):
                self.days[leaf.record_class].append(leaf)
        heads = list(bundle.parse(contents[bundle.CHECKPOINTS], Published))
        self.heads = len(heads)
        self.head = Checkpoint.parse(note.text_of(heads[-1].note)) if heads else None

    @property
    def certificates(self) -> int:
        """How many there are."""
        return len(self._certified)

    def day(self, at: Instant) -> date:
        """The day of an instant, in UTC as all times of the page."""
        return civil_date(at, UTC)

    def moment(self, at: Instant) -> str:
        """An instant to the minute, in UTC."""
        day, _, time = iso(at, UTC).partition("T")
        return f"{day} {time[:5]} UTC"

    def span(self, first: Instant, last: Instant) -> str:
        """From one instant to another; the day is not said twice."""
        begins, ends = self.moment(first), self.moment(last)
        if begins == ends:
            return ends
        same = self.day(first) == self.day(last)
        return f"{begins.removesuffix(' UTC')} – {ends.partition(' ')[2] if same else ends}"

    def timing(self, which: Timing) -> int:
        """How many were erased so, over all classes."""
        return sum(counted[which] for counted in self.timings.values())

    def state(self, which: str) -> int:
        """How many are in this state, over all classes."""
        return sum(counted[which] for counted in self.states.values())

    @property
    def imbalance(self) -> int:
        """How many batches do not balance."""
        return sum(not batch.balanced for batch in self.batches)


def _lists(contents: Mapping[str, bytes]) -> Iterator[Exceptions]:
    """The lists of exceptions; whether they are the enforcer's, `auditor verify` says."""
    for sealed in bundle.parse(contents[bundle.EXCEPTIONS], Envelope):
        yield codec.decode(sealed.payload, Exceptions)
