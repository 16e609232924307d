"""The watchdog hears of us only while every loop turns."""

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from waiting import NEVER_SECONDS
from world import World

from agents.engine.daemon import LOOPS, Daemon, Pace, Uncounted
from agents.service import supervisor as of_agent
from enforcer.tasks import supervisor as of_enforcer
from enforcer.tasks.side import SideTasks, Task

NOTICE = b"READY=1\nWATCHDOG=1"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd listens with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(NEVER_SECONDS)
        yield listening


def heard(systemd: socket.socket) -> bool:
    systemd.setblocking(False)
    try:
        return systemd.recv(100) == NOTICE
    except BlockingIOError:
        return False
    finally:
        systemd.settimeout(NEVER_SECONDS)


@pytest.mark.parametrize("module", [of_agent, of_enforcer], ids=["agent", "enforcer"])
def test_a_notice_takes_a_turn_of_every_loop(systemd: socket.socket, module):
    supervisor = module.Supervisor(systemd.getsockname(), ("one", "two"))
    supervisor.turned("one")
    supervisor.turned("one")
    assert not heard(systemd)
    supervisor.turned("two")
    assert heard(systemd)
    supervisor.turned("two")
    assert not heard(systemd), "the other has to turn again"
    supervisor.turned("one")
    assert heard(systemd)


@pytest.mark.parametrize("module", [of_agent, of_enforcer], ids=["agent", "enforcer"])
def test_a_notice_that_nobody_hears_is_followed_by_one_that_somebody_does(
    request: pytest.FixtureRequest, tmp_path: Path, module
):
    supervisor = module.Supervisor(str(tmp_path / "notify"), ("one",))
    supervisor.turned("one")
    listening = request.getfixturevalue("systemd")
    supervisor.turned("one")
    assert heard(listening)
    assert not heard(listening)


def test_the_daemon_tells_it_while_it_works(systemd: socket.socket, world: World):
    daemon = Daemon(
        world.agent,
        watch=None,
        metrics=Uncounted(),
        pace=Pace(talk=0, hint=0),
        log=logging.getLogger("test"),
        turned=of_agent.Supervisor(systemd.getsockname(), LOOPS).turned,
    )
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        assert [NOTICE, NOTICE] == [systemd.recv(100), systemd.recv(100)]
    finally:
        daemon.stop()
        thread.join()


def test_a_task_that_hangs_ends_the_notices(systemd: socket.socket):
    release, again = threading.Event(), threading.Semaphore(0)
    tasks = SideTasks(
        [Task("prove", 0, release.wait), Task("watch", 0, again.release)],
        CollectorRegistry(),
        lambda: None,
        of_enforcer.Supervisor(systemd.getsockname(), ("prove", "watch")).turned,
    )
    tasks.start()
    try:
        assert NOTICE == systemd.recv(100)
        for _ in range(50):
            assert again.acquire(timeout=NEVER_SECONDS)
        assert not heard(systemd)
        release.set()
        assert NOTICE == systemd.recv(100)
    finally:
        release.set()
        tasks.stop()
