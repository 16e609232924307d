"""Whether it was done: by the books, by a certificate, and by people who believe neither."""

import subprocess
from datetime import timedelta

from demo.archive import Archive
from demo.calls import ContactCentre
from demo.chapters import status
from demo.prometheus import Prometheus
from demo.scene import Scene
from demo.stage import BIN, Stage, Station, wait_for
from demo.telling import abridged, say

PANEL_SECONDS = 120
ALERT_SECONDS = 60
#: The inspector's own: shows that a report is no older than the question.
NUMBER = "4711"
#: What all recordings of one call have in their names, as the inspector is told.
CALL_IN_NAME = r"\d{10}\.\d+"
#: Asterisk's, in their order.
COLUMNS = (
    "accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,"
    "duration,billsec,disposition,amaflags,uniqueid,userfield"
)
#: In the order of the double entry: what was seen is the sum of the rest.
STATES = (
    "live",
    "due",
    "held",
    "restricted",
    "undated",
    "late",
    "blocked",
    "erased",
    "gone_elsewhere",
    "lost",
    "superseded",
)


def table(stage: Stage) -> bool:
    """Whether the books balance and nothing is late, or not known."""
    say("What became of everything that was seen")
    found = status(stage)
    balances = True
    for each in found["stores"]:
        counts = each["counts"]
        named = [f"{counts[s]} {s.replace('_', ' ')}" for s in STATES if counts.get(s)]
        total = sum(counts.get(state, 0) for state in STATES)
        balances &= counts.get("seen", 0) == total
        who = f"{each['store']}, {each['record_class']}"
        print(f"  {who:32} {counts.get('seen', 0):5} seen = {' + '.join(named)}")
    overdue, past = (sum(s[word] for s in found["stores"]) for word in ("overdue", "past_limit"))
    balance = "it balances" if balances else "NOT BALANCED"
    print(f"  {balance}; overdue {overdue}, past the limit {past}")
    print(stage.enforcer("status", "--all", person="anna", may_fail=True))
    return balances and all(each["state"] == "ok" for each in found["stores"])


def certificate(stage: Stage, terminal: Station, scene: Scene) -> bool:
    """Show one day's certificate, proved to be in the ledger."""
    day = f"{scene.incident.begins - timedelta(days=2):%Y-%m-%d}"
    say(f"The certificate for what was recorded on {day}, and its proof")
    batch = ("--store", terminal.store, "--class", terminal.record_class, "--date", day)
    words = ("ledger", "prove", *batch)

    def proved() -> bool:
        return "erased" in stage.enforcer(*words, person="anna", may_fail=True)

    wait_for("the certificate is made", proved)
    print(stage.enforcer(*words, person="anna"))
    return True


def bundle(stage: Stage, pin: str) -> bool:
    """Whether the inspector's bundle holds, by the policy's pin alone."""
    say("The inspector's bundle, checked offline")
    path = str(stage.home / "bundle.zip")
    stage.enforcer("bundle", path, person="anna")
    return _audited("verify", path, "--pin", pin)


def recordings(stage: Stage, terminal: Station, pin: str) -> bool:
    """Whether the auditor's own look at the terminal agrees; its report is handed in."""
    say(f"The auditor's own look at the terminal, asked for with the number {NUMBER}")
    report, path = stage.home / "report.json", stage.home / "bundle.zip"
    kept = ("--number", NUMBER, "--save", str(report))
    root = str(terminal.home / "recordings")
    agrees = _audited("rescan", root, *_origin(stage, terminal, pin), *kept)
    path.unlink()
    stage.enforcer("bundle", str(path), "--rescan", str(report), person="anna")
    print("  it is handed in, and in bundle.zip from now on")
    return agrees


def calls(stage: Stage, centre: Station, pin: str, scene: ContactCentre) -> bool:
    """Whether the auditor agrees on calls and rows, and the disputed call is there with all of it."""
    say("The auditor's own look at the calls, and at the rows that were written about them")
    root = str(centre.home / "recordings")
    calls_of = ("--call-in-name", CALL_IN_NAME, *_origin(stage, centre, pin))
    table = ("--csv", str(centre.home / "cdr" / "Master.csv"), "--columns", COLUMNS)
    read_as = ("--time", "start", "--zone", "Europe/Riga", "--call", "uniqueid")
    of_rows = (*table, *read_as, "--class", centre.record_class, "--recordings", root)
    agreed = [_audited("rescan", root, *calls_of), _audited("rows", *of_rows, *calls_of)]
    held, files = scene.disputed.id, (centre.home / "recordings").rglob("*")
    kept = [path.name for path in files if held in path.name]
    rows = sum(
        part.read_text().count(f'"{held}"') for part in (centre.home / "cdr").glob("Master.csv*")
    )
    print(f"  of the disputed call there are {len(kept)} files and {rows} row")
    return all(agreed) and len(kept) >= 4 and rows == 1


def archive(stage: Stage, station: Station, pin: str, bucket: Archive) -> bool:
    """Whether auditor and another client see in the bucket exactly what has to be there."""
    say(f"The auditor's own look at the bucket {bucket.bucket}, and what another client sees")
    where = (f"s3://{bucket.bucket}/{bucket.prefix}", "--endpoint", bucket.endpoint)
    calls_of = ("--call-in-name", CALL_IN_NAME, *_origin(stage, station, pin))
    agrees = _audited("rescan", *where, *calls_of)
    left, markers = bucket.left(), bucket.markers()
    late, lost = left - bucket.stays, bucket.stays - left
    print(f"  {len(left)} versions: {len(late)} too many, {len(lost)} too few; {markers} markers")
    print(f"  legal hold on the version with the tag: {bucket.legal_hold(bucket.tagged)}")
    return agrees and not late and not lost and not markers


def witnessed(stage: Stage, pin: str, prometheus: Prometheus | None) -> bool:
    """Whether every panel shows something and the ledger is the one Prometheus saw; true without it."""
    if prometheus is None:
        return True
    say("What Prometheus recorded of all this, and whether the ledger is still the one that it saw")
    empty, count = prometheus.empty_panels(within=PANEL_SECONDS)
    print(f"  {count - len(empty)} of {count} panels of the dashboards have data")
    for name in empty:
        print(f"  EMPTY: {name}")
    alerts = [] if prometheus.alertmanager is None else prometheus.alerts(within=ALERT_SECONDS)
    if prometheus.alertmanager is not None:
        print(f"  arrived at Alertmanager: {', '.join(alerts) or 'NOTHING'}")
    path = str(stage.home / "bundle.zip")
    code, text = _auditor("witness", path, "--prometheus", prometheus.url, "--pin", pin)
    print("\n".join(line for line in text.splitlines() if "witness" in line))
    heard = prometheus.alertmanager is None or "RetentionWatchdog" in alerts
    return heard and not empty and code == 0


def _origin(stage: Stage, station: Station, pin: str) -> tuple[str, ...]:
    path = str(stage.home / "bundle.zip")
    return "--bundle", path, "--store", station.store, "--group", station.group, "--pin", pin


def _audited(*words: str) -> bool:
    code, text = _auditor(*words)
    print(abridged(text))
    return code == 0


def _auditor(*words: str) -> tuple[int, str]:
    done = subprocess.run([BIN / "auditor", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
