"""What the enforcer does by itself while it serves; and an index that came back from yesterday."""

import shutil
import threading
from http.client import HTTPConnection

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from waiting import NEVER_SECONDS

from enforcer import log
from enforcer.cli import main
from enforcer.govern.forms.documents import Document, Proposal, Signed
from enforcer.tasks.side import SideTasks, Task
from retention import codec, envelope
from retention.calendar import DAY
from retention.errors import RefusedError, VerificationError
from retention.ledger import LastHead
from retention.note import Checkpoint
from retention.reasons import SaltedReason


def test_a_task_that_fails_is_counted_and_tried_again():
    registry, done = CollectorRegistry(), threading.Event()
    runs = []

    def fail_once():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError
        done.set()

    log.configure("error")
    tasks = SideTasks([Task("prove", 0, fail_once)], registry, lambda: None)
    tasks.start()
    assert done.wait(NEVER_SECONDS)
    assert tasks.alive()
    tasks.stop()
    assert registry.get_sample_value("enforcer_task_failures_total", {"task": "prove"}) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_task_that_dies_stops_the_enforcer():
    died = threading.Event()

    def die():
        raise SystemExit

    tasks = SideTasks([Task("prove", 1, die)], CollectorRegistry(), died.set)
    tasks.start()
    assert died.wait(NEVER_SECONDS)
    tasks.stop()
    assert not tasks.alive()


def test_a_head_is_published_for_each_day(served):
    served.built.rounds.prove()
    (first,) = (served.home / "heads").iterdir()
    assert first.name == "2026-06-10.note"
    served.clock.forward(600)
    served.built.rounds.prove()
    assert Checkpoint.parse(first.read_text().partition("\n\n")[0] + "\n").size == 2
    served.clock.forward(DAY)
    served.built.rounds.prove()
    names = sorted(path.name for path in (served.home / "heads").iterdir())
    assert names == ["2026-06-10.note", "2026-06-11.note"]


def test_whoever_checks_the_ledger_leaves_the_time_behind(served):
    served.built.rounds.prove()
    served.built.rounds.check()
    lines = get_plain(served, "/metrics").splitlines()
    (line,) = (line for line in lines if 'verifier="enforcer"' in line)
    assert float(line.rpartition(" ")[2]) == served.clock.now


def get_plain(served, path):
    connection = HTTPConnection(served.url.removeprefix("http://"))
    connection.request("GET", path)
    found = connection.getresponse().read().decode()
    connection.close()
    return found


def test_an_index_restored_from_yesterday_says_so_and_waits(served, home, clock, serve, capsys):
    """The ledger stands still until two people sign its last head; agents are heard first."""
    agent = served.enrol("t-1")
    served.built.rounds.prove()
    shutil.copytree(home, home.with_name("backup"))
    clock.forward(DAY)
    served.built.rounds.prove()
    lost = Checkpoint.parse(
        (home / "heads" / "2026-06-11.note").read_text().partition("\n\n")[0] + "\n"
    )
    back = serve(directory=restored(home))
    back.built.rounds.remember()
    assert "restored from a backup" in capsys.readouterr().err
    with pytest.raises(VerificationError, match=f"ledger succeed {lost.size}:{lost.root.hex()}"):
        back.built.rounds.prove()
    assert main(["doctor", "--config", str(back.home / "enforcer.toml")]) == 1
    agent.uplink = back.uplink(agent)
    with pytest.raises(RefusedError, match="first has to hear"):
        agent.fetch()
    failed = SaltedReason(bytes(32), "disk failed")
    head = LastHead(at=clock.now, reason=failed.commitment, size=lost.size, root=lost.root)
    anna, ivo = back.person("anna"), back.person("ivo")
    sealed = envelope.seal("act", codec.encode(head), [anna.key])
    document = anna.post("/v1/documents", Proposal(sealed, (failed,)), Document)
    bare = msgspec.structs.replace(sealed, signatures=())
    signed = Signed(envelope.countersign(bare, ivo.key))
    ivo.post(f"/v1/documents/{document.id}/sign", signed, Document)
    back.built.rounds.prove()
    back.built.rounds.check()


def restored(home):
    """The backup, at another place, beside the heads that were published since."""
    backup = home.with_name("backup")
    shutil.rmtree(backup / "heads")
    shutil.copytree(home / "heads", backup / "heads")
    return backup
