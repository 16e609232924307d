"""What the three dashboards show."""

from dashboards.panel import Panel
from enforcer.index.histograms import AGE_BOUNDS, HOUR, SLACK_BOUNDS
from retention.calendar import DAY

_ODD = 'sum by (class, state) (retention_items{state=~"undated|late"})'
_BLOCKED = 'sum by (class) (retention_items{state="blocked"}) > 0'
_UNHEARD = (
    "sum by (class, reason) (retention_stores_unproven"
    '{reason=~"silent|unconfirmed|never_scanned|scan_stale|not_enrolled"})'
)
_UNKNOWN = 'sum by (class, reason) (retention_stores_unproven{state="unknown"})'
_STATE = (
    'retention_compliance_state{state="unknown"}'
    ' + ignoring(state) 2 * retention_compliance_state{state="violated"}'
)

COMPLIANCE = (
    Panel(
        "Stores proven",
        "number",
        (
            ("{{class}}: proven", "retention_stores_proven"),
            ("{{class}}: of", "retention_stores_total"),
        ),
        "For so many of so many stores there is fresh evidence that nothing is late.",
        "it never is: beside it is the difference.",
        width=4,
    ),
    Panel(
        "Stores not proven",
        "number",
        (("{{class}}", "retention_stores_total - retention_stores_proven"),),
        "0: for every store there is that evidence.",
        "`enforcer status --all` names each store that is not proven, and why.",
        red=1,
        width=4,
    ),
    Panel(
        "Strict state",
        "states",
        (("{{class}}", _STATE),),
        "A class is ok only while every store of it is proven to be; unknown is never ok.",
        "violated: the limit or our own target is broken, see `enforcer status`; unknown: evidence is missing.",
        red=1,
        width=10,
    ),
    Panel(
        "In that state since",
        "moment",
        (("{{class}}", "1000 * retention_compliance_state_since_timestamp_seconds"),),
        "Since when the strict state is what it is.",
        "it never is.",
        unit="dateTimeAsIso",
        width=6,
    ),
    Panel(
        "Oldest recording that nothing holds, and its limit",
        "curve",
        (
            ("{{class}}: oldest", "time() - retention_oldest_unheld_anchor_timestamp_seconds"),
            ("{{class}}: limit", "retention_limit_seconds"),
        ),
        "No recording without a hold is older than the notice promises: the first curve stays below.",
        "the curves touch: see the runbook past-limit.",
        unit="s",
        width=16,
    ),
    Panel(
        "Past our own target, past the limit",
        "number",
        (
            ("{{class}}: past the target", "sum by (class) (retention_overdue_items)"),
            ("{{class}}: past the limit", "sum by (class) (retention_past_limit_items)"),
        ),
        "Nothing is late: both are 0.",
        "past the target is a day's warning, past the limit is for the DPO at once.",
        red=1,
    ),
    Panel(
        "Erased in a day, and what came due in it",
        "curve",
        (
            ("{{class}}: erased", "class:retention_erased_items:increase1d"),
            ("{{class}}: came due", "class:retention_came_due_items:increase1d"),
        ),
        "What came due went on the same day: the two curves are one.",
        "the second runs ahead: a store does not sweep; look at brakes and silence in Fleet.",
        width=12,
    ),
    Panel(
        "Time that was left when it was erased",
        "bars",
        (("{{le}}", "sum by (le) (retention_erasure_slack_seconds_bucket)"),),
        "Every erasure had time left, but for what was late already when its store was first let erase.",
        "something was late: the certificate of its day says how many, `enforcer ledger prove` shows it.",
        bounds=SLACK_BOUNDS,
        width=12,
    ),
    Panel(
        "Held because ...",
        "number",
        (
            ("{{ground}}: {{state}}", "sum by (ground, state) (retention_holds)"),
            ("{{ground}}: items", "retention_hold_items"),
        ),
        "What is kept longer is kept for a named ground, and how much it is.",
        "a number that only grows: review the holds, `enforcer hold list`.",
    ),
    Panel(
        "Reviews overdue, stores where a hold is pending",
        "number",
        (
            ("reviews overdue", "retention_hold_review_overdue"),
            ("pending stores", "retention_hold_pending_stores"),
        ),
        "Every hold was looked at in time, and holds wherever it should.",
        "`enforcer hold review`; a pending store is in `enforcer status`.",
        red=1,
    ),
    Panel(
        "Age of footage when it was held",
        "bars",
        (("{{le}}", "retention_hold_item_age_at_placement_seconds_bucket"),),
        "How long after a recording somebody needs it: the answer to why the period is what it is.",
        "it never is; if nothing is needed late, the period may be shortened.",
        bounds=AGE_BOUNDS,
    ),
    Panel(
        "Not known, by reason",
        "curve",
        (
            (
                "{{class}}: {{reason}}",
                f"{_UNKNOWN} or on () 0 * sum(retention_stores_total)",
            ),
        ),
        "What nobody could have seen is counted here, and never as proven.",
        "`enforcer status` has a sentence for each store.",
        red=1,
        width=24,
    ),
)

