"""`make run`: the product's main job, on real files, on this machine.

An enforcer and a terminal's agent are started as anybody would start them; 75 days of a camera's
recordings lie on the terminal. What is due goes, what an incident needs stays, and an auditor who
shares nothing with either looks whether it is so. Where Prometheus is installed, it watches all of it,
and every panel of the dashboards has to show something. Exit code 0 only if all of that is so.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo import stage as stages
from demo.prometheus import DASHBOARDS, Prometheus, watching
from demo.scene import DAYS, Scene
from demo.stage import GROUP, SITE, STORE, CommandError, Stage, started, wait_for

RIGA = ZoneInfo("Europe/Riga")
HOME = Path("run/demo")
PANEL_SECONDS = 15
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


def main() -> int:
    """Play the whole story; stay up until Ctrl-C unless `--once`."""
    parser = argparse.ArgumentParser(prog="demo", description="The product's main job.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--home", type=Path, default=HOME, help="is made anew [%(default)s]")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started is ended
    try:
        with ExitStack() as running:
            return _play(arguments.home.absolute(), running, once=arguments.once)
    except CommandError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _play(home: Path, running: ExitStack, *, once: bool) -> int:
    _say("Keys, a policy of 60 days and two people, anna and boris")
    stage = stages.set_up(home)
    pin = _start(stage, running)

    scene = Scene(stage.tree, datetime.now(RIGA))  # noqa: TID251 - aware; the demo is its own clock
    count = scene.backlog()
    _say(f"{count} recordings of the last {DAYS} days lie on the terminal at {SITE}")
    _start_agent(stage, running, count)
    prometheus = running.enter_context(watching(stage))
    _say(
        "It was seen late: a picture copied from another disk, two from cameras with broken clocks"
    )
    scene.late_arrival()
    scene.broken_clock()
    wait_for("the new pictures are indexed", lambda: _seen(stage) >= count + 3)

    _hold(stage, scene)
    _say("What would go, were the terminal activated")
    print(_last_lines(stage.enforcer("forecast", "--days", "2", person="anna", may_fail=True), 5))
    _activate(stage, count)
    _watch_it_go(stage)
    agreed = [_table(stage)]
    _certificate(stage, scene)
    agreed.append(_audit(stage, pin))
    agreed.append(_witnessed(stage, pin, prometheus))
    _addresses(stage, scene, prometheus)
    if not once:
        print("\nRunning until Ctrl-C.")
        while True:
            time.sleep(3600)
    return 0 if all(agreed) else 1


def _start(stage: Stage, running: ExitStack) -> str:
    """The enforcer, up; gives the policy's pin."""
    running.enter_context(
        started(stage, "enforcer", "serve", "--config", "enforcer.toml", log="enforcer.log")
    )
    wait_for("the enforcer answers", lambda: stages.answers(stage.port))
    invited = json.loads(
        stage.enforcer(
            *("store", "enrol", STORE, "--site", SITE, "--group", GROUP),
            *("--commissioned", "2025-01-01", "--json"),
            person="boris",
        )
    )
    pin, code = invited["pin"], invited["invitations"][0]["code"]
    stage.agent("enrol", f"{code}.{pin}")
    return str(pin)


def _start_agent(stage: Stage, running: ExitStack, count: int) -> None:
    running.enter_context(
        started(
            stage, "retention-agent", "run", "--config", str(stage.agent_config), log="agent.log"
        )
    )
    for seen in _until(lambda: _seen(stage), count):
        _progress(f"{seen} of {count} found, dated and reported")


def _hold(stage: Stage, scene: Scene) -> None:
    incident = scene.incident
    _say(f"Something happened on {incident.begins:%d %B at %H:%M}: boris holds what shows it")
    print(
        stage.enforcer(
            *("hold", "place", "crime", "--site", SITE, "--source", "front"),
            *("--from", f"{incident.begins:%Y-%m-%dT%H:%M}"),
            *("--to", f"{incident.ends:%Y-%m-%dT%H:%M}"),
            person="boris",
        )
    )


def _activate(stage: Stage, count: int) -> None:
    _say("Boris proposes to activate the terminal, anna signs as the second person")
    proposed = json.loads(
        stage.enforcer(
            *("store", "activate", STORE, "--class", "terminal-image"),
            *("--count", str(count), "--reason", "installed and looked at", "--yes", "--json"),
            person="boris",
        )
    )
    stage.enforcer("approve", proposed["id"], "--yes", person="anna")


