"""A terminal of which all is real: a directory with a picture on it, and its agent's process.

Only the days that pass are made: the enforcer's clock goes ahead, and with it that of the machine.
`served` is the enforcer of `tests/enforcer/people/conftest.py`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from subprocess import DEVNULL, Popen, run
from zoneinfo import ZoneInfo

from ports import free_port
from sqlalchemy import func, select
from waiting import NEVER_SECONDS, wait_until

from enforcer.clock import wall_clock
from enforcer.govern.forms.documents import Document, Proposal, Signed
from enforcer.govern.forms.stores import Invitations, NewStore, NewStores
from enforcer.index.engine import reading
from enforcer.index.tables import items
from retention import acts, envelope
from retention.acts import Activation
from retention.calendar import Instant, civil_date, start_of_day
from retention.reasons import SaltedReason

STORE = "t-1"
RIGA = ZoneInfo("Europe/Riga")


class Ahead:
    """The real clock, ahead by as much as the test has let pass."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> Instant:
        return Instant(wall_clock() + self.seconds)

    @property
    def now(self) -> Instant:
        return self()

    def forward(self, seconds: int) -> None:
        self.seconds += seconds


class Terminal:
    """A directory with one picture that has to be gone in two days, and an agent that is enrolled."""

    def __init__(self, served, home: Path, tag: str = "") -> None:
        self.served, self.home = served, home
        target = civil_date(served.clock.now, RIGA) + timedelta(days=2)
        moment = Instant(start_of_day(target - timedelta(days=60), RIGA) + 12 * 3600)
        name = datetime.fromtimestamp(moment, RIGA)
        self.root, self.state = home / "recordings", home / "state"
        self.picture = self.root / "front" / f"{name:%Y%m%d-%H%M%S}{tag}.jpg"
        self.picture.parent.mkdir(parents=True)
        self.state.mkdir()
        self.picture.write_bytes(b"\xff\xd8\xffa picture")
        os.utime(self.picture, (moment, moment))
        self.metrics = f"http://127.0.0.1:{free_port()}/metrics"
        self.log = home / "agent.log"
        (home / "agent.toml").write_text(
            f'root = "{self.root}"\nstate = "{self.state}"\nenforcer = "{served.url}"\n'
            f"any_file_system = true\nmetrics_port = {self.metrics[17:].partition('/')[0]}\n"
            "talk_every = 1\nsweep_every = 1\nscan_every = 2\nsettle = 0\nspread = 0\n"
        )
        new = NewStore(id=STORE, site="Here", group="terminal", commissioned_on=date(2025, 1, 1))
        answer = served.person("olga").post("/v1/stores", NewStores((new,)), Invitations)
        token = f"{answer.invitations[0].code}.{served.pin.hex()}"
        run(self._command("enrol", token), check=True, stdout=DEVNULL)

    @contextmanager
    def agent(self, **environment: str) -> Iterator[None]:
        """Its process."""
        with self.log.open("ab") as log:
            command, env = self._command("run"), os.environ | environment
            process = Popen(command, stdout=log, stderr=log, env=env)
        try:
            yield
        finally:
            process.terminate()
            process.wait(NEVER_SECONDS)

    def agent_today(self, faketime: str) -> AbstractContextManager[None]:
        """The agent's process on a machine whose clock is where the enforcer's is."""
        command = [faketime, "-f", f"+{self.served.clock.seconds}s", "env"]
        told = run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        faked = dict(
            line.split("=", 1) for line in told if line.startswith(("LD_PRELOAD=", "FAKETIME="))
        )
        # How long something takes is not faked, or every wait would be over at once. (And not by
        # the command itself: that is another process, and would be ended in the agent's place.)
        return self.agent(**faked, FAKETIME_DONT_FAKE_MONOTONIC="1")

    def activate(self, why: str = "installed and looked at") -> None:
        """Two people let the agent erase, once the centre knows its picture."""
        wait_until(lambda: self._known("present") == 1, "the picture is reported")
        reason = SaltedReason(os.urandom(32), why)
        act = Activation(
            id="activation-0123456789",
            at=self.served.clock(),
            reason=reason.commitment,
            stores=(STORE,),
            record_class="terminal-image",
            through_ordinal=date(2100, 1, 1).toordinal(),
            count=10,
        )
        olga, aija = self.served.person("olga"), self.served.person("aija")
        by_olga, by_aija = (envelope.seal("act", acts.encode(act), [me.key]) for me in (olga, aija))
        proposed = olga.post("/v1/documents", Proposal(by_olga, (reason,)), Document)
        aija.post(f"/v1/documents/{proposed.id}/sign", Signed(by_aija), Document)

    def wait_for_the_end(self) -> None:
        """Until the picture is gone, and the centre knows."""
        wait_until(lambda: not self.picture.exists(), "the picture is erased")
        wait_until(lambda: self._known("erased") == 1, "its erasure is reported")

    def _known(self, state: str) -> int:
        with reading(self.served.engine) as connection:
            of_class = items.c.record_class == "terminal-image"
            query = select(func.count()).where(items.c.state == state, of_class)
            return int(connection.execute(query).scalar_one())

    def _command(self, *words: str) -> list[str]:
        program = str(Path(sys.executable).with_name("retention-agent"))
        return [program, *words, "--config", str(self.home / "agent.toml")]
