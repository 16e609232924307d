"""What happens in the demonstration, from the first look to the last erasure."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from demo import stage as stages
from demo.calls import DISPUTED_DAYS, LATE_DAYS, ContactCentre
from demo.prometheus import DASHBOARDS, Prometheus
from demo.scene import Scene
from demo.stage import Stage, Station, started, wait_for
from demo.telling import count_up, last_lines, progress, say

SETTLED_SECONDS = 600


def start(stage: Stage, running: ExitStack) -> str:
    """The enforcer, up, and every agent enrolled; gives the policy's pin."""
    words = ("serve", "--config", "enforcer.toml")
    running.enter_context(started(stage, "enforcer", *words, log="enforcer.log"))
    wait_for("the enforcer answers", lambda: stages.answers(stage.port))
    for station in stage.stations:
        invited = json.loads(
            stage.enforcer(
                *("store", "enrol", station.store, "--site", station.site),
                *("--group", station.group, "--kind", station.kind),
                *("--commissioned", "2025-01-01", "--json"),
                person="boris",
            )
        )
        stage.agent(station, "enrol", f"{invited['invitations'][0]['code']}.{invited['pin']}")
    return str(invited["pin"])


def find_all(stage: Stage, running: ExitStack, counts: Mapping[Station, int]) -> None:
    """The agents, up, until all is found, dated and reported."""
    for station in stage.stations:
        words = ("run", "--config", str(station.config))
        log = f"{station.store}.log"
        running.enter_context(started(stage, "retention-agent", *words, log=log))
    for station, count in counts.items():
        told = f"found, dated and reported at {station.site}"
        count_up(lambda station=station: seen(stage, station), count, told)  # type: ignore[misc]


def what_comes_late(stage: Stage, terminal: Station, scene: Scene, count: int) -> None:
    """Pictures that are seen late, or say nonsense."""
    say("It was seen late: a picture copied from another disk, two from cameras with broken clocks")
    scene.late_arrival()
    scene.broken_clock()
    wait_for("the new pictures are indexed", lambda: seen(stage, terminal) >= count + 3)


def what_joins(stage: Stage, centre: Station, scene: ContactCentre, count: int) -> None:
    """A transcript that is months late is part of its call, and no item of its own."""
    say(f"A transcript of a call of {LATE_DAYS} days ago is written only now, and joins its call")
    path = scene.late_transcript()
    moment = datetime.strptime(path.name[:15], "%Y%m%d-%H%M%S").astimezone()
    around = timedelta(hours=20)
    span = ("--from", (moment - around).isoformat(), "--to", (moment + around).isoformat())
    query = ("item", "find", "--source", "monitor", "--json", *span)

    def of_its_call() -> list[str]:
        found = json.loads(stage.agent(centre, *query))
        items = {each["item"] for each in found if each["path"].endswith(path.name)}
        return [each["path"] for each in found if each["item"] in items]

    wait_for("the transcript has joined", lambda: len(of_its_call()) > 1)
    print("\n".join(f"   {each}" for each in sorted(of_its_call())))
    if seen(stage, centre) != count:
        raise stages.CommandError("the transcript became an item of its own")


def hold_what_happened(stage: Stage, terminal: Station, scene: Scene) -> None:
    """An incident at the terminal: by place and time."""
    incident = scene.incident
    say(f"Something happened on {incident.begins:%d %B at %H:%M}: boris holds what shows it")
    print(
        stage.enforcer(
            *("hold", "place", "crime", "--site", terminal.site, "--source", "front"),
            *("--from", f"{incident.begins:%Y-%m-%dT%H:%M}"),
            *("--to", f"{incident.ends:%Y-%m-%dT%H:%M}"),
            person="boris",
        )
    )


def hold_by_number(stage: Stage, scene: ContactCentre) -> None:
    """A dispute: by telephone number, which the centre never has in clear."""
    call = scene.disputed
    say(f"The person who called {DISPUTED_DAYS} days ago disputes a bill: found by number, held")
    print(stage.enforcer("item", "find", "--number", call.number, person="boris"))
    interval = ("--from", f"{call.began:%Y-%m-%d}", "--to", f"{call.began:%Y-%m-%d} 23:59")
    words = ("hold", "place", "dispute", "--number", call.number, *interval)
    print(stage.enforcer(*words, "--case", "bill-4711", person="boris"))


