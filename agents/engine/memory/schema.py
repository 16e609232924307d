"""What the catalogue holds: its tables, and what brings those of an earlier version up to them."""

VERSION = 18

#: Columns are explained beside them. Instants are seconds since 1970 UTC by the wall clock, civil
#: dates `date.toordinal()`. No index holds a path: one on (directory, name) costs enough.
SCHEMA = """
CREATE TABLE agent (                    -- one row: who this agent is and where it stands
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store TEXT NOT NULL,                -- the only store it speaks for
    store_group TEXT NOT NULL,
    commissioned_at INTEGER NOT NULL,   -- no recording here is older, unless imported
    store_key BLOB NOT NULL,            -- keys `contents`; never leaves the machine
    epoch INTEGER NOT NULL DEFAULT 0,   -- given by the enforcer; 0 before the first hello
    next_item INTEGER NOT NULL DEFAULT 1,
    log_number INTEGER NOT NULL DEFAULT 0,      -- of the last entry written
    log_digest BLOB NOT NULL,                   -- chained over all entries so far
    log_acknowledged INTEGER NOT NULL DEFAULT 0,
    directive BLOB,                     -- the envelope in force
    directive_version INTEGER NOT NULL DEFAULT 0,
    frozen TEXT NOT NULL DEFAULT '',    -- why nothing is erased: two boxes with one identity
    ledger_size INTEGER NOT NULL DEFAULT 0,     -- the newest head of the ledger this agent saw
    ledger_root BLOB NOT NULL DEFAULT x'',
    swept_at INTEGER,                   -- when a sweep last went through all that was due
    next_part INTEGER NOT NULL DEFAULT 1099511627776,   -- 2**40: a part's number is no item's
    retired TEXT NOT NULL DEFAULT ''    -- by which act two people took the store out of service
) STRICT;
CREATE TABLE clock (                    -- one row: a lower bound of the time (I13)
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bound INTEGER NOT NULL,             -- by the enforcer's last word it was this instant ...
    highest INTEGER NOT NULL,           -- ... and by its furthest word this one ...
    boot TEXT NOT NULL,                 -- ... in this boot ...
    boottime INTEGER NOT NULL,          -- ... this many seconds after it began
    heard TEXT NOT NULL,                -- the boot in which it gave its last word ...
    told INTEGER NOT NULL DEFAULT 0     -- ... and how many seconds after that began
) STRICT;
CREATE TABLE periods (                  -- stretches in which the wall clock ran without a jump
    id INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    zero INTEGER NOT NULL,              -- the wall clock's reading when that boot began
    floor INTEGER,                      -- when that boot began at the earliest; NULL: nobody ever told the time
    vouched INTEGER NOT NULL DEFAULT 0, -- 1: the machine's time service said that it was right
    offset INTEGER,                     -- wall clock minus true time, seconds; NULL: not known yet
    back_to INTEGER NOT NULL DEFAULT 0, -- periods.id, in doubt, of the scan before it was seen; 0: none in doubt
    agreed INTEGER NOT NULL DEFAULT 1,  -- 0: the offset is the enforcer's word against the wall clock's
    UNIQUE (boot, zero, back_to)
) STRICT;
CREATE TABLE watched (                  -- when the agent looked at the wall clock without a pause
    id INTEGER PRIMARY KEY,
    period INTEGER NOT NULL,            -- periods.id whose wall clock `since` and `until` are of; 0: known right
    since INTEGER NOT NULL, until INTEGER NOT NULL,
    boot TEXT NOT NULL, zero INTEGER NOT NULL   -- as in periods, when it began to
) STRICT;
CREATE TABLE policies (version INTEGER PRIMARY KEY, envelope BLOB NOT NULL) STRICT;
CREATE TABLE directories (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT; -- classes, sources
CREATE TABLE items (
    number INTEGER PRIMARY KEY,         -- never used twice in an epoch; of a part: from 2**40 on
    directory INTEGER NOT NULL,
    name BLOB NOT NULL,
    inode INTEGER NOT NULL,             -- inode, size, mtime_ns: the generation that was dated
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    links INTEGER NOT NULL,             -- names the content has, as last seen
    fingerprint BLOB NOT NULL,
    record_class INTEGER NOT NULL,      -- words.id
    source INTEGER NOT NULL,            -- words.id
    anchor INTEGER,                     -- start of the recording; NULL: undated
    civil INTEGER NOT NULL,             -- its civil date; undated: of `seen`
    span INTEGER NOT NULL,
    before INTEGER NOT NULL,            -- at the widest it lies in anchor - before ...
    after INTEGER NOT NULL,             -- ... anchor + after (undated: 0, and so is before unless unsure)
    seen INTEGER NOT NULL,
    period INTEGER NOT NULL,            -- periods.id whose wall clock `seen` is of; 0: known right
    scan INTEGER NOT NULL,              -- scans.id of the last one before it was seen; 0: there was none
    not_before INTEGER NOT NULL,        -- 0: no such rule
    state INTEGER NOT NULL,             -- decide.State
    holds INTEGER NOT NULL DEFAULT 0,   -- how many holds hold it; -1: a part, its item's count
    granted INTEGER NOT NULL DEFAULT 0, -- two people asked for its erasure
    how INTEGER NOT NULL,               -- words.id: which rule chose the anchor
    unsure INTEGER NOT NULL DEFAULT 0,  -- 1: it is the latest; `before` tells how early it can be (undated: `seen`)
    UNIQUE (directory, name)
) STRICT;
CREATE INDEX items_due ON items (       -- in the order of a sweep; what counts needs no row
    record_class, holds, civil, number, state, not_before, period
) WHERE holds = 0;
CREATE INDEX items_linked ON items (inode) WHERE links > 1;
CREATE INDEX items_special ON items (state) WHERE state <> 0;
CREATE INDEX items_held ON items (record_class) WHERE holds > 0;
CREATE INDEX items_doubted ON items (period) WHERE period <> 0;
CREATE INDEX items_granted ON items (granted) WHERE granted <> 0;
CREATE TABLE calls (                    -- items with parts: what each is known by (wholes.py)
    call BLOB PRIMARY KEY,              -- the whole's name, keyed with store_key
    item INTEGER NOT NULL UNIQUE,
    role INTEGER NOT NULL,              -- stores.Role of its lead, whose row the item's is
    partial INTEGER NOT NULL DEFAULT 0  -- 1: some of its parts were erased, others not yet
) STRICT, WITHOUT ROWID;
CREATE TABLE parts (                    -- the other parts: each has a row of `items` as well
    number INTEGER PRIMARY KEY, item INTEGER NOT NULL, role INTEGER NOT NULL
) STRICT;
CREATE INDEX parts_of ON parts (item);
CREATE TABLE item_numbers (             -- telephone numbers of calls, keyed (numbering.py)
    item INTEGER NOT NULL,
    key TEXT NOT NULL,                  -- the key's id; the key itself is in a file
    mac BLOB NOT NULL,
    PRIMARY KEY (item, key, mac)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended (                    -- calls that were erased, so that a late part is known (I11)
    call BLOB PRIMARY KEY, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE evidence (                 -- why an anchor was chosen, where that was not ordinary
    number INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    candidates TEXT NOT NULL,           -- JSON
    skew INTEGER NOT NULL DEFAULT 0     -- by how many seconds its recorder's clock was ahead of the time
) STRICT;
CREATE TABLE others (                   -- files that are no recordings, so as not to read them again
    number INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL, name BLOB NOT NULL, inode INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    UNIQUE (directory, name)
) STRICT;
CREATE TABLE scans (                    -- complete scans: each bounds when a file can have come
    id INTEGER PRIMARY KEY,             -- in the order in which they were: no clock is asked for that
    began INTEGER NOT NULL, ended INTEGER NOT NULL, period INTEGER NOT NULL,
    epoch INTEGER NOT NULL              -- in which it was
) STRICT;
CREATE TABLE arrivals (                 -- files that came while the agent watched, per day first seen
    day INTEGER PRIMARY KEY, items INTEGER NOT NULL
) STRICT;
CREATE TABLE intents (                  -- written before an erasure, gone with its outcome (I5)
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, -- a run of item numbers
    why TEXT NOT NULL
) STRICT;
CREATE TABLE contents (                 -- what was met: of an item, or else a tombstone (contents.py)
    mac BLOB NOT NULL,                  -- keyed(store_key, fingerprint)
    number INTEGER NOT NULL,            -- the item's, when it was entered
    PRIMARY KEY (mac, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE tombstones (               -- how long those are wanted, by stretches of numbers
    stretch INTEGER PRIMARY KEY,
    until INTEGER NOT NULL              -- at the least: 400 days from the last erasure on
) STRICT;
CREATE TABLE erased (                   -- how much was erased: what a new hold came too late for
    source INTEGER NOT NULL, civil INTEGER NOT NULL, items INTEGER NOT NULL,
    PRIMARY KEY (source, civil)
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (                    -- every hold ever acknowledged; add-only without two people
    id TEXT PRIMARY KEY,
    hold BLOB NOT NULL,                 -- x'': released, and its day of grace is over
    placed_at INTEGER NOT NULL, released_at INTEGER,
    pending INTEGER NOT NULL DEFAULT 0  -- 1: in force, not acknowledged when it came (doubts.py)
) STRICT;
CREATE TABLE item_holds (
    number INTEGER NOT NULL, hold TEXT NOT NULL, PRIMARY KEY (number, hold)
) STRICT, WITHOUT ROWID;
CREATE TABLE digests (                  -- of held recordings, and of which generation (digests.py)
    number INTEGER PRIMARY KEY,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 BLOB NOT NULL
) STRICT;
CREATE TABLE doubts (                   -- matched while an intent was open (doubts.py)
    number INTEGER NOT NULL, hold TEXT NOT NULL, PRIMARY KEY (number, hold)
) STRICT, WITHOUT ROWID;
CREATE TABLE acts (                     -- two people's acts that were carried out here, once
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE grants (                   -- how many items may go at once, by an act
    act TEXT PRIMARY KEY, record_class TEXT NOT NULL, -- '' is every class
    through INTEGER NOT NULL, items INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT;
CREATE TABLE restorations (             -- files came from a backup, and were not swept yet (restoring.py)
    act TEXT PRIMARY KEY,
    since INTEGER NOT NULL,             -- what was first seen from then on came from it
    stage INTEGER NOT NULL              -- restoring.Stage
) STRICT;
CREATE TABLE activations (              -- classes that may be erased here at all
    record_class TEXT PRIMARY KEY, act TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE log (                      -- segments of the log, packed as they travel
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at INTEGER NOT NULL,
    digest BLOB NOT NULL, packed BLOB NOT NULL
) STRICT;
CREATE TABLE prior (                    -- anchors that an earlier epoch knew, by fingerprint
    fingerprint BLOB PRIMARY KEY,
    anchor INTEGER,                     -- NULL: we know the content, and no date that is sure
    own INTEGER NOT NULL,               -- 1: out of our own memory; 0: the enforcer told it
    earliest INTEGER,                   -- how early it can be, if that is the latest; else just so
    seen INTEGER                        -- if it was told that it has no date: when it was first seen
) STRICT, WITHOUT ROWID;
CREATE TABLE remembered (               -- items of an epoch that is over (remembered.py); columns as theirs
    directory INTEGER NOT NULL, name BLOB NOT NULL,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    record_class INTEGER NOT NULL,
    anchor INTEGER, civil INTEGER NOT NULL, before INTEGER NOT NULL, after INTEGER NOT NULL,
    how INTEGER NOT NULL, state INTEGER NOT NULL, not_before INTEGER NOT NULL, unsure INTEGER NOT NULL,
    seen INTEGER NOT NULL, period INTEGER NOT NULL, scan INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_inodes ON remembered (inode);
"""