def _watch_it_go(stage: Stage) -> None:
    """Show the erasing until nothing is due, every erasure is certified and the state is known."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        status = _status(stage)
        counts = status["counts"]
        _progress(
            f"{counts.get('erased', 0)} erased, {counts.get('due', 0)} due,"
            f" {counts.get('held', 0)} held; {status['state']}"
        )
        if counts.get("erased") and not counts.get("due") and _all_proven(stage):
            break
        time.sleep(1)
    print()


def _table(stage: Stage) -> bool:
    """Whether the books balance and nothing is late, or not known."""
    _say("What became of everything that was seen")
    status = _status(stage)
    counts = status["counts"]
    seen = counts.get("seen", 0)
    parts = " + ".join(f"{counts.get(s, 0)} {s.replace('_', ' ')}" for s in STATES)
    print(f"  {status['record_class']}: {seen} seen = {parts}")
    balances = seen == sum(counts.get(s, 0) for s in STATES)
    balance = "it balances" if balances else "NOT BALANCED"
    print(f"  {balance}; overdue {status['overdue']}, past the limit {status['past_limit']}")
    print(stage.enforcer("status", "--all", person="anna", may_fail=True))
    return balances and bool(status["state"] == "ok")


def _certificate(stage: Stage, scene: Scene) -> None:
    """Show one day's certificate, proved to be in the ledger."""
    day = f"{scene.incident.begins - timedelta(days=2):%Y-%m-%d}"
    _say(f"The certificate for what was recorded on {day}, and its proof")
    words = ("ledger", "prove", "--store", STORE, "--class", "terminal-image", "--date", day)

    def proved() -> bool:
        return "erased" in stage.enforcer(*words, person="anna", may_fail=True)

    wait_for("the certificate is made", proved)
    print(stage.enforcer(*words, person="anna"))


def _audit(stage: Stage, pin: str) -> bool:
    """Whether the auditor, with the policy's pin alone, agrees with all of it."""
    _say("The inspector's bundle, checked offline, and the auditor's own look at the terminal")
    bundle = stage.home / "bundle.zip"
    stage.enforcer("bundle", str(bundle), person="anna")
    codes = []
    for words in (
        ("verify", str(bundle), "--pin", pin),
        (
            *("rescan", str(stage.tree), "--bundle", str(bundle), "--store", STORE),
            *("--group", GROUP, "--pin", pin),
        ),
    ):
        code, text = _auditor(*words)
        codes.append(code)
        print(_abridged(text))
    return not any(codes)


def _auditor(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [stages.BIN / "auditor", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _abridged(text: str) -> str:
    """Without the days on which all is in time: there are sixty of them."""
    lines = text.splitlines()
    quiet = [line for line in lines if " in_time " in line]
    shown = [line for line in lines if " in_time " not in line]
    return "\n".join(
        [*shown, f"({len(quiet)} days with everything in time are left out)"] if quiet else shown
    )


def _witnessed(stage: Stage, pin: str, prometheus: Prometheus | None) -> bool:
    """Whether every panel shows something and the ledger is the one Prometheus saw; true without it."""
    if prometheus is None:
        return True
    _say(
        "What Prometheus recorded of all this, and whether the ledger is still the one that it saw"
    )
    empty, count = prometheus.empty_panels(within=PANEL_SECONDS)
    print(f"  {count - len(empty)} of {count} panels of the dashboards have data")
    for name in empty:
        print(f"  EMPTY: {name}")
    bundle = str(stage.home / "bundle.zip")
    code, text = _auditor("witness", bundle, "--prometheus", prometheus.url, "--pin", pin)
    print("\n".join(line for line in text.splitlines() if "witness" in line))
    return not empty and code == 0


def _addresses(stage: Stage, scene: Scene, prometheus: Prometheus | None) -> None:
    _say("Look around: from another shell, as a person")
    print(f"  export RETENTION_PASSPHRASE={stages.PASSPHRASE!r}")
    print(f"  export PATH={stages.BIN}:$PATH ENFORCER_AS={stage.centre / 'people' / 'boris.toml'}")
    print("  enforcer status --all")
    day = f"{datetime.now(RIGA) - timedelta(days=1):%Y-%m-%d}"  # noqa: TID251 - as above
    print(f"  enforcer hold place crime --site '{SITE}' --from {day}T18:00 --to {day}T19:00")
    print(f"  cp {scene.spare(stage.home)} {stage.tree}/front/")
    print()
    print(f"  recordings   {stage.tree}")
    print(f"  bundle       {stage.home / 'bundle.zip'}")
    print(f"  enforcer     {stage.url}/healthz  {stage.url}/metrics")
    print(f"  its CA       {stage.authority}")
    if prometheus is None:
        print(
            "  Prometheus   is not installed (apt install prometheus): nobody draws the dashboards"
        )
    else:
        print(f"  Prometheus   {prometheus.url}/alerts  {prometheus.url}/graph")
    print(f"  dashboards   {DASHBOARDS}/*.json, for Grafana: deploy/grafana/provisioning")


def _status(stage: Stage) -> dict[str, Any]:
    found = json.loads(stage.enforcer("status", "--json", person="anna", may_fail=True))
    return next(s for s in found["stores"] if s["record_class"] == "terminal-image")


def _all_proven(stage: Stage) -> bool:
    """Whether every class is, the canary of today too."""
    found = json.loads(stage.enforcer("status", "--json", person="anna", may_fail=True))
    return all(each["state"] == "ok" for each in found["classes"])


def _seen(stage: Stage) -> int:
    return int(_status(stage)["counts"].get("seen", 0))


def _until(read: Callable[[], int], target: int) -> Iterator[int]:
    until = time.monotonic() + 180
    while (value := read()) < target:
        if time.monotonic() > until:
            raise CommandError(f"waited 3 minutes in vain: {value} of {target}")
        yield value
        time.sleep(1)
    yield value
    print()


def _last_lines(text: str, most: int) -> str:
    lines = text.rstrip().splitlines()
    return "\n".join(lines[:1] + lines[1:][-most:])


def _say(sentence: str) -> None:
    print(f"\n== {sentence}", flush=True)


def _progress(sentence: str) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    print(f"  {sentence}".ljust(70), end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