def forecast(stage: Stage) -> None:
    """What would go."""
    say("What would go, were the stores activated")
    words = ("forecast", "--days", "2")
    print(last_lines(stage.enforcer(*words, person="anna", may_fail=True), 5))


def activate(stage: Stage, counts: Mapping[Station, int]) -> None:
    """Two people let what is due go."""
    say("Boris proposes to activate each store, anna signs as the second person")
    for station, count in counts.items():
        proposed = json.loads(
            stage.enforcer(
                *("store", "activate", station.store, "--class", station.record_class),
                *("--count", str(count + 10), "--reason", "installed and looked at"),
                *("--yes", "--json"),
                person="boris",
            )
        )
        stage.enforcer("approve", proposed["id"], "--yes", person="anna")


def watch_it_go(stage: Stage) -> None:
    """Show the erasing until nothing is due, every erasure is certified and the state is known."""
    until, told = time.monotonic() + SETTLED_SECONDS, ""
    while time.monotonic() < until:
        found = status(stage)
        sums = {
            state: sum(each["counts"].get(state, 0) for each in found["stores"])
            for state in ("erased", "due", "held")
        }
        states = ", ".join(f"{each['record_class']} {each['state']}" for each in found["classes"])
        line = f"{sums['erased']} erased, {sums['due']} due, {sums['held']} held; {states}"
        if line != told:
            progress(line)
            told = line
        if all(each["counts"].get("erased") for each in _of_stations(stage, found)) and (
            not sums["due"] and all(each["state"] == "ok" for each in found["classes"])
        ):
            break
        time.sleep(1)
    print()


def addresses(stage: Stage, scene: Scene, prometheus: Prometheus | None, now: datetime) -> None:
    """Where to look around."""
    terminal = stage.stations[0]
    tree = terminal.home / "recordings"
    say("Look around: from another shell, as a person")
    print(f"  export RETENTION_PASSPHRASE={stages.PASSPHRASE!r}")
    print(f"  export PATH={stages.BIN}:$PATH ENFORCER_AS={stage.centre / 'people' / 'boris.toml'}")
    print("  enforcer status --all")
    day = f"{now - timedelta(days=1):%Y-%m-%d}"
    hold = f"enforcer hold place crime --site '{terminal.site}'"
    print(f"  {hold} --from {day}T18:00 --to {day}T19:00")
    print(f"  cp {scene.spare(stage.home)} {tree}/front/")
    print()
    print(f"  recordings   {tree}  {stage.stations[1].home}")
    print(f"  bundle       {stage.home / 'bundle.zip'}")
    print(f"  enforcer     {stage.url}/healthz  {stage.url}/metrics")
    print(f"  its CA       {stage.authority}")
    if prometheus is None:
        print(
            "  Prometheus   is not installed (apt install prometheus): nobody draws the dashboards"
        )
    else:
        print(f"  Prometheus   {prometheus.url}/alerts  {prometheus.url}/graph")
    if prometheus is not None and prometheus.alertmanager is not None:
        print(f"  Alertmanager {prometheus.alertmanager}")
    print(f"  dashboards   {DASHBOARDS}/*.json, for Grafana: deploy/grafana/provisioning")


def status(stage: Stage) -> dict[str, Any]:
    """The state of compliance, as programs read it."""
    found: dict[str, Any] = json.loads(
        stage.enforcer("status", "--json", person="anna", may_fail=True)
    )
    return found


def seen(stage: Stage, station: Station) -> int:
    """How many items of a station's class the centre has ever heard of."""
    found = _of_stations(stage, status(stage))
    return sum(each["counts"].get("seen", 0) for each in found if each["store"] == station.store)


def _of_stations(stage: Stage, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each store's own class; canaries are counted apart."""
    own = {(each.store, each.record_class) for each in stage.stations}
    return [each for each in found["stores"] if (each["store"], each["record_class"]) in own]
