"""What `doctor` reads in the units of systemd: whether the service may do what the agent must."""

from pathlib import Path

import pytest

from agents.service.started import service
from agents.service.units import escaped, has_mount, running
from retention.checkup import Fact

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
CONFIG = Path("/etc/retention-agent/terminal.toml")
ROOT = Path("/var/lib/motion")
STATE = Path("/var/lib/retention-agent")
MOUNTS = "1 0 0:1 / / rw - ext4 /dev/vda1 rw\n2 1 0:2 / /srv/re\\040cord rw - ext4 /dev/vdb1 rw\n"


class Machine:
    """Units and mounts of a machine, as files."""

    def __init__(self, path: Path) -> None:
        self.etc, self.run, self.usr = (path / name for name in ("etc", "run", "usr"))
        for place in (self.etc, self.run, self.usr):
            place.mkdir()
        self.proc = path / "proc"
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "self/mountinfo").write_text(MOUNTS)

    @property
    def places(self) -> tuple[Path, ...]:
        return (self.etc, self.run, self.usr)

    def install(self, name: str = "retention-agent.service") -> None:
        """A unit of ours, started with the machine."""
        (self.usr / name).write_text((UNITS / name).read_text())
        self.enable(name)

    def enable(self, name: str) -> None:
        wants = self.etc / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / name).symlink_to(self.usr / name)

    def edit(self, text: str, name: str = "retention-agent.service") -> None:
        directory = self.etc / f"{name}.d"
        directory.mkdir(exist_ok=True)
        (directory / "override.conf").write_text(text)

    def told(
        self, *roots: tuple[Path, ...], config: Path = CONFIG, state: Path = STATE
    ) -> list[Fact]:
        return list(service(config, roots or [(ROOT,)], state, places=self.places, proc=self.proc))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def amiss(facts: list[Fact]) -> list[str]:
    return [f"{fact.sentence} {fact.remedy}" for fact in facts if fact.fine is False]


def test_our_own_unit_may_write_where_its_settings_say_and_is_started(machine: Machine):
    machine.install()
    facts = machine.told()
    assert [True, True] == [fact.fine for fact in facts]
    assert ["service", "service's rights"] == [fact.subject for fact in facts]


def test_settings_that_no_service_starts_are_not_known_to_be_looked_after(machine: Machine):
    machine.install()
    (fact,) = machine.told(config=Path("/etc/retention-agent/other.toml"))
    assert fact.fine is None


def test_a_service_that_is_not_started_with_the_machine_is_told(machine: Machine):
    machine.install()
    (machine.etc / "multi-user.target.wants/retention-agent.service").unlink()
    (told,) = amiss(machine.told())
    assert "enable --now retention-agent.service" in told


def test_a_template_is_read_as_the_instance_named_as_its_settings(machine: Machine):
    name = "retention-agent@calls.service"
    (machine.usr / "retention-agent@.service").write_text(
        (UNITS / "retention-agent@.service").read_text()
    )
    machine.enable(name)
    config, root = Path("/etc/retention-agent/calls.toml"), Path("/srv/recordings/calls")
    facts = machine.told((root,), config=config, state=STATE / "calls")
    assert [True, True] == [fact.fine for fact in facts]
    assert name in facts[0].sentence
    (told,) = amiss(machine.told((Path("/srv/asterisk"),), config=config, state=STATE / "calls"))
    assert f"systemctl edit {name}" in told
    machine.edit("[Service]\nReadWritePaths=/srv/asterisk\n", name)
    assert not amiss(machine.told((Path("/srv/asterisk"),), config=config, state=STATE / "calls"))


def test_a_template_that_could_start_the_settings_of_another_service_is_no_second_one(
    machine: Machine,
):
    machine.install()
    template = (UNITS / "retention-agent@.service").read_text()
    (machine.usr / "retention-agent@.service").write_text(template)
    assert [True, True] == [fact.fine for fact in machine.told()]
    machine.enable("retention-agent@terminal.service")
    assert "start an agent with the same settings" in amiss(machine.told())[0]


def test_two_services_with_the_same_settings_are_told(machine: Machine):
    machine.install()
    (machine.etc / "old-agent.service").write_text((UNITS / "retention-agent.service").read_text())
    (told,) = amiss(machine.told())
    assert "old-agent.service and retention-agent.service" in told


