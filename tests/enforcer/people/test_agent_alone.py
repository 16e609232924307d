"""A terminal's agent works where nothing is installed but its own few dependencies."""

from datetime import date
from pathlib import Path

from sqlalchemy import func, select
from waiting import NEVER_SECONDS

from bench.base_install import BaseInstall
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores
from enforcer.index.tables import items

PICTURE = Path(__file__).parents[2] / "media/motion/01-20261122192637-05.jpg"


def test_an_agent_enrols_indexes_and_reports_without_the_enforcers_libraries(live, tmp_path):
    installed = BaseInstall(tmp_path / "installed")
    for library in ("sqlalchemy", "fastapi", "boto3", "structlog", "pydantic", "cryptography"):
        assert not (tmp_path / "installed/packages" / library).exists()
    new = NewStore(id="t-1", site="x", group="terminal", commissioned_on=date(2025, 1, 1))
    answer = live.person("olga").post("/v1/stores", NewStores((new,)), Invitations)
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (recordings / PICTURE.name).write_bytes(PICTURE.read_bytes())
    config = tmp_path / "terminal.toml"
    config.write_text(
        f'root = "{recordings}"\nstate = "{tmp_path}/state"\nenforcer = "{live.url}"\n'
        "any_file_system = true\n"
    )
    token = f"{answer.invitations[0].code}.{answer.pin}"
    for words in (
        ("enrol", "--config", str(config), token),
        ("run", "--once", "--config", str(config)),
        ("probe", str(recordings / PICTURE.name), "--json"),
    ):
        assert installed.agent(*words).wait(timeout=NEVER_SECONDS) == 0, words

    with live.engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(items)) == 1