FLEET = (
    Panel(
        "Stores",
        "number",
        (("{{kind}}: {{state}}", "retention_stores"),),
        "Every store that was enrolled is counted in one state.",
        "it never is; an invited store does not erase yet.",
    ),
    Panel(
        "Stores that do not report",
        "number",
        (("{{class}}: {{reason}}", f"{_UNHEARD} or on () 0 * sum(retention_stores_total)"),),
        "Every store reported lately, and everything due there is known to be gone.",
        "runbook store-silent; `enforcer status` has a sentence for each store.",
        red=1,
    ),
    Panel(
        "What agents say is amiss",
        "number",
        (
            (
                "{{reason}}",
                "sum by (reason) (retention_stores_troubled) > 0 or on () 0 * sum(retention_stores_troubled)",
            ),
        ),
        "No agent complains: of a missing disk, a full one, or of something it refuses to believe.",
        "runbook store-troubled says what each word asks for.",
        red=1,
    ),
    Panel(
        "Agents' own counts against ours",
        "number",
        (
            ("{{store_group}}: differ by", "retention_agent_difference_items"),
            ("{{store_group}}: not readable", "retention_uncatalogued_items"),
        ),
        "What stores count themselves is what is counted here, and all that was found could be read.",
        "`enforcer status` names the store; ask it itself: `retention-agent doctor`.",
        red=1,
    ),
    Panel(
        "Since the most silent agent was heard",
        "curve",
        (("{{store_group}}", "time() - retention_agent_last_seen_timestamp_seconds"),),
        "All agents report: the worst of each group is young.",
        "runbook store-silent; a silent agent still erases by its own clock and holds.",
        unit="s",
        red=DAY,
    ),
    Panel(
        "Age of the oldest last scan",
        "curve",
        (("{{store_group}}", "time() - retention_scan_last_complete_timestamp_seconds"),),
        "Every store was looked through completely within 12 hours.",
        "runbook scan-stale.",
        unit="s",
        red=12 * HOUR,
    ),
    Panel(
        "Clocks: worst offset",
        "curve",
        (("{{role}}", "abs(retention_clock_offset_seconds)"),),
        "The worst agent's clock and the enforcer's agree to within two minutes.",
        "runbook clock.",
        unit="s",
        red=120,
    ),
    Panel(
        "Clocks trusted",
        "number",
        (("{{role}}", "min by (role) (retention_clock_trusted)"),),
        "1: no agent judges a date by a clock that jumped, and most agents agree with ours.",
        "runbook clock; that store erases nothing by date until it is confirmed.",
        red_below=1,
    ),
    Panel(
        "Brakes",
        "number",
        (("{{reason}}", "retention_brake_engaged"),),
        "No activated store keeps what is due because its sweep waits.",
        "runbook brake: look first; what is unusual is released by two people.",
        red=1,
    ),
    Panel(
        "Undated, late, erased in part",
        "number",
        (
            ("{{class}}: {{state}}", f"{_ODD} or on () 0 * sum(retention_items)"),
            ("{{class}}: erased in part", "retention_partly_erased_items"),
        ),
        "What does not simply go by its date is counted, and has a day by which it must.",
        "it never is by itself; a number that only grows: a camera's clock or its names, `enforcer status`.",
        width=4,
    ),
    Panel(
        "Cannot be erased",
        "number",
        (("{{class}}", f"{_BLOCKED} or on () 0 * sum(retention_items)"),),
        "Nothing that is due stands in the way of its own erasing.",
        "a file system is read-only, or somebody's flag or lock is on it: runbook not-proven, blocked.",
        red=1,
        width=4,
    ),
    Panel(
        "Of no class or source in the policy",
        "number",
        (("{{store_group}}", "retention_unregistered_items"),),
        "Everything found belongs to a source that the policy names.",
        "a camera was added and not registered: it is kept by the strictest class until it is.",
        red=1,
    ),
    Panel(
        "Until the next own target",
        "curve",
        (("{{class}}", "retention_next_deadline_timestamp_seconds - time()"),),
        "The forecast: this long until something has to be gone.",
        "below 0 something is late, or was not reported.",
        unit="s",
    ),
    Panel(
        "How erasing ended, in a day",
        "curve",
        (
            (
                "{{class}}: {{outcome}}",
                "sum by (class, outcome) (increase(retention_erasures_total[1d]))",
            ),
        ),
        "Every try ended in one of a few ways; partial: of a call or a bucket's file something is left.",
        "it never is by itself; partial, blocked or failed for days: `enforcer status`, then the store.",
        width=24,
    ),
    Panel(
        "Agents' own word: time to the limit",
        "curve",
        (
            (
                "{{instance}}: {{class}}",
                "retention_agent_oldest_limit_timestamp_seconds - time()",
            ),
        ),
        "By each agent's own policy and catalogue its oldest item is within the limit.",
        "runbook agent-dead-man: do not ask the enforcer, look at the store.",
        unit="s",
        width=12,
        red_below=0,
    ),
    Panel(
        "Agents' own word: since they heard the enforcer",
        "curve",
        (("{{instance}}", "time() - retention_agent_consulted_timestamp_seconds"),),
        "Each agent hears the enforcer, and can be given a hold.",
        "runbook agent-dead-man.",
        unit="s",
        width=12,
        red=DAY,
    ),
)

