"""The stations of the demonstration: a terminal, a contact centre, and an archive in a bucket."""

from pathlib import Path

from demo.archive import Archive
from demo.stage import Station, free_port

_TERMINAL = """
root = "{home}/recordings"
events = "{home}/events"
any_file_system = true
"""
_CALLS = """
recorders = ["asterisk"]
number_keys = "{home}/../centre/keys/numbers"
[directory]
root = "{home}/recordings"
any_file_system = true
[[csv]]
place = "cdr"
root = "{home}/cdr"
time = "start"
zone = "Europe/Riga"
call = "uniqueid"
duration = "duration"
numbers = ["src"]
"""
_ARCHIVE = """
recorders = ["asterisk"]
[bucket]
endpoint = "{archive.endpoint}"
name = "{archive.bucket}"
prefix = "{archive.prefix}"
"""


def terminal(home: Path) -> Station:
    """A locker's terminal, with cameras that write below `recordings`."""
    (home / "terminal" / "recordings").mkdir(parents=True)
    return Station(
        store="brivibas-12",
        site="Brivibas 12",
        group="terminals",
        kind="terminal",
        record_class="terminal-image",
        settings=_TERMINAL.format(home=home / "terminal"),
        home=home / "terminal",
        port=free_port(),
    )


def contact_centre(home: Path) -> Station:
    """The storage of calls: recordings below `recordings`, call-detail records in `cdr`."""
    for name in ("recordings", "cdr"):
        (home / "calls" / name).mkdir(parents=True)
    return Station(
        store="calls-riga",
        site="Contact centre",
        group="contact-centre",
        kind="directory",
        record_class="contact-centre-call",
        settings=_CALLS.format(home=home / "calls"),
        home=home / "calls",
        port=free_port(),
    )


def bucket(home: Path, archive: Archive) -> Station:
    """The archive of calls."""
    return Station(
        store="archive",
        site="Archive",
        group="archive",
        kind="bucket",
        record_class="contact-centre-call",
        settings=_ARCHIVE.format(archive=archive),
        home=home / "archive",
        port=free_port(),
    )
