"""Which rules of other programs are told as deleters, and which are left alone."""

from pathlib import Path

import pytest

from agents.stores.files.deleters import DELETERS, deleting

ROOT = b"/srv/recordings/calls"


def told(tmp_path: Path, kind: str, text: str) -> bool:
    (tmp_path / "rule.conf").write_text(text)
    return bool(list(deleting(ROOT, {kind: (tmp_path,)})))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cron", "5 3 * * * root find /srv/recordings/calls -mtime +30 -delete\n"),
        ("cron", "#!/bin/sh\nD=/srv/recordings\nfind $D -mtime +60 -exec rm {} +\n"),
        ("cron", "5 3 * * * root /bin/rm -rf /srv/recordings/calls/old/*\n"),
        ("systemd", "[Service]\nExecStart=/usr/sbin/tmpreaper 60d /srv/recordings/calls\n"),
        ("tmpfiles", "e /srv/recordings/calls - - - 30d\n"),
        ("tmpfiles", "d /srv/recordings 0755 root root 60d\n"),
        ("tmpfiles", "R! /srv/recordings/calls/*\n"),
        ("tmpreaper", "TMPREAPER_DIRS='/tmp/. /srv/recordings/calls/.'\n"),
        ("logrotate", "/srv/recordings/calls/*.csv { weekly }\n"),
        ("motion", "on_movie_end /usr/bin/ffmpeg -i %f %f.mp4 && rm %f\n"),
    ],
)
def test_a_rule_that_deletes_in_the_root_or_around_it_is_told(tmp_path: Path, kind: str, text: str):
    assert told(tmp_path, kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cron", "# find /srv/recordings/calls -delete\n"),
        ("cron", "5 3 * * * root find /srv/recordings/calls2 -delete; rm /srv/x\n"),
        ("cron", "5 3 * * * root du /srv/recordings/calls > /var/log/confirm-rm\n"),
        ("systemd", "[Service]\nReadWritePaths=-/srv/recordings/calls\n"),
        ("tmpfiles", "d /srv/recordings 0755 root root -\n"),
        ("tmpfiles", "d /srv/recordings/calls\n"),
        ("motion", "target_dir /srv/recordings/calls\non_movie_end /usr/bin/tell %f\n"),
    ],
)
def test_a_rule_that_does_not_is_left_alone(tmp_path: Path, kind: str, text: str):
    assert not told(tmp_path, kind, text)


def test_a_rule_of_tmpfiles_is_replaced_by_another_of_its_name(tmp_path: Path):
    for place, age in (("etc", "-"), ("usr", "30d")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "calls.conf").write_text(f"d /srv/recordings/calls - - - {age}\n")
    assert not list(deleting(ROOT, {"tmpfiles": (tmp_path / "etc", tmp_path / "usr")}))
    assert list(deleting(ROOT, {"tmpfiles": (tmp_path / "usr",)}))


def test_what_ships_with_a_machine_deletes_nothing_of_motion_s():
    assert [] == [s for s in deleting(b"/var/lib/motion", DELETERS) if "cannot be read" not in s]
