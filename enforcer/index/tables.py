"""Every table of the index, each column explained where it is made.

Instants are whole seconds since 1970 UTC; civil dates are `date.toordinal()`; digests, keys and
documents are bytes. No table holds a path, a file name, a phone number or a call id (I8).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from retention.anchor import DOUBTED, LATEST

metadata = MetaData()

#: Conditions of partial indexes: SQLite uses one only for a query that has these very words.
LIVE_TALLIES = "state IN ('present', 'held', 'restricted', 'undated', 'late', 'blocked')"
EXCEPTED_ITEMS = "(state = 'undated' OR not_before > 0)"
UNSURE_ITEMS = f"how IN ('{LATEST}', '{DOUBTED}')"

stores = Table(
    "stores",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),  # words a person has at night: "Brivibas 12"
    Column("store_group", Text, nullable=False),  # what the policy's sources are written for
    Column("zone", Text, nullable=False),  # IANA time zone of the site
    Column("region", Text, nullable=False),  # EEA, or a country with its transfer basis
    Column("processor", Text, nullable=False),  # who runs the storage for the controller
    Column("kind", Text, nullable=False),  # terminal | directory | bucket | rows
    Column("state", Text, nullable=False),  # invited | observe | active | retired
    Column("frozen", Text, nullable=False, default=""),  # why: two boxes with one identity
    # Nothing recorded is older, unless imported.
    Column("commissioned_at", BigInteger, nullable=False),
    Column("code_hash", LargeBinary),  # SHA-256 of the one-time enrolment code, until used
    Column("code_expires_at", BigInteger),
    Column("secret_hash", LargeBinary),  # SHA-256 of the credential's secret; NULL: none or revoked
    Column("epoch", Integer, nullable=False, default=0),  # of the agent's state; 0 before hello
    Column("applied", BigInteger, nullable=False, default=0),  # last log entry applied
    Column("digest", LargeBinary, nullable=False),  # the log's digest there
    Column("last_item", BigInteger, nullable=False, default=0),  # highest number sighted
    Column("refused", Text, nullable=False, default=""),  # why its last batch was; "": it was not
    # Facts about items that the index does not have, or that were gone already; 0 in health.
    Column("contradictions", BigInteger, nullable=False, default=0),
    # Items of a class or source that no policy knows: booked under the strictest class.
    Column("unregistered", BigInteger, nullable=False, default=0),
    # Items by which the agent's own count differed from ours at its last heartbeat (I14).
    Column("imbalance", BigInteger, nullable=False, default=0),
    Column("thawed", Integer),  # the epoch that two people last named as the real store
    Column("directive_version", BigInteger, nullable=False, default=0),  # newest issued
    Column("directive_digest", LargeBinary),  # of what that version says
    Column("acknowledged_version", BigInteger, nullable=False, default=0),
    Column("restored", Boolean, nullable=False, default=False),  # wait for hello before directing
    Column("last_seen_at", BigInteger),  # enforcer's clock, any authenticated request
    Column("heartbeat_at", BigInteger),  # agent's clock
    Column("booted", Text),
    Column("clock_trusted", Boolean),
    Column("clock_offset", BigInteger),  # seconds, agent minus enforcer
    Column("brake", Text, nullable=False, default=""),
    Column("paused", Boolean, nullable=False, default=False),  # the agent itself erases nothing
    Column("notes", Text, nullable=False, default="[]"),  # JSON list of closed-list words
    Column("counts", Text, nullable=False, default="[]"),  # JSON: the agent's own (class, state, n)
    Column("scan_began_at", BigInteger),  # of the last complete scan
    Column("scan_complete_at", BigInteger),
    Column("unreadable", Integer, nullable=False, default=0),
)

items = Table(
    "items",
    metadata,
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("record_class", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("anchor", BigInteger),  # start of the recording; NULL: undated
    # Of the anchor in the zone of the class; undated: of `seen`.
    Column("civil", Integer, nullable=False),
    Column("how", Text, nullable=False),  # which dating rule chose the anchor
    Column("span", Integer, nullable=False),  # seconds recorded
    # Widest plausible interval: anchor - before .. anchor + after, seconds. Of an undated one that was
    # seen by a machine that was not told the time, `before` tells how much earlier than `seen` that can be.
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("seen", BigInteger, nullable=False),  # first seen, agent's clock
    Column("size", BigInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # It may not go earlier even if due; 0: no such rule.
    Column("not_before", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # present | held | restricted | undated | late | blocked; erased until its certificate is made
    Column("base", Text),  # while something holds it: its state without any hold
    # How it ended, set together with state = 'erased' out of `report.Erased`; NULL before.
    Column("erased_at", BigInteger),  # agent's clock
    Column("why", Text),  # due | erasure | undated | late | zombie
    Column("outcome", Text),  # an `Outcome`
    Index("items_by_time", "store", "anchor"),
    # Small: holds only what does not simply go when its date is due.
    Index(
        "items_excepted",
        "store",
        "record_class",
        "civil",
        sqlite_where=text(EXCEPTED_ITEMS),
        postgresql_where=text(EXCEPTED_ITEMS),
    ),
    # Small: holds only what was seen by machines that were not told the time, or not yet.
    Index(
        "items_unsure",
        "store",
        "record_class",
        sqlite_where=text(UNSURE_ITEMS),
        postgresql_where=text(UNSURE_ITEMS),
    ),
    # Small: holds only what waits for its certificate.
    Index(
        "items_erased",
        "store",
        "record_class",
        "civil",
        sqlite_where=text("state = 'erased'"),
        postgresql_where=text("state = 'erased'"),
    ),
    sqlite_with_rowid=False,  # clustered by (store, epoch, number): an agent's batch is one run
)

held_items = Table(
    "held_items",
    metadata,
    Column("store", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hold", Text, primary_key=True),  # several holds on one item are independent
    sqlite_with_rowid=False,
)

item_numbers = Table(
    "item_numbers",
    metadata,
    # Telephone numbers of calls, each as a key made it (retention.numbers): dropped at the erasure.
    Column("key", Text, primary_key=True),  # the key's id; the key itself is in no table
    Column("mac", LargeBinary, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # the item's
    Index("item_numbers_by_item", "store", "epoch", "number"),
    sqlite_with_rowid=False,
)

partly_erased = Table(
    "partly_erased",
    metadata,
    # Calls of which a part is erased and the rest is not: few, and gone with the rest.
    Column("store", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # the item's
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    # Double entry (I14), changed in the transaction of the fact itself. `seen` is one side; the
    # other: present held restricted undated late blocked erased gone_elsewhere lost unproven
    # superseded.
    # `live` and `due` are `present` divided by the calendar when somebody asks.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("record_class", Text, primary_key=True),
    Column("civil", Integer, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("items", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # Small: the past is `seen`, and how it ended.
    Index(
        "tallies_live",
        "store",
        "record_class",
        "civil",
        sqlite_where=text(LIVE_TALLIES),
        postgresql_where=text(LIVE_TALLIES),
    ),
    sqlite_with_rowid=False,
)

totals = Table(
    "totals",
    metadata,
    # The tallies summed over civil dates, changed together with them: what is asked for every
    # minute must not cost more with every year.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("record_class", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("items", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

log_marks = Table(
    "log_marks",
    metadata,
    # The digest at the end of each of the last batches: what is sent twice must chain to the same.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

boots = Table(
    "boots",
    metadata,
    # Boots that said hello; one that comes back after another is a second box.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("booted", Text, primary_key=True),
    Column("position", Integer, nullable=False),  # 1, 2, ... in the order they came
    sqlite_with_rowid=False,
)

prior_items = Table(
    "prior_items",
    metadata,
    # What closed epochs knew and the present one has not sighted again: dating evidence, found by
    # fingerprint. A row goes when its file is sighted, or when the limit of its date has passed.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, ... of the store
    Column("record_class", Text, nullable=False),
    Column("civil", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("anchor", BigInteger),
    Column("seen", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    # It was held or restricted: lost, if the first complete scan of the new epoch ends without it.
    Column("held", Boolean, nullable=False),
    # How early it can be, if `anchor` is the latest; if it has no date, how early it can have been seen; else NULL.
    Column("earliest", BigInteger),
    Index("prior_items_by_fingerprint", "store", "fingerprint"),
    sqlite_with_rowid=False,
)

hold_ages = Table(
    "hold_ages",
    metadata,
    # How old items were when they were held: `age` is the upper bound in seconds of the
    # histogram bucket.
    Column("age", BigInteger, primary_key=True, autoincrement=False),
    Column("items", BigInteger, nullable=False),
    Column("seconds", BigInteger, nullable=False),  # sum of the ages themselves
)

erasure_tallies = Table(
    "erasure_tallies",
    metadata,
    # How erasures went, per class: `slack` is the upper bound in seconds of the histogram bucket
    # of E - erased_at (negative: late).
    Column("record_class", Text, primary_key=True),
    Column("why", Text, primary_key=True),  # as in items; "early" if not due yet; "" of a refusal
    Column("outcome", Text, primary_key=True),
    Column("slack", BigInteger, primary_key=True, autoincrement=False),
    Column("items", BigInteger, nullable=False),
    Column("seconds", BigInteger, nullable=False),  # sum of slack
    sqlite_with_rowid=False,
)

policies = Table(
    "policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("envelope", LargeBinary, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    # Acts and policies on their way to two signatures, and after it. One that names items goes when
    # these are gone for good (govern.shedding).
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # policy | release | erasure | ... (people.MAY_SIGN)
    Column("envelope", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # proposed | approved | applied | withdrawn
    Column("proposed_at", BigInteger, nullable=False),
    Column("approved_at", BigInteger),
)

reasons = Table(
    "reasons",
    metadata,
    # What the reasons in documents commit to (retention.reasons): no other table has their words.
    # A row goes 90 days after the second signature, or when its document is withdrawn or withers.
    Column("document", ForeignKey("documents.id"), primary_key=True),
    Column("salt", LargeBinary, primary_key=True),
    Column("words", Text, nullable=False),
    sqlite_with_rowid=False,
)

document_stores = Table(
    "document_stores",
    metadata,
    # Which stores an approved act is for; carried in directives until acknowledged.
    Column("document", ForeignKey("documents.id"), primary_key=True),
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("acknowledged_at", BigInteger),
)

receipts = Table(
    "receipts",
    metadata,
    # What stays of an approved act that named items, when its words are shed (govern.shedding).
    Column("id", Text, primary_key=True),  # the act's
    Column("approved_at", BigInteger, nullable=False),
    Column("receipt", LargeBinary, nullable=False),  # canonical JSON of `bundle.ItemAct`
)

holds = Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ground", Text, nullable=False),  # crime | dispute | statute
    Column("case_reference", Text, nullable=False, default=""),  # due within 72 h
    Column("citation", Text, nullable=False, default=""),  # act and article, for statute
    Column("owner", Text, nullable=False),  # person id; "" for a marker nobody confirmed yet
    # person | request | marker | recovered: an agent knew of it, and after a restore we did not
    Column("origin", Text, nullable=False),
    # Canonical JSON of `index.scope.Scope`; without items and numbers when all of it is let go.
    Column("scope", LargeBinary, nullable=False),
    Column("begins", BigInteger, nullable=False),  # with padding
    Column("ends", BigInteger, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("review_on", Integer, nullable=False),  # civil date
    Column("confirmed_at", BigInteger),  # markers: when a person took it on
    Column("released_at", BigInteger),  # two people's release is approved
)

hold_stores = Table(
    "hold_stores",
    metadata,
    Column("hold", ForeignKey("holds.id"), primary_key=True),
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("effective_at", BigInteger),  # acknowledged by the agent; NULL: pending
    # JSON: [[civil ordinal, count]] that the hold came too late for.
    Column("gone", Text, nullable=False, default="[]"),
    Column("freed_at", BigInteger),  # the agent has let go after the release
)

quarantines = Table(
    "quarantines",
    metadata,
    # Stores whose recordings came from a backup, until all there was swept.
    Column("store", ForeignKey("stores.id"), primary_key=True),
    Column("act", Text, primary_key=True),  # by which two people said so
    Column("acknowledged", Boolean, nullable=False),  # whether its agent knows
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    # Who did what: holds, documents, stores, and every look at an item. Permanent, append-only.
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)

requests = Table(
    "requests",
    metadata,
    # Nonces of people's signed requests, kept as long as one could be replayed.
    Column("nonce", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

leaves = Table(
    "leaves",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # from 0, no gaps
    Column("kind", Text, nullable=False),  # certificate | heartbeat | day | succession
    Column("data", LargeBinary, nullable=False),  # canonical bytes: what is hashed
    Column("at", BigInteger, nullable=False),
    Column("store", Text),  # of a certificate
    Column("record_class", Text),
    Column("civil", Integer),
    Column("seed", LargeBinary),  # salts of the item commitments derive from it; NULL: shredded
    Index("leaves_by_batch", "store", "record_class", "civil"),
    # Small: what is still to be shredded.
    Index(
        "leaves_with_seed",
        "at",
        sqlite_where=text("seed IS NOT NULL"),
        postgresql_where=text("seed IS NOT NULL"),
    ),
)

nodes = Table(
    "nodes",
    metadata,
    # Hashes of complete subtrees: level 0 are the leaves' hashes (docs/ledger-format.md).
    Column("level", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),  # C2SP signed note
    Column("at", BigInteger, nullable=False),
)

backups = Table(
    "backups",
    metadata,
    # Copies of recordings, indexes or catalogues that others keep: none of ours erases in them.
    Column("name", Text, primary_key=True),
    Column("of", Text, nullable=False),  # recordings | index | catalogue | database
    Column("days", Integer, nullable=False),  # the longest that anything stays in it
    Column("registered_at", BigInteger, nullable=False),
)

rescans = Table(
    "rescans",
    metadata,
    # Reports of `auditor rescan` that somebody handed in: they go into the bundle as they are.
    Column("digest", LargeBinary, primary_key=True),  # of the report: handed in twice is once
    Column("at", BigInteger, nullable=False),  # when the auditor looked
    Column("report", LargeBinary, nullable=False),  # canonical bytes
)

watched = Table(
    "watched",
    metadata,
    # How long a class was in which state on a civil day, until the ledger's leaf of that day is
    # made. `reason` "" is the state as a whole, a word one of its reasons.
    Column("civil", Integer, primary_key=True, autoincrement=False),
    Column("record_class", Text, primary_key=True),
    Column("state", Text, primary_key=True),  # ok | violated | unknown
    Column("reason", Text, primary_key=True),
    Column("seconds", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

standings = Table(
    "standings",
    metadata,
    # What was last seen of each class over all stores, and since when it is so.
    Column("record_class", Text, primary_key=True),
    Column("state", Text, nullable=False),  # ok | violated | unknown
    Column("since", BigInteger, nullable=False),
    Column("not_ok_since", BigInteger),  # NULL while it is ok
    sqlite_with_rowid=False,
)

last_look = Table(
    "last_look",
    metadata,
    # One row: when any process last looked, and so until when `watched` is counted.
    Column("one", Integer, primary_key=True, autoincrement=False),  # 1
    Column("at", BigInteger, nullable=False),
)
