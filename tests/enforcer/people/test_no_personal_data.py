"""I8, through everything that is real: what names a person stays where the recording is, and goes with it.

Marks are planted where a recorder, a person and a stranger can put them, and looked for in all that
leaves the machine or is shown: metrics, logs at their most talkative, dashboards, alerts, the bundle.
"""

import io
import os
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import RIGA, Ahead, Terminal
from waiting import NEVER_SECONDS, wait_until

from enforcer import log
from enforcer.govern.forms.holds import HoldSheet, Placement
from retention.calendar import DAY, civil_date

NUMBER, NAME, CASE, STRANGER = "26123456", "Ozolina", "KP-2026-117", "010190-12345"
WHY = "Kalnina asked"
MARKS = (NUMBER, NAME, CASE, STRANGER, WHY)


@pytest.fixture
def clock() -> Ahead:
    """The enforcer's."""
    return Ahead()


@pytest.fixture
def terminal(served, tmp_path: Path) -> Terminal:
    """The picture's name has a number; beside it lies what gives the agent trouble, with a name."""
    terminal = Terminal(served, tmp_path / "terminal", tag=f"-{NUMBER}")
    front = terminal.picture.parent
    (front / f"{NAME}.jpg").symlink_to(f"/nowhere/{NAME}")
    os.mkfifo(front / f"{NAME}.mp4")
    Path(os.fsdecode(os.fsencode(front) + b"/\xff" + NAME.encode())).mkdir()
    return terminal


def fetched(url: str, data: bytes | None = None, **headers: str) -> str:
    """What is answered, however it is refused."""
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=NEVER_SECONDS) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def bug() -> None:
    """What a handler would raise that was never thought of: it quotes what was asked for."""
    raise ValueError(STRANGER)


def ask_what_nobody_answers(served) -> None:
    """What strangers send: as a path, a query, a header and a body; and a question that ends in a bug."""
    for path in (f"/v1/items/{STRANGER}", f"/{STRANGER}", f"/v1/holds?site={STRANGER}"):
        fetched(f"{served.url}{path}", Authorization=f"Bearer {STRANGER}.{STRANGER}")
    served.built.app.add_api_route("/bug", bug)
    fetched(f"{served.url}/bug?{STRANGER}")
    for body in (f'{{"{STRANGER}":1}}', STRANGER, '{"epoch":"' + STRANGER + '"}'):
        for path in ("/v1/enrol", "/v1/hello", "/v1/holds", "/v1/documents"):
            fetched(f"{served.url}{path}", body.encode(), Authorization=f"Bearer t-1.{STRANGER}")


def in_all(path: Path) -> bytes:
    """The bytes of every file below."""
    return b"\n".join(each.read_bytes() for each in path.rglob("*") if each.is_file())


@pytest.mark.slow
def test_what_names_a_person_is_nowhere_but_beside_its_recording_and_goes_with_it(
    served, terminal: Terminal, need: Callable[[str], str], capfd: pytest.CaptureFixture[str]
):
    faketime = need("faketime")
    log.configure("debug")
    with terminal.agent():
        terminal.activate(WHY)
        placed = Placement("hold-1", "crime", stores=("t-1",), around="2026-06-10 03:10", case=CASE)
        served.person("hugo").post("/v1/holds", placed, HoldSheet)
        ask_what_nobody_answers(served)
        shown = fetched(f"{served.url}/metrics") + fetched(terminal.metrics)
    assert NUMBER.encode() in in_all(terminal.state), "the agent knows its files"
    assert WHY.encode() not in in_all(terminal.state), "and not why it may erase them"
    served.clock.forward(2 * DAY + 3600)
    with terminal.agent_today(faketime):
        terminal.wait_for_the_end()
        forgot = "the agent forgets what is erased, in its log too, and not only when it ends"
        wait_until(lambda: NUMBER.encode() not in in_all(terminal.state), forgot)
        shown += fetched(f"{served.url}/metrics") + fetched(terminal.metrics)
    served.built.rounds.prove()
    today = civil_date(served.clock.now, RIGA).isoformat()
    bundle = served.person("dana").get_bytes("/v1/bundle", since="2026-01-01", through=today)
    served.built.rounds.forget()

    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        members = [archive.read(name).decode() for name in archive.namelist()]
    told = terminal.log.read_text() + "".join(capfd.readouterr())
    assert "a request ended in a bug" in told
    assert '"level": "debug"' in told
    for what, text in {"metrics": shown, "logs": told, "bundle": "\n".join(members)}.items():
        assert text
        assert not [mark for mark in MARKS if mark in text], what
    centre = in_all(served.home)
    assert not [mark for mark in (NUMBER, NAME, STRANGER) if mark.encode() in centre]
    assert CASE.encode() in centre, "a case stays with the people who wrote it"
    assert WHY.encode() in centre, "and so does a reason, for 90 days"
