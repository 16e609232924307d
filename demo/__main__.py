"""`make run`: the product's main job, on real files, on this machine.

An enforcer, a terminal's agent and the contact centre's are started as anybody would start them; 75 days
of a camera's recordings lie on the terminal, and seven and a half months of calls at the contact
centre. Where `S3_ENDPOINT` names a server, a third agent sweeps a bucket there. What is due goes, what an
incident or a dispute needs stays, and an auditor who shares nothing with any of them looks whether it
is so. Where Prometheus is installed, it watches all of it, and every panel of the dashboards has to
show something. Exit code 0 only if all of that is so.
"""

import argparse
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from demo import archive as archives
from demo import calls, chapters, proof, scene, stations
from demo import stage as stages
from demo.prometheus import watching
from demo.stage import CommandError
from demo.telling import say

RIGA = ZoneInfo("Europe/Riga")
HOME = Path("run/demo")


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
    now = datetime.now(RIGA)  # noqa: TID251 - aware; the demo is its own clock
    shutil.rmtree(home, ignore_errors=True)
    archive = running.enter_context(archives.archive())
    terminal, centre = stations.terminal(home), stations.contact_centre(home)
    all_of_them = [terminal, centre]
    if archive is not None:
        all_of_them.append(stations.bucket(home, archive))

    say("Keys, a policy of 60 days and 6 months, and two people, anna and boris")
    sources = scene.SOURCES + calls.SOURCES + archives.SOURCES
    stage = stages.set_up(home, tuple(all_of_them), sources)
    pin = chapters.start(stage, running)

    pictures = scene.Scene(terminal.home / "recordings", now)
    spoken = calls.ContactCentre(centre.home / "recordings", centre.home / "cdr", now)
    counts = {terminal: pictures.backlog(), centre: spoken.backlog()}
    say(
        f"{counts[terminal]} recordings of {scene.DAYS} days lie on the terminal at {terminal.site}"
    )
    print(
        f"   {counts[centre]} calls of {calls.DAYS} days at the contact centre:"
        f" {spoken.files} files, and as many rows of Master.csv as calls"
    )
    if archive is not None:
        counts[all_of_them[-1]] = archive.backlog(now)
        print(f"   {counts[all_of_them[-1]]} versions and calls in bucket {archive.bucket}")
    chapters.find_all(stage, running, counts)
    prometheus = running.enter_context(watching(stage))
    chapters.what_comes_late(stage, terminal, pictures, counts[terminal])
    chapters.what_joins(stage, centre, spoken, counts[centre])

    chapters.hold_what_happened(stage, terminal, pictures)
    chapters.hold_by_number(stage, spoken)
    chapters.forecast(stage)
    chapters.activate(stage, counts)
    chapters.watch_it_go(stage)
    agreed = [
        proof.table(stage),
        proof.certificate(stage, terminal, pictures),
        proof.bundle(stage, pin),
        proof.recordings(stage, terminal, pin),
        proof.calls(stage, centre, pin, spoken),
        archive is None or proof.archive(stage, all_of_them[-1], pin, archive),
        proof.witnessed(stage, pin, prometheus),
    ]
    chapters.addresses(stage, pictures, prometheus, now)
    if not once:
        print("\nRunning until Ctrl-C.")
        while True:
            time.sleep(3600)
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
