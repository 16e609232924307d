"""Key files and certificates: whose they are, what opens them, and who may read them."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from enforcer import certificates, keys
from enforcer.cli import main
from retention.calendar import Instant
from retention.errors import ConfigError, MalformedError


def test_a_key_file_opens_with_its_passphrase_only(tmp_path):
    path = tmp_path / "anna.key"
    key = keys.write_online(tmp_path / "online.key")
    sealed = keys.seal("anna", key, "correct horse battery", memory=8192 * 1024, operations=1)
    keys.write_sealed(path, sealed)
    found = keys.read_sealed(path)
    assert bytes(keys.unseal(found, "correct horse battery")) == bytes(key)
    assert bytes(key) not in path.read_bytes()
    with pytest.raises(ConfigError, match="wrong passphrase"):
        keys.unseal(found, "correct horse staple")
    with pytest.raises(ConfigError, match="stays as it is"):
        keys.write_sealed(path, sealed)


def a_file(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "exposed"),
    [
        (0o600, 990, 990, False),  # as `enforcer init` writes it
        (0o400, 990, 990, False),  # a credential where the kernel has no access lists
        (0o440, 0, 0, False),  # a credential with one: root's, and the mask shows as the group's
        (0o440, 990, 990, True),  # a group that somebody may be added to
        (0o440, 0, 990, True),
        (0o440, 990, 0, True),  # its owner is not the one who decides about root's group
        (0o444, 0, 0, True),
        (0o460, 0, 0, True),
        (0o450, 0, 0, True),
    ],
)
def test_a_key_is_its_owners_or_handed_out_by_root(mode, uid, gid, exposed):
    assert keys.is_exposed(a_file(mode, uid, gid)) is exposed


def test_a_credential_that_root_hands_out_by_an_access_list_is_read(tmp_path, need, monkeypatch):
    """As systemd leaves it: root's own, 0440, one user named. Read here by that user."""
    setfacl = need("setfacl")
    if os.geteuid():
        pytest.skip("only root can hand out a file like that")
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o711)
    path = Path("ledger.key")
    key = keys.write_online(path)
    path.chmod(0o400)
    subprocess.run([setfacl, "-m", "u:65534:r", path], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    os.seteuid(65534)
    try:
        assert bytes(keys.read_online(path)) == bytes(key)
    finally:
        os.seteuid(0)
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="others may read"):
        keys.read_online(path)


def test_a_key_file_cannot_make_us_use_all_memory(tmp_path):
    greedy = keys.SealedKey("anna", b"", b"s" * 16, 2**40, 1, b"")
    with pytest.raises(MalformedError, match="more memory"):
        keys.unseal(greedy, "correct horse battery")


def test_the_server_s_certificate_is_renewed_by_its_authority_only(home, settings, capsys):
    before = settings.tls_certificate.read_bytes()
    words = [
        "certificate",
        "--config",
        str(home / "enforcer.toml"),
        "--authority",
        str(home / "tls"),
    ]
    (home / "tls" / "authority.key").rename(home / "elsewhere.key")
    assert main(words) == 2
    assert "cannot read" in capsys.readouterr().err
    assert settings.tls_certificate.read_bytes() == before
    (home / "elsewhere.key").rename(home / "tls" / "authority.key")
    assert main(words) == 0
    assert "for localhost, 127.0.0.1" in capsys.readouterr().out
    assert settings.tls_certificate.read_bytes() != before
    assert settings.tls_key.stat().st_mode & 0o077 == 0
    subprocess.run(
        ["openssl", "verify", "-CAfile", "authority.pem", "server.pem"],
        cwd=home / "tls",
        check=True,
    )
    other = certificates.make_authority(Instant(0))
    (home / "tls" / "authority.key").unlink()
    (home / "tls" / "authority.pem").unlink()
    certificates.write_authority(
        other, certificate=home / "tls" / "other.pem", key=home / "tls" / "authority.key"
    )
    with pytest.raises(ConfigError, match="is not the key of"):
        certificates.read_authority(
            certificate=settings.tls_certificate, key=home / "tls" / "authority.key"
        )
