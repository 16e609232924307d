"""`make run ONCE=1` tells the whole story, and says by its exit code whether it ended well."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rgw import Gateway
from s3_server import ACCESS, SECRET

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_story_ends_well_and_no_panel_is_empty(
    need: Callable[[str], str], gateway: Gateway, tmp_path: Path
):
    need("prometheus")
    need("prometheus-alertmanager")
    command = [sys.executable, "-m", "demo", "--once", "--home", tmp_path / "demo"]
    server = {
        "S3_ENDPOINT": gateway.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    environment = {name: word for name, word in os.environ.items() if name != "S3_BUCKET"} | server
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    told = done.stdout
    assert 0 == done.returncode, told + done.stderr
    (panels,) = re.findall(r"(\d+) of (\d+) panels of the dashboards have data", told)
    assert panels[0] == panels[1]
    assert int(panels[0]) > 30
    assert "arrived at Alertmanager: " in told
    assert "it is handed in, and in bundle.zip" in told
    assert "it balances; overdue 0, past the limit 0" in told
    assert "witness       by the operator's own copy of a record" in told
    for kind, stores in (("terminal-image", 1), ("contact-centre-call", 2), ("canary", 2)):
        since = (
            "(?: since [^;\n]+)?"  # nobody has looked yet, if it became so within the last minute
        )
        assert re.search(rf"{kind}: ok{since}; {stores} of {stores} stores? proven", told), told
    assert "of the disputed call there are 4 files and 1 row" in told
    assert "own look at the bucket retention-demo" in told
    assert "versions: 0 too many, 0 too few; 0 markers" in told
    assert "legal hold on the version with the tag: ON" in told
    assert not [
        bucket
        for bucket in gateway.shared.list_buckets()["Buckets"]
        if bucket["Name"].startswith("retention-demo")
    ], "what was made for it is taken away again"