#: What brings a catalogue of an earlier version up to the next. What a clock said in a version that
#: did not write down on whose word is in doubt until the enforcer's next word. No item has number 0:
#: tombstones of a version that did not tell whose they were have it.
UPGRADES = {
    1: """
ALTER TABLE clock ADD COLUMN heard TEXT NOT NULL DEFAULT '';
ALTER TABLE periods ADD COLUMN floor INTEGER;
ALTER TABLE periods ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
DROP INDEX items_due;
CREATE INDEX items_due ON items (
    record_class, holds, civil, number, state, not_before, period
) WHERE holds = 0;
""",
    2: """
ALTER TABLE tombstones RENAME TO erased_contents;
CREATE TABLE contents (
    mac BLOB NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (mac, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE tombstones (
    stretch INTEGER PRIMARY KEY, until INTEGER NOT NULL
) STRICT;
INSERT INTO contents SELECT keyed(store_key, fingerprint), number FROM items, agent ORDER BY 1;
INSERT INTO contents SELECT DISTINCT substr(mac, 1, 8), 0 FROM erased_contents;
INSERT INTO tombstones SELECT 0, max(until) FROM erased_contents HAVING count(*) > 0;
DROP TABLE erased_contents;
DROP INDEX items_content;
ALTER TABLE agent ADD COLUMN next_part INTEGER NOT NULL DEFAULT 1099511627776;
CREATE TABLE calls (
    call BLOB PRIMARY KEY,
    item INTEGER NOT NULL UNIQUE,
    role INTEGER NOT NULL,
    partial INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE parts (
    number INTEGER PRIMARY KEY, item INTEGER NOT NULL, role INTEGER NOT NULL
) STRICT;
CREATE INDEX parts_of ON parts (item);
CREATE TABLE ended (
    call BLOB PRIMARY KEY, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
""",
    3: """
CREATE TABLE item_numbers (
    item INTEGER NOT NULL, key TEXT NOT NULL, mac BLOB NOT NULL,
    PRIMARY KEY (item, key, mac)
) STRICT, WITHOUT ROWID;
""",
    4: """
CREATE TABLE restorations (
    act TEXT PRIMARY KEY, since INTEGER NOT NULL, stage INTEGER NOT NULL
) STRICT;
""",
    5: """
CREATE TABLE stretches (
    id INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    zero INTEGER NOT NULL,
    floor INTEGER,
    vouched INTEGER NOT NULL DEFAULT 0,
    offset INTEGER,
    back_to INTEGER NOT NULL DEFAULT 0,
    UNIQUE (boot, zero, back_to)
) STRICT;
INSERT INTO stretches SELECT id, boot, zero, floor, vouched, offset, 0 FROM periods;
DROP TABLE periods;
ALTER TABLE stretches RENAME TO periods;
CREATE TABLE watched (
    id INTEGER PRIMARY KEY,
    period INTEGER NOT NULL,
    since INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT;
""",
    6: """
ALTER TABLE holds ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
CREATE TABLE doubts (
    number INTEGER NOT NULL, hold TEXT NOT NULL, PRIMARY KEY (number, hold)
) STRICT, WITHOUT ROWID;
""",
    7: """
ALTER TABLE watched ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE watched ADD COLUMN zero INTEGER NOT NULL DEFAULT 0;
""",
    8: """
CREATE TABLE complete (
    id INTEGER PRIMARY KEY,
    began INTEGER NOT NULL, ended INTEGER NOT NULL, period INTEGER NOT NULL
) STRICT;
INSERT INTO complete SELECT rowid, began, ended, period FROM scans;
DROP TABLE scans;
ALTER TABLE complete RENAME TO scans;
CREATE TABLE ends (ended INTEGER NOT NULL, scan INTEGER NOT NULL) STRICT;
INSERT INTO ends SELECT ended - coalesce(offset, 0), scans.id
  FROM scans LEFT JOIN periods ON periods.id = period;
CREATE INDEX ends_by_time ON ends (ended, scan);
ALTER TABLE items ADD COLUMN scan INTEGER NOT NULL DEFAULT 0;
UPDATE items SET scan = coalesce((
    SELECT scan FROM ends WHERE ended < seen - coalesce(
        (SELECT offset FROM periods WHERE periods.id = items.period), 0)
     ORDER BY ended DESC, scan DESC LIMIT 1), 0);
DROP TABLE ends;
""",
    9: """
ALTER TABLE items ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;
""",
    10: """
ALTER TABLE scans ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
UPDATE scans SET epoch = (SELECT epoch FROM agent);
CREATE TABLE earlier (
    fingerprint BLOB PRIMARY KEY, anchor INTEGER, own INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO earlier SELECT fingerprint, anchor, own FROM prior;
DROP TABLE prior;
ALTER TABLE earlier RENAME TO prior;
CREATE TABLE remembered (
    directory INTEGER NOT NULL, name BLOB NOT NULL,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    record_class INTEGER NOT NULL,
    anchor INTEGER, civil INTEGER NOT NULL, before INTEGER NOT NULL, after INTEGER NOT NULL,
    how INTEGER NOT NULL, state INTEGER NOT NULL, not_before INTEGER NOT NULL, unsure INTEGER NOT NULL,
    seen INTEGER NOT NULL, period INTEGER NOT NULL, scan INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_inodes ON remembered (inode);
""",
    11: "ALTER TABLE agent ADD COLUMN retired TEXT NOT NULL DEFAULT '';",
    12: """
ALTER TABLE prior ADD COLUMN earliest INTEGER;
UPDATE prior SET earliest = anchor;
""",
    13: "ALTER TABLE periods ADD COLUMN agreed INTEGER NOT NULL DEFAULT 1;",
    14: "ALTER TABLE evidence ADD COLUMN skew INTEGER NOT NULL DEFAULT 0;",
    15: """
CREATE TABLE digests (
    number INTEGER PRIMARY KEY,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 BLOB NOT NULL
) STRICT;
""",
    16: "ALTER TABLE prior ADD COLUMN seen INTEGER;",
    17: "ALTER TABLE clock ADD COLUMN told INTEGER NOT NULL DEFAULT 0;",
}