@pytest.mark.parametrize(
    ("root", "dropped", "why"),
    [
        ("/srv/media", "", "ReadWritePaths does not name it"),
        ("/home/locker/media", "ReadWritePaths=/home/locker/media", "ProtectHome hides it"),
        ("/tmp/media", "ReadWritePaths=/tmp/media", "PrivateTmp gives it another"),
        ("/root/media", "ProtectHome=no", "InaccessiblePaths hides it"),
        ("/usr/media", "ProtectSystem=full\nReadWritePaths=", "ProtectSystem=full"),
        ("/etc/media", "ProtectSystem=full", "ProtectSystem=full"),
        ("/home/media", "ProtectHome=read-only\nProtectSystem=no", "ProtectHome=read-only"),
        ("/srv/media", "ReadOnlyPaths=/srv\nProtectSystem=no", "ReadOnlyPaths names it"),
        ("/var/lib/motion", "ReadWritePaths=\nReadWritePaths=/srv", "does not name it"),
    ],
)
def test_where_the_service_may_not_write_is_told_with_the_setting_that_forbids_it(
    machine: Machine, root: str, dropped: str, why: str
):
    machine.install()
    machine.edit(f"[Service]\n{dropped}\n")
    (told,) = amiss(machine.told((Path(root),)))
    assert why in told


@pytest.mark.parametrize(
    ("root", "dropped"),
    [
        ("/srv/media/front", "ReadWritePaths=/srv/media"),
        ("/srv/media", "ReadWritePaths=-/mnt \\\n  -/srv/media"),
        ("/srv/media", "ProtectSystem=full"),
        ("/var/cache/media", "CacheDirectory=media"),
        ("/home/media", "ProtectHome=no\nReadWritePaths=/home"),
    ],
)
def test_where_it_may_write_is_not(machine: Machine, root: str, dropped: str):
    machine.install()
    machine.edit(f"[Service]\n{dropped}\n")
    assert not amiss(machine.told((Path(root),)))


def test_a_private_directory_on_a_mount_of_its_own_cannot_be_linked_to(machine: Machine):
    machine.install()
    together = (Path("/srv/media/front"), Path("/srv/media/private"))
    machine.edit("[Service]\nReadWritePaths=/srv/media/front /srv/media/private\n")
    (told,) = amiss(machine.told(together))
    assert "No hard link" not in told
    assert "are different mounts" in told
    machine.edit("[Service]\nReadWritePaths=/srv/media\n")
    assert not amiss(machine.told(together))


def test_a_disk_has_to_be_mounted_at_boot_and_before_the_service(machine: Machine):
    machine.install()
    point = Path("/srv/re cord")
    root = point / "front"
    machine.edit(f'[Service]\nProtectSystem=no\n[Unit]\nDescription="{root}"\n')
    by_hand, too_early = amiss(machine.told((root,)))
    assert "by no unit and no line of fstab" in by_hand
    assert "RequiresMountsFor=" in too_early
    (machine.run / f"{escaped(point)}.mount").touch()
    assert has_mount(point, machine.places)
    assert [too_early] == amiss(machine.told((root,)))


def test_a_mount_that_is_required_is_waited_for(machine: Machine):
    machine.install()
    (machine.proc / "self/mountinfo").write_text(
        MOUNTS + "3 1 0:3 / /var/lib/motion rw - xfs x rw\n"
    )
    (machine.run / "var-lib-motion.mount").touch()
    assert not amiss(machine.told()), "the unit that we ship requires it"
    machine.edit("[Unit]\nRequiresMountsFor=\n")
    (told,) = amiss(machine.told())
    assert "before /var/lib/motion is mounted" in told


def test_a_unit_is_named_after_a_path_as_systemd_does():
    assert "var-lib-motion" == escaped(Path("/var/lib/motion"))
    assert "srv-my\\x2dcalls-a\\x20b" == escaped(Path("/srv/my-calls/a b"))
    assert "srv-\\xc4\\x81" == escaped(Path("/srv/ā"))
    assert "-" == escaped(Path("/"))


def test_of_two_units_with_one_name_the_nearer_counts(machine: Machine):
    machine.install()
    (machine.etc / "retention-agent.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert [] == running(CONFIG, machine.places)