PROOF = (
    Panel(
        "Entries of the ledger",
        "curve",
        (("entries", "retention_ledger_tree_size"),),
        "The ledger only grows: this server saw every size it had.",
        "a step down is a rewritten ledger: runbook ledger.",
        width=12,
    ),
    Panel(
        "Times the ledger shrank in a day",
        "number",
        (("shrank", "resets(retention_ledger_tree_size[1d])"),),
        "Nobody took a certificate back.",
        "runbook ledger: keep this server's data, it is the evidence.",
        red=1,
        width=6,
    ),
    Panel(
        "Since the ledger was signed",
        "number",
        (("signed", "clamp_min(time() - retention_ledger_head_timestamp_seconds, 0)"),),
        "The ledger lives: it beats every ten minutes, whether anything was erased or not.",
        "the proving task fails: `enforcer doctor`, and the enforcer's log.",
        unit="s",
        red=HOUR,
        width=6,
    ),
    Panel(
        "Fingerprint of the ledger, in six numbers",
        "curve",
        (("{{i}}", "retention_ledger_head_word"),),
        "What this server recorded here nobody can change who runs the enforcer.",
        "it never is; two fingerprints at one size raise an alert, and `auditor witness` compares all.",
        width=12,
    ),
    Panel(
        "Part of the last 24 hours that was witnessed",
        "number",
        # By the clock and not by the scrapes there were: of the time it was down, a server has none.
        (
            (
                "{{instance}}",
                "clamp_max(count_over_time(retention_ledger_tree_size[1d:1m]) / 1440, 1)",
            ),
        ),
        "This server saw the ledger all the time.",
        "what it did not see is unwitnessed: runbook unwitnessed.",
        unit="percentunit",
        red_below=0.99,
        width=6,
    ),
    Panel(
        "Since the whole ledger was checked",
        "number",
        (
            (
                "{{verifier}}",
                "clamp_min(time() - retention_ledger_verify_last_success_timestamp_seconds, 0)",
            ),
        ),
        "Every entry was hashed again within a day, and is as it was published.",
        "nobody checked for two days: `enforcer ledger verify` does, and says which entry is not.",
        unit="s",
        good_for=2 * DAY,
        width=6,
    ),
    Panel(
        "Canaries that should be gone",
        "number",
        (("overdue", "retention_canary_overdue"),),
        "Every terminal erased the file that was planted on it yesterday: deleting works, seen today.",
        "runbook canary: on that store nothing else goes either.",
        red=1,
        width=12,
    ),
    Panel(
        "Imbalance of the double entry",
        "number",
        (("{{class}}", "retention_imbalance_items"),),
        "Whatever was seen is accounted for in exactly one state.",
        "runbook imbalance: it is a fault of ours, or of somebody at the database.",
        red=1,
        width=12,
    ),
    Panel(
        "Held and removed by somebody else",
        "number",
        (("{{class}}", "retention_lost_items_total"),),
        "Nothing that an incident needs was lost.",
        "runbook lost-held-item, at once.",
        red=1,
        width=12,
    ),
    Panel(
        "Removed by others, come back again",
        "number",
        (
            ("{{class}}: gone elsewhere", "retention_gone_elsewhere_items_total"),
            ("{{class}}: come back", "retention_reappeared_items_total"),
        ),
        "Who else erases here, and whether a restored backup brought anything back.",
        "it never is by itself; a jump wants an explanation.",
        width=12,
    ),
    Panel(
        "Failures of the enforcer's own tasks in a day",
        "number",
        (("{{task}}", "increase(enforcer_task_failures_total[1d])"),),
        "Proving, watching, checking and forgetting run.",
        "the enforcer's log has each failure with its reason.",
        red=1,
        width=12,
    ),
    Panel(
        "Since an auditor looked at a storage",
        "number",
        (("looked", "clamp_min(time() - retention_rescan_last_timestamp_seconds, 0)"),),
        "Somebody who does not ask the enforcer saw what really lies there, and handed it in.",
        "have `auditor rescan --save` run on a storage, and hand it in with `enforcer bundle --rescan`.",
        unit="s",
        good_for=31 * DAY,
        width=12,
    ),
)

BOARDS = {
    "compliance": ("Compliance", COMPLIANCE),
    "fleet": ("Fleet", FLEET),
    "proof": ("Proof", PROOF),
}
